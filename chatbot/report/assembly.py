"""A digest is put together of what happened, of the people, and of the moment at which it is told."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from chatbot.mail.chronicle import Chronicle, Earlier, Talk
from chatbot.mail.deferred import Deferred
from chatbot.mail.organisations import Basis
from chatbot.mail.people import People
from chatbot.mail.ranking import Rank, rank
from chatbot.mail.standing import Remark, Standing
from chatbot.mail.state import State, Turn, business_days
from chatbot.report.digest import Attention, Contributor, Digest, Domain, MailingList, Need, Posting, Ranked, amount
from chatbot.report.window import Window

# After so many business days without an answer somebody should look. People take a week for a review.
SILENT_AFTER = 5
# Digits of a digest's id: two of a million have the same by chance once in two thousand.
_ID_DIGITS = 12


def digest_id(mailing_list: MailingList, window: Window, at: datetime, *settings: object) -> str:
    """What stands for a digest: the same for the same window, moment and settings."""
    spans = [f"{span.epoch}:{span.after}..{span.to}" for span in window.spans]
    told = (mailing_list, *spans, window.since, window.until, int(at.timestamp()), *settings)
    return hashlib.sha256("\n".join(map(str, told)).encode()).hexdigest()[:_ID_DIGITS]


def build(
    mailing_list: MailingList,
    window: Window,
    chronicle: Chronicle,
    people: People,
    at: datetime,
    *,
    silent_after: int = SILENT_AFTER,
) -> Digest:
    """The digest of a window in which this happened, as it stood at a moment; nobody's answer for `silent_after`
    business days is a silence.
    """
    totals = chronicle.totals
    counted = [sent for sent in chronicle.sent if sent.counted]
    written = {sent.author.written: sent.author for sent in counted}
    contributors = _ranked(_sums((sent.author.written, sent.mails) for sent in counted))
    domains = _ranked(_sums((domain, sent.mails) for sent in counted if (domain := sent.author.domain)))
    turned = [_posting(one, people, at) for one in chronicle.turned]
    rankings, before = rank(chronicle.sent, people), _rankings_before(chronicle.earlier, people)
    return Digest(
        id=digest_id(mailing_list, window, at, people.rules, silent_after),
        mailing_list=mailing_list,
        window=window,
        at=at,
        mails=totals.mails,
        patches=sum(sent.mails for sent in counted),
        replies=totals.replies,
        people=totals.people,
        defects=totals.defects,
        first=totals.first,
        last=totals.last,
        change=totals.mails - chronicle.earlier.mails if chronicle.earlier else None,
        attention=_once(_attention(chronicle, turned, people, at, silent_after)),
        more_silent=chronicle.more_silent,
        series=_postings(chronicle.series, people, at),
        versions=_postings(chronicle.versions, people, at),
        applied=tuple(one for one in turned if _first_applied(one.standing) in chronicle.turning),
        discussed=tuple(sorted(chronicle.talks, key=_liveliest)),
        authors=tuple(_moved(rankings.authors, before and before[0], chronicle.newcomers or frozenset())),
        reviewers=tuple(_moved(rankings.reviewers, before and before[1])),
        organisations=tuple((one.name, number) for one, number in rankings.organisations),
        bots=rankings.bots,
        domains=tuple(Domain(domain, count) for domain, count in domains),
        contributors=tuple(Contributor(written[one], count) for one, count in contributors),
        heads=chronicle.heads[::-1],
        uncovered=chronicle.uncovered,
    )


def _posting(standing: Standing, people: People, at: datetime) -> Posting:
    organisation = people.organisation(standing.author, standing.received)
    name = "" if organisation.basis is Basis.PROVIDER else organisation.name
    return Posting(standing, name, at)


def _postings(those: Sequence[Standing], people: People, at: datetime) -> Sequence[Posting]:
    return Deferred(len(those), lambda place: _posting(those[place], people, at))


def _sums(numbers: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for text, number in numbers:
        found[text] += number
    return found


def _first_applied(standing: Standing) -> str | None:
    return next((remark.mail for remark in standing.remarks if remark.applied and not remark.own), None)


def _liveliest(talk: Talk) -> tuple[int, int, str]:
    return -talk.people, -talk.mails, talk.mail


def _attention(
    chronicle: Chronicle, turned: Iterable[Posting], people: People, at: datetime, silent_after: int
) -> Iterator[Attention]:
    """What somebody should look at. What nobody expects anything of is left out: drafts, and what was superseded."""
    for one in turned:
        if not (one.standing.after or one.standing.draft) and (last := _refusal(one, chronicle.turning)):
            yield Attention(Need.REFUSED, one, f"NACK by {last.sender.label}")
    for standing in chronicle.reviewed:
        one = _posting(standing, people, at)
        waiting = one.status.waiting
        if waiting and waiting.on is Turn.MAINTAINER:
            days = f" for {amount(waiting.business_days, 'business day')}" if waiting.business_days else ""
            yield Attention(Need.REVIEWED, one, f"all reviewed, not seen applied{days}")
    for standing in chronicle.incomplete:
        one = _posting(standing, people, at)
        if not (standing.bot or standing.draft or standing.after):
            lacking = amount(len(standing.missing), "patch", "patches")
            yield Attention(Need.INCOMPLETE, one, f"{lacking} of {standing.total} not seen on the list")
    for standing in chronicle.silent:
        one = _posting(standing, people, at)
        if one.status.waiting and business_days(standing.received, at) >= silent_after:
            words = f"no reply seen for {amount(business_days(standing.received, at), 'business day')}"
            yield Attention(Need.SILENT, one, words)


def _once(those: Iterable[Attention]) -> tuple[Attention, ...]:
    """Each posting for the first reason alone: one that brought its reviews along may have got no reply, too."""
    first: dict[str, Attention] = {}
    for one in those:
        first.setdefault(one.posting.standing.mail, one)
    return tuple(first.values())


def _refusal(one: Posting, among: frozenset[str]) -> Remark | None:
    """The NACK among these mails that still stands."""
    if not any(remark.refusal for remark in one.standing.remarks):
        return None
    asked = next((seen for seen in one.status.seen if seen.state is State.CHANGES_ASKED), None)
    standing = [remark for remark in one.standing.remarks if asked and remark.mail in asked.mails and remark.refusal]
    return next((remark for remark in reversed(standing) if remark.mail in among), None)


def _rankings_before(earlier: Earlier | None, people: People) -> tuple[Sequence[Rank], Sequence[Rank]] | None:
    if earlier is None:
        return None
    rankings = rank(earlier.sent, people)
    return rankings.authors, rankings.reviewers


def _moved(
    ranks: Iterable[Rank], before: Sequence[Rank] | None, newcomers: frozenset[str] = frozenset()
) -> Iterator[Ranked]:
    places = {one.identity: place for place, one in enumerate(before or ())}
    for place, one in enumerate(ranks):
        was = places.get(one.identity)
        yield Ranked(one, None if was is None else was - place, one.identity in newcomers)


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """By count, falling; ties in reverse alphabetical order, as `sort -rn` has them in a language's collation:
    punctuation and blanks do not count, nor does case.
    """

    def rank(item: tuple[str, int]) -> tuple[int, str, str]:
        text, count = item
        return count, "".join(filter(str.isalnum, text)).casefold(), text

    return sorted(counts.items(), key=rank, reverse=True)
