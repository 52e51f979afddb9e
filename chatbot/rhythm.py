"""Rhythms: when something is due, in words (`daily at 9:00`, `weekdays 08:30`) or in cron's five fields; and spans of
time in words (`7d`).

Pure: nobody asks a clock here. A wall time that a change of the clocks leaves out moves forward by the gap; one
that comes twice counts the first time.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from chatbot.errors import Misunderstood

EXAMPLES = 'write "daily at 09:00", "weekdays 08:30", "every monday at 9:00", "hourly", or five cron fields'
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_AT = r"(?:\s+(?:at\s+)?(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?)?"
_WORDS = re.compile(
    rf"(?:every\s+|each\s+|on\s+)?(?P<day>daily|day|weekdays?|weekends?|{'|'.join(f'{day}s?' for day in _DAYS)}){_AT}"
)
_EVERY = re.compile(r"(?:every\s+)?(?:(?P<count>\d{1,2})\s+)?(?P<unit>minutes?|hours?|hourly)")
# People say "every monday" and mean the morning.
_MORNING = 9
_DURATION = re.compile(r"(\d{1,4})\s{0,3}(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`words` is what the person wrote, `cron` what it means."""

    words: str
    cron: str


def parse_rhythm(text: str) -> Rhythm:
    """Raises Misunderstood where the words name no time, or one that never comes."""
    cleaned = " ".join(text.lower().split())
    cron = _cron(cleaned)
    try:
        next(CronSim(cron, datetime(2024, 1, 1)))  # noqa: DTZ001  # wall time, before any zone
    except (CronSimError, StopIteration):
        raise Misunderstood(repr(text), "this schedule says nothing that ever comes", EXAMPLES) from None
    return Rhythm(cleaned, cron)


def _cron(text: str) -> str:
    if match := _WORDS.fullmatch(text):
        hour, minute = int(match["hour"] or _MORNING), int(match["minute"] or 0)
        return f"{minute} {hour} * * {_day_field(match['day'])}"
    if match := _EVERY.fullmatch(text):
        return _every(int(match["count"] or 1), hours=match["unit"].startswith("h"))
    return text


def _every(count: int, *, hours: bool) -> str:
    """Cron counts from the full hour, and from midnight: only what divides them comes at equal distances."""
    whole = 24 if hours else 60
    if count == 0 or whole % count:
        near = [divisor for divisor in range(1, whole + 1) if whole % divisor == 0]
        nearest = min(near, key=lambda divisor: abs(divisor - count))
        unit = "hours" if hours else "minutes"
        raise Misunderstood(
            f"every {count} {unit}", f"this does not divide {whole} {unit}", f"write every {nearest} {unit}"
        )
    step = "*" if count == 1 else f"*/{count}"
    return f"0 {step} * * *" if hours else f"{step} * * * *"


def _day_field(day: str) -> str:
    if day in ("daily", "day"):
        return "*"
    if day.startswith("weekday"):
        return "1-5"
    if day.startswith("weekend"):
        return "0,6"
    return str(_DAYS.index(day.removesuffix("s") if day not in _DAYS else day))


def slots(rhythm: Rhythm, zone: tzinfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """The instants, in UTC, strictly after `after` up to and with `until`, each later than the one before."""
    # One day back: a slot that a gap moved forward is looked for at its wall time, and gaps are up to a day long.
    wall = after.astimezone(zone).replace(tzinfo=None) - timedelta(days=1)
    previous = after
    for local in CronSim(rhythm.cron, wall):
        instant = local.replace(tzinfo=zone).astimezone(UTC)
        if instant > until + timedelta(days=1):
            return
        if previous < instant <= until:
            yield instant
            previous = instant


def duration(text: str) -> timedelta | None:
    """`7d`, `12h`, `2 weeks`; None for other words."""
    match = _DURATION.fullmatch(text.strip())
    return int(match[1]) * _UNITS[match[2][0].lower()] if match else None


def parse_duration(text: str) -> timedelta:
    """As `duration`. Raises Misunderstood for other words, and for no time at all."""
    found = duration(text)
    if not found:
        raise Misunderstood(repr(text), "this is no span of time", "write 7d, 12h, or 15 minutes")
    return found
