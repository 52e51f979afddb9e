"""When something is due: which slot, whether others were left out, and where a room has it moved to."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.subscriptions.due import Due, due, next_slots
from chatbot.subscriptions.room import Hours, Room
from chatbot.subscriptions.when import parse_when

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
# A Thursday.
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROOM = Room("terminal", "room")
NIGHT = Hours(time(22), time(7))


def asked(when: str, had: datetime | None, now: datetime = NOON, room: Room = ROOM, came: int = 0) -> Due | None:
    return due(parse_when(when), room, had, now, lambda: came)


def test_what_is_due_is_the_last_slot_since_the_one_it_had() -> None:
    nine = NOON - 3 * HOUR
    assert asked("daily at 09:00", None) == Due(NOON)  # its beginning is to be set
    assert asked("daily at 09:00", NOON - DAY) == Due(nine)
    assert asked("daily at 09:00", NOON - 30 * DAY) == Due(nine, late=True)  # a long absence owes one digest
    assert asked("daily at 09:00", nine) is None
    assert asked("daily at 09:00", NOON + DAY) is None  # the clock went back
    assert asked("daily at 09:00", NOON - 20 * HOUR, room=Room("terminal", "r", ZoneInfo("America/New_York"))) is None


def test_mails_are_counted_and_what_happens_is_looked_at_when_some_came() -> None:
    assert asked("every 200 mails", NOON - HOUR, came=199) is None
    assert asked("every 200 mails", NOON - HOUR, came=200) == Due(NOON)
    assert asked("as it happens", NOON - HOUR) is None
    assert asked("as it happens", NOON - HOUR, came=1) == Due(NOON)
    assert asked("as it happens", NOON, came=1) is None
    night = Room("terminal", "room", quiet=Hours(time(11), time(13)))
    assert asked("as it happens", NOON - HOUR, room=night, came=1) is None
    assert asked("as it happens", NOON - HOUR, NOON + HOUR, night, 1) == Due(NOON + HOUR)


def local(room: Room, *wall: int) -> datetime:
    return datetime(*wall, tzinfo=room.zone)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wall", "moved"),
    [
        ((2026, 1, 2, 23, 30), (2026, 1, 5, 7, 0)),  # Friday night, over the weekend
        ((2026, 1, 5, 6, 59), (2026, 1, 5, 7, 0)),
        ((2026, 1, 3, 9, 0), (2026, 1, 5, 9, 0)),  # the same time of the next working day
        ((2026, 1, 6, 9, 0), (2026, 1, 8, 9, 0)),  # two holidays
        ((2026, 1, 8, 22, 0), (2026, 1, 9, 7, 0)),
        ((2026, 1, 8, 7, 0), (2026, 1, 8, 7, 0)),
    ],
)
def test_quiet_hours_weekends_and_holidays_move_what_is_due(wall: tuple[int, ...], moved: tuple[int, ...]) -> None:
    days = frozenset({date(2026, 1, 6), date(2026, 1, 7)})
    room = Room("terminal", "room", BERLIN, quiet=NIGHT, weekends=False, holidays=days)
    assert room.moved(local(room, *wall)) == local(room, *moved)


def test_what_a_weekend_moved_comes_with_what_monday_has_and_is_not_late() -> None:
    room = Room("terminal", "room", weekends=False)
    monday = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert asked("daily at 09:00", NOON + DAY, monday - HOUR, room) is None
    assert asked("daily at 09:00", NOON + DAY, monday, room) == Due(monday)
    assert next_slots(parse_when("daily at 09:00"), room, NOON + DAY, 2) == (monday, monday + DAY)
    assert next_slots(parse_when("every 200 mails"), room, NOON, 3) == ()
    assert len(next_slots(parse_when("0 0 29 2 *"), room, NOON, 3)) == 2  # as far as one looks ahead


@given(
    st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})),
    st.datetimes(NOON.replace(tzinfo=None), NOON.replace(tzinfo=None, year=2028)),
    st.builds(Hours, st.times(), st.times()),
    st.booleans(),
    st.frozensets(st.dates(date(2026, 1, 1), date(2028, 1, 1)), max_size=5),
)
def test_what_is_moved_comes_soon_and_on_a_working_day(
    zone: str, moment: datetime, quiet: Hours, weekends: bool, holidays: frozenset[date]
) -> None:
    room = Room("terminal", "room", ZoneInfo(zone), quiet=quiet, weekends=weekends, holidays=holidays)
    moment = moment.replace(tzinfo=UTC)
    moved = room.moved(moment)
    # A night, and some days off; an hour that the clocks give or take.
    assert -HOUR <= moved - moment <= 12 * DAY
    there = moved.astimezone(room.zone)
    assert weekends or there.weekday() < 5
    assert there.date() not in holidays
