"""How long `chatbot run` takes to its first answer, and until it is ready: with 1,000 subscriptions and 500 posts that wait.

Nothing new is in the archive, and no digest is due: what is measured is the start. A supervisor takes the bot into its
service when /readyz says so; people are answered before that.
"""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, func, select

from chatbot.chat.post import Post
from chatbot.config import load_config
from chatbot.store import tables
from chatbot.store.database import open_database, writing
from chatbot.store.delivery import Planned, Progress
from chatbot.store.outbox import Outbox
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.translate import people_of, subscriptions_of
from tests.bench.archives import real_archive
from tests.bench.figures import Figure
from tests.bench.followed import follow_each
from tests.bench.setting import MILLION, NAME, Setting

SUBSCRIPTIONS, WAITING = 1_000, 500
GOAL = 2.0
# Seconds in which a bot that starts at all has started.
PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the process' start."""

    answered: float
    ready: float


def figures(setting: Setting) -> Iterator[Figure]:
    """Of the list, and with `--million` of a million mails in its years."""
    archives = [real_archive(setting.cache), *([setting.large(MILLION, "dense")] if setting.million else ())]
    for archive in archives:
        config = _prepare(setting, archive)
        starts = []
        for _ in range(setting.rounds):
            _fill(config)
            starts.append(_start(config))
        yield Figure(
            f"{archive.name}: start to the first answer", statistics.median(one.answered for one in starts), "s", GOAL
        )
        ready = statistics.median(one.ready for one in starts)
        yield Figure(f"{archive.name}: start to ready, {WAITING} posts sent", ready, "s")
        _clear(config)
        ready = statistics.median(_start(config).ready for _ in range(setting.rounds))
        yield Figure(f"{archive.name}: start to ready, nothing to send", ready, "s", GOAL)
        shutil.rmtree(config.parent)


def _prepare(setting: Setting, archive: Path) -> Path:
    """A config, beside a copy of the index whose postings are followed."""
    kept = Path(setting.filled(archive, "sqlite").removeprefix("sqlite:///"))
    folder = setting.scratch / "starting"
    folder.mkdir()
    shutil.copyfile(kept, folder / "index.sqlite3")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    head = f"""
[store]
url = "sqlite:///index.sqlite3"
[platforms.terminal]
[health]
port = {port}
[[lists]]
name = "{NAME}"
archive = "{archive.absolute()}"
"""
    each = """
[[subscriptions]]
platform = "terminal"
room = "room {0}"
list = "{1}"
filter = "s:word{0}"
"""
    config = folder / "config.toml"
    config.write_text(head + "".join(each.format(number, NAME) for number in range(SUBSCRIPTIONS)))
    engine = open_database(f"sqlite:///{folder}/index.sqlite3")
    follow_each(engine, people_of(load_config(config)))
    engine.dispose()
    return config


def _fill(config: Path) -> None:
    """Every subscription has had its digest, and of the newest ones the posts wait."""
    _clear(config)
    settings, now = load_config(config), datetime.now(UTC)
    engine = open_database(settings.store.url)
    with writing(engine) as connection:
        connection.execute(delete(tables.progress))
        newest = connection.execute(select(func.max(tables.seen.c.id))).scalar_one()
    outbox = Outbox(engine)
    for number, one in enumerate(subscriptions_of(settings, Subsystems, now)):
        post = Planned(f"{number:064}", "terminal", one.room, Post("terminal", f"post {number}\n" * 20), NAME)
        outbox.plan(one.key, None, Progress(newest, now), [post] if number < WAITING else [])
    engine.dispose()


def _clear(config: Path) -> None:
    engine = open_database(load_config(config).store.url)
    with writing(engine) as connection:
        connection.execute(delete(tables.delivery))
    engine.dispose()


def _start(config: Path) -> Start:
    """Start it, ask for help, and end it. Raises CalledProcessError where it does not start."""
    page = f"http://127.0.0.1:{load_config(config).health.port}/readyz"
    command = [sys.executable, "-m", "chatbot", "run", "--config", str(config)]
    output = config.parent / "output"
    with output.open("w") as written:
        begin = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=written, stderr=subprocess.DEVNULL)
    answered = ready = 0.0
    try:
        assert process.stdin
        process.stdin.write(b"/help\n")
        process.stdin.flush()
        while not (answered and ready):
            took = time.perf_counter() - begin
            if process.poll() is not None or took > PATIENCE:
                raise subprocess.CalledProcessError(process.returncode or os.EX_TEMPFAIL, command)
            if not answered and "Say what I can do." in output.read_text():
                answered = took
            with suppress(OSError), urllib.request.urlopen(page, timeout=1):
                ready = ready or took
            time.sleep(0.01)
    finally:
        process.terminate()
        process.wait()
    return Start(answered, ready)
