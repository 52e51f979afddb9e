"""How much happens on a list: numbers by the day or by seven days, up to the end of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chatbot.report.digest import MailingList

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
# So many weeks are shown where nobody names a number.
QUARTER = 13
# So many weeks are shown day by day; more of them week by week.
BY_DAY = 4


@dataclass(frozen=True, slots=True)
class Activity:
    """`mails`, `series` that humans began, and later `versions` of such, each by steps, the oldest first; the last step
    ends `until`. What began before `followed` is no posting here, for nobody looked yet.
    """

    mailing_list: MailingList
    until: datetime
    step: timedelta
    mails: Sequence[int]
    series: Sequence[int]
    versions: Sequence[int]
    followed: datetime | None = None

    @property
    def unit(self) -> str:
        """A step in words."""
        return "day" if self.step == DAY else "week"

    @property
    def begins(self) -> tuple[datetime, ...]:
        """When each step begins."""
        count = len(self.mails)
        return tuple(self.until - self.step * ago for ago in range(count, 0, -1))

    @property
    def days(self) -> str:
        """The first and the last of its days."""
        return f"{self.begins[0]:%Y-%m-%d} to {self.until - DAY:%Y-%m-%d} UTC"

    @property
    def heading(self) -> str:
        """What it is about."""
        return f"{self.mailing_list.title}, the last {len(self.mails)} {self.unit}s"

    @property
    def remark(self) -> str:
        """What of the postings is not counted; mostly nothing."""
        if self.followed is None:
            return "series and versions are not counted yet"
        return f"series and versions are counted since {self.followed:%Y-%m-%d}" * (self.followed > self.begins[0])


def end_of(now: datetime) -> datetime:
    """Of its day, in UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY


def steps(weeks: int) -> tuple[timedelta, int]:
    """In which steps so many weeks are shown, and in how many."""
    return (DAY, 7 * weeks) if weeks <= BY_DAY else (WEEK, weeks)
