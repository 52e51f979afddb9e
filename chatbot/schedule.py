"""The clock. APScheduler does nothing but tick, in memory; what is due at a tick is decided here, from our own table.

Its cron trigger loses days when the clocks change, and its job stores lose runs at a crash, so neither is used.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

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
    coming = slots(when.rhythm, when.zone or room.zone, now, now + _AHEAD)
    return tuple(islice(dict.fromkeys(map(room.moved, coming)), count))


class Clock:
    """Calls `tick` again and again, never twice at once; a tick that was missed is not made up for."""

    def __init__(self, every: timedelta, tick: Callable[[], Awaitable[None]]) -> None:
        """Stands still until started."""
        self._scheduler = AsyncIOScheduler()
        self._scheduler.add_job(tick, IntervalTrigger(seconds=max(1, int(every.total_seconds()))), coalesce=True)

    def start(self) -> None:
        """Needs a running event loop."""
        self._scheduler.start()

    def stop(self) -> None:
        """A tick under way goes on to its end."""
        self._scheduler.shutdown(wait=False)
