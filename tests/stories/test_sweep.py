"""The sweep: one fixed story fails at its 1st, 2nd, 3rd … database statement, commit and write to the network, until it
comes to its end unhurt. Whatever failed, the next bot on the same file leaves the rooms as if nothing had been.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError

from chatbot.app import bot
from chatbot.chat.platform import Receipt
from chatbot.chat.post import Dialect, Post, plain
from chatbot.config import check_config
from chatbot.errors import Unavailable
from chatbot.readers import Readers
from chatbot.serve import Bot
from chatbot.sources.public_inbox import write_epoch
from chatbot.store.database import open_database
from tests.conftest import NOON, compose
from tests.fakes.platform import Ledger, Lost
from tests.stories.killing import TEMPLATE, Hasty

# Long enough that whatever waits is tried again, and short enough that nothing new is due.
QUIET = timedelta(minutes=10)


# Of statements every eighth, or with SWEEP=1 each: they are many, and those of one transaction fail alike.
EVERY = 1 if os.environ.get("SWEEP") else 8
STATEMENT, COMMIT, WRITE = "a statement", "a commit", "a write to the network"
# Its only template is the story's.
PLAIN = Dialect("plain", plain)


class PowerCut(BaseException):
    """Nobody catches it: the bot is gone."""


@dataclass
class Points:
    """Notes what may fail, and has the one that is `at` fail: with an error, or with the power."""

    at: int = -1
    power: bool = False
    passed: list[str] = field(default_factory=list)

    def failing(self, what: str) -> bool:
        self.passed.append(what)
        fails = len(self.passed) - 1 == self.at
        if fails and self.power:
            raise PowerCut
        return fails

    def statement(self, *_: object) -> None:
        if self.failing(STATEMENT):
            raise OperationalError("", {}, OSError("disk I/O error"))

    def commit(self, _: object) -> None:
        if self.failing(COMMIT):
            raise OperationalError("", {}, OSError("disk I/O error"))


@dataclass
class Rooms(Ledger):
    """The platform: a write may fail before anything is accepted, and after it."""

    dialect: Dialect = PLAIN
    points: Points = field(default_factory=Points)

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        if self.points.failing(WRITE):
            raise Unavailable("connection refused")
        receipt = await super().send(room, post, key, under)
        if self.points.failing(WRITE):
            raise Lost("connection reset")
        return receipt


class Careless(Rooms):
    """A control: what is in doubt is sent again."""

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002
        return None


@contextmanager
def faults(points: Points) -> Iterator[None]:
    heard = [("before_cursor_execute", points.statement), ("commit", points.commit)]
    for name, listener in heard:
        event.listen(Engine, name, listener)
    try:
        yield
    finally:
        for name, listener in heard:
            event.remove(Engine, name, listener)


class Story:
    """Mails come, and the rooms begin. What a tick does is hurt at a point, and another bot ends it."""

    def __init__(
        self,
        folder: Path,
        readers: Readers,
        change: Callable[[Bot], Bot] = lambda made: made,
        platform: type[Rooms] = Rooms,
    ) -> None:
        self.folder, self.readers, self.change, self.platform, self.now = folder, readers, change, platform, NOON
        (folder / "ours" / PLAIN.name).mkdir(parents=True)
        (folder / "ours" / PLAIN.name / "digest.j2").write_text(TEMPLATE)
        mails = [
            (compose(f"[PATCH] mail{one}", one, f"{one}\n"), "Ana <ana@a.example>", NOON - timedelta(minutes=9 - one))
            for one in range(2)
        ]
        write_epoch(folder / "kvm" / "git" / "0.git", mails)
        open_database(f"sqlite:///{folder}/empty.sqlite3").dispose()

    def end(self, points: Points) -> tuple[list[tuple[str, str]], dict[str, int]]:
        """What the rooms have seen when all is over, and what they are said to have had."""
        platform = self.platform(points=points)
        for left in self.folder.glob("store.sqlite3*"):
            left.unlink()
        shutil.copy(self.folder / "empty.sqlite3", self.folder / "store.sqlite3")
        self.now = NOON
        with suppress(PowerCut), self._opened(platform) as made, faults(points):
            asyncio.run(made.tick())
        with self._opened(platform) as made:
            for _ in range(3):  # the first asks, and the last has nothing left to do
                self.now += QUIET
                asyncio.run(made.tick())
            assert made.outbox.queue() == ()
            posts = sorted(platform.posts, key=lambda post: post[0])  # rooms do not wait for one another
            return posts, {key: one.upto for key, one in made.outbox.progress().items()}

    @contextmanager
    def _opened(self, platform: Rooms) -> Iterator[Bot]:
        settings = {
            "store": {"url": f"sqlite:///{self.folder}/store.sqlite3"},
            "templates": {"folder": "ours"},
            "platforms": {"terminal": {}},
            "lists": [{"name": "kvm", "archive": "kvm"}],
            "subscriptions": [
                {"platform": "terminal", "room": room, "list": "kvm", "when": "hourly", "first": "1d"}
                for room in ("a", "b")
            ],
        }
        with bot(check_config(settings, self.folder), lambda: self.now, {"terminal": platform}) as made:
            yield self.change(replace(made, readers=self.readers))


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


def test_wherever_a_story_fails_the_rooms_see_the_same(tmp_path: Path, readers: Readers) -> None:
    story, unhurt = Story(tmp_path, readers), Points()
    expected = story.end(unhurt)
    assert expected[0] == [("a", "kvm: mail0 mail1"), ("b", "kvm: mail0 mail1")]
    assert unhurt.passed.count(WRITE) == 4
    assert unhurt.passed.count(COMMIT) > 8
    for at, what in enumerate(unhurt.passed):
        for power in (False, True):
            if what != STATEMENT or (at % EVERY == 0 and not power):
                assert story.end(Points(at, power=power)) == expected, f"{what}, the {at}th point, {power=}"
    last = Points(len(unhurt.passed) * 2)
    assert story.end(last) == expected
    assert last.passed == unhurt.passed


@pytest.mark.parametrize("control", ["what is in doubt is sent again", "what is about to be sent is marked as sent"])
def test_a_bot_that_is_not_so_careful_is_found_out(tmp_path: Path, readers: Readers, control: str) -> None:
    hasty = control.endswith("marked as sent")
    story = Story(
        tmp_path,
        readers,
        (lambda made: replace(made, outbox=Hasty(made.outbox._engine))) if hasty else (lambda made: made),
        Rooms if hasty else Careless,
    )
    unhurt = Points()
    expected = story.end(unhurt)
    writes = [at for at, what in enumerate(unhurt.passed) if what == WRITE]
    assert any(story.end(Points(at, power=power)) != expected for at in writes for power in (False, True))
