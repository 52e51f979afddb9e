"""What a subscription would have posted. Pure: times in, numbers out."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from chatbot.report.digest import Digest, Posting
from chatbot.rhythm import slots
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.when import COLLECTED, When

# So far back it is rehearsed: two weeks have each weekday twice.
REHEARSED = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How many posts, with how many lines: new series, new versions, and what was applied; and the day in the room's
    zone that has most of these, if there are any.
    """

    posts: int
    lines: int
    busiest: date | None
    most: int


def rehearse(when: When, room: Room, digest: Digest, mails: Sequence[datetime], now: datetime) -> Rehearsal:
    """Of a digest of all that came in the time before; `mails` is when each of its mails did."""
    begun = [one.standing.received for one in (*digest.series, *digest.versions)]
    lines = begun if when.at_once else [*begun, *_applied(digest.applied)]
    days = Counter(line.astimezone(when.zone or room.zone).date() for line in lines)
    busiest = min(days, key=lambda day: (-days[day], day), default=None)
    news = sorted(lines if digest.sifted else mails)
    return Rehearsal(_posts(when, room, news, len(mails), now), len(lines), busiest, days[busiest] if busiest else 0)


def _posts(when: When, room: Room, news: Iterable[datetime], mails: int, now: datetime) -> int:
    if when.mails:
        return mails // when.mails
    if when.rhythm:
        coming = slots(when.rhythm, when.zone or room.zone, now - REHEARSED, now)
        told = sorted({room.moved(slot) for slot in coming})
        places = {bisect_left(told, one) for one in news}
        return len(places - {len(told)})
    posts, until = 0, None
    for one in news:
        if until is None or one > until:
            posts, until = posts + 1, one + COLLECTED
    return posts


def _applied(those: Iterable[Posting]) -> Iterable[datetime]:
    for one in those:
        yield next(remark.received for remark in one.standing.remarks if remark.applied and not remark.own)
