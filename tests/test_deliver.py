import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from chatbot.chat.platform import Receipt
from chatbot.chat.post import Post
from chatbot.deliver import FIRST_WAIT, LONGEST_WAIT, deliver, next_try
from chatbot.errors import DeliveryError, Refused, Unavailable, Unknown
from chatbot.store.database import reading
from chatbot.store.outbox import Outbox, Planned, Progress
from chatbot.store.tables import delivery
from tests.conftest import NOON
from tests.fakes.platform import Ledger


@pytest.mark.parametrize(
    ("attempts", "error", "wait"),
    [
        (0, Unavailable("busy"), FIRST_WAIT),
        (3, Unavailable("busy"), 8 * FIRST_WAIT),
        (0, Unavailable("busy", after=90.0), timedelta(seconds=90)),
        (99, Unknown("no answer"), LONGEST_WAIT),
        (0, Refused("no such room"), None),
    ],
)
def test_when_to_try_again(attempts: int, error: DeliveryError, wait: timedelta | None) -> None:
    assert next_try(attempts, error, NOON) == (NOON + wait if wait else None)


def plan(outbox: Outbox, *rooms: str) -> None:
    posts = [
        Planned(f"{room}{number}", "terminal", room, Post("terminal", f"{number}"), "kvm")
        for number, room in enumerate(rooms)
    ]
    outbox.plan("s", None, Progress(1, NOON), posts)


def run(outbox: Outbox, ledger: Ledger, hours: float = 0) -> int:
    return asyncio.run(deliver(outbox, {"terminal": ledger}, lambda: NOON + timedelta(hours=hours)))


def test_posts_go_out_once_and_in_order(engine: Engine) -> None:
    outbox, ledger = Outbox(engine), Ledger()
    plan(outbox, "a", "b", "a")
    assert run(outbox, ledger) == 3
    assert run(outbox, ledger) == 0
    assert ledger.posts == [("a", "0"), ("b", "1"), ("a", "2")]


def states(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [row.state for row in connection.execute(select(delivery).order_by(delivery.c.id))]


class Watching(Ledger):
    """Looks at the outbox while it is being sent something."""

    engine: Engine
    seen: list[str]

    async def send(self, room: str, post: Post, key: str) -> Receipt:
        self.seen = states(self.engine)
        return await super().send(room, post, key)


def test_that_a_post_is_being_sent_is_written_down_before_it_is(engine: Engine) -> None:
    outbox, ledger = Outbox(engine), Watching()
    ledger.engine = engine
    plan(outbox, "a", "b")
    assert run(outbox, ledger) == 2
    assert ledger.seen == ["sent", "sending"]
    assert states(engine) == ["sent", "sent"]


@pytest.mark.parametrize(
    ("failure", "state"),
    [
        (Unavailable("busy"), "pending"),
        (Unknown("no answer"), "sending"),
        (Refused("no"), "dead"),
        (ValueError("a bug of the platform's"), "sending"),
    ],
)
def test_what_is_known_of_a_post_that_failed_is_written_down(engine: Engine, failure: Exception, state: str) -> None:
    outbox = Outbox(engine)
    plan(outbox, "a", "b")
    assert run(outbox, Ledger(failures=[failure])) == 1
    assert states(engine) == [state, "sent"]


def test_a_room_that_fails_waits_in_order_and_the_others_go_on(engine: Engine) -> None:
    outbox, ledger = Outbox(engine), Ledger(failures=[Unavailable("busy", after=1800.0)])
    plan(outbox, "a", "a", "b")
    assert run(outbox, ledger) == 1
    assert run(outbox, ledger, hours=0.4) == 0
    assert run(outbox, ledger, hours=0.6) == 2
    assert ledger.posts == [("b", "2"), ("a", "0"), ("a", "1")]


def test_a_post_that_is_refused_is_given_up_and_the_next_one_goes_out(engine: Engine) -> None:
    outbox, ledger = Outbox(engine), Ledger(failures=[Refused("too long")])
    plan(outbox, "a", "a")
    assert run(outbox, ledger) == 0
    assert run(outbox, ledger) == 1
    assert ledger.posts == [("a", "1")]


def test_a_post_for_a_platform_that_is_off_waits(engine: Engine) -> None:
    outbox, ledger = Outbox(engine), Ledger()
    plan(outbox, "a")
    assert asyncio.run(deliver(outbox, {}, lambda: NOON)) == 0
    assert run(outbox, ledger) == 1
