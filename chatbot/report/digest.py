"""The digest: what happened on one list in one window. One value, every face is made from it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.grouping import group
from chatbot.mail.mail import Mail
from chatbot.mail.part import Part, parts_of
from chatbot.mail.person import Person
from chatbot.mail.series import Series
from chatbot.mail.totals import Totals
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
class Digest:
    """`patches` counts the mails that call themselves patches, covers included, as the two rankings do; the rankings
    are complete. `series` and `heads` (the mails that speak for a posting) have the newest first. `first` and
    `last` are when the earliest and the latest of the mails came in.
    """

    mailing_list: MailingList
    window: Window
    mails: int
    patches: int
    replies: int
    people: int
    defects: int
    first: datetime | None
    last: datetime | None
    domains: tuple[Domain, ...]
    contributors: tuple[Contributor, ...]
    series: tuple[Series[Part], ...]
    heads: tuple[Part, ...]

    @property
    def headline(self) -> str:
        """The numbers in one line, without those that are zero."""
        parts = (
            amount(len(self.series), "series", "series"),
            amount(self.patches, "patch", "patches"),
            amount(self.replies, "reply", "replies"),
        )
        told = ", ".join(part for part in parts if not part.startswith("0 "))
        people = amount(self.people, "person", "people")
        return f"{told} from {people} in {amount(self.mails, 'mail')}".lstrip()

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return self.mails == 0

    def link(self, part: Part) -> str:
        """The page of a mail."""
        return mail_link(self.mailing_list.base, part.message_id)


def digest_of(mailing_list: MailingList, window: Window, mails: Iterable[Mail]) -> Digest:
    """The digest of these mails, which come in archive order, oldest first."""
    mails = tuple(mails)
    return build(mailing_list, window, parts_of(mails), Totals.of(mails))


def build(
    mailing_list: MailingList,
    window: Window,
    patches: Iterable[Part],
    totals: Totals,
    earlier: Iterable[Part] = (),
) -> Digest:
    """The digest of a window in which these patches came, in archive order, oldest first, and so many mails in all.

    `earlier` are patches from before the window; a series that began with one of them is not new again.
    """
    patches = tuple(patches)
    old = {part.message_id for part in earlier}
    counted = [part for part in patches if part.subject.counted]
    domains = _ranked(Counter(domain for part in counted if (domain := part.author.domain)))
    people = {part.author.written: part.author for part in counted}
    contributors = _ranked(Counter(part.author.written for part in counted))
    series = group((*earlier, *patches))
    return Digest(
        mailing_list=mailing_list,
        window=window,
        mails=totals.mails,
        patches=len(counted),
        replies=totals.replies,
        people=totals.people,
        defects=totals.defects,
        first=totals.first,
        last=totals.last,
        domains=tuple(Domain(domain, count) for domain, count in domains),
        contributors=tuple(Contributor(people[written], count) for written, count in contributors),
        series=tuple(one for one in reversed(series) if not any(part.message_id in old for part in one.parts)),
        heads=tuple(part for part in reversed(patches) if part.subject.speaks),
    )


def amount(count: int, word: str, words: str = "") -> str:
    """`1 patch`, `2 patches`."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """By count, falling; ties in reverse alphabetical order, as `sort -rn` has them in a language's collation:
    punctuation and blanks do not count, nor does case.
    """

    def rank(item: tuple[str, int]) -> tuple[int, str, str]:
        text, count = item
        return count, "".join(filter(str.isalnum, text)).casefold(), text

    return sorted(counts.items(), key=rank, reverse=True)
