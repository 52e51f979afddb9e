"""How a posting stands: what of its mails and of what was said below them bears on its state.

Law of the file: everything here has its time, so that it can be said how a posting stood at any moment (`at`), and
nothing depends on when it was put together. Stores keep it until more is said.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from chatbot.mail.comparison import Fate, Outcome, compare, followed_tags
from chatbot.mail.diff import Diff, Diffstat
from chatbot.mail.gist import gist
from chatbot.mail.lineage import Lineage
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.review import APPROVALS, REFUSALS, Given, tags_given, tags_on
from chatbot.mail.said import applied_parts, asks_for_changes, only_tags
from chatbot.mail.series import Series
from chatbot.mail.subject import Subject

# So many places say where a series works; the fourth says that it works everywhere.
PLACES = 3


@dataclass(frozen=True, slots=True)
class Approval:
    """A Reviewed-by or Acked-by of somebody for a patch, and the mail that gives it."""

    person: Person
    mail: str
    received: datetime


@dataclass(frozen=True, slots=True)
class Piece:
    """A patch of a posting: its number, its mail and when that came, whether it took the place of another (`anew`),
    what it changes, and who approved of it.
    """

    part: int
    mail: str
    received: datetime
    anew: bool
    diff: Diff
    approvals: tuple[Approval, ...]

    def at(self, moment: datetime) -> Self:
        """With the approvals that it had then."""
        there = tuple(one for one in self.approvals if one.received <= moment)
        return self if len(there) == len(self.approvals) else replace(self, approvals=there)


@dataclass(frozen=True, slots=True)
class Remark:
    """A reply: who sent it (`who` is the same for all spellings of a human), whether that is an author of the series
    (`own`) or a program (`bot`); whether it gives an approval, or a NACK; in what words it asks for changes; whether it
    says that the series was `applied`, or these `parts` of it; and whether it gives tags and says nothing else.
    """

    mail: str
    received: datetime
    sender: Person
    who: str
    own: bool
    bot: bool
    approves: bool
    refuses: bool
    asks: str
    applied: bool
    parts: tuple[int, ...]
    tags_only: bool

    @property
    def refusal(self) -> bool:
        """Whether it is a NACK, as a tag or in words."""
        return self.refuses or self.asks == "NACK"

    @property
    def turns(self) -> bool:
        """Whether it says that the posting was applied, or refuses it."""
        return self.applied or self.refusal


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The version before or after, by its head, and when it came; `detail` is what shows that it is one."""

    mail: str
    revision: str
    received: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """`mail` is the head's Message-ID, `message_id` that of the letter where there is one; a `bot` sent it. `pieces`
    are all patches that were sent, those that were replaced included, `stated` is the diffstat that the cover gives,
    `gist` what it is about in a sentence.

    `outcomes` says how many patches were added, dropped, changed since the version `before`, `fates` what became of its
    reviews; `first_seen` that it should have forerunners, and none is known. `possibly` are the titles of postings that
    it may be a version of.
    """

    mail: str
    message_id: str
    subject: Subject
    title: str
    version: tuple[int, int]
    revision: str
    author: Person
    received: datetime
    cover: bool
    total: int
    pieces: tuple[Piece, ...]
    draft: bool
    pull: bool
    bot: bool
    stated: Diffstat | None
    gist: str
    remarks: tuple[Remark, ...]
    before: Neighbour | None
    after: Neighbour | None
    outcomes: tuple[tuple[str, int], ...]
    fates: tuple[tuple[str, int], ...]
    first_seen: bool
    possibly: tuple[str, ...]

    @property
    def patches(self) -> tuple[Piece, ...]:
        """The patches in order; where one was sent anew, the newest."""
        if not self.anew:
            return self.pieces  # a number may have been given twice
        newest = {piece.part: piece for piece in self.pieces}
        return tuple(newest[part] for part in sorted(newest))

    @property
    def anew(self) -> int:
        """How many parts were sent again."""
        return len({piece.part for piece in self.pieces if piece.anew})

    @property
    def diffstat(self) -> Diffstat:
        """As the cover states it, else summed over the patches."""
        return self.stated or Diffstat.of(change for piece in self.patches for change in piece.diff.changes)

    @property
    def places(self) -> tuple[str, ...]:
        """The directories with the most changed lines, most first; files at the top stand for themselves."""
        lines: Counter[str] = Counter()
        for change in (change for piece in self.patches for change in piece.diff.changes):
            lines[change.path.rpartition("/")[0] or change.path] += change.insertions + change.deletions + 1
        return tuple(place for place, _ in sorted(lines.items(), key=lambda item: (-item[1], item[0]))[:PLACES])

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the announced patches that are not there."""
        present = {piece.part for piece in self.pieces}
        return () if self.pull else tuple(number for number in range(1, self.total + 1) if number not in present)

    @property
    def size(self) -> str:
        """`7`, or `5 of 7` where some are missing."""
        missing = len(self.missing)
        return f"{self.total - missing} of {self.total}" if missing else str(self.total)

    @property
    def own(self) -> frozenset[str]:
        """The Message-IDs of the mails with which it begins: its head and its patches. A letter without a number was
        talk, until they came.
        """
        return frozenset({self.mail, *(piece.mail for piece in self.pieces)})

    @property
    def later(self) -> datetime | None:
        """Since when it is known to be a later version: by the one before, or at least by its own word."""
        if self.version > (1, 0):
            return self.received
        return max(self.received, self.before.received) if self.before else None

    @property
    def newest(self) -> datetime:
        """When the last of its own mails came."""
        return max((piece.received for piece in self.pieces), default=self.received)

    def at(self, moment: datetime) -> Self:
        """The same as it was then, or, before it came, when its first mail did."""
        moment = max(moment, self.received)
        if self._latest() <= moment:
            return self
        standing = self
        if self.before and self.before.received > moment:  # it came later than its next version
            alone = self.version > (1, 0)
            standing = replace(self, before=None, outcomes=(), fates=(), first_seen=alone)
        return replace(
            standing,
            pieces=tuple(piece.at(moment) for piece in self.pieces if piece.received <= moment),
            remarks=tuple(remark for remark in self.remarks if remark.received <= moment),
            after=self.after if self.after and self.after.received <= moment else None,
        )

    def _latest(self) -> datetime:
        """When the last of all this was."""
        times = [self.received, *(remark.received for remark in self.remarks)]
        times += (version.received for version in (self.before, self.after) if version)
        for piece in self.pieces:
            times.append(piece.received)
            times += (one.received for one in piece.approvals)
        return max(times)


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
