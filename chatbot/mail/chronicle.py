"""What happened on a list in a stretch of it, as an archive or an index tells it: what digests are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatbot.mail.mail import Mail
from chatbot.mail.part import Part, parts_of
from chatbot.mail.ranking import Sent
from chatbot.mail.standing import Standing
from chatbot.mail.subject import Subject
from chatbot.mail.totals import Totals

# What has waited so many business days longer than it should is no news, and in a digest every morning a nuisance.
FORGOTTEN_AFTER = 20
# A posting's mails may take so long.
ARRIVING = timedelta(hours=6)


# Fewer humans than these are no discussion.
LIVELY = 3


@dataclass(frozen=True, slots=True)
class Talk:
    """What was said below one mail, the head of a posting or of talk about no patch: by how many humans, LIVELY or
    more, and in how many mails of theirs.
    """

    mail: str
    subject: Subject
    people: int
    mails: int


@dataclass(frozen=True, slots=True)
class Earlier:
    """The stretch of the same length before: how many mails it had, and what was sent."""

    mails: int
    sent: tuple[Sent, ...]


@dataclass(frozen=True, slots=True)
class Chronicle:
    """A stretch of a list. Standings are as at its end. New `series` and new `versions` of known ones began in it, both
    with the newest first, those of programs left out; `turned` are all postings that mails of it say to be applied, or
    refuse, the oldest first, and `turning` the Message-IDs of these mails.

    `reviewed` and `silent` began before its end, nothing closed them, and they wait for no longer than FORGOTTEN_AFTER:
    the newest of those with complete reviews, and of those without any answer, of which there are `more_silent` more.
    `newcomers` are the identities of those whose first patch is in it. Where nothing before it is known, these are
    empty, and `earlier` and `newcomers` None.

    Of those that are `incomplete` it became clear in it that a part does not come.

    `heads` (the mails that speak for a posting, oldest first) are there where the classic text is asked for.
    `uncovered` says in sentences what is not known.
    """

    totals: Totals = field(default_factory=Totals)
    turning: frozenset[str] = frozenset()
    sent: tuple[Sent, ...] = ()
    series: Sequence[Standing] = ()
    versions: Sequence[Standing] = ()
    turned: tuple[Standing, ...] = ()
    incomplete: tuple[Standing, ...] = ()
    reviewed: tuple[Standing, ...] = ()
    silent: tuple[Standing, ...] = ()
    more_silent: int = 0
    talks: tuple[Talk, ...] = ()
    newcomers: frozenset[str] | None = None
    earlier: Earlier | None = None
    heads: tuple[Part, ...] = ()
    uncovered: tuple[str, ...] = ()


def overdue(those: Iterable[Standing], since: datetime, until: datetime) -> tuple[Standing, ...]:
    """Those of which parts have not come, and could have until a moment from `since` on, before `until`: of stretches
    that follow one another each is in one, and in one more for each part that came too late while others still lack.
    """
    return tuple(one for one in those if one.missing and since <= one.newest + ARRIVING < until)


def oldest_first(those: Iterable[Standing]) -> tuple[Standing, ...]:
    """The oldest first."""
    return tuple(sorted(those, key=lambda one: (one.received, one.mail)))


def letters_of(mails: Sequence[Mail]) -> Chronicle:
    """As much as the classic text tells: numbers, authors and letters."""
    return Chronicle(
        totals=Totals.of(mails),
        sent=tuple(map(Sent.of, mails)),
        heads=tuple(part for part in parts_of(mails) if part.subject.speaks),
    )
