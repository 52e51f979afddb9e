"""Series: one posting of a patch set, put together from its mails.

Mails belong together when the same person sent them under the same version and total, and a thread connects them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.diff import Diffstat
from chatbot.mail.mail import Mail
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject

# What all mails of one posting share: sender, version, reroll, announced total, and whether it was sent again.
Posting = tuple[str, int, int, int, bool]
_AGAIN = frozenset({"RESEND", "REPOST"})


@dataclass(frozen=True, slots=True)
class Series:
    """`mails` are its cover (if there is one) and its patches, by part; a lone patch is a series of one."""

    mails: tuple[Mail, ...]

    @property
    def head(self) -> Mail:
        """The mail that stands for the series: the cover, else the first patch that is there."""
        return self.mails[0]

    @property
    def cover(self) -> Mail | None:
        """The cover letter, where there is one."""
        return self.head if self.head.subject.part == 0 else None

    @property
    def patches(self) -> tuple[Mail, ...]:
        """The patches without the cover."""
        return self.mails[1:] if self.cover else self.mails

    @property
    def total(self) -> int:
        """How many patches it announces."""
        return self.head.subject.total or 1

    @property
    def complete(self) -> bool:
        """Whether every announced part is there."""
        present = {mail.subject.part or 1 for mail in self.patches}
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
        return min(mail.received for mail in self.mails)

    @property
    def diffstat(self) -> Diffstat:
        """As the cover states it, else summed over the patches."""
        if self.head.patch and self.head.patch.stated and self.cover:
            return self.head.patch.stated
        return Diffstat.of(change for mail in self.patches if mail.patch for change in mail.patch.changes)


def posting(mail: Mail) -> Posting:
    """What this mail shares with the others of its posting."""
    subject = mail.subject
    again = any(word.upper() in _AGAIN for word in subject.prefixes)
    return mail.sender.address.lower(), subject.version, subject.reroll, subject.total or 0, again


def group(mails: Iterable[Mail]) -> tuple[Series, ...]:
    """The series in these mails, in the order in which the first mail of each came; mails without a patch fall out.

    A Message-ID that comes twice counts once. Where a part comes twice in one posting, the posting was sent
    again: each is a series of its own.
    """
    patches = {mail.message_id: mail for mail in mails if mail.patch}
    order = {message_id: place for place, message_id in enumerate(patches)}
    found: list[tuple[Mail, ...]] = []
    for members in _threads(patches.values()):
        found.extend(_postings(members))
    found.sort(key=lambda members: min(order[mail.message_id] for mail in members))
    return tuple(Series(tuple(sorted(members, key=lambda mail: mail.subject.part or 0))) for members in found)


def _threads(mails: Iterable[Mail]) -> Iterator[list[Mail]]:
    """Mails of one posting that share an ancestor or descend from one another (a union-find over Message-IDs)."""
    parent: dict[tuple[Posting, str], tuple[Posting, str]] = {}

    def root(node: tuple[Posting, str]) -> tuple[Posting, str]:
        while (up := parent.setdefault(node, node)) != node:
            parent[node] = parent[up]
            node = up
        return node

    own: list[tuple[Mail, tuple[Posting, str]]] = []
    for mail in mails:
        key = posting(mail)
        node = (key, mail.message_id)
        own.append((mail, node))
        if mail.subject.part:  # a cover's ancestors are the version before, if anything
            # The nearest and the farthest: enough for patches below a cover, below one another, and below a cover
            # that the archive has not got.
            for ancestor in {*mail.parents[:1], *mail.parents[-1:]}:
                parent[root((key, ancestor))] = root(node)
    threads: dict[tuple[Posting, str], list[Mail]] = {}
    for mail, node in own:
        threads.setdefault(root(node), []).append(mail)
    yield from threads.values()


def _postings(members: list[Mail]) -> Iterator[tuple[Mail, ...]]:
    """The members as they came, a new posting beginning wherever a part is there already."""
    current: dict[int, Mail] = {}
    for mail in members:
        part = mail.subject.part if mail.subject.part is not None else 1
        if part in current:
            yield tuple(current.values())
            current = {}
        current[part] = mail
    if current:
        yield tuple(current.values())
