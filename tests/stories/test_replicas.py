"""Two replicas, to which everything happens that can, tell each mail once, and in order; so does a restored backup.

EVENTS says how much happens; `make soak` does it five hundred times. See replicas.py.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, make_url, text, update

import chatbot.app
from chatbot.app import bot
from chatbot.chat.platform import Receipt, still_ours
from chatbot.chat.post import Post
from chatbot.chat.styled import plain_text
from chatbot.config import check_config
from chatbot.deliver import deliver
from chatbot.errors import Unavailable, Unknown
from chatbot.serve import Bot
from chatbot.store.database import leasing
from chatbot.store.delivery import Planned, Progress
from chatbot.store.leases import LENGTH, Leases
from chatbot.store.outbox import Outbox
from chatbot.store.tables import lease
from tests import unmeasured
from tests.conftest import NOON, TESTS, compose
from tests.fakes.platform import Ledger

Make = Callable[..., Path]
EVENTS = int(os.environ.get("EVENTS", "30"))
# Of 20 events, almost every run shows it.
TRIES = 5
HOUR = timedelta(hours=1)


def soak(folder: Path, url: str, events: int, seed: int, *control: str) -> dict[str, int]:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.stories.replicas", str(folder), url, str(events), str(seed), *control]
    done = subprocess.run(
        command, cwd=TESTS.parent, stdout=subprocess.PIPE, text=True, check=True, env=unmeasured.environment()
    )
    sys.stdout.write(done.stdout)
    return dict(json.loads(done.stdout))


@pytest.fixture
def new_database(postgresql: str) -> Callable[[str], str]:
    """An empty one of this name, or a copy of another."""

    def make(name: str, template: str = "template0") -> str:
        admin = create_engine(postgresql, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        admin.dispose()
        return make_url(postgresql).set(database=name).render_as_string(hide_password=False)

    return make


def test_each_mail_is_told_once_and_in_order_whatever_happens_to_two_replicas(
    tmp_path: Path, new_database: Callable[[str], str]
) -> None:
    found = soak(tmp_path / "soak", new_database("soak"), EVENTS, EVENTS)
    assert found["posts"] > EVENTS / 5  # fewer where the machine is busy
    assert [found[fault] for fault in ("lost", "repeated", "disordered")] == [0, 0, 0]


def test_the_soak_sees_what_goes_wrong_without_leases(tmp_path: Path, new_database: Callable[[str], str]) -> None:
    for seed in range(TRIES):
        if soak(tmp_path / f"soak-{seed}", new_database(f"control{seed}"), 20, seed, "without leases")["repeated"]:
            return
    pytest.fail("the soak is blind")


class Place:
    """A bot whose database is put back to what it was, and a room that is not."""

    def __init__(self, folder: Path, archive: Make, url: str, copy: Callable[[str, str], None]) -> None:
        self.folder, self._archive, self.url, self._copy = folder, archive, url, copy
        self.ledger = Ledger()
        self.mails: list[bytes] = []
        self.more = dict[str, str]()
        self.mail("before the bot")

    def mail(self, subject: str) -> None:
        self.mails.append(compose(f"[PATCH] {subject}", len(self.mails)))
        shutil.rmtree(self.folder / "kvm", ignore_errors=True)
        self._archive(self.mails, name="kvm")

    def backup(self) -> None:
        self._copy("live", "copied")

    def restore(self) -> None:
        self._copy("copied", "live")

    def run(self, now: datetime | None, do: Callable[[Bot], None] = lambda made: asyncio.run(made.tick())) -> list[str]:
        """Start the bot at a time, tick once, stop it; the titles that the room is told."""
        settings = {
            "store": {"url": self.url},
            "platforms": {"terminal": {}},
            "lists": [{"name": "kvm", "archive": "kvm"}],
            "subscriptions": [{"platform": "terminal", "room": "room", "list": "kvm", "when": "hourly", **self.more}],
        }
        before = len(self.ledger.posts)
        with bot(check_config(settings, self.folder), now and (lambda: now), {"terminal": self.ledger}) as made:
            do(made)
        posts = [plain_text(body) for _, body in self.ledger.posts[before:]]
        return [one for one in ("one", "two", "three") for body in posts if f" {one}\n" in body or f" {one} " in body]


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, archive: Make) -> Place:
    if request.param == "sqlite":
        return Place(
            tmp_path,
            archive,
            f"sqlite:///{tmp_path}/live",
            lambda one, other: (shutil.copy(tmp_path / one, tmp_path / other), None)[1],
        )
    make: Callable[..., str] = request.getfixturevalue("new_database")
    return Place(tmp_path, archive, make("live"), lambda one, other: (make(other, one), None)[1])


SECOND = timedelta(seconds=1)


def test_a_backup_of_before_the_digest_was_planned_repeats_nothing(place: Place) -> None:
    assert place.run(NOON) == []
    place.mail("one")
    assert place.run(NOON + HOUR - 10 * SECOND) == []
    place.backup()
    assert place.run(NOON + HOUR) == ["one"]
    place.restore()
    assert place.run(NOON + HOUR + 5 * SECOND) == []
    place.mail("two")
    assert place.run(NOON + 2 * HOUR) == ["two"]
    assert place.run(NOON + 3 * HOUR) == []


def test_a_backup_of_when_the_digest_was_about_to_be_sent_repeats_nothing(place: Place) -> None:
    place.run(NOON)
    place.mail("one")
    assert place.run(NOON + HOUR, lambda made: made._publish(made._refresh())) == []
    place.backup()
    assert place.run(NOON + HOUR) == ["one"]
    place.restore()
    place.mail("two")
    assert place.run(NOON + HOUR + 5 * SECOND) == []
    assert place.run(NOON + 2 * HOUR) == ["two"]


@pytest.mark.parametrize("read", [True, False])
def test_what_came_while_a_backup_was_restored_is_not_lost(place: Place, *, read: bool) -> None:
    place.run(NOON)
    place.mail("one")
    if read:
        place.run(NOON + HOUR - 10 * SECOND)
    place.backup()
    assert place.run(NOON + HOUR) == ["one"]
    place.restore()
    place.mail("two")
    assert place.run(NOON + HOUR + 5 * SECOND) == []
    assert place.run(NOON + 2 * HOUR) == ["two"]


def test_a_replica_whose_clock_is_ahead_waits_as_long_as_the_others_for_a_platform_to_settle(
    tmp_path: Path, archive: Make, new_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, archive, new_database("live"), lambda _, __: None)
    place.more["first"] = "1d"
    place.ledger.failures = [Unknown("no answer, and the post is on its way")]
    assert place.run(None) == []
    assert not place.ledger.failures
    monkeypatch.setattr(chatbot.app, "utc_now", lambda: datetime.now(UTC) + HOUR)
    place.run(None)
    assert place.ledger.posts == []


@dataclass
class Stopping(Ledger):
    """Its sender is stopped before the post is written to the network, or, where it was not taken, before it hears so."""

    meanwhile: Callable[[], Awaitable[object]] = asyncio.Event().wait
    refused: bool = False

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        await self.meanwhile()
        if self.refused:
            raise Unavailable("slow down")
        still_ours.get()()
        return await super().send(room, post, key, under)


@pytest.mark.parametrize("refused", [False, True])
def test_who_was_stopped_for_longer_than_its_lease_leaves_the_post_to_who_has_the_room_now(
    postgresql_engine: Engine, *, refused: bool
) -> None:
    clock, room = 1000.0, Ledger()
    later = NOON + LENGTH + room.settles
    one = Outbox(postgresql_engine, Leases(postgresql_engine, lambda: NOON, lambda: clock))
    two = Outbox(postgresql_engine, Leases(postgresql_engine, lambda: NOON))

    async def meanwhile() -> None:
        nonlocal clock
        clock += LENGTH.total_seconds()
        with leasing(postgresql_engine) as connection:
            connection.execute(update(lease).values(until=func.clock_timestamp()))
        two.share("terminal", [])
        assert await deliver(two, {"terminal": room}, {}, lambda: later) == 1

    one.plan("s", None, Progress(1, NOON), [Planned("key", "terminal", "a", Post("terminal", "body"), "kvm")])
    one.share("terminal", [])
    stopping = Stopping(posts=room.posts, keys=room.keys, meanwhile=meanwhile, refused=refused)
    assert asyncio.run(deliver(one, {"terminal": stopping}, {}, lambda: NOON)) == 0
    assert asyncio.run(deliver(two, {"terminal": room}, {}, lambda: later + 9 * HOUR)) == 0
    assert room.posts == [("a", "body")]
