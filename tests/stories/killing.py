"""The kill loop: a bot is killed again and again while a platform misbehaves, and every post arrives once, in order.

    python -m tests.stories.killing FOLDER KILLS SEED [PLATFORM [CONTROL]]

Round by round mails come into the archives, an hour passes, and bots are started until one has nothing left to do. One
half is killed at random times, the other at a point of the code, before or after a commit or a write to the network.
The result, as JSON: what the ledger should be is computed from what was put into the archives.
"""

import asyncio
import json
import logging
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import structlog
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from chatbot.app import bot
from chatbot.chat import slack
from chatbot.chat.platform import Platform, Receipt
from chatbot.chat.post import Dialect, Post
from chatbot.chat.slack_entrance import Sockets
from chatbot.config import check_config
from chatbot.ingest import ingest
from chatbot.readers import Readers
from chatbot.report.render import Renderer
from chatbot.serve import Bot
from chatbot.settings import Config
from chatbot.sources.public_inbox import PublicInbox, write_epoch
from chatbot.store.database import writable_database
from chatbot.store.delivery import Delivery
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.subscriptions.due import due
from tests.conftest import NOON, compose
from tests.fakes import slack as fake_slack
from tests.fakes.wire import SETTLES, Server, Wire
from tests.templates import compiled_once

# What is said of a bot that is none of the controls.
CAREFUL = ("", "encrypted")
# How much faster the bot's clock goes.
SPEED = 300
# The most points that a round's work passes, about.
POINTS = 30
# How a bot may come to its end.
RANDOM, POINT = "at a random time", "at a point"
# A bot that has not finished by then never will. Seconds.
STUCK = 60
TEMPLATE = (
    "{{ digest.mailing_list.name }}:{% for one in (digest.series | list + digest.versions | list)"
    " | sort(attribute='standing.title') %} {{ one.standing.title }}{% endfor %}"
)
Passing = Callable[[str], None]


class Forgetful(Wire):
    """A control: what is in doubt is sent again, and nobody asked."""

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002
        return None


class Killable(slack.Slack):
    """The adapter for Slack. `passing` is told of each point at which a process may be killed."""

    def __init__(self, url: str, settles: timedelta, passing: Passing) -> None:
        sockets = Sockets(fake_slack.APP_TOKEN)
        quick = {"pace": 0, "minute": 0, "patience": fake_slack.PATIENCE, "apart": 0.02, "settles": settles}
        super().__init__(fake_slack.BOT_TOKEN, sockets, lambda: NOON, api=f"{url}/api/", **quick)
        self._passing = passing

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        self._passing("before POST")
        receipt = await super().send(room, post, key, under)
        self._passing("after POST")
        return receipt

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:
        self._passing("before GET")
        found = await super().find(room, key, since, under)
        self._passing("after GET")
        return found


class ForgetfulSlack(Killable):
    """As above."""

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002
        return None


@dataclass(frozen=True)
class Place:
    """A platform that a bot is killed on: who wants what there, how a digest is written, and in which posts it comes."""

    rooms: Mapping[str, tuple[str, ...]]
    template: str
    posts: Callable[[str], list[str]]
    start: Callable[[Path, int], tuple[str, int]]
    dialect: Dialect
    adapter: Callable[[str, timedelta, Passing], Platform]
    forgetful: Callable[[str, timedelta, Passing], Platform]


def start_server(ledger: Path, seed: int) -> tuple[int, int]:
    """Its port, and its process."""
    ledger.touch()
    server = Server(ledger, seed)
    if (process := os.fork()) == 0:
        try:
            server.serve_forever()
        finally:
            os._exit(0)
    server.socket.close()
    return server.server_address[1], process


def _start_wire(ledger: Path, seed: int) -> tuple[str, int]:
    port, process = start_server(ledger, seed)
    return str(port), process


def _start_slack(ledger: Path, seed: int) -> tuple[str, int]:
    """Its address, and its process."""
    reader, writer = os.pipe()
    if (process := os.fork()) == 0:
        try:
            asyncio.run(fake_slack.serve(ledger, seed, lambda url: os.write(writer, f"{url}\n".encode())))
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader) as said:  # noqa: PTH123  # a descriptor has no path
        return said.readline().strip(), process


