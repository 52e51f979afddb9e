"""State: how far a series has come, as seen on the list, and whose turn it is; each with the mails that show it.

Derived each time from the mails and the time handed in. Nothing is concluded from silence but that no reply was seen.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chatbot.mail.mail import Mail
from chatbot.mail.review import APPROVALS, REFUSALS, Given, SameHuman, same_address, tags_on
from chatbot.mail.said import applied_parts, asks_for_changes, only_tags
from chatbot.mail.series import Series

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


def status(
    series: Series[Mail],
    replies: Iterable[tuple[Mail, Mail]],
    given: Iterable[Given],
    now: datetime,
    *,
    after: Series[Mail] | None = None,
    is_bot: Callable[[Mail], bool] = lambda _: False,
    same_human: SameHuman = same_address,
    stale_after: timedelta = STALE_AFTER,
) -> Status:
    """Of a series, the replies to it with what each answers (see `review.answers`), its tags, and the version after it.

    Bots say whether it was applied, and nothing else that counts.
    """
    own = {mail.message_id for mail in series.everything}
    pairs = sorted((pair for pair in replies if pair[1].message_id in own), key=lambda pair: pair[0].received)
    human = [reply for reply, _ in pairs if not is_bot(reply)]
    given = tuple(given)
    by_author = _writes(series, same_human)
    others = [reply for reply in human if not by_author(reply)]
    reviewed, asked = _reviewed(series, given), _asked(pairs, given, by_author, is_bot, same_human)
    applied = _applied(series, pairs, by_author)
    last = max((*series.everything, *human), key=lambda mail: mail.received)
    stale = _stale(last, now, stale_after)
    seen = (
        Seen(State.NEW, (series.head.message_id,), "posted"),
        _discussed(others),
        reviewed,
        asked,
        stale,
        applied,
    )
    waiting = None
    if not (after or stale or series.draft or series.pull or (applied and not applied.parts)):
        talk = [reply for reply in human if not (applied and reply.message_id in applied.mails)]
        waiting = _waiting(series, talk, by_author, now, reviewed=reviewed, asked=asked)
    return Status(tuple(filter(None, seen)), waiting, after.head.message_id if after else "")


def business_days(since: datetime, now: datetime) -> int:
    """Whole days from Monday to Friday that have begun after the day of `since`; whichever time zone, by UTC's days."""
    days = (now.date() - since.date()).days
    weeks, rest = divmod(max(days, 0), 7)
    return weeks * 5 + sum((since.weekday() + day) % 7 not in _WEEKEND for day in range(1, rest + 1))


def _writes(series: Series[Mail], same_human: SameHuman) -> Callable[[Mail], bool]:
    """Whether a mail is by somebody who wrote or posted the series."""
    authors = {person.address.lower(): person for mail in series.everything for person in (mail.sender, mail.author)}
    return lambda mail: any(same_human(person, mail.sender) for person in authors.values())


def _discussed(others: Sequence[Mail]) -> Seen | None:
    people = ", ".join(sorted({reply.sender.label for reply in others}))
    return (
        Seen(State.DISCUSSED, tuple(reply.message_id for reply in others), f"replies by {people}") if others else None
    )


def _stale(last: Mail, now: datetime, after: timedelta) -> Seen | None:
    if now - last.received < after:
        return None
    return Seen(State.STALE, (last.message_id,), f"nothing seen on the list since {last.received:%Y-%m-%d}")


def _reviewed(series: Series[Mail], given: Sequence[Given]) -> Seen | None:
    """Every announced patch is there and has a Reviewed-by or Acked-by."""
    mails: list[str] = []
    for patch in series.patches:
        approved = [one for one in tags_on(patch, series, given) if one.tag.kind in APPROVALS and not one.foreign]
        if not approved:
            return None
        mails += (one.mail for one in approved)
    if not (series.patches and series.complete):
        return None
    return Seen(State.REVIEWED, tuple(dict.fromkeys(mails)), "every patch has a Reviewed-by or Acked-by")


def _asked(
    pairs: Sequence[tuple[Mail, Mail]],
    given: Sequence[Given],
    by_author: Callable[[Mail], bool],
    is_bot: Callable[[Mail], bool],
    same_human: SameHuman,
) -> Seen | None:
    """Somebody asked for changes, and has not approved of it since."""
    refused = {one.mail for one in given if one.tag.kind in REFUSALS}
    approving = {one.mail for one in given if one.tag.kind in APPROVALS and not one.foreign}
    standing: list[tuple[Mail, str]] = []
    for reply, _ in pairs:
        if by_author(reply) or is_bot(reply):
            continue
        if reply.message_id in approving:
            standing = [one for one in standing if not same_human(one[0].sender, reply.sender)]
        if words := "NACK" if reply.message_id in refused else asks_for_changes(reply.said):
            standing.append((reply, words))
    if not standing:
        return None
    said = ", ".join(dict.fromkeys(f"{words} by {reply.sender.label}" for reply, words in standing))
    return Seen(State.CHANGES_ASKED, tuple(reply.message_id for reply, _ in standing), said)


def _applied(
    series: Series[Mail], pairs: Sequence[tuple[Mail, Mail]], by_author: Callable[[Mail], bool]
) -> Seen | None:
    """Somebody else says that it was applied: in reply to the cover all, to a patch that one, or those in a list."""
    parts: set[int] = set()
    mails: list[str] = []
    for reply, patch in pairs:
        if by_author(reply):
            continue
        found = applied_parts(reply, patch, series)
        if found:
            parts |= found
            mails.append(reply.message_id)
    if not mails:
        return None
    missing = {*range(1, series.total + 1)} - parts
    words = f"said to be applied: {len(parts)} of {series.total}" if missing else "said to be applied"
    return Seen(State.APPLIED, tuple(mails), words, tuple(sorted(parts)) if missing else ())


def _waiting(
    series: Series[Mail],
    talk: Sequence[Mail],
    by_author: Callable[[Mail], bool],
    now: datetime,
    *,
    reviewed: Seen | None,
    asked: Seen | None,
) -> Waiting:
    """The author's turn is after a request or a question of somebody else; a mail that only gives tags is neither."""
    since = max(mail.received for mail in series.parts)
    on = Turn.REVIEWERS
    for reply in talk:
        if by_author(reply):
            on, since = Turn.REVIEWERS, reply.received
        elif not only_tags(reply) or (asked and reply.message_id in asked.mails):
            on, since = Turn.AUTHOR, since if on is Turn.AUTHOR else reply.received
    if asked:
        on = Turn.AUTHOR
    elif reviewed:
        on, since = Turn.MAINTAINER, max([since, *(reply.received for reply in talk)])
    return Waiting(on, since, business_days(since, now))
