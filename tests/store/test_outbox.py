"""What is planned, what takes its place, what is taken back, and in which order it waits."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from chatbot.chat.post import Post
from chatbot.errors import Unavailable
from chatbot.store.database import open_database, reading, writing
from chatbot.store.delivery import Delivery, Planned, Progress, State
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.recall import plan_anew
from chatbot.store.tables import delivery, mailing_list
from tests.conftest import NOON

HOUR = timedelta(hours=1)
LATER = NOON + 100 * HOUR


def post(number: int, room: str = "r") -> Planned:
    return Planned(f"key{number}", "terminal", room, Post("terminal", f"body {number}"), "kvm")


def at(number: int) -> Progress:
    return Progress(number, NOON + number * HOUR)


def keys(outbox: Outbox) -> list[str]:
    return [one.key for one in outbox.waiting(LATER)]


def first(outbox: Outbox) -> Delivery:
    return outbox.waiting(LATER)[0]


def rows(engine: Engine) -> list[tuple[str, str, str]]:
    with reading(engine) as connection:
        found = connection.execute(select(delivery).order_by(delivery.c.sequence, delivery.c.part))
        return [(row.key, row.state, row.body) for row in found]


def test_posts_and_progress_are_written_together_or_not_at_all(engine: Engine) -> None:
    outbox = Outbox(engine)
    assert outbox.plan("s", None, at(5), [post(1)])
    assert not outbox.plan("s", None, at(9), [post(2)])
    assert not outbox.plan("s", at(9), at(9), [post(3)])
    with pytest.raises(Unavailable, match=r"(?i)unique"):
        outbox.plan("s", at(5), at(9), [post(4), post(1)])
    assert outbox.progress() == {"s": at(5)}
    assert outbox.plan("s", at(5), at(9), [post(5)])
    assert [key for key, _, _ in rows(engine)] == ["key1", "key5"]


def test_a_room_has_one_post_on_its_way_and_holds_up_nobody_else(engine: Engine) -> None:
    outbox = Outbox(engine)
    outbox.plan("s", None, Progress(1, NOON), [post(1), post(2), post(3, room="other")])
    one, other = outbox.waiting(NOON)
    assert (one.key, other.key) == ("key1", "key3")
    assert outbox.sending(one, NOON, HOUR)
    outbox.again(one, NOON + HOUR, "busy")
    assert [waits.key for waits in outbox.waiting(NOON)] == ["key3"]
    outbox.sent(other, "remote")
    assert keys(outbox) == ["key1"]
    outbox.sent(first(outbox), "remote")
    assert [(waits.key, waits.under) for waits in outbox.waiting(NOON)] == [("key2", "remote")]


def test_a_parked_post_holds_up_its_room(engine: Engine) -> None:
    outbox = Outbox(engine)
    outbox.plan("s", None, at(1), [post(1)])
    outbox.plan("t", None, at(1), [post(2)])
    outbox.park(first(outbox), "not in the room")
    assert keys(outbox) == []


def test_a_post_that_was_being_sent_when_the_power_went_is_in_doubt_once_the_platform_has_settled(
    sqlite: Engine,
) -> None:
    outbox = Outbox(sqlite)
    outbox.plan("s", None, Progress(1, NOON), [post(1)])
    outbox.sending(first(outbox), NOON, HOUR)
    sqlite.dispose()
    again = open_database(sqlite.url.render_as_string())
    outbox = Outbox(again)
    assert outbox.waiting(NOON + HOUR - timedelta(seconds=1)) == ()
    (found,) = outbox.waiting(NOON + HOUR)
    assert (found.state, found.attempts, found.doubt) == (State.SENDING, 1, NOON)
    outbox.dead(found, "gone")
    assert outbox.waiting(LATER) == ()
    again.dispose()


def test_a_digest_that_has_certainly_not_gone_out_is_replaced_in_its_place(engine: Engine) -> None:
    outbox = Outbox(engine)
    outbox.plan("s", None, at(1), [post(1)])
    assert outbox.replaceable("s") is None  # nothing was before the first
    outbox.plan("s", at(1), at(2), [post(2), post(3)])
    outbox.plan("t", None, at(1), [post(4)])
    assert outbox.replaceable("s") == at(1)
    outbox.sent(first(outbox), "remote")
    outbox.again(first(outbox), NOON + 9 * HOUR, "busy")
    assert not outbox.plan("s", at(2), at(3), [post(5)], instead=at(2))
    assert outbox.plan("s", at(2), at(3), [post(2)], instead=at(1))
    assert [key for key, _, _ in rows(engine)] == ["key1", "key2", "key4"]
    assert outbox.waiting(NOON + 8 * HOUR) == ()  # what the platform has said still holds
    found = first(outbox)
    assert (found.key, found.attempts) == ("key2", 1)
    assert outbox.replaceable("s") == at(1)
    outbox.park(found, "not in the room")
    assert outbox.plan("s", at(3), at(4), [post(2)], instead=at(1))
    assert rows(engine)[1] == ("key2", "parked", "body 2")


@pytest.mark.parametrize("arrived", [True, False])
def test_a_digest_that_may_be_there_is_not_replaced(engine: Engine, *, arrived: bool) -> None:
    outbox = Outbox(engine)
    outbox.plan("s", None, at(1), [])
    outbox.plan("s", at(1), at(2), [post(1), post(2)])
    one = first(outbox)
    outbox.sending(one, NOON, HOUR)
    if arrived:
        outbox.sent(one, "remote")
    assert outbox.replaceable("s") is None
    assert not outbox.plan("s", at(2), at(3), [post(1)], instead=at(1))


def purge(engine: Engine, row: int) -> None:
    with writing(engine) as connection:
        list_id = connection.execute(select(mailing_list.c.id)).scalar_one()
        plan_anew(connection, list_id, row)


@pytest.fixture
def planned(engine: Engine) -> Outbox:
    """Three digests that wait, up to 1, 2 and 3."""
    with Index(engine).writer("kvm"):
        pass
    outbox = Outbox(engine)
    outbox.plan("s", None, at(1), [post(1)])
    outbox.plan("s", at(1), at(2), [post(2)])
    outbox.plan("s", at(2), at(3), [post(3)])
    return outbox


def test_what_tells_of_a_mail_that_is_gone_is_planned_anew_with_all_behind_it(engine: Engine, planned: Outbox) -> None:
    purge(engine, 2)
    assert [key for key, _, _ in rows(engine)] == ["key1"]
    assert planned.progress() == {"s": at(1)}
    purge(engine, 1)
    assert (rows(engine), planned.progress()) == ([], {})


def test_of_a_post_in_doubt_the_text_goes_at_once_and_the_rest_when_it_is_certain(
    engine: Engine, planned: Outbox
) -> None:
    planned.sending(first(planned), NOON, HOUR)
    purge(engine, 1)
    assert rows(engine) == [("key1", "sending", "")]
    assert planned.progress() == {"s": at(1)}
    withdrawn = first(planned)
    assert withdrawn.withdrawn
    assert planned.taken_back(withdrawn)
    assert (rows(engine), planned.progress()) == ([], {})


def test_a_post_that_is_taken_back_while_it_is_about_to_be_sent_is_not_sent(engine: Engine, planned: Outbox) -> None:
    about = first(planned)
    purge(engine, 1)
    assert not planned.sending(about, NOON, HOUR)


def test_the_rest_of_a_digest_that_is_partly_out_is_let_go(engine: Engine) -> None:
    with Index(engine).writer("kvm"):
        pass
    outbox = Outbox(engine)
    outbox.plan("s", None, at(1), [post(1), post(2)])
    outbox.sent(first(outbox), "remote")
    purge(engine, 1)
    assert not outbox.taken_back(first(outbox))
    assert rows(engine) == [("key1", "sent", "body 1"), ("key2", "dead", "")]
    assert outbox.progress() == {"s": at(1)}


def test_what_was_given_up_of_a_digest_is_no_hindrance_to_planning_it_anew(engine: Engine) -> None:
    """It told of a mail that was purged since, and its key will be the same."""
    with Index(engine).writer("kvm"):
        pass
    outbox = Outbox(engine)
    outbox.plan("s", None, at(0), [])
    outbox.plan("s", at(0), at(1), [post(1), post(2)])
    outbox.dead(first(outbox), "too long")
    purge(engine, 1)
    assert outbox.progress() == {"s": at(0)}
    assert outbox.plan("s", at(0), at(2), [post(1), post(2)])
    assert [state for _, state, _ in rows(engine)] == ["pending", "pending"]


def test_what_was_given_up_heads_no_thread(engine: Engine) -> None:
    outbox = Outbox(engine)
    outbox.plan("s", None, at(1), [post(1), post(2), post(3)])
    outbox.dead(first(outbox), "too long")
    assert first(outbox).under is None
    outbox.sent(first(outbox), "second")
    assert (first(outbox).key, first(outbox).under) == ("key3", "second")


def test_a_promise_is_on_the_disk_before_anything_is_built_on_it(sqlite: Engine) -> None:
    with writing(sqlite) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL: with less, a power cut undoes it


@pytest.mark.parametrize("planned_here", [True, False])
def test_of_a_post_that_was_there_only_what_was_planned_anew_is_told_again(
    engine: Engine, *, planned_here: bool
) -> None:
    ours = Outbox(engine, known=4)
    planner = ours if planned_here else Outbox(engine)
    planner.plan("s", None, at(2), [])
    planner.plan("s", at(2), at(6), [post(1)])
    planner.plan("s", at(6), at(7), [post(2)])
    found = first(ours)
    ours.adopt(found)
    ours.sent(found, "remote")
    assert ours.progress()["s"].upto == (4 if planned_here else 7)
    assert [state for _, state, _ in rows(engine)] == (["sent"] if planned_here else ["sent", "pending"])


def test_a_post_that_another_replica_has_sent_meanwhile_is_not_told_again(engine: Engine) -> None:
    ours = Outbox(engine, known=4)
    ours.plan("s", None, at(2), [])
    ours.plan("s", at(2), at(6), [post(1)])
    found = first(ours)
    Outbox(engine).sending(found, LATER, HOUR)
    ours.adopt(found)
    assert ours.progress() == {"s": at(6)}
