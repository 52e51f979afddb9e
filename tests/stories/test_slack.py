"""From an archive to a channel of Slack: the whole bot, on the Slack of tests/fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chatbot.app import bot
from chatbot.chat.slack import Slack
from chatbot.chat.slack_entrance import Sockets
from chatbot.chat.slack_listener import SHOW
from chatbot.config import check_config
from chatbot.run import run
from chatbot.sources.sample import EVENING
from tests.fakes import slack as fake
from tests.fakes.slack import APP_TOKEN, BOT_TOKEN, MINIMAL, Message, serving

OURS = "https://lore.sample.example/kvm/"
Use = Callable[[fake.Slack], Awaitable[None]]


def with_bot(folder: Path, sample: dict[str, Path], use: Use, *, aloud: bool = False, **slack: Any) -> None:
    settings = {
        "store": {"url": f"sqlite:///{folder}/bot.sqlite3"},
        "platforms": {"slack": slack},
        "lists": [{"name": "kvm", "title": "KVM", "archive": str(sample["kvm"]), "link": OURS}],
        "rooms": [{"platform": "slack", "room": "C0KERNEL", "managers": ["U0MANAGER"]}],
        "subscriptions": [{"platform": "slack", "room": "C0KERNEL", "list": "kvm", "first": "7d", "aloud": aloud}],
    }

    async def run_bot() -> None:
        async with serving(fake.Slack(scopes=MINIMAL | {"files:write"})) as server:
            adapter = Slack(
                BOT_TOKEN, Sockets(APP_TOKEN), lambda: datetime.now(UTC), api=f"{server.url}/api/", pace=0, **slack
            )
            with bot(check_config(settings, folder), lambda: EVENING, {"slack": adapter}) as made:
                running = asyncio.ensure_future(run(made))
                try:
                    await asyncio.wait_for(server.connected.wait(), 60)
                    await asyncio.wait_for(use(server), 60)
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running

    asyncio.run(run_bot())


async def shown(server: fake.Slack, number: int) -> list[Message]:
    while len(server.messages) < number:  # noqa: ASYNC110  # of what another party does
        await asyncio.sleep(0.02)
    return server.messages


@pytest.mark.parametrize("aloud", [False, True])
def test_a_digest_stands_in_the_channel_with_its_details_below(
    tmp_path: Path, sample: dict[str, Path], aloud: bool
) -> None:
    async def use(server: fake.Slack) -> None:
        head, *details = (await shown(server, 2))[:2]
        assert head.words.startswith("KVM")
        assert "Needs attention" in head.words
        assert {one.under for one in details} == {head.ts}
        assert "New series" in details[0].words
        assert {one.broadcast for one in details} == {aloud}
        assert head.body["text"].startswith("KVM")
        for one in (head, *details):
            assert (one.effects.mentions, one.effects.emoji) == ((), ())
            assert all(link.startswith(OURS) for link in one.effects.links)
        assert server.refusals == []

    with_bot(tmp_path, sample, use, aloud=aloud)


def test_people_ask_page_and_manage(tmp_path: Path, sample: dict[str, Path]) -> None:
    async def use(server: fake.Slack) -> None:
        before = len(await shown(server, 2))

        async def asked(command: str, text: str, person: str = "U0MIA") -> Message:
            count = len(server.messages)
            await server.command(command, text, person=person)
            return (await shown(server, count + 1))[-1]

        assert "tdx connect" in (await asked("/series", "tdx-connect")).words.lower()
        found = server.messages[-1]
        await server.click(found, "Watch", person="U0MANAGER")
        assert (await shown(server, before + 2))[-1].words.startswith("Watching")
        assert SHOW in (await asked("/lore", "contributor marc")).buttons()
        assert "you may not manage" in (await asked("/subscribe", "kvm hourly")).words
        assert "hourly" in (await asked("/subscribe", "kvm s:tdx hourly", "U0MANAGER")).words
        assert "hourly" in (await asked("/subscriptions", "")).words
        assert "you may not manage" not in (await asked("/unsubscribe", "all", "U0CREATOR")).words
        assert "/series" in (await asked("/lore-help", "")).words
        assert "type /lore-help." in (await asked("/lore", "hello")).words
        misunderstood = await asked("/lore", "serie x")
        assert "no command of mine" in misunderstood.words
        assert SHOW not in misunderstood.buttons()
        assert {one.user for one in server.messages[before:]} == {"U0MIA", "U0MANAGER", "U0CREATOR"}
        assert set(server.refusals) == {"users.info: missing_scope users:read"}  # who is an admin it may not ask

    with_bot(tmp_path, sample, use)


def test_the_full_text_of_a_digest_is_a_file_in_its_thread(tmp_path: Path, sample: dict[str, Path]) -> None:
    async def use(server: fake.Slack) -> None:
        head = (await shown(server, 2))[0]
        await server.click(head, "Full text")
        while not server.files:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        (file,) = [one for one in server.messages if one.way == "file"]
        assert file.under == head.ts
        (uploaded,) = server.files
        text = uploaded["data"].decode()
        assert text.startswith("From ")
        assert "KVM mailing list update from" in text

    with_bot(tmp_path, sample, use, files=True)
