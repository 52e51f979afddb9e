"""What goes wrong for a while, and what the rooms see of it: nothing twice, nothing too few, in order."""

import asyncio
import random
import re
import resource
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from chatbot.app import bot
from chatbot.chat.platform import Receipt
from chatbot.chat.post import Post
from chatbot.chat.styled import plain_text
from chatbot.config import check_config
from chatbot.errors import Closed, Unavailable
from chatbot.health import pages_of
from chatbot.serve import Bot
from chatbot.sources.public_inbox import write_epoch
from chatbot.store import database
from chatbot.store.undelivered import Undelivered
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.when import parse_when
from tests.conftest import NOON, compose
from tests.fakes.platform import Ledger

HOUR = timedelta(hours=1)


@dataclass
class World:
    """A bot, its lists, and a clock that is set by hand; the database is in a folder of its own."""

    folder: Path
    rooms: tuple[str, ...] = ("a", "b")
    lists: tuple[str, ...] = ("kvm",)
    when: str = "hourly"
    now: datetime = NOON
    platform: Ledger = field(default_factory=Ledger)
    mails: dict[str, list[tuple[bytes, str, datetime]]] = field(default_factory=dict)

    @contextmanager
    def opened(self) -> Iterator[Bot]:
        (self.folder / "disk").mkdir(exist_ok=True)
        settings = {
            "store": {"url": f"sqlite:///{self.folder}/disk/store.sqlite3"},
            "sources": {"jobs": 1},
            "platforms": {"terminal": {}},
            "lists": [{"name": name, "archive": name} for name in self.lists],
            "subscriptions": [
                {"platform": "terminal", "room": room, "list": name, "when": self.when}
                for room in self.rooms
                for name in self.lists
            ],
        }
        with bot(check_config(settings, self.folder), lambda: self.now, {"terminal": self.platform}) as made:
            yield made

    def send(self, *mails: tuple[int, datetime]) -> None:
        """Mails come to each list, by their numbers and times."""
        for name in self.lists:
            for number, at in mails:
                fields = {"message_id": f"<{name}{number}@a.example>", "sender": f"P{number} <p{number}@a.example>"}
                data = compose(f"[PATCH] {name}{number:02}", number, f"{number}\n", **fields)
                self.mails.setdefault(name, []).append((data, "Ana <ana@a.example>", at))
            shutil.rmtree(self.folder / name, ignore_errors=True)
            write_epoch(self.folder / name / "git" / "0.git", self.mails[name])

    def tick(self, made: Bot, after: timedelta = timedelta(0)) -> None:
        self.now += after
        asyncio.run(made.tick())

    def titles(self, room: str) -> list[list[str]]:
        """Of what a room has got, post by post: the titles of new series."""
        title = re.compile(rf"\b(?:{'|'.join(self.lists)})\d\d\b")
        return [
            sorted(set(title.findall(plain_text(body).partition("New series")[2])))
            for one, body in self.platform.posts
            if one == room
        ]


@contextmanager
def limited(_: Path) -> Iterator[None]:
    """No file may grow; whoever tries is told so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """A disk of its own, that is full."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass
    yield
    ballast.unlink()


@pytest.fixture(params=["a limit", "a disk"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[Path], AbstractContextManager[None]]]:
    if request.param == "a limit":
        yield limited
        return
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a disk can be mounted by root alone: {mounted.stderr.decode().strip()}")
    yield filled
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_loses_nothing_and_what_waited_goes_out_when_there_is_room(
    tmp_path: Path, full: Callable[[Path], AbstractContextManager[None]]
) -> None:
    world = World(tmp_path)
    world.send((1, NOON))
    with world.opened() as made:
        world.tick(made)
        world.send((2, NOON + HOUR / 2))
        world.platform.failures = [Unavailable("down"), Unavailable("down")]
        world.tick(made, HOUR)  # planned, and not sent
        world.send((3, world.now + HOUR / 2))
        with full(tmp_path / "disk"), capture_logs() as logs:
            for _ in range(3):
                world.tick(made, HOUR / 3)
        assert any("the database: " in str(one.get("problem")) for one in logs)
        assert world.platform.posts == []
        for _ in range(3):
            world.tick(made, timedelta(minutes=5))
    for room in world.rooms:
        assert [title for post in world.titles(room) for title in post] == ["kvm02", "kvm03"]
    assert made.outbox.queue() == ()


