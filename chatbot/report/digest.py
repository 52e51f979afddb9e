"""The digest: what happened on one list in one window. One value, every face is made from it. See assembly.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chatbot.mail.bots import Bot
from chatbot.mail.chronicle import Talk
from chatbot.mail.part import Part
from chatbot.mail.person import Person
from chatbot.mail.ranking import Rank
from chatbot.mail.standing import Standing
from chatbot.mail.state import Status, status
from chatbot.report.links import mail_link
from chatbot.report.window import Window


@dataclass(frozen=True, slots=True)
class MailingList:
    """A list as people see it: its short name, its display name, and the folder of its mails' pages."""

    name: str
    title: str
    base: str


@dataclass(frozen=True, slots=True)
class Contributor:
    """An author as written in the mails, and how many patches are theirs."""

    person: Person
    patches: int


@dataclass(frozen=True, slots=True)
class Domain:
    """An email domain, and how many patches came from it."""

    domain: str
    patches: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A posting as the digest tells of it: how it stood at the window's end, and for whom its author works (empty where
    only a provider's address tells).
    """

    standing: Standing
    organisation: str
    at: datetime

    @property
    def status(self) -> Status:
        """How far it had come."""
        return status(self.standing, self.at)


class Need(StrEnum):
    """Why a posting needs somebody's attention, the most urgent first."""

    REFUSED = "refused"
    REVIEWED = "reviewed"
    INCOMPLETE = "incomplete"
    SILENT = "silent"


# What has happened; the others are what goes on.
_NEWS = (Need.REFUSED, Need.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class Attention:
    """A posting that needs somebody's attention; `words` say what was seen of it."""

    need: Need
    posting: Posting
    words: str


@dataclass(frozen=True, slots=True)
class Ranked:
    """A human's place in a ranking: `moved` is by how many places up since the window before, None for who was not in
    it, or where nobody knows; `new` says that it is their first patch.
    """

    rank: Rank
    moved: int | None
    new: bool = False


@dataclass(frozen=True, slots=True)
class Missed:
    """That for a long time nothing was posted: since when, and where that is longer than is told in full, until when it
    is only counted, and how many mails came in it.
    """

    since: datetime
    until: datetime | None = None
    mails: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """`patches` counts the mails that call themselves patches, covers included, as the two classic rankings, `domains`
    and `contributors`, do; all rankings are complete. `series` are new, `versions` new ones of known series, both with
    the newest first, as `heads` (the mails that speak for a posting; there where the classic text was asked for).
    `first` and `last` are when the earliest and the latest of the mails came in; all is told as it stood `at` a moment.
    `more_silent` are further postings that need attention, for nobody has answered them.

    `change` is by how many mails more than the window before, which was as long; None where nobody knows.

    Where `only` certain postings are told, it says which; of mails then only those are counted that were looked at, and
    rankings are left out. Of a `subsystem` it has those of several lists; `pages` are the folders of mails that are not
    in that of the list.
    """

    id: str
    mailing_list: MailingList
    window: Window
    at: datetime
    mails: int
    patches: int
    replies: int
    people: int
    defects: int
    first: datetime | None
    last: datetime | None
    change: int | None
    attention: tuple[Attention, ...]
    more_silent: int
    series: Sequence[Posting]
    versions: Sequence[Posting]
    applied: tuple[Posting, ...]
    discussed: tuple[Talk, ...]
    authors: tuple[Ranked, ...]
    reviewers: tuple[Ranked, ...]
    organisations: tuple[tuple[str, int], ...]
    bots: tuple[tuple[Bot, int], ...]
    domains: tuple[Domain, ...]
    contributors: tuple[Contributor, ...]
    heads: tuple[Part, ...]
    uncovered: tuple[str, ...]
    only: str = ""
    subsystem: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    missed: Missed | None = None

    @property
    def heading(self) -> str:
        """What it is about."""
        about = self.subsystem or f"{self.mailing_list.title} mailing list"
        return f"{about}, only: {self.only}" if self.only else about

    @property
    def sifted(self) -> bool:
        """Whether only certain postings are told."""
        return bool(self.only or self.subsystem)

    @property
    def lines(self) -> int:
        """How many postings and talks it tells of, each as often as it does."""
        told = (self.attention, self.series, self.versions, self.applied, self.discussed)
        return sum(map(len, told)) + self.more_silent

    @property
    def headline(self) -> str:
        """All of it in one sentence, without what did not happen."""
        if self.empty:
            return "Nothing new."
        posted = [
            amount(len(self.series), "new series", "new series"),
            amount(len(self.versions), "new version"),
            f"{len(self.applied):,} applied",
        ]
        if self.sifted:
            return f"{_told([*posted, f'{len(self.discussed):,} discussed', f'{len(self.attention):,} to look at'])}."
        told = _told([*posted, amount(self.patches, "patch", "patches"), amount(self.replies, "reply", "replies")])
        people = amount(self.people, "person", "people")
        return f"{amount(self.mails, 'mail')}{self._change()} from {people}{': ' if told else ''}{told}."

    @property
    def newcomers(self) -> tuple[Ranked, ...]:
        """The authors whose first patch this window has."""
        return tuple(one for one in self.authors if one.new)

    @property
    def empty(self) -> bool:
        """Whether nothing happened. That some posting goes on waiting is no news by itself."""
        if not self.sifted:
            return self.mails == 0
        urgent = any(one.need in _NEWS for one in self.attention)
        return not (self.series or self.versions or self.applied or self.discussed or urgent)

    def link(self, message_id: str) -> str:
        """The page of a mail."""
        return mail_link(self.pages.get(message_id, self.mailing_list.base), message_id)

    def _change(self) -> str:
        if self.change is None:
            return ""
        if self.change == 0:
            return " (as many as before)"
        return f" ({abs(self.change):,} {'more' if self.change > 0 else 'fewer'} than before)"


def amount(count: int, word: str, words: str = "") -> str:
    """`1 patch`, `2 patches`."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def _told(posted: Iterable[str]) -> str:
    return ", ".join(part for part in posted if not part.startswith("0 "))
