"""Two replicas on PostgreSQL, to which everything happens that can, while a platform misbehaves; each mail is told once.

    python -m tests.stories.replicas FOLDER DATABASE-URL EVENTS SEED [CONTROL]

Mails come into the archives, and the replicas do the rest. One half of the kills and stops comes at random times, the
other at a point of the code. The result, as JSON: what was told is laid beside what was put into the archives.
"""

import asyncio
import json
import logging
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import NullPool, create_engine, text

from chatbot.app import bot
from chatbot.config import check_config
from chatbot.report.render import Renderer
from chatbot.serve import Bot
from chatbot.settings import Config
from chatbot.sources.public_inbox import write_epoch
from chatbot.sources.repository import write_objects
from chatbot.store import leases
from chatbot.store.database import open_database
from chatbot.store.delivery import Delivery
from chatbot.store.outbox import Outbox
from tests.conftest import NOON, compose
from tests.fakes.wire import SETTLES, Wire
from tests.stories.killing import TEMPLATE, points, start_server
from tests.templates import compiled_once

ROOMS = {"a": ("kvm", "coco"), "b": ("kvm", "coco"), "c": ("kvm",), "d": ("coco",), "e": ("kvm",), "f": ("coco",)}
# An hour of the bots is a second.
SPEED = 3600
# Seconds. A stop is longer than a lease, and a transaction is idle for less long than a stop.
LEASE = 1.0
STOPS = (1.2, 4.0)
IDLE = "idle_in_transaction_session_timeout=1s"
KILL, STOP, CUT, BOTH = "killed", "stopped", "connections cut", "both started at once"
# Random events come so far apart, and mails. Seconds.
PAUSES = (0.3, 1.5)
MAILS = (0.2, 1.0)
# How much later than it should a post may arrive, where the machine has other work. Seconds.
BUSY = 1.0
# What has not arrived by then never will. Seconds.
PATIENCE = 60


class Greedy(Outbox):
    """A control: every room is everybody's."""

    def ours(self, platform: str, room: str) -> bool:  # noqa: ARG002
        return True

    def sending(self, delivery: Delivery, now: datetime, settles: timedelta) -> bool:  # noqa: ARG002
        self._update(delivery, state="sending", doubt=int(now.timestamp()))
        return True


class Trusting(Outbox):
    """A control: who had the room has it still."""

    def term(self, delivery: Delivery) -> Callable[[], bool]:  # noqa: ARG002
        return lambda: True


