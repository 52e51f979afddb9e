"""When a subscription is due. Pure: the time is handed in, and what it had."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbot.rhythm import slots
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.when import When

# A 29th of February comes within eight years, and cron's days can meet more rarely than any digest.
_AHEAD = timedelta(days=8 * 366)


@dataclass(frozen=True, slots=True)
class Due:
    """A digest to be built now, for this slot; `late` where an earlier one had to be left out."""

    slot: datetime
    late: bool = False


def due(when: When, room: Room, had: datetime | None, now: datetime, came: Callable[[], int]) -> Due | None:
    """Whether something is due, and for which slot: the last one since that which it had, moved to where the room is
    told anything. What never had any is due at once, for its beginning to be set. `came` says how many mails there are
    since.
    """
    if had is None:
        return Due(now)
    if when.rhythm is None:
        return Due(now) if had < now == room.moved(now) and came() >= max(when.mails, 1) else None
    zone = when.zone or room.zone
    reached = [slot for slot in slots(when.rhythm, zone, had, now) if room.moved(slot) <= now]
    if not reached:
        return None
    return Due(reached[-1], late=room.moved(reached[0]) < room.moved(reached[-1]))


def next_slots(when: When, room: Room, now: datetime, count: int) -> tuple[datetime, ...]:
    """The next times at which something is due; none where that depends on the mails."""
    if when.rhythm is None:
        return ()
    told: dict[datetime, None] = {}
    for slot in slots(when.rhythm, when.zone or room.zone, now, now + _AHEAD):
        told[room.moved(slot)] = None
        if len(told) == count:  # eight years of hours are many
            break
    return tuple(told)
