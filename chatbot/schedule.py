"""The clock. APScheduler does nothing but tick, in memory; what is due at a tick is decided from our own table, see
subscriptions/due.py.

Its cron trigger loses days when the clocks change, and its job stores lose runs at a crash, so neither is used.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger


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
