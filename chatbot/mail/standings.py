"""How the versions of a lineage stand, by their mails and the replies to them; see standing.py."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from chatbot.mail.comparison import Fate, Outcome, compare, followed_tags
from chatbot.mail.gist import gist
from chatbot.mail.lineage import Lineage
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import APPROVALS, REFUSALS, Given, tags_given, tags_on
from chatbot.mail.said import applied_parts, asks_for_changes, only_tags
from chatbot.mail.series import Series
from chatbot.mail.standing import Approval, Neighbour, Piece, Remark, Standing


def standings(
    lineage: Lineage, answered: Iterable[tuple[Mail, Mail]], people: People, titles: Sequence[str] = ()
) -> Iterator[Standing]:
    """How each version of a lineage stands, the oldest first, by the replies to any of them with what each answers (see
    `review.answers`). `titles` are those of the postings that the newest one may be a version of.
    """
    answered = tuple(sorted(answered, key=lambda pair: pair[0].received))
    replied = {reply.message_id: reply.received for reply, _ in answered}
    given = {one.head.message_id: tags_given(one, answered, people.same_human) for one in lineage.series}
    for series in lineage.series:
        own = given[series.head.message_id]
        before, after = lineage.before(series), lineage.after(series)
        changed = compare(series, before) if before else ()
        # What was given later it could not keep.
        there = (*given[before.head.message_id], *own) if before else ()
        there = tuple(one for one in there if replied.get(one.mail, series.received) <= series.received)
        followed = followed_tags(series, before, there) if before else ()
        link = lineage.evidence_of(series)
        received = {mail.message_id: mail.received for mail in series.everything} | replied
        yield Standing(
            mail=series.head.message_id,
            message_id=series.message_id,
            subject=series.subject,
            title=series.title,
            version=series.version,
            revision=series.revision,
            author=series.author,
            received=series.received,
            cover=series.cover is not None,
            total=series.total,
            pieces=() if series.pull else tuple(_pieces(series, own, received)),
            draft=series.draft,
            pull=series.pull,
            bot=people.is_bot(series.head),
            stated=series.head.stated if series.head.subject.part == 0 else None,
            gist=_gist(series),
            remarks=tuple(_remarks(series, answered, own, people)),
            before=_neighbour(before, link.detail if link else "") if before else None,
            after=_neighbour(after) if after else None,
            outcomes=_counted([one.outcome for one in changed], Outcome),
            fates=_counted([one.fate for one in followed], Fate),
            first_seen=series is lineage.series[0] and lineage.forerunners_missing,
            possibly=tuple(titles) if series is lineage.newest else (),
        )


def _pieces(series: Series[Mail], given: Sequence[Given], received: Mapping[str, datetime]) -> Iterator[Piece]:
    for patch in (*series.parts, *series.rerolls):
        if patch.subject.part == 0:
            continue
        approvals = tuple(
            Approval(one.tag.person, one.mail, received[one.mail])
            for one in tags_on(patch, series, given)
            if one.tag.kind in APPROVALS and not one.foreign
        )
        anew = patch in series.rerolls
        yield Piece(patch.subject.part or 1, patch.message_id, patch.received, anew, patch.diff, approvals)


def _remarks(
    series: Series[Mail], answered: Iterable[tuple[Mail, Mail]], given: Iterable[Given], people: People
) -> Iterator[Remark]:
    own = {mail.message_id for mail in series.everything}
    authors = {people.identity(person) for mail in series.everything for person in (mail.sender, mail.author)}
    refusing = {one.mail for one in given if one.tag.kind in REFUSALS}
    approving = {one.mail for one in given if one.tag.kind in APPROVALS and not one.foreign}
    for reply, patch in answered:
        if patch.message_id not in own:
            continue
        who = people.identity(reply.sender)
        applied = applied_parts(reply, patch, series)
        yield Remark(
            mail=reply.message_id,
            received=reply.received,
            sender=reply.sender,
            who=who,
            own=who in authors,
            bot=people.is_bot(reply),
            approves=reply.message_id in approving,
            refuses=reply.message_id in refusing,
            asks=asks_for_changes(reply.said),
            applied=bool(applied),
            parts=tuple(sorted(applied)) if len(applied) < series.total else (),
            tags_only=only_tags(reply),
        )


def _neighbour(series: Series[Mail], detail: str = "") -> Neighbour:
    return Neighbour(series.head.message_id, series.revision, series.received, detail)


def _counted(words: Iterable[StrEnum], order: type[StrEnum]) -> tuple[tuple[str, int], ...]:
    """What happened how often, in the order of the words; what did not happen is left out."""
    numbers = Counter(words)
    return tuple((word.value, numbers[word]) for word in order if numbers[word])


def _gist(series: Series[Mail]) -> str:
    """Of the cover, else of a patch that stands alone, or of a pull request."""
    mail = series.cover or (series.head if series.total == 1 or series.pull else None)
    return gist(mail.patch.log if mail.patch else mail.said) if mail else ""
