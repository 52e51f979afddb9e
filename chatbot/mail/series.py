"""Series: one posting of a patch set; grouping.py puts it together from its mails."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from chatbot.mail.diff import Diff, Diffstat
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject

# What all mails of one posting share: sender, version, reroll, announced total, and whether it was sent again.
Posting = tuple[str, int, int, int, bool]
_DRAFTS = frozenset({"RFC", "RFT", "DRAFT", "WIP", "POC", "DNM", "DO-NOT-MERGE", "NOT-FOR-MERGE"})
_VERSION_BEHIND = re.compile(r"\sv(\d{1,3})\s*$", re.IGNORECASE)


class Member(Protocol):
    """What series are made of: whole mails, or parts, which an index has at hand."""

    @property
    def message_id(self) -> str: ...  # noqa: D102
    @property
    def subject(self) -> Subject: ...  # noqa: D102
    @property
    def sender(self) -> Person: ...  # noqa: D102
    @property
    def author(self) -> Person: ...  # noqa: D102
    @property
    def received(self) -> datetime: ...  # noqa: D102
    @property
    def parents(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def is_patch(self) -> bool: ...  # noqa: D102
    @property
    def diff(self) -> Diff: ...  # noqa: D102
    @property
    def stated(self) -> Diffstat | None: ...  # noqa: D102


M = TypeVar("M", bound=Member)
M_co = TypeVar("M_co", bound=Member, covariant=True)


@dataclass(frozen=True, slots=True)
class Series(Generic[M_co]):
    """`parts` are its cover (if there is one) and its patches, in order, as they were posted; a lone patch is a series
    of one. `rerolls` are patches of a later version (`v2 3/7`, `v5.1 10/12`) that took the place of some, oldest first.
    `letter` is a cover letter whose subject does not say that it is one, or a cover sent again without its patches.
    """

    parts: tuple[M_co, ...]
    rerolls: tuple[M_co, ...] = ()
    letter: M_co | None = None

    @property
    def head(self) -> M_co:
        """What stands for the series: the cover, else the first patch that is there."""
        return self.parts[0]

    @property
    def cover(self) -> M_co | None:
        """The cover letter, where there is one."""
        return self.head if self.head.subject.part == 0 else self.letter

    @property
    def patches(self) -> tuple[M_co, ...]:
        """The patches without the cover, in order; where one was rerolled, the newest."""
        if self.pull:
            return ()
        posted = self.parts[1:] if self.head.subject.part == 0 else self.parts
        if not self.rerolls:
            return posted
        newest = {part.subject.part: part for part in (*posted, *self.rerolls)}
        return tuple(newest[number] for number in sorted(newest, key=lambda number: number or 0))

    @property
    def everything(self) -> tuple[M_co, ...]:
        """All mails of it, those that were replaced included."""
        return (*filter(None, (self.letter,)), *self.parts, *self.rerolls)

    @property
    def total(self) -> int:
        """How many patches it announces; where the cover says otherwise, the patches are right."""
        return 0 if self.pull else self.parts[-1].subject.total or 1

    @property
    def present(self) -> tuple[int, ...]:
        """The numbers of the patches that are there."""
        return tuple(dict.fromkeys(patch.subject.part or 1 for patch in self.patches))

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the announced patches that are not there."""
        present = set(self.present)
        return tuple(number for number in range(1, self.total + 1) if number not in present)

    @property
    def complete(self) -> bool:
        """Whether every announced patch is there."""
        return not self.missing

    @property
    def size(self) -> str:
        """`7`, or `5 of 7` where some are missing."""
        return str(self.total) if self.complete else f"{self.total - len(self.missing)} of {self.total}"

    @property
    def pull(self) -> bool:
        """Whether it asks for a branch to be pulled, and brings no patches."""
        return not self.head.is_patch and self.subject.pull

    @property
    def subject(self) -> Subject:
        """The subject of the head: its title and version are the series'."""
        return self.head.subject

    @property
    def version(self) -> tuple[int, int]:
        """Version and reroll; those who write their letter without brackets put the version behind its title."""
        if self.letter and (self.subject.version, self.subject.reroll) == (1, 0):
            behind = _VERSION_BEHIND.search(self.letter.subject.title[-10:])
            return (int(behind[1]), 0) if behind else (1, 0)
        return self.subject.version, self.subject.reroll

    @property
    def revision(self) -> str:
        """The version as people write it: v1, v5.1."""
        version, reroll = self.version
        return f"v{version}.{reroll}" if reroll else f"v{version}"

    @property
    def draft(self) -> bool:
        """Whether it is not meant to be applied yet: an RFC, work in progress."""
        words = (*self.subject.prefixes, *(self.letter.subject.prefixes if self.letter else ()))
        opened = self.letter.subject.title.upper() if self.letter else ""
        return any(word.upper() in _DRAFTS for word in words) or opened.startswith("RFC")

    @property
    def title(self) -> str:
        """What to call it, also where somebody forgot the title."""
        return (self.cover or self.head).subject.title or "(no title)"

    @property
    def message_id(self) -> str:
        """That of the mail which opens it for a reader; what links two versions goes by their heads."""
        return (self.cover or self.head).message_id

    @property
    def author(self) -> Person:
        """Who posted it: the cover's author, else the first patch's."""
        return self.head.author

    @property
    def received(self) -> datetime:
        """When the first of its mails came in."""
        return min(part.received for part in self.parts)

    @property
    def diffstat(self) -> Diffstat:
        """As the cover states it, else summed over the patches."""
        if self.head.subject.part == 0 and self.head.stated:
            return self.head.stated
        return Diffstat.of(change for patch in self.patches for change in patch.diff.changes)


def posting(member: Member) -> Posting:
    """What this mail shares with the others of its posting."""
    subject = member.subject
    return member.sender.address.lower(), subject.version, subject.reroll, subject.total or 0, subject.again


def by_posting(members: Iterable[M]) -> dict[Posting, list[M]]:
    """What these share, and which of them share it."""
    found: dict[Posting, list[M]] = {}
    for member in members:
        found.setdefault(posting(member), []).append(member)
    return found


def answers_without_re(member: Member, known: Mapping[str, Member]) -> bool:
    """Whether a mail without a diff has the subject of the very mail that it answers: a reply without its `Re:`."""
    if member.diff.text or not (member.is_patch and member.parents):
        return False
    answered = known.get(member.parents[0])
    return answered is not None and str(answered.subject) == str(member.subject)
