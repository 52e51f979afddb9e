"""From an archive to the channels of two workspaces that have installed the app: the whole bot, in HTTP mode."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from chatbot.app import bot
from chatbot.config import check_config
from chatbot.connect import workspaces_of
from chatbot.run import run
from chatbot.sources.sample import EVENING
from chatbot.store.database import open_database
from chatbot.store.delivery import State
from chatbot.store.undelivered import Post, Undelivered
from tests.chat.test_slack_listener import answering, free_port, shown, until
from tests.chat.test_slack_workspaces import ONE, OURS, TWO, Browser, secrets
from tests.fakes.slack_directory import CLIENT, Directory, serving

__all__ = ["secrets"]


@asynccontextmanager
async def bot_of(
    folder: Path, archive: Path, directory: Directory, engine: Engine, now: datetime
) -> AsyncIterator[Browser]:
    port = free_port()
    settings = {
        "store": {"url": str(engine.url)},
        "platforms": {"slack": {"mode": "http", "port": port, "install": {"url": OURS, "client_id": CLIENT}}},
        "lists": [{"name": "kvm", "title": "KVM", "archive": str(archive)}],
        "subscriptions": [
            {"platform": "slack", "room": f"{name}/C0KERNEL", "list": "kvm", "first": "7d", "even_empty": True}
            for name in (ONE, TWO)
        ],
    }
    config = check_config(settings, folder)
    for slack in directory.workspaces.values():
        slack.request_url = f"http://127.0.0.1:{port}/slack/events"
    slack = config.platforms.slack
    assert slack
    assert slack.install
    with ExitStack() as stack:
        api = f"{directory.url}/api/"
        platform = workspaces_of(slack, slack.install, lambda: datetime.now(UTC), stack, engine, api=api, pace=0)
        made = stack.enter_context(bot(config, lambda: now, {"slack": platform}))
        running = asyncio.ensure_future(run(replace(made, refresh=timedelta(seconds=1))))
        try:
            await asyncio.wait_for(answering(port), 60)
            async with Browser(directory, port) as browser:
                yield browser
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def test_each_workspace_has_its_digests_and_answers_and_one_that_goes_takes_nothing_from_the_other(
    tmp_path: Path, sample: dict[str, Path]
) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/bot.sqlite3")
    here = tmp_path, sample["kvm"]

    def waiting() -> list[Post]:
        return [one for one in Undelivered(engine).all() if one.state is State.PARKED]

    async def play() -> None:
        async with serving(Directory(ONE, TWO)) as directory:
            one, two = directory.workspaces.values()
            async with bot_of(*here, directory, engine, EVENING) as browser:
                await until(lambda: len({post.room for post in waiting()}) == 2)  # nobody has installed it yet
                assert all(f"{OURS}/slack/install" in post.error for post in waiting())
                for name, workspace in ((ONE, one), (TWO, two)):
                    assert (await browser.install(name))[0] == 200
                    assert (await shown(workspace, 2))[0].words.startswith("KVM")
                await until(lambda: not Undelivered(engine).all())
            counts = [len(workspace.messages) for workspace in (one, two)]
            directory.uninstall(TWO)
            async with bot_of(*here, directory, engine, EVENING + timedelta(days=1)):
                await two.event({"type": "app_uninstalled"})
                assert (await shown(one, counts[0] + 1))[-1].words.startswith("KVM")
                await until(waiting)
                assert {post.room for post in waiting()} == {f"{TWO}/C0KERNEL"}
                count = len(one.messages)
                await one.command("/series", "tdx-connect")
                assert "tdx connect" in (await shown(one, count + 1))[-1].words.lower()
                await one.command("/subscribe", "kvm s:tdx hourly", person="U0CREATOR")
                assert "hourly" in (await shown(one, count + 2))[-1].words
                assert len(two.messages) == counts[1]

    try:
        asyncio.run(asyncio.wait_for(play(), 120))
    finally:
        engine.dispose()
