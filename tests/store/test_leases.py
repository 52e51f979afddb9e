"""What each of several replicas does, whose lease has run out, and whose time counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, update

from chatbot.chat.post import Post
from chatbot.store.database import leasing, reading
from chatbot.store.delivery import Planned, Progress
from chatbot.store.leases import LENGTH, Leases
from chatbot.store.outbox import Outbox
from chatbot.store.tables import lease
from tests.conftest import NOON

ROOMS = {"a", "b", "c", "d", "e"}
SECONDS = LENGTH.total_seconds()


class Replica:
    """One process, whose own clock can be put on."""

    def __init__(self, engine: Engine) -> None:
        self.clock = 1000.0
        self.leases = Leases(engine, lambda: NOON, lambda: self.clock)

    def has(self) -> set[str]:
        return {name for name in ROOMS if self.leases.since(name) is not None}


@pytest.fixture
def replica(postgresql_engine: Engine) -> Callable[[], Replica]:
    return lambda: Replica(postgresql_engine)


def run_out(engine: Engine) -> None:
    """All leases do, by the database's clock."""
    with leasing(engine) as connection:
        connection.execute(update(lease).values(until=func.clock_timestamp()))


def test_replicas_share_what_there_is_and_who_stays_gets_what_the_other_gives_back(
    replica: Callable[[], Replica],
) -> None:
    one, two = replica(), replica()
    with one.leases.kept():
        one.leases.share("chat", ROOMS)
        assert one.has() == ROOMS
        with two.leases.kept():
            two.leases.share("chat", ROOMS)
            assert two.has() == set()
            one.leases.share("chat", ROOMS)
            two.leases.share("chat", ROOMS)
            assert (len(one.has()), len(two.has())) == (3, 2)
            assert one.has() | two.has() == ROOMS
        one.leases.share("chat", ROOMS)
        assert one.has() == ROOMS


def test_who_has_not_a_platform_has_no_part_of_its_rooms(replica: Callable[[], Replica]) -> None:
    one, two = replica(), replica()
    two.leases.share("other", {"room other a"})
    one.leases.share("chat", ROOMS)
    two.leases.share("other", {"room other a"})
    one.leases.share("chat", ROOMS)
    assert one.has() == ROOMS
    assert two.leases.since("room other a") is not None


def test_what_a_killed_replica_had_is_the_others_when_it_has_run_out(
    replica: Callable[[], Replica], postgresql_engine: Engine
) -> None:
    one, two = replica(), replica()
    one.leases.share("chat", ROOMS)
    two.leases.share("chat", ROOMS)
    assert two.has() == set()
    run_out(postgresql_engine)
    two.leases.share("chat", ROOMS)
    assert two.has() == ROOMS
    one.leases.renew()
    assert one.has() == set()


def test_who_was_stopped_does_not_believe_in_a_lease_which_the_database_still_has(
    replica: Callable[[], Replica],
) -> None:
    one = replica()
    one.leases.share("chat", ROOMS)
    since, term = one.leases.since("a"), one.leases.term("a")
    one.clock += SECONDS - 1
    assert term()
    one.leases.renew()
    one.clock += 2
    assert (one.leases.since("a"), term()) == (since, False)
    one.clock += SECONDS
    assert one.leases.since("a") is None
    one.leases.renew()  # nobody else wanted it
    assert one.leases.since("a") == one.clock


def test_a_list_is_read_by_one_at_a_time(replica: Callable[[], Replica]) -> None:
    one, two = replica(), replica()
    with (
        one.leases.alone("list kvm") as ours,
        two.leases.alone("list kvm") as theirs,
        two.leases.alone("list coco") as other,
    ):
        assert [ours(), theirs(), other()] == [True, False, True]
    with two.leases.alone("list kvm") as theirs:
        assert theirs()


def test_the_time_is_the_databases(replica: Callable[[], Replica], postgresql_engine: Engine) -> None:
    one = replica()
    with reading(postgresql_engine) as connection:
        there: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    assert abs(one.leases.now() - there) < timedelta(minutes=1)
    assert one.leases.now().tzinfo is UTC
    one.clock += 3600
    assert one.leases.now() - there > timedelta(minutes=59)


def test_on_sqlite_everything_is_the_one_process(sqlite: Engine) -> None:
    one = Replica(sqlite)
    with one.leases.kept(), one.leases.alone("list kvm") as ours:
        one.leases.share("chat", ROOMS)
        assert (ours(), one.has(), one.leases.now()) == (True, ROOMS, NOON)
        one.clock += 10 * SECONDS
        assert (one.has(), one.leases.term("a")()) == (ROOMS, True)
    with reading(sqlite) as connection:
        assert connection.execute(select(func.count()).select_from(lease)).scalar() == 0


def test_only_who_has_the_room_writes_down_what_became_of_its_posts(
    replica: Callable[[], Replica], postgresql_engine: Engine
) -> None:
    one, two = (Outbox(postgresql_engine, replica().leases) for _ in range(2))
    one.plan("s", None, Progress(1, NOON), [Planned("key", "terminal", "a", Post("terminal", "body"), "kvm")])
    one.share("terminal", [])
    (delivery,) = one.waiting(NOON)
    assert not two.sending(delivery, NOON, timedelta(0))
    assert one.sending(delivery, NOON, timedelta(0))
    run_out(postgresql_engine)
    two.share("terminal", [])
    one.dead(delivery, "as one has it, which was stopped")
    later = NOON + LENGTH
    assert one.waiting(later - timedelta(seconds=1)) == ()  # before its lease had ended it could have been sent
    (again,) = two.waiting(later)
    assert (again.state, again.doubt) == ("sending", NOON)
