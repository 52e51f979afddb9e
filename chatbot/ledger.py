"""The ledger of runs: what should have gone out, against what did."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from chatbot.schedule import Due, Timetable, due

# A digest takes some seconds, and a platform may want a minute or two: later than this, something is wrong.
TOLERANCE = timedelta(minutes=15)


def missing(
    expected: Iterable[Timetable], done: Mapping[str, datetime], now: datetime, tolerance: timedelta = TOLERANCE
) -> tuple[Due, ...]:
    """The slots that have passed by more than the tolerance without a post or a reason; of each timetable the last.

    `done` says by key up to which slot all has arrived, or had nothing to tell. Who never had any has missed none.
    """
    begun = (one for one in expected if one.key in done)
    return due(begun, dict(done), now - tolerance)
