"""The whole path to Matrix: from an archive on disk to a room of a real homeserver, and from a command to its answer."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chatbot.app import bot
from chatbot.chat import matrix_device
from chatbot.chat.matrix import Matrix, opened
from chatbot.commands import names
from chatbot.config import check_config
from chatbot.run import run
from chatbot.serve import Bot
from tests.conftest import NOON, compose
from tests.fakes.matrix import Elsewhere, until
from tests.fakes.proxy import Proxy, proxy
from tests.fakes.synapse import PASSWORD, Person, Synapse, synapse

DAY, SOON = timedelta(days=1), timedelta(minutes=10)


class Growing:
    """A bot on an archive that grows, on a day that can be chosen; what it posts goes to a room."""

    room, chart = "", False

    def __init__(self, folder: Path, archive: Callable[..., Path], url: str, account: Person) -> None:
        self.folder, self.archive, self.url, self.user = folder, archive, url, account.id
        self.now, self.mails = NOON, list[bytes]()
        self.device = self.log_in()

    def log_in(self, *, again: bool = False) -> matrix_device.Device:
        return matrix_device.log_in(self.folder / "device", self.url, self.user, PASSWORD, NOON - DAY, again=again)

    def mail(self, *subjects: str) -> None:
        for subject in subjects:
            stamp = f"by x; {self.now:%d %b %Y %H:%M:%S} +0000"
            self.mails.append(compose(subject, len(self.mails), received=stamp))
        shutil.rmtree(self.folder / "kvm", ignore_errors=True)
        self.archive(self.mails, name="kvm")

    def run(self, when: Any, do: Callable[[Bot, Matrix], Any]) -> None:
        """Start the bot at a time, and stop it."""
        self.now = when
        settings = {
            "store": {"url": f"sqlite:///{self.folder}/bot.sqlite3"},
            "platforms": {"matrix": {"device": "device"}},
            "lists": [{"name": "kvm", "title": "KVM", "archive": "kvm"}],
            "subscriptions": [
                {"platform": "matrix", "room": self.room, "list": "kvm", "when": "daily at 09:00", "chart": self.chart}
            ],
        }
        with (
            opened(self.folder / "device", names(), now=lambda: self.now) as platform,
            bot(check_config(settings, self.folder), lambda: self.now, {"matrix": platform}) as made,
        ):
            asyncio.run(do(made, platform))


class World(Growing):
    """Its homeserver behind a proxy, and a room with mia in it."""

    def __init__(
        self, folder: Path, archive: Callable[..., Path], server: Synapse, between: Proxy, *, encrypted: bool
    ) -> None:
        self.server, self.between, self.encrypted = server, between, encrypted
        self.mia, self.ben, account = server.person("mia"), server.person("ben"), server.person("bot")
        super().__init__(folder, archive, between.url, account)
        self.room = self.mia.make_room(account, self.ben, encrypted=encrypted)
        account.join(self.room)
        self.ben.join(self.room)
        self.reader = Elsewhere(self.mia, folder / "mia")

    def tick(self, when: Any, times: int = 1) -> list[str]:
        """So many ticks, ten minutes apart; what is new in the room."""

        async def ticks(made: Bot, platform: Matrix) -> None:
            for _ in range(times):
                await made.tick()
                self.now += SOON
            await platform.close()

        before = len(self.said())
        self.run(when, ticks)
        return self.said()[before:]

    def events(self) -> list[Any]:
        kinds = ("m.room.encrypted",) if self.encrypted else ("m.room.message",)
        return [one for one in self.mia.events(self.room) if one["sender"] == self.user and one["type"] in kinds]

    def said(self) -> list[str]:
        """The first lines of what mia has read of the bot's."""
        if self.encrypted:
            assert not self.mia.heard(self.room, self.user)
            read = self.reader.read()
            bodies = [read.get(one["event_id"], "unreadable") for one in self.events()]
        else:
            bodies = [one["content"]["body"] for one in self.events()]
        return [" / ".join(body.splitlines()[:2]) for body in bodies]


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def encrypted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def world(tmp_path: Path, archive: Callable[..., Path], homeserver: Synapse, *, encrypted: bool) -> Iterator[World]:
    with proxy(homeserver.port) as between:
        made = World(tmp_path, archive, homeserver, between, encrypted=encrypted)
        yield made
        made.reader.end()


