"""The clock. APScheduler does nothing but tick, in memory; what is due at a tick is decided here, from our own table.

Its cron trigger loses days when the clocks change, and its job stores lose runs at a crash, so neither is used.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from chatbot.rhythm import Rhythm, last_slot


@dataclass(frozen=True, slots=True)
class Timetable:
    """When the digest with this key is due."""

    key: str
    rhythm: Rhythm
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Due:
    """A digest to be built now, for this slot."""

    key: str
    slot: datetime


def due(timetables: Iterable[Timetable], slots_had: dict[str, datetime], now: datetime) -> tuple[Due, ...]:
    """What is due: for each timetable its last slot since the one it had. One that never had any is due at once,
    for its beginning to be set.
    """
    found: list[Due] = []
    for timetable in timetables:
        had = slots_had.get(timetable.key)
        slot = now if had is None else last_slot(timetable.rhythm, timetable.zone, had, now)
        if slot is not None:
            found.append(Due(timetable.key, slot))
    return tuple(found)


class Clock:
    """Calls `tick` again and again, never twice at once; a tick that was missed is not made up for."""

    def __init__(self, every: timedelta, tick: Callable[[], Awaitable[None]]) -> None:
        """Stands still until started."""
        self._every = every
        self._scheduler = AsyncIOScheduler()
        self._job = self._scheduler.add_job(tick, _interval(every), coalesce=True)

    def start(self) -> None:
        """Needs a running event loop."""
        self._scheduler.start()

    def tick_every(self, every: timedelta) -> None:
        """From now on, in other intervals."""
        if every != self._every:
            self._every = every
            self._job.reschedule(_interval(every))

    def stop(self) -> None:
        """A tick under way goes on to its end; a shutdown would cancel it."""
        if self._scheduler.running:
            self._scheduler.pause()


def _interval(every: timedelta) -> IntervalTrigger:
    return IntervalTrigger(seconds=max(1, int(every.total_seconds())))