PLACES = {
    "terminal": Place(
        {"a": ("kvm", "coco"), "b": ("kvm",)},
        TEMPLATE,
        lambda text: [text],
        _start_wire,
        Wire.dialect,
        lambda port, settles, passing: Wire(int(port), settles, passing),
        lambda port, settles, passing: Forgetful(int(port), settles, passing),
    ),
    "slack": Place(
        {"C0A": ("kvm", "coco"), "C0B": ("kvm",)},
        f"<p>{TEMPLATE}</p><hr><p>more of {TEMPLATE}</p>",
        lambda text: [text, f"more of {text}"],
        _start_slack,
        slack.DIALECT,
        Killable,
        ForgetfulSlack,
    ),
}


class Hasty(Outbox):
    """A control: what is about to be sent is marked as sent."""

    def sending(self, delivery: Delivery, now: datetime, settles: timedelta) -> bool:
        still = super().sending(delivery, now, settles)
        self.sent(delivery, "surely")
        return still

    def ask(self, delivery: Delivery, at: datetime, error: str) -> None:
        """It is sent, is it not?"""

    def again(self, delivery: Delivery, at: datetime, error: str, *, plainer: bool = False) -> None:
        """As above."""


class World:
    def __init__(self, folder: Path, seed: int, platform: str, control: str) -> None:
        self.folder, self.control, self.chance = folder, control, random.Random(seed)
        self.platform, self.place = platform, PLACES[platform]
        self.ledger, self.expected = folder / "ledger", {room: list[str]() for room in self.place.rooms}
        self.ledger.touch()
        self.address, self.server = self.place.start(self.ledger, seed)
        self.kills, self.ahead, self._start = Counter[str](), timedelta(0), time.monotonic()
        self._mails = {name: list[tuple[bytes, str, datetime]]() for name in ("kvm", "coco")}
        self._numbers = count(1)
        (folder / "ours" / platform).mkdir(parents=True)
        (folder / "ours" / platform / "digest.j2").write_text(self.place.template)
        Renderer(folder / "ours").check(self.place.dialect)  # here, and not in each bot that is forked

    def now(self) -> datetime:
        return NOON + self.ahead + SPEED * timedelta(seconds=time.monotonic() - self._start)

    def config(self) -> Config:
        settings = {
            "store": {"url": f"sqlite:///{self.folder}/bot.sqlite3"},
            "templates": {"folder": "ours"},
            "platforms": {self.platform: {}},
            "lists": [{"name": name, "archive": name} for name in self._mails],
            "subscriptions": [
                {"platform": self.platform, "room": room, "list": one, "when": "hourly"}
                for room, lists in self.place.rooms.items()
                for one in lists
            ],
        }
        return check_config(settings, self.folder)

    def round(self, readers: Readers, *, told: bool = True) -> None:
        """Mails come, and an hour passes."""
        config = self.config()
        for name, mails in self._mails.items():
            titles = []
            for _ in range(self.chance.randrange(1, 3)):
                number = next(self._numbers)
                titles.append(f"mail{number:05}")
                data = compose(f"[PATCH] {titles[-1]}", number, f"{number}\n", f"P{number} <p{number}@a.example>")
                mails.append((data, "Ana <ana@a.example>", NOON + timedelta(seconds=number)))
            shutil.rmtree(self.folder / name, ignore_errors=True)
            write_epoch(self.folder / name / "git" / "0.git", mails)
            with writable_database(config.store.url) as engine, PublicInbox(name, self.folder / name) as inbox:
                ingest(inbox, Index(engine), readers)
            for room, lists in self.place.rooms.items():
                if told and name in lists:
                    self.expected[room] += self.place.posts(f"{name}: {' '.join(titles)}")
        self.ahead += timedelta(hours=1)

    def live(self, *, killed: bool = True) -> bool:
        """Start a bot; whether it came to its end before it was killed."""
        at_random = self.kills[RANDOM] <= self.kills[POINT]
        last = self.chance.randrange(1, POINTS) if killed and not at_random else 0
        child = os.fork()
        if child == 0:
            self._run(last)
        ended = 0
        until = time.monotonic() + (self.chance.uniform(0.02, 0.5) if killed and at_random else STUCK)
        while time.monotonic() < until:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                break
            time.sleep(0.002)
        if not ended:
            assert at_random, "stuck"
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            self.kills[RANDOM if at_random else POINT] += 1
            return False
        assert os.waitstatus_to_exitcode(status) == 0
        return True

    def _run(self, last: int) -> None:
        """In a process of its own: a bot, until it has nothing left to do, or has come to the last point."""
        code = 1
        try:
            passing = points(last)
            forgets = self.control == "send again without asking"
            settles = 0 if self.control == "ask without waiting" else SETTLES
            make = self.place.forgetful if forgets else self.place.adapter
            platform = make(self.address, SPEED * timedelta(seconds=settles), passing)
            with bot(self.config(), self.now, {self.platform: platform}) as made:
                hasty = self.control == "mark before sending"
                asyncio.run(_until_done(replace(made, outbox=Hasty(made.outbox._engine)) if hasty else made))
            code = 0
        finally:
            os._exit(code)

    def found_out(self) -> bool:
        """Whether the bot is a control, and has done what it is to show; of no further kill could one learn more."""
        return self.control not in CAREFUL and any(self.faults()[fault] for fault in ("lost", "repeated"))

    def faults(self) -> dict[str, int]:
        """Of what the ledger has, beside what it should have."""
        lines = [json.loads(line) for line in self.ledger.read_text().splitlines()]
        found = Counter(posts=len(lines), lost=0, repeated=0, disordered=0, unknown=0, astray=0)
        bodies = {line.get("ts"): line["body"] for line in lines}
        for line in lines:
            above = bodies.get(line["under"]) if line["under"] else ""
            found["astray"] += line["body"] != (f"more of {above}" if above else line["body"].removeprefix("more of "))
        for room, expected in self.expected.items():
            posts = [line["body"] for line in lines if line["room"] == room]
            once = list(dict.fromkeys(posts))
            found["lost"] += len(set(expected) - set(posts))
            found["unknown"] += len(set(posts) - set(expected))
            found["repeated"] += len(posts) - len(once)
            found["disordered"] += [body for body in expected if body in set(once)] != [
                body for body in once if body in set(expected)
            ]
        return found


