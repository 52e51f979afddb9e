"""The ledger of runs: what should have gone out, against what did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbot.subscriptions.due import due
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.when import When

# A digest takes some seconds, and a platform may want a minute or two: later than this, something is wrong.
TOLERANCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Expected:
    """A subscription that is to be told of, its room, and when."""

    key: str
    room: Room
    when: When


@dataclass(frozen=True, slots=True)
class Missing:
    """A digest that should have gone out: whose, and for which slot."""

    key: str
    slot: datetime


def missing(
    expected: Iterable[Expected], done: Mapping[str, datetime], now: datetime, tolerance: timedelta = TOLERANCE
) -> tuple[Missing, ...]:
    """The slots that have passed by more than the tolerance without a post or a reason; of each subscription the last.

    `done` says by key up to which slot all has arrived, or had nothing to tell. What never had any has missed none, and
    neither has what comes by the number of mails.
    """
    latest = now - tolerance
    return tuple(
        Missing(one.key, found.slot)
        for one in expected
        if one.key in done and (found := due(one.when, one.room, done[one.key], latest, lambda: 0))
    )