class World:
    def __init__(self, folder: Path, url: str, seed: int, control: str) -> None:
        self.folder, self.control, self.chance = folder, control, random.Random(seed)
        self.url = f"{url}&options=-c%20{IDLE}"
        self.ledger, self.expected = folder / "ledger", {"kvm": list[str](), "coco": list[str]()}
        self.port, self.server = start_server(self.ledger, seed)
        self.events = Counter[str]()
        self._start, self._numbers = time.monotonic(), 0
        self._replicas: dict[int, float] = {}  # until when each is stopped
        self._admin = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        (folder / "ours" / "terminal").mkdir(parents=True)
        (folder / "ours" / "terminal" / "digest.j2").write_text(TEMPLATE)
        Renderer(folder / "ours").check(Wire.dialect)  # here, and not in each replica that is forked
        for name in self.expected:
            write_epoch(folder / name / "git" / "0.git", [(compose("[PATCH] first", 0), "Ana <ana@a.example>", NOON)])
        open_database(self.url).dispose()

    def now(self) -> datetime:
        return NOON + SPEED * timedelta(seconds=time.monotonic() - self._start)

    def config(self) -> Config:
        settings = {
            "store": {"url": self.url},
            "sources": {"jobs": 1},
            "templates": {"folder": "ours"},
            "platforms": {"terminal": {}},
            "lists": [{"name": name, "archive": name} for name in self.expected],
            "subscriptions": [
                {"platform": "terminal", "room": room, "list": one, "when": "hourly"}
                for room, lists in ROOMS.items()
                for one in lists
            ],
        }
        return check_config(settings, self.folder)

    def mail(self) -> None:
        name = self.chance.choice(list(self.expected))
        self._numbers += 1
        number, title = self._numbers, f"mail{self._numbers:05}"
        data = compose(f"[PATCH] {title}", number, f"{number}\n", f"P{number} <p{number}@a.example>")
        stamp = f"{int(self.now().timestamp())} +0000"
        commit = (
            f"commit refs/heads/master\nauthor Ana <ana@a.example> {stamp}\ncommitter archive <archive@localhost> {stamp}\n"
            "data 5\nmail\n\nfrom refs/heads/master^0\nM 100644 :1 m\n\n"
        )
        stream = b"blob\nmark :1\ndata %d\n%s\n%s" % (len(data), data, commit.encode())
        write_objects(self.folder / name / "git" / "0.git", stream)
        self.expected[name].append(title)

    def begun(self) -> bool:
        with self._admin.connect() as connection:
            return connection.execute(text("SELECT count(*) FROM progress")).scalar_one() == sum(
                map(len, ROOMS.values())
            )

    def start(self) -> None:
        """A replica, which may come to an end at a point, or to stops."""
        signals = (0, signal.SIGKILL, signal.SIGSTOP, signal.SIGSTOP)
        which, only = self.chance.choice(signals), self.chance.choice(("", "before POST"))
        last = self.chance.randrange(1, 8 if only else 200) if which else 0
        if (child := os.fork()) == 0:
            self._run(which, last, only)
        self._replicas[child] = 0.0

    def _run(self, which: int, last: int, only: str) -> None:
        """In a process of its own."""
        try:
            leases.LENGTH = timedelta(seconds=LEASE)
            settles = SPEED * timedelta(seconds=SETTLES + LEASE + BUSY)
            platform = Wire(self.port, settles, points(last, which, only))
            with bot(self.config(), self.now, {"terminal": platform}) as made:
                outbox = made.outbox
                if self.control == "without leases":
                    outbox = Greedy(outbox._engine)
                if self.control == "trusts itself":
                    outbox = Trusting(outbox._engine, made.leases)
                asyncio.run(_for_ever(replace(made, outbox=outbox)))
        finally:
            os._exit(1)

    def watch(self) -> None:
        """Start what was killed, and let go on what was stopped for long enough."""
        for child, until in list(self._replicas.items()):
            if until and time.monotonic() > until:
                os.kill(child, signal.SIGCONT)
                self._replicas[child] = 0.0
            ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if not ended:
                continue
            if os.WIFSTOPPED(status):
                self.events[STOP] += 1
                self._replicas[child] = time.monotonic() + self.chance.uniform(*STOPS)
            else:
                self.events[KILL] += os.WIFSIGNALED(status)  # or it found no database at its start
                del self._replicas[child]
                self.start()

    def happen(self) -> None:
        """One thing, to one of them or to both."""
        running = [child for child, until in self._replicas.items() if not until]
        match self.chance.choices((KILL, STOP, CUT, BOTH), (2, 2, 2, 1))[0]:
            case "killed" if running:
                os.kill(self.chance.choice(running), signal.SIGKILL)
            case "stopped" if running:
                os.kill(self.chance.choice(running), signal.SIGSTOP)
            case "connections cut":
                self.cut()
                self.events[CUT] += 1
            case "both started at once":
                self.end()
                self.start()
                self.start()
                self.events[BOTH] += 1

    def cut(self) -> None:
        others = "datname = current_database() AND pid <> pg_backend_pid()"
        with self._admin.connect() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))

    def end(self) -> None:
        for child in self._replicas:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._replicas.clear()

    def told(self) -> dict[tuple[str, str], list[str]]:
        """By room and list, the mails that were told, in the order of the ledger."""
        found = {(room, name): list[str]() for room, lists in ROOMS.items() for name in lists}
        for line in map(json.loads, self.ledger.read_text().splitlines()):
            name, _, titles = line["body"].partition(": ")
            found[line["room"], name] += titles.split()
        return found

    def faults(self) -> dict[str, int]:
        found = Counter(posts=len(self.ledger.read_text().splitlines()), lost=0, repeated=0, disordered=0)
        for (_, name), told in self.told().items():
            once, expected = list(dict.fromkeys(told)), self.expected[name]
            found["lost"] += len(set(expected) - set(once))
            found["repeated"] += len(told) - len(once)
            found["disordered"] += once != [title for title in expected if title in set(once)]
        return found


async def _for_ever(made: Bot) -> None:
    while True:
        await made.tick()
        await asyncio.sleep(0.02)


@contextmanager
def world(folder: Path, url: str, seed: int, control: str) -> Iterator[World]:
    made = World(folder, url, seed, control)
    try:
        yield made
    finally:
        made.end()
        os.kill(made.server, signal.SIGKILL)
        os.waitpid(made.server, 0)


def main(folder: str, url: str, events: str, seed: str, control: str = "") -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, os.environ.get("LOG", "CRITICAL")))
    )
    begin = time.monotonic()
    with compiled_once(), world(Path(folder), url, int(seed), control) as made:
        made.start()
        made.start()
        while not made.begun():
            made.watch()
            time.sleep(0.01)
        event = mail = time.monotonic()
        while made.events.total() < int(events):
            if time.monotonic() > mail:
                made.mail()
                mail = time.monotonic() + made.chance.uniform(*MAILS)
            if time.monotonic() > event:
                made.happen()
                if made.control and made.faults()["repeated"]:  # a control that is found out
                    break
                event = time.monotonic() + made.chance.uniform(*PAUSES)
            made.watch()
            time.sleep(0.005)
        until = time.monotonic() + PATIENCE
        while made.faults()["lost"] and time.monotonic() < until:
            made.watch()
            time.sleep(0.05)
        time.sleep(SETTLES + LEASE + BUSY)
        seconds = round(time.monotonic() - begin, 1)
        mails = sum(map(len, made.expected.values()))
        sys.stdout.write(json.dumps({"mails": mails, **made.faults(), **made.events, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
