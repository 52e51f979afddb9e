"""A second opinion on encryption: another implementation, as strict as Element, reads the bot and is read by it.

It runs where `make second-opinion` was, for it needs Node.js.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chatbot.chat.matrix import Matrix
from chatbot.run import run
from chatbot.serve import Bot
from tests.conftest import NOON
from tests.fakes.matrix import Reader, until
from tests.fakes.second_opinion import Heard, SecondOpinion, missing, second_opinion
from tests.fakes.synapse import Person, Synapse
from tests.stories.test_archive_to_matrix import DAY, Growing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())
UNSIGNED = "UNSIGNED_SENDER_DEVICE"


class World(Growing):
    """An encrypted room that mia has made with her client, to which the bot is invited."""

    def __init__(
        self, folder: Path, archive: Callable[..., Path], server: Synapse, person: Person, mia: SecondOpinion
    ) -> None:
        self.person, self.mia, self.account = person, mia, server.person("bot")
        super().__init__(folder, archive, server.url, self.account)
        self.room = mia.make_room(self.user)

    def live(self, when: datetime, people: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The bot runs from a time on, until the people there are done."""

        async def both(made: Bot, _: Matrix) -> None:
            serving = asyncio.ensure_future(run(replace(made, refresh=DAY)))
            try:
                await people()
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

        self.run(when, both)

    async def ask(self, client: SecondOpinion, text: str) -> list[Heard]:
        """What is answered."""
        return await self.below(await asyncio.to_thread(client.say, self.room, text), client)

    async def below(self, root: str, client: SecondOpinion) -> list[Heard]:
        """What comes in a message's thread."""
        return list(await until(lambda: [one for one in self.heard(client) if one.thread == root]))

    async def hears(self, line: str) -> Heard:
        """A message of the bot's that begins so, when mia can read it."""
        first, *_ = await until(
            lambda: [one for one in self.heard(self.mia) if one.body.startswith(line) or one.failure == UNSIGNED]
        )
        assert not first.failure, first
        return first

    def heard(self, client: SecondOpinion) -> list[Heard]:
        """What the bot says, and who says to be the bot."""
        return client.heard(self.room, self.user)


@pytest.fixture
def world(homeserver: Synapse, tmp_path: Path, archive: Callable[..., Path]) -> Iterator[World]:
    person = homeserver.person("mia")
    with second_opinion(person, tmp_path / "mia.log") as mia:
        world = World(tmp_path, archive, homeserver, person, mia)
        world.mail("[PATCH] tdx: one")
        yield world
        assert not person.heard(world.room, world.user)  # in clear


def test_a_strict_client_reads_digests_and_is_answered_over_a_restart_of_the_bot(world: World) -> None:
    async def first() -> None:
        await world.hears("Hello! I post digests")
        (answer,) = await world.ask(world.mia, "!series tdx one")
        assert answer.body.startswith("tdx: one")

    async def second() -> None:
        digest = await world.hears("KVM mailing list\n")
        assert digest.html.startswith("<h3>KVM mailing list</h3>")
        (details,) = await world.below(digest.id, world.mia)
        assert "tdx: two" in details.body
        (helped,) = await world.below(asked_meanwhile, world.mia)
        assert helped.body.startswith("!series")
        (answer,) = await world.ask(world.mia, "!series tdx two")
        assert answer.body.startswith("tdx: two")

    world.live(NOON, first)
    world.mail("[PATCH] tdx: two")
    asked_meanwhile = world.mia.say(world.room, "!help series")
    world.live(NOON + DAY, second)
    assert len(world.heard(world.mia)) == 6
    assert {(one.shield, one.failure) for one in world.heard(world.mia)} == {("NONE", "")}
    assert world.mia.signed(world.user, world.device.id)


def test_it_neither_reads_nor_tells_anything_to_a_device_that_the_bot_has_not_signed(world: World) -> None:
    async def people() -> None:
        await world.hears("Hello!")
        other = Reader(world.account, world.folder / "other")  # nio's own, which signs nothing
        try:
            await other.sync()
            await until(lambda: world.mia.signed(world.user, world.account.device) is False)
            (answer,) = await world.ask(world.mia, "!series tdx one")
            await other.sync()
            assert answer.thread in other.unread
            assert answer.id in other.read
            said = await other.say(world.room, "Hello from elsewhere")
            (shown,) = await until(lambda: [one for one in world.heard(world.mia) if one.id == said])
            assert shown.failure == UNSIGNED
        finally:
            await other.close()

    world.live(NOON, people)


def test_a_device_in_the_place_of_a_lost_one_is_trusted_as_that_was(world: World) -> None:
    async def people() -> None:
        await world.hears("Hello!")
        (answer,) = await world.ask(world.mia, "!series tdx one")
        assert (answer.shield, answer.body[:8]) == ("NONE", "tdx: one")

    lost = world.device.id
    world.live(NOON, people)
    world.account.call("POST", "logout/all")
    new = world.log_in(again=True).id
    world.live(NOON, people)
    assert new != lost
    assert world.mia.signed(world.user, new)


def test_a_device_that_comes_later_reads_what_is_posted_from_then_on_and_is_read(world: World) -> None:
    async def people() -> None:
        hello = await world.hears("Hello!")
        with second_opinion(world.person, world.folder / "phone.log") as phone:
            await until(lambda: world.mia.signed(world.person.id, phone.device))
            (answer,) = await world.ask(phone, "!series tdx one")
            assert answer in world.heard(world.mia)
            (before,) = [one for one in world.heard(phone) if one.id == hello.id]
            assert before.failure == "HISTORICAL_MESSAGE_NO_KEY_BACKUP"

    world.live(NOON, people)
