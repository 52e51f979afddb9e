"""Windows: what a digest covers, and the words in which people ask for one."""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from chatbot.errors import Misunderstood
from chatbot.mail.mail import EARLIEST, Mail
from chatbot.read import read, received
from chatbot.rhythm import duration
from chatbot.sources.source import Commit, RawMail, Span

# How git writes "no commit": the end of a range that begins with an archive's first mail.
NOTHING = "0" * 40
# A walk back in time ends behind so many commits in a row that are too old. Where they are in the order of their times
# one would do; the others are for old mails that were brought in later, in blocks. To pass so many by takes 10 ms.
STRAGGLERS = 2000
# Clocks of mail servers differ, and few by more than a day.
SKEW = timedelta(days=1)

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


# A mail and where its archive has it.
Placed = tuple[Commit, Mail]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which mails: a range of commits, a stretch of time, or the last so many. Exactly one of the three."""

    commits: str | None = None
    since: str | None = None
    until: str | None = None
    last: int | None = None

    def times(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """Since and until as instants. Raises Misunderstood where they make no sense, or the choice is not one."""
        chosen = (self.commits is not None, self.since is not None or self.until is not None, self.last is not None)
        if sum(chosen) != 1:
            found = "nothing says which mails" if not any(chosen) else "more than one thing says which mails"
            raise Misunderstood("digest", found, "give one of A..B, --since with or without --until, --last")
        if self.last is not None and self.last < 1:
            raise Misunderstood(f"--last {self.last}", "this is no number of mails", "write 1 or more")
        since = parse_moment(self.since, now) if self.since is not None else None
        until = parse_moment(self.until, now) if self.until is not None else None
        if until and since and until <= since:
            raise Misunderstood(
                f"--since {self.since} --until {self.until}",
                "this time ends before it begins",
                "name the earlier one first",
            )
        if since and since > now:
            raise Misunderstood(f"--since {self.since}", "this is still to come", EXAMPLES)
        return since, until


def parse_moment(text: str, now: datetime) -> datetime:
    """`7d` (ago), a day (its first instant), or a time; UTC where no zone is named. Raises Misunderstood."""
    ago = duration(text)
    if ago is not None:
        return max(now - ago, EARLIEST)
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Misunderstood(repr(text), "this is no time", EXAMPLES) from None


def candidates(history: Iterable[Commit], since: datetime | None) -> Iterator[Commit]:
    """The commits of a history, newest first, whose mails can have been received since then.

    No archive commits what it has not got yet, so an old commit's mail is not read. One that claims to be older than
    any mail says nothing. Histories are nearly, not strictly, in the order of time: see STRAGGLERS for their end.
    """
    horizon = max(since or EARLIEST, EARLIEST) - SKEW
    too_old = 0
    for commit in history:
        if EARLIEST <= commit.time < horizon:
            too_old += 1
            if too_old >= STRAGGLERS:
                return
        else:
            too_old = 0
            yield commit


def between(
    newest_first: Iterable[RawMail], since: datetime | None, until: datetime | None
) -> tuple[list[Placed], Window]:
    """The mails received in `[since, until)`, newest first, and the window of commits that holds them."""
    beginning, end = since or EARLIEST, until or datetime.max.replace(tzinfo=UTC)
    found = [read(raw) for raw in newest_first if beginning <= received(raw) < end]
    return found, Window(_spans(found), since, until)


def last(newest_first: Iterable[RawMail], count: int) -> tuple[list[Placed], Window]:
    """The newest `count` mails, newest first, and the window of commits that holds them."""
    found = [read(raw) for raw in islice(newest_first, min(count, sys.maxsize))]
    return found, Window(_spans(found))


def _spans(newest_first: list[Placed]) -> tuple[Span, ...]:
    """The commits from the oldest to the newest mail, epoch by epoch."""
    newest: dict[int, str] = {}
    for commit, _ in newest_first:
        newest.setdefault(commit.epoch, commit.id)
    oldest = newest_first[-1][0] if newest_first else None
    return tuple(
        Span(epoch, oldest.parent if oldest and oldest.epoch == epoch else None, tip)
        for epoch, tip in sorted(newest.items())
    )
