"""How a posting stands: what of its mails and of what was said below them bears on its state.

Law of the file: everything here has its time, so that it can be said how a posting stood at any moment (`at`), and
nothing depends on when it was put together. Stores keep it until more is said.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from chatbot.mail.diff import Diff, Diffstat
from chatbot.mail.person import Person
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
