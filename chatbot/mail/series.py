"""Series: one posting of a patch set, put together from its mails.

Mails belong together when the same person sent them under the same version and total, and a thread connects them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.mail import Mail
from chatbot.mail.part import Part
from chatbot.mail.patch import Diffstat
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject

# What all mails of one posting share: sender, version, reroll, announced total, and whether it was sent again.
Posting = tuple[str, int, int, int, bool]


@dataclass(frozen=True, slots=True)
class Series:
    """`parts` are its cover (if there is one) and its patches, in order; a lone patch is a series of one."""

    parts: tuple[Part, ...]

    @property
    def head(self) -> Part:
        """What stands for the series: the cover, else the first patch that is there."""
        return self.parts[0]

    @property
    def cover(self) -> Part | None:
        """The cover letter, where there is one."""
        return self.head if self.head.subject.part == 0 else None

    @property
    def patches(self) -> tuple[Part, ...]:
        """The patches without the cover."""
        return self.parts[1:] if self.cover else self.parts

    @property
    def total(self) -> int:
        """How many patches it announces."""
        return self.head.subject.total or 1

    @property
    def complete(self) -> bool:
        """Whether every announced part is there."""
        present = {patch.subject.part or 1 for patch in self.patches}
        return all(part in present for part in range(1, self.total + 1))

    @property
    def subject(self) -> Subject:
        """The subject of the head: its title and version are the series'."""
        return self.head.subject

    @property
    def title(self) -> str:
        """What to call it, also where somebody forgot the title."""
        return self.subject.title or "(no title)"

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
        if self.cover and self.cover.stated:
            return self.cover.stated
        return Diffstat.of(change for patch in self.patches for change in patch.diff.changes)


def posting(part: Mail | Part) -> Posting:
    """What this mail shares with the others of its posting."""
    subject = part.subject
    return part.sender.address.lower(), subject.version, subject.reroll, subject.total or 0, subject.again


def by_posting(parts: Iterable[Part]) -> dict[Posting, list[Part]]:
    """What these share, and which of them share it."""
    found: dict[Posting, list[Part]] = {}
    for part in parts:
        found.setdefault(posting(part), []).append(part)
    return found


def group(parts: Iterable[Part]) -> tuple[Series, ...]:
    """The series that these are parts of, in the order in which the first of each came.

    A Message-ID that comes twice counts once. Where a part comes twice in one posting, the posting was sent
    again: each is a series of its own.
    """
    once = {part.message_id: part for part in parts}
    order = {message_id: place for place, message_id in enumerate(once)}
    sent = by_posting(once.values()).values()
    found = [one for members in sent for thread in _threads(members) for one in _postings(thread)]
    found.sort(key=lambda members: order[members[0].message_id])
    return tuple(Series(tuple(sorted(members, key=lambda part: part.subject.part or 0))) for members in found)


def _threads(members: list[Part]) -> Iterable[list[Part]]:
    """Those of one posting that share an ancestor or descend from one another (a union-find over Message-IDs)."""
    if len(members) == 1:
        return [members]
    parent: dict[str, str] = {}

    def root(node: str) -> str:
        while (up := parent.setdefault(node, node)) != node:
            parent[node] = parent[up]
            node = up
        return node

    for part in members:
        if part.subject.part:  # a cover's ancestors are the version before, if anything
            for ancestor in part.above:
                parent[root(part.message_id)] = root(ancestor)
    threads: dict[str, list[Part]] = {}
    for part in members:
        threads.setdefault(root(part.message_id), []).append(part)
    return threads.values()


def _postings(members: Iterable[Part]) -> Iterator[tuple[Part, ...]]:
    """The members as they came, a new posting beginning wherever a part is there already."""
    current: dict[int, Part] = {}
    for part in members:
        number = part.subject.part if part.subject.part is not None else 1
        if number in current:
            yield tuple(current.values())
            current = {}
        current[number] = part
    if current:
        yield tuple(current.values())
