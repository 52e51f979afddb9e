from datetime import UTC, timedelta

from chatbot.ledger import TOLERANCE, missing
from chatbot.rhythm import parse_rhythm
from chatbot.schedule import Due, Timetable
from tests.conftest import NOON

HOUR = timedelta(hours=1)
HOURLY = Timetable("room", parse_rhythm("hourly"), UTC)


def test_a_slot_is_missing_when_it_has_passed_by_more_than_the_tolerance() -> None:
    done = {"room": NOON}
    assert missing([HOURLY], done, NOON + HOUR + TOLERANCE - timedelta(seconds=1)) == ()
    assert missing([HOURLY], done, NOON + HOUR + TOLERANCE) == (Due("room", NOON + HOUR),)
    assert missing([HOURLY], {"room": NOON + HOUR}, NOON + HOUR + TOLERANCE) == ()


def test_of_many_slots_the_last_is_missing_and_who_has_not_begun_misses_none() -> None:
    assert missing([HOURLY], {"room": NOON}, NOON + 9.5 * HOUR) == (Due("room", NOON + 9 * HOUR),)
    assert missing([HOURLY], {}, NOON + 9.5 * HOUR) == ()