def test_a_locked_database_holds_up_a_tick_and_not_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    patience = [one for one in database._PRAGMAS if one.startswith("busy_timeout=")]
    assert patience == ["busy_timeout=30000"]
    impatient = [*(one for one in database._PRAGMAS if one not in patience), "busy_timeout=10"]
    monkeypatch.setattr(database, "_PRAGMAS", impatient)
    world = World(tmp_path)
    world.send((1, NOON))
    with world.opened() as made:
        world.tick(made)
        world.send((2, NOON + HOUR / 2))
        other = sqlite3.connect(tmp_path / "disk" / "store.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with capture_logs() as logs:
            world.tick(made, HOUR)
        assert any("database is locked" in str(one.get("problem")) for one in logs)
        assert (world.platform.posts, made.vitals.ticked) == ([], world.now)
        other.close()
        world.tick(made, timedelta(minutes=1))
    assert [world.titles(room) for room in world.rooms] == [[["kvm02"]], [["kvm02"]]]


@dataclass
class Crowded(Ledger):
    """For ten minutes it says 429 to 95 of a hundred, and when to come back."""

    until: datetime = NOON
    now: Callable[[], datetime] = lambda: NOON
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    free: dict[str, datetime] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    early: list[str] = field(default_factory=list)

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        now = self.now()
        if now < self.free.get(key, now):
            self.early.append(key)
        if now < self.until and self.chance.random() < 0.95:
            after = self.chance.randrange(5, 45)
            self.free[key] = now + timedelta(seconds=after)
            self.refused[room] += 1
            raise Unavailable("429", after)
        return await super().send(room, post, key, under)


def test_ten_minutes_of_429_delay_posts_and_nothing_else(tmp_path: Path) -> None:
    crowded = Crowded(until=NOON + HOUR + timedelta(minutes=10))
    world = World(tmp_path, ("a", "b", "c"), ("kvm", "coco"), when="every 3 hours", platform=crowded)
    crowded.now = lambda: world.now
    world.send((1, NOON))
    with world.opened() as made:
        world.now = NOON - 2 * HOUR
        world.tick(made)
        world.send((2, NOON + HOUR / 2))
        world.now = NOON + HOUR
        while made.outbox.queue() or world.now < crowded.until:
            world.tick(made, timedelta(seconds=10))
            assert world.now < crowded.until + 2 * HOUR, "it has not come through"
    assert crowded.refused.total() > 5
    assert crowded.early == []
    assert [world.titles(room) for room in world.rooms] == [[["kvm02"], ["coco02"]]] * 3
    assert made.outbox.queue() == ()


@dataclass
class Speaking(Ledger):
    """A platform that can speak to one person."""

    told: list[tuple[str, str]] = field(default_factory=list)
    mute: bool = False

    async def tell(self, person: str, post: Post) -> None:
        self.told.append((person, post.body))
        if self.mute:
            raise Closed("they take no messages")


@pytest.mark.parametrize("mute", [False, True])
def test_of_a_room_that_is_parked_the_owner_is_told_once(tmp_path: Path, mute: bool) -> None:
    platform = Speaking(mute=mute)
    world = World(tmp_path, ("a",), platform=platform)
    world.send((1, NOON))
    with world.opened() as made:
        world.tick(made)
        when = parse_when("hourly")
        typed = Subscription("abcd", "terminal", "den", "kvm", subsystem=False, filter="", when=when, owner="mia", created=NOON)  # fmt: skip
        made.subscriptions.add([typed], [["kvm"]], NOON)
        world.send((2, NOON + HOUR / 2))
        platform.failures = [None, Closed("we were removed"), Closed("nobody asks")]
        for _ in range(4):
            world.tick(made, HOUR)
        assert world.titles("a") == [["kvm02"]]
        assert made.vitals.parked == {"terminal": 1}
        metrics = pages_of(made.vitals, made.now)["/metrics"]()[2].decode()
        (key,) = (one.key for one in Undelivered(made.outbox._engine).all())
    assert 'chatbot_rooms_parked{platform="terminal"} 1.0' in metrics
    remedy = f"When that is mended, whoever runs me says: chatbot outbox retry {key[:12]}"
    assert platform.told == [
        ("mia", f"den takes no posts of mine (we were removed), so abcd, kvm hourly, waits. {remedy}\n")
    ]


def test_of_a_room_of_the_config_nobody_is_told_by_name(tmp_path: Path) -> None:
    platform = Speaking(failures=[Closed("we were removed")])
    world = World(tmp_path, ("a",), platform=platform)
    world.send((1, NOON))
    with world.opened() as made:
        world.tick(made)
        world.send((2, NOON + HOUR / 2))
        with capture_logs() as logs:
            world.tick(made, HOUR)
        assert [one["room"] for one in logs if one["event"] == "room parked"] == ["a"]
        assert (made.vitals.parked, platform.told) == ({"terminal": 1}, [])


def test_after_thirty_days_off_a_room_sees_one_post_that_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, when="daily at 12:00")
    world.send((0, NOON - HOUR))
    with world.opened() as made:
        world.tick(made)
    world.send(*((day, NOON + timedelta(days=day, hours=-1)) for day in range(1, 31)))
    world.now = NOON + timedelta(days=30, hours=2)
    with world.opened() as made:
        for _ in range(3):
            world.tick(made, timedelta(minutes=1))
    for room in world.rooms:
        assert world.titles(room) == [[f"kvm{number}" for number in range(17, 31)]]  # from 14 days before noon
    body = world.platform.posts[0][1]
    assert "Nothing was posted since 2025-11-03 12:00 UTC" in body
    assert "what came until 2025-11-19 12:00 is only counted, 16 mails" in body
