"""What has not arrived, as a person looks at it."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from chatbot.chat.post import Post
from chatbot.errors import Misunderstood
from chatbot.store.database import writing
from chatbot.store.delivery import Planned, Progress, State
from chatbot.store.outbox import Outbox
from chatbot.store.undelivered import Undelivered
from tests.conftest import NOON

DAY = timedelta(days=1)


@pytest.fixture
def outbox(engine: Engine) -> Outbox:
    made = Outbox(engine)
    for number in (1, 2):
        post = Planned(f"{number}abc", "terminal", f"room-{number}", Post("terminal", f"text {number}"), "kvm")
        assert made.plan(f"one-{number}", None, Progress(number, NOON), (post,))
    return made


def test_what_has_not_arrived_is_listed_and_what_has_is_not(outbox: Outbox, engine: Engine) -> None:
    first, second = outbox.waiting(NOON)
    assert outbox.sending(first, NOON, DAY)
    outbox.sent(first, "there")
    outbox.park(second, "nobody lets us in")
    (left,) = Undelivered(engine).all()
    assert (left.key, left.room, left.state, left.error, left.body) == (
        "2abc",
        "room-2",
        State.PARKED,
        "nobody lets us in",
        "text 2",
    )
    assert Undelivered(engine).named("2A") == left
    for key, reason in (("1abc", "no post that has not arrived"), ("", "no post that has not arrived")):
        with pytest.raises(Misunderstood, match=reason):
            Undelivered(engine).named(key)


def test_what_was_parked_is_sent_again_where_a_person_says_so(outbox: Outbox, engine: Engine) -> None:
    outbox.park(outbox.waiting(NOON)[0], "nobody lets us in")
    undelivered = Undelivered(engine)
    undelivered.retry(undelivered.named("1abc"), NOON + DAY)
    assert [one.key for one in outbox.waiting(NOON)] == ["2abc"]
    assert [(one.key, one.attempts, one.doubt) for one in outbox.waiting(NOON + DAY)] == [
        ("1abc", 0, None),
        ("2abc", 0, None),
    ]


def test_what_arrives_while_a_workspace_comes_back_holds_up_no_other_post(sqlite: Engine) -> None:
    outbox = Outbox(sqlite)
    for number in (1, 2, 3):
        post = Planned(f"{number}abc", "slack", f"T1/{number}", Post("slack", "x"), "kvm")
        assert outbox.plan(f"one-{number}", None, Progress(number, NOON), (post,))
    for waiting in outbox.waiting(NOON):
        outbox.park(waiting, "gone")
    with writing(sqlite) as connection:
        sent = "UPDATE delivery SET state = 'sent' WHERE key = '2abc'"
        connection.exec_driver_sql(
            f"CREATE TRIGGER other AFTER UPDATE ON delivery WHEN NEW.key = '1abc' BEGIN {sent}; END"
        )
    Undelivered(sqlite).release("slack", "T1/")
    assert [one.key for one in outbox.waiting(NOON)] == ["1abc", "3abc"]


def test_what_is_in_doubt_is_asked_about_before_it_is_sent_again(outbox: Outbox, engine: Engine) -> None:
    assert outbox.sending(outbox.waiting(NOON)[0], NOON, DAY)
    undelivered = Undelivered(engine)
    undelivered.retry(undelivered.named("1abc"), NOON)
    first = outbox.waiting(NOON)[0]
    assert (first.key, first.state, first.doubt) == ("1abc", State.SENDING, NOON)


def test_what_is_dropped_is_never_sent_and_what_arrived_meanwhile_stays(outbox: Outbox, engine: Engine) -> None:
    undelivered = Undelivered(engine)
    first, second = undelivered.all()
    undelivered.drop(first)
    assert [one.key for one in outbox.waiting(NOON + DAY)] == ["2abc"]
    outbox.sent(outbox.waiting(NOON)[0], "there")
    for do in (undelivered.drop, lambda one: undelivered.retry(one, NOON)):
        with pytest.raises(Misunderstood, match="it has arrived meanwhile"):
            do(second)