async def _until_done(made: Bot) -> None:
    while True:
        await made.tick()
        had, now = made.outbox.progress(), made.now()
        slots = [(one, had[one.key].slot if one.key in had else None) for one in made.subscriptions.all()]
        owed = any(due(one.when, made.room(one.platform, one.room), slot, now, lambda: 1) for one, slot in slots)
        if not owed and not made.outbox.waiting(now + timedelta(days=99)):
            return
        await asyncio.sleep(0.02)


def points(last: int, how: int = signal.SIGKILL, only: str = "") -> Callable[[str], None]:
    """Counts the points that this process passes, and ends it at the last, as a power cut would; `only` those in whose
    names that is.
    """
    passed, committed = 0, False

    def passing(point: str) -> None:
        nonlocal passed
        passed += only in point
        if passed == last and only in point:
            passed = 0  # who is stopped goes on
            os.kill(os.getpid(), how)

    def before(_: object) -> None:
        nonlocal committed
        committed = True
        passing("before commit")

    def after(*_: object) -> None:
        nonlocal committed
        if committed:
            passing("after commit")
        committed = False

    event.listen(Engine, "commit", before)
    event.listen(Pool, "checkin", after)
    return passing


@contextmanager
def world(folder: Path, seed: int, platform: str, control: str, make: type[World] = World) -> Iterator[World]:
    made = make(folder, seed, platform, control)
    try:
        yield made
    finally:
        os.kill(made.server, signal.SIGKILL)
        os.waitpid(made.server, 0)


def main(
    folder: str, kills: str, seed: str, platform: str = "terminal", control: str = "", *, make: type[World] = World
) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    begin = time.monotonic()
    with compiled_once(), world(Path(folder), int(seed), platform, control, make) as made, Readers(1) as readers:
        made.round(readers, told=False)  # rooms begin here
        assert made.live(killed=False)
        while made.kills.total() < int(kills) and not made.found_out():
            made.round(readers)
            while not made.live(killed=made.kills.total() < int(kills)):
                pass
        time.sleep(SETTLES)
        seconds = round(time.monotonic() - begin, 1)
        sys.stdout.write(json.dumps({**made.faults(), **made.kills, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
