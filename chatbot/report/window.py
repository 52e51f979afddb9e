"""Windows: what a digest covers, and the words in which people ask for one."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chatbot.errors import Misunderstood
from chatbot.mail.mail import Mail
from chatbot.sources.source import Span

# How git writes "no commit": the end of a range that begins with an archive's first mail.
NOTHING = "0" * 40
# A search back in time ends after so many mails in a row that both the archive's stamp and the commit's time
# call too old: enough for what arrives out of order, and 25 ms to read.
STRAGGLERS = 500
# Clocks of mail servers differ, and few by more than a day.
SKEW = timedelta(days=1)

_AGO = re.compile(r"(\d{1,4})\s{0,3}(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.IGNORECASE)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
EXAMPLES = "write 7d, 12h, 2w, 2025-11-10, or 2025-11-10T08:00"


@dataclass(frozen=True, slots=True)
class Window:
    """The commits of each epoch, oldest epoch first, and the time they were asked for by, if they were.

    `since` is inside the window, `until` is not; both in UTC.
    """

    spans: tuple[Span, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def begin(self) -> str:
        """The commit before the window's first."""
        return (self.spans[0].after if self.spans else None) or NOTHING

    @property
    def end(self) -> str:
        """The window's last commit."""
        return self.spans[-1].to if self.spans else NOTHING


@dataclass(frozen=True, slots=True)
class Placed:
    """A mail and where its archive has it."""

    mail: Mail
    epoch: int
    commit: str
    committed: datetime


def parse_moment(text: str, now: datetime) -> datetime:
    """`7d` (ago), a day (its first instant), or a time; UTC where no zone is named. Raises Misunderstood."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - int(ago[1]) * _UNITS[ago[2][0].lower()]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Misunderstood(repr(text), "this is no time", EXAMPLES) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def parse_duration(text: str) -> timedelta:
    """`7d`, `12h`, `2 weeks`. Raises Misunderstood."""
    match = _AGO.fullmatch(text.strip())
    if match is None:
        raise Misunderstood(repr(text), "this is no span of time", "write 7d, 12h, or 2w")
    return int(match[1]) * _UNITS[match[2][0].lower()]


def between(newest_first: Iterable[Placed], since: datetime | None, until: datetime | None) -> tuple[list[Placed], Window]:
    """The mails received in `[since, until)`, newest first, and the window of commits that holds them.

    Archives are nearly, not strictly, in the order of arrival: see STRAGGLERS for where the search ends.
    """
    found: list[Placed] = []
    before: Placed | None = None
    too_old = 0
    for placed in newest_first:
        if until and placed.mail.received >= until:
            continue
        if since is None or placed.mail.received >= since:
            found.append(placed)
            before, too_old = None, 0
            continue
        before = before or placed
        too_old = too_old + 1 if placed.committed < since - SKEW else 0
        if too_old >= STRAGGLERS:
            break
    return found, Window(_spans(found, before), since, until)


def last(newest_first: Iterable[Placed], count: int) -> tuple[list[Placed], Window]:
    """The newest `count` mails, newest first, and the window of commits that holds them."""
    mails = iter(newest_first)
    found = [placed for _, placed in zip(range(count), mails, strict=False)]
    return found, Window(_spans(found, next(mails, None)))


def _spans(found: list[Placed], before: Placed | None) -> tuple[Span, ...]:
    """The commits from the oldest to the newest mail found, epoch by epoch; `before` is the mail before the oldest."""
    return tuple(_epochs(found, before))[::-1]


def _epochs(found: list[Placed], before: Placed | None) -> Iterator[Span]:
    newest: dict[int, str] = {}
    for placed in found:
        newest.setdefault(placed.epoch, placed.commit)
    for epoch, commit in newest.items():
        yield Span(epoch, before.commit if before and before.epoch == epoch else None, commit)
