from datetime import timedelta

from chatbot.ledger import TOLERANCE, Expected, Missing, missing
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.when import parse_when
from tests.conftest import NOON

HOUR = timedelta(hours=1)
HOURLY = Expected("room", Room("slack", "C1"), parse_when("hourly"))
AT_ONCE = Expected("other", Room("slack", "C1"), parse_when("as it happens"))


def test_a_slot_is_missing_when_it_has_passed_by_more_than_the_tolerance() -> None:
    done = {"room": NOON}
    assert missing([HOURLY], done, NOON + HOUR + TOLERANCE - timedelta(seconds=1)) == ()
    assert missing([HOURLY], done, NOON + HOUR + TOLERANCE) == (Missing("room", NOON + HOUR),)
    assert missing([HOURLY], {"room": NOON + HOUR}, NOON + HOUR + TOLERANCE) == ()


def test_of_many_slots_the_last_is_missing_and_what_has_not_begun_or_has_no_slots_misses_none() -> None:
    assert missing([HOURLY], {"room": NOON}, NOON + 9.5 * HOUR) == (Missing("room", NOON + 9 * HOUR),)
    assert missing([HOURLY], {}, NOON + 9.5 * HOUR) == ()
    assert missing([AT_ONCE], {"other": NOON}, NOON + 9.5 * HOUR) == ()
