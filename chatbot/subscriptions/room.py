"""What a room wants of all that is posted in it. Pure: nobody asks a clock here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_SATURDAY = 5
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the day, from its beginning on, before its end; over midnight where the end is the earlier one."""

    begin: time
    end: time

    def __contains__(self, moment: time) -> bool:
        if self.begin <= self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


@dataclass(frozen=True, slots=True)
class Room:
    """A room of a platform, by the platform's own name: its time zone, who may manage it beside those whom the platform
    lets, and when nothing is posted: in `quiet` hours, on holidays, and on weekends, unless it has `weekends`.
    """

    platform: str
    name: str
    zone: ZoneInfo = _UTC
    managers: frozenset[str] = frozenset()
    quiet: Hours | None = None
    weekends: bool = True
    holidays: frozenset[date] = frozenset()

    def moved(self, moment: datetime) -> datetime:
        """When that which is due at a moment is posted: from a day off to the same time of the next working day, from a
        quiet hour to its end.
        """
        wall = moment.astimezone(self.zone)
        there = wall.replace(tzinfo=None, fold=0)
        if self.quiet and there.time() in self.quiet:
            days = _DAY if there.time() >= self.quiet.end else timedelta(0)
            there = datetime.combine(there.date() + days, self.quiet.end)
        while self._off(there.date()):
            there += _DAY
        if there == wall.replace(tzinfo=None):
            return moment
        return there.replace(tzinfo=self.zone).astimezone(UTC)

    def _off(self, day: date) -> bool:
        return day in self.holidays or (not self.weekends and day.weekday() >= _SATURDAY)


# By platform and name.
Rooms = Mapping[tuple[str, str], Room]


def placed(rooms: Rooms, names: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], Room]:
    """Rooms as the config names them, by what these names stand for now."""
    found = {}
    for (platform, name), room in rooms.items():
        now = names.get((platform, name), name)
        found[platform, now] = room if now == name else replace(room, name=now)
    return found
