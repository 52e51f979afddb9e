"""Series: one posting of a patch set; grouping.py puts it together from its mails."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.diff import Diffstat
from chatbot.mail.mail import Mail
from chatbot.mail.person import Person
from chatbot.mail.subject import Kind, Subject

# What all mails of one posting share: sender, version, reroll, announced total, and whether it was sent again.
Posting = tuple[str, int, int, int, bool]
_AGAIN = frozenset({"RESEND", "REPOST"})
_DRAFTS = frozenset({"RFC", "RFT", "DRAFT", "WIP", "POC", "DNM", "DO-NOT-MERGE", "NOT-FOR-MERGE"})
_VERSION_BEHIND = re.compile(r"\sv(\d{1,3})\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Series:
    """`mails` are its cover (if there is one) and its patches, by part, as they were posted; a lone patch is a series
    of one. `rerolls` are patches of a later version (`v2 3/7`, `v5.1 10/12`) that took the place of some, oldest first.
    `letter` is a cover letter whose subject does not say that it is one.
    """

    mails: tuple[Mail, ...]
    rerolls: tuple[Mail, ...] = ()
    letter: Mail | None = None

    @property
    def head(self) -> Mail:
        """The mail that stands for the series: the cover, else the first patch that is there."""
        return self.mails[0]

    @property
    def cover(self) -> Mail | None:
        """The cover letter, where there is one."""
        return self.head if self.head.subject.part == 0 else self.letter

    @property
    def patches(self) -> tuple[Mail, ...]:
        """The patches without the cover, by part; where one was rerolled, the newest."""
        posted = self.mails[1:] if self.head.subject.part == 0 else self.mails
        if not self.rerolls:
            return posted
        newest = {mail.subject.part: mail for mail in (*posted, *self.rerolls)}
        return tuple(newest[part] for part in sorted(newest, key=lambda part: part or 0))

    @property
    def everything(self) -> tuple[Mail, ...]:
        """All mails of it, those that were replaced included."""
        return (*filter(None, (self.letter,)), *self.mails, *self.rerolls)

    @property
    def total(self) -> int:
        """How many patches it announces; where the cover says otherwise, the patches are right."""
        return self.mails[-1].subject.total or 1

    @property
    def present(self) -> tuple[int, ...]:
        """The parts that are there, without the cover."""
        return tuple(mail.subject.part or 1 for mail in self.patches)

    @property
    def missing(self) -> tuple[int, ...]:
        """The announced parts that are not there."""
        present = set(self.present)
        return tuple(part for part in range(1, self.total + 1) if part not in present)

    @property
    def complete(self) -> bool:
        """Whether every announced part is there."""
        return not self.missing

    @property
    def parts(self) -> str:
        """`7`, or `5 of 7` where some are missing."""
        return str(self.total) if self.complete else f"{self.total - len(self.missing)} of {self.total}"

    @property
    def pull(self) -> bool:
        """Whether it asks for a branch to be pulled, and brings no patches."""
        return self.head.patch is None and self.subject.kind is Kind.PULL

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
        return (self.letter or self.head).subject.title or "(no title)"

    @property
    def author(self) -> Person:
        """Who posted it: the cover's author, else the first patch's."""
        return self.head.author

    @property
    def received(self) -> datetime:
        """When the first of its mails came in."""
        return min(mail.received for mail in self.mails)

    @property
    def diffstat(self) -> Diffstat:
        """As the cover states it, else summed over the patches."""
        if self.head.patch and self.head.patch.stated and self.head.subject.part == 0:
            return self.head.patch.stated
        return Diffstat.of(change for mail in self.patches if mail.patch for change in mail.patch.changes)


def posting(mail: Mail) -> Posting:
    """What this mail shares with the others of its posting."""
    subject = mail.subject
    again = any(word.upper() in _AGAIN for word in subject.prefixes)
    return mail.sender.address.lower(), subject.version, subject.reroll, subject.total or 0, again


def answers_without_re(mail: Mail, known: Mapping[str, Mail]) -> bool:
    """Whether a mail without a diff has the subject of the very mail that it answers: a reply without its `Re:`."""
    if mail.patch is None or mail.patch.changes or not mail.parents:
        return False
    answered = known.get(mail.parents[0])
    return answered is not None and str(answered.subject) == str(mail.subject)
