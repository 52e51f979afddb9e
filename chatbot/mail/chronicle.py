"""What happened on a list in a stretch of it, as an archive or an index tells it: what digests are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from chatbot.mail.grouping import group, pull_requests
from chatbot.mail.lineage import lineages
from chatbot.mail.mail import Mail
from chatbot.mail.part import Part, parts_of
from chatbot.mail.people import People
from chatbot.mail.ranking import Sent
from chatbot.mail.review import answers
from chatbot.mail.standing import Standing, standings
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


def chronicle_of(mails: Sequence[Mail], people: People) -> Chronicle:
    """Of these mails alone, oldest first: nothing before them is known."""
    places = {mail.message_id: place for place, mail in enumerate(mails)}
    series = sorted(
        (*group(mails), *pull_requests(mails)), key=lambda one: min(places[mail.message_id] for mail in one.everything)
    )
    heads = {mail.message_id: one.head.message_id for one in series for mail in one.everything}
    subjects = {mail.message_id: mail.subject for mail in mails}
    answered: dict[str, list[tuple[Mail, Mail]]] = {}
    for reply, above in answers(mails):
        answered.setdefault(heads.get(above.message_id, above.message_id), []).append((reply, above))
    known: dict[str, Standing] = {}
    for lineage in lineages(series, identify=people.identity):
        pairs = [pair for one in lineage.series for pair in answered.get(one.head.message_id, ())]
        titles = dict.fromkeys(subjects[guess.earlier].title for guess in lineage.guesses)
        known.update((standing.mail, standing) for standing in standings(lineage, pairs, people, tuple(titles)))
    # What nobody looked for is not missing.
    posted = [replace(known[one.head.message_id], first_seen=False) for one in series]
    turning = frozenset(remark.mail for one in posted for remark in one.remarks if remark.turns)
    told = [one for one in reversed(posted) if not one.bot]
    times = [mail.received for mail in mails]
    return replace(
        letters_of(mails),
        series=tuple(one for one in told if not one.later),
        versions=tuple(one for one in told if one.later),
        turned=oldest_first(one for one in posted if any(remark.turns for remark in one.remarks)),
        turning=turning,
        incomplete=overdue(posted, min(times), max(times)) if times else (),
        talks=tuple(
            Talk(head, subjects[head], number, len(said))
            for head, pairs in answered.items()
            if (said := [people.identity(reply.sender) for reply, _ in pairs if not people.is_bot(reply)])
            and (number := len(set(said))) >= LIVELY
        ),
        uncovered=("earlier versions, and what has long been waiting: only these mails were read",),
    )


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
