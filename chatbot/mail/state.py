"""State: how far a series has come, as seen on the list, and whose turn it is; each with the mails that show it.

Derived each time from the mails and the time handed in. Nothing is concluded from silence but that no reply was seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import itemgetter

from chatbot.mail.standing import Remark, Standing

# After so long a silence nobody waits any more: two merge windows and what lies between.
STALE_AFTER = timedelta(days=90)
_WEEKEND = (5, 6)


class State(StrEnum):
    """What was seen of a series, the least first; the last one seen is its state."""

    NEW = "new"
    DISCUSSED = "discussed"
    REVIEWED = "reviewed"
    CHANGES_ASKED = "changes asked"
    STALE = "stale"
    APPLIED = "applied"


class Turn(StrEnum):
    """Whom a series waits for."""

    AUTHOR = "author"
    REVIEWERS = "reviewers"
    MAINTAINER = "maintainer"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing seen, and the Message-IDs of the mails that show it; `parts` are those it is about, if not all."""

    state: State
    mails: tuple[str, ...]
    words: str
    parts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """For whom, since when, and for how many business days (Monday to Friday, in UTC)."""

    on: Turn
    since: datetime
    business_days: int


@dataclass(frozen=True, slots=True)
class Status:
    """`seen` are all observations, the one that makes the state last. `superseded_by` is the next version's head."""

    seen: tuple[Seen, ...]
    waiting: Waiting | None
    superseded_by: str

    @property
    def state(self) -> State:
        """The last thing that was seen."""
        return self.seen[-1].state


def status(standing: Standing, now: datetime, *, stale_after: timedelta = STALE_AFTER) -> Status:
    """Of a posting as it stands now (see `Standing.at`). Bots say whether it was applied, and nothing else that
    counts.
    """
    human = [remark for remark in standing.remarks if not remark.bot]
    reviewed, asked, applied = _reviewed(standing), _asked(human), _applied(standing)
    stale = _stale(standing, human, now, stale_after)
    seen = (
        Seen(State.NEW, (standing.mail,), "posted"),
        _discussed(human),
        reviewed,
        asked,
        stale,
        applied,
    )
    waiting = None
    if not (standing.after or stale or standing.draft or standing.pull or (applied and not applied.parts)):
        talk = [remark for remark in human if not (applied and remark.mail in applied.mails)]
        waiting = _waiting(standing, talk, now, reviewed=reviewed, asked=asked)
    return Status(tuple(filter(None, seen)), waiting, standing.after.mail if standing.after else "")


def business_days(since: datetime, now: datetime) -> int:
    """Whole days from Monday to Friday that have begun after the day of `since`; whichever time zone, by UTC's days."""
    days = (now.date() - since.date()).days
    weeks, rest = divmod(max(days, 0), 7)
    return weeks * 5 + sum((since.weekday() + day) % 7 not in _WEEKEND for day in range(1, rest + 1))


def business_day_before(now: datetime, days: int) -> datetime:
    """The latest moment since which so many business days have begun until now."""
    day = now
    while business_days(day, now) < days:
        day -= timedelta(days=1)
    return day.replace(hour=23, minute=59, second=59, microsecond=0) if days else now


def _discussed(human: Sequence[Remark]) -> Seen | None:
    others = [remark for remark in human if not remark.own]
    people = ", ".join(sorted({remark.sender.label for remark in others}))
    return Seen(State.DISCUSSED, tuple(remark.mail for remark in others), f"replies by {people}") if others else None


def _stale(standing: Standing, human: Sequence[Remark], now: datetime, after: timedelta) -> Seen | None:
    own = [(standing.received, standing.mail), *((piece.received, piece.mail) for piece in standing.pieces)]
    last, mail = max((*own, *((remark.received, remark.mail) for remark in human)), key=itemgetter(0))
    if now - last < after:
        return None
    return Seen(State.STALE, (mail,), f"nothing seen on the list since {last:%Y-%m-%d}")


def _reviewed(standing: Standing) -> Seen | None:
    """Every announced patch is there and has a Reviewed-by or Acked-by."""
    if standing.missing or not standing.patches or not all(piece.approvals for piece in standing.patches):
        return None
    mails = dict.fromkeys(approval.mail for piece in standing.patches for approval in piece.approvals)
    return Seen(State.REVIEWED, tuple(mails), "every patch has a Reviewed-by or Acked-by")


def _asked(human: Sequence[Remark]) -> Seen | None:
    """Somebody asked for changes, and has not approved of it since."""
    standing: list[tuple[Remark, str]] = []
    for remark in human:
        if remark.own:
            continue
        if remark.approves:
            standing = [one for one in standing if one[0].who != remark.who]
        if words := "NACK" if remark.refuses else remark.asks:
            standing.append((remark, words))
    if not standing:
        return None
    said = ", ".join(dict.fromkeys(f"{words} by {remark.sender.label}" for remark, words in standing))
    return Seen(State.CHANGES_ASKED, tuple(remark.mail for remark, _ in standing), said)


def _applied(standing: Standing) -> Seen | None:
    """Somebody else says that it was applied: in reply to the cover all, to a patch that one, or those in a list."""
    saying = [remark for remark in standing.remarks if remark.applied and not remark.own]
    if not saying:
        return None
    parts = {part for remark in saying for part in remark.parts}
    whole = not all(remark.parts for remark in saying)
    missing = set() if whole else {*range(1, standing.total + 1)} - parts
    words = f"said to be applied: {len(parts)} of {standing.total}" if missing else "said to be applied"
    return Seen(State.APPLIED, tuple(remark.mail for remark in saying), words, tuple(sorted(parts)) if missing else ())


def _waiting(
    standing: Standing, talk: Sequence[Remark], now: datetime, *, reviewed: Seen | None, asked: Seen | None
) -> Waiting:
    """The author's turn is after a request or a question of somebody else; a mail that only gives tags is neither."""
    on, since = Turn.REVIEWERS, standing.newest
    for remark in talk:
        if remark.own:
            on, since = Turn.REVIEWERS, remark.received
        elif not remark.tags_only or (asked and remark.mail in asked.mails):
            on, since = Turn.AUTHOR, since if on is Turn.AUTHOR else remark.received
    if asked:
        on = Turn.AUTHOR
    elif reviewed:
        on, since = Turn.MAINTAINER, max([since, *(remark.received for remark in talk)])
    return Waiting(on, since, business_days(since, now))