@pytest.fixture
def world_of_its_own(tmp_path: Path, archive: Callable[..., Path], *, encrypted: bool) -> Iterator[World]:
    """Its homeserver may be stopped."""
    with synapse(tmp_path / "synapse") as server, proxy(server.port) as between:
        made = World(tmp_path, archive, server, between, encrypted=encrypted)
        yield made
        made.reader.end()


def headline(mails: int) -> str:
    number = "1 mail" if mails == 1 else f"{mails} mails"
    series = "1 new series, 1 patch" if mails == 1 else f"{mails} new series, {mails} patches"
    return f"KVM mailing list / {number} from 1 person: {series}."


def test_each_mail_is_in_one_digest_over_restarts_outages_and_faults(world_of_its_own: World) -> None:
    world = world_of_its_own
    world.mail("[PATCH] before the bot")
    assert world.tick(NOON) == []
    world.mail("[PATCH] one")
    first, *below = world.tick(NOON + DAY)
    assert first == headline(1)
    assert below
    root, *parts = world.events()
    assert {one["content"]["m.relates_to"]["event_id"] for one in parts} == {root["event_id"]}

    world.server.stop()
    world.mail("[PATCH] two")

    async def while_it_is_gone(made: Bot, platform: Matrix) -> None:
        for _ in range(4):
            await made.tick()
            world.now += SOON
        await asyncio.to_thread(world.server.start)
        await platform.close()

    world.run(NOON + 2 * DAY, while_it_is_gone)
    assert not world.said()[1 + len(parts) :]
    world.mail("[PATCH] three")
    late = world.tick(NOON + 3 * DAY)
    # One that tells both, or two where what was on its way could not be taken back: nothing is lost, nothing comes twice.
    assert [one for one in late if one.startswith("KVM ")] in ([headline(2)], [headline(1)] * 2)

    for day, fault in enumerate(("500 before", "500 after", "truncates", "too many", "resets after", "page before"), 4):
        world.mail(f"[PATCH] {fault}")
        world.between.faults += [("/send/", fault), ("/send/", fault)]
        found = world.tick(NOON + day * DAY, times=12)
        assert [one for one in found if one.startswith("KVM ")] == [one for one in found if "1 mail" in one][:1]
        assert len(found) == 2, found
        assert not world.between.faults
    world.server.stop()
    world.server.start()
    assert world.tick(world.now) == []


def test_a_digest_may_have_a_chart_of_the_last_weeks_shown_once_whatever_happens(world: World) -> None:
    world.chart = True
    world.mail("[PATCH] before the bot")
    assert world.tick(NOON) == []
    world.mail("[PATCH] one")
    world.between.faults += [("/upload", "500 before"), ("/upload", "500 after"), ("/upload", "resets after")]
    digest, *below, chart = world.tick(NOON + DAY, times=12)
    assert digest == headline(1)
    assert chart.startswith("KVM, the last 13 weeks / - mails")
    assert len(below) == 1
    assert not world.between.faults
    root, *_, last = world.events()
    assert last["content"]["m.relates_to"]["event_id"] == root["event_id"]
    if not world.encrypted:
        picture, _ = world.mia.download(last["content"]["url"])
        assert (picture[:4], last["content"]["info"]["w"]) == (b"\x89PNG", 1280)


@pytest.mark.parametrize("encrypted", [False], ids=["plain"], indirect=True)
def test_commands_are_answered_and_who_may_not_manage_is_told(world: World) -> None:
    world.mail("[PATCH] tdx: one", "[PATCH] tdx: two")

    async def ask(made: Bot, _: Matrix) -> None:
        async def people() -> None:
            await until((world.folder / "device" / "place.json").exists)
            asked: list[tuple[Person, str]] = [
                (world.mia, "!series tdx one"),
                (world.mia, "!lore help series"),
                (world.ben, "!subscribe kvm hourly"),
                (world.mia, "!subscribe kvm hourly"),
                (world.mia, "!sereis x"),
            ]
            for number, (person, text) in enumerate(asked, 1):
                person.say(world.room, text)
                await until(lambda number=number: len(world.events()) >= number)
            serving.cancel()

        serving = asyncio.ensure_future(run(replace(made, refresh=DAY)))
        await asyncio.gather(people(), serving, return_exceptions=True)

    world.run(NOON, ask)
    series, helped, refused, subscribed, misunderstood = world.said()
    assert series.startswith("tdx: one")
    assert helped.startswith("!series WORDS")
    assert "you may not manage what this room follows" in refused
    assert subscribed.startswith("Subscribed to kvm")
    assert "type !series" in misunderstood
    assert " / " not in misunderstood  # one line
