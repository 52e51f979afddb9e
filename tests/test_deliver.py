"""From the outbox to a platform, and what happens where something is in the way."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from chatbot.chat.platform import Receipt
from chatbot.chat.post import Post
from chatbot.deliver import deliver
from chatbot.errors import Closed, Refused, Unauthorized, Unavailable, Unknown
from chatbot.reaction import LONGEST_WAIT, PATIENCE, Breaker
from chatbot.store.database import reading
from chatbot.store.delivery import Planned, Progress
from chatbot.store.outbox import Outbox
from chatbot.store.tables import delivery
from tests.conftest import NOON
from tests.fakes.platform import Ledger, Lost


def plan(outbox: Outbox, *rooms: str, platform: str = "terminal") -> None:
    """A digest for each, of a subscription of its own, numbered over all."""
    for number, room in enumerate(rooms):
        post = Planned(f"{platform}{number}", platform, room, Post("terminal", f"{number}"), "kvm")
        assert outbox.plan(f"{platform}{number}", None, Progress(1, NOON), [post])


class Office:
    """What deliveries need, on a day whose hour can be chosen."""

    def __init__(self, engine: Engine, **platforms: Ledger) -> None:
        self.engine, self.outbox = engine, Outbox(engine)
        self.platforms = platforms
        for name, ledger in platforms.items():
            ledger.name = name
        self.breakers: dict[str, Breaker] = {}

    def run(self, hours: float = 0) -> int:
        now = NOON + timedelta(hours=hours)
        return asyncio.run(deliver(self.outbox, self.platforms, self.breakers, lambda: now, lambda: 0.5))

    def states(self) -> list[str]:
        with reading(self.engine) as connection:
            return [row.state for row in connection.execute(select(delivery).order_by(delivery.c.id))]


def test_posts_go_out_once_and_in_order(engine: Engine) -> None:
    ledger = Ledger()
    office = Office(engine, terminal=ledger)
    plan(office.outbox, "a", "b", "a")
    assert office.run() == 3
    assert office.run() == 0
    assert ledger.posts == [("a", "0"), ("b", "1"), ("a", "2")]


def test_the_parts_of_a_digest_go_into_a_thread_under_the_first(engine: Engine) -> None:
    ledger = Ledger(failures=[None, Unavailable("busy", after=60)])
    office = Office(engine, terminal=ledger)
    parts = [Planned(f"key{part}", "terminal", "a", Post("terminal", f"{part}"), "kvm") for part in range(3)]
    office.outbox.plan("s", None, Progress(1, NOON), parts)
    plan(office.outbox, "a")
    assert [office.run(), office.run(0.1)] == [1, 3]
    assert [body for _, body in ledger.posts] == ["0", "1", "2", "0"]
    assert ledger.threads == [None, "key0", "key0", None]


class Watching(Ledger):
    """Looks at the outbox while it is being sent something."""

    office: Office
    seen: list[str]

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        self.seen = self.office.states()
        return await super().send(room, post, key, under)


def test_that_a_post_is_being_sent_is_written_down_before_it_is(engine: Engine) -> None:
    ledger = Watching()
    office = ledger.office = Office(engine, terminal=ledger)
    plan(office.outbox, "a", "b")
    assert office.run() == 2
    assert ledger.seen == ["sent", "sending"]
    assert office.states() == ["sent", "sent"]


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Unavailable("busy"), "pending"),
        (Unknown("no answer"), "sending"),
        (ValueError("a bug of the platform's"), "sending"),
        (Closed("we are not in the room"), "parked"),
    ],
)
def test_what_is_known_of_a_post_that_failed_is_written_down(engine: Engine, failure: Exception, state: str) -> None:
    office = Office(engine, terminal=Ledger(failures=[failure]))
    plan(office.outbox, "a", "b")
    assert office.run() == 1
    assert office.states() == [state, "sent"]


def test_a_room_that_fails_waits_in_order_and_the_others_go_on(engine: Engine) -> None:
    ledger = Ledger(failures=[Unavailable("busy", after=1800.0)])
    office = Office(engine, terminal=ledger)
    plan(office.outbox, "a", "a", "b")
    assert [office.run(), office.run(0.4), office.run(0.6)] == [1, 0, 2]
    assert ledger.posts == [("b", "2"), ("a", "0"), ("a", "1")]


@pytest.mark.parametrize("failure", [Lost("no answer"), Unknown("no answer")])
def test_before_a_post_in_doubt_is_sent_again_the_platform_is_asked(engine: Engine, failure: Exception) -> None:
    ledger = Ledger(failures=[failure], silences=[None, Unavailable("no history now"), ValueError("a bug")])
    office = Office(engine, terminal=ledger)
    plan(office.outbox, "a", "a")
    assert office.run() == 0
    assert office.run((ledger.settles - timedelta(seconds=1)) / timedelta(hours=1)) == 0
    assert len(ledger.silences) == 2  # nobody asks before it has settled
    assert [office.run(1), office.run(2), office.run(3)] == [0, 0, 2]
    assert [body for _, body in ledger.posts] == ["0", "1"]


def test_what_was_in_doubt_before_it_was_not_taken_is_asked_for_again(engine: Engine) -> None:
    ledger = Ledger(failures=[Unknown("no answer"), Unavailable("busy")])
    office = Office(engine, terminal=ledger)
    plan(office.outbox, "a")
    assert [office.run(), office.run(1)] == [0, 0]
    ledger.posts.append(("a", "late beyond all measure"))
    ledger.keys.append(("a", "terminal0"))
    assert office.run(2) == 1
    assert ledger.posts == [("a", "late beyond all measure")]


def test_a_post_that_is_not_taken_is_made_plainer_three_times_and_the_next_one_goes_out(engine: Engine) -> None:
    no = Refused("no")
    sent: list[str] = []

    class Picky(Ledger):
        async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
            sent.append(post.body)
            return await super().send(room, post, key, under)

    office = Office(engine, terminal=Picky(failures=[no] * 4))
    long = "\x1b[1mHeadline\x1b[0m\n" + "line\n" * 1000
    office.outbox.plan("s", None, Progress(1, NOON), [Planned("key", "terminal", "a", Post("terminal", long), "kvm")])
    plan(office.outbox, "a")
    assert office.run() == 1
    assert office.states() == ["dead", "sent"]
    unstyled = "Headline\n" + "line\n" * 1000
    assert sent[:2] == [long, unstyled]
    assert unstyled.startswith(sent[2])
    assert 1_990 < len(sent[2]) <= 2_000
    assert sent[3:] == ["Headline\n", "0"]


def test_a_platform_that_does_not_let_us_in_stops_alone_and_goes_on_with_a_new_token(engine: Engine) -> None:
    locked, other = Ledger(failures=[Unauthorized("revoked")]), Ledger()
    office = Office(engine, matrix=locked, slack=other)
    plan(office.outbox, "a", "b", platform="matrix")
    plan(office.outbox, "a", platform="slack")
    assert [office.run(), office.run(1000)] == [1, 0]
    locked.login = "second"
    assert office.run(1000) == 2
    assert [locked.posts, other.posts] == [[("a", "0"), ("b", "1")], [("a", "0")]]


def test_a_platform_that_is_down_is_left_alone_and_its_posts_arrive_when_it_is_back(engine: Engine) -> None:
    rooms = [f"room {number}" for number in range(3 * PATIENCE)]
    ledger = Ledger(failures=[Unavailable("down")] * (PATIENCE + 1))
    office = Office(engine, terminal=ledger)
    plan(office.outbox, *rooms)
    assert office.run() == 0
    assert len(ledger.failures) == 1  # nobody else tried
    assert office.run(0.02) == 0
    assert len(ledger.failures) == 1
    assert office.run(1) == 0
    assert len(ledger.failures) == 0  # one did
    assert office.run(1 + LONGEST_WAIT / timedelta(hours=1)) == len(rooms)


class Halves(Ledger):
    """Rooms of two services."""

    def service(self, room: str) -> str:
        return room.partition("/")[0]


def test_a_service_that_is_down_is_left_alone_and_no_other_of_the_platform(engine: Engine) -> None:
    ledger = Halves(failures=[Unavailable("down")] * PATIENCE)
    office = Office(engine, terminal=ledger)
    plan(office.outbox, *(f"one/{number}" for number in range(PATIENCE + 1)), "two/0", "two/1")
    assert office.run() == 2
    assert [room for room, _ in ledger.posts] == ["two/0", "two/1"]
    assert office.run(1) == PATIENCE + 1


def test_a_post_for_a_platform_that_is_off_waits(engine: Engine) -> None:
    office = Office(engine)
    plan(office.outbox, "a")
    assert office.run() == 0
    office.platforms["terminal"] = Ledger()
    assert office.run() == 1
