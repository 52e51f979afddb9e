"""Who wrote and who reviewed, most first: two rankings of humans, and the programs apart."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self, TypeVar

from chatbot.mail.bots import Bot
from chatbot.mail.mail import Mail
from chatbot.mail.organisations import Basis, Organisation
from chatbot.mail.patch import REVIEWS
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject

Named = TypeVar("Named", Bot, Organisation)


class Sent(NamedTuple):
    """What rankings look at, of one mail or of several that are the same to them: sender and author as spelled, the
    humans who sent and who wrote it, whether it is a patch that counts, and those whom its REVIEWS name. The subject
    is there where a rule for bots may look at it; `received` is when the newest came in.
    """

    sender: Person
    author: Person
    sent_by: Person
    written_by: Person
    subject: Subject
    counted: bool
    received: datetime
    reviews: tuple[Person, ...] = ()
    mails: int = 1

    @classmethod
    def of(cls, mail: Mail) -> Self:
        """Of a mail that is at hand."""
        named = () if mail.patch else tuple(tag.person for tag in mail.tags if tag.kind in REVIEWS)
        return cls(
            mail.sender,
            mail.author,
            mail.sent_by,
            mail.written_by,
            mail.subject,
            mail.subject.counted,
            mail.received,
            named,
        )


@dataclass(frozen=True, slots=True)
class Rank:
    """A human by the canonical name, for whom they wrote last, and a number of mails; `identity` is the same for all
    spellings.
    """

    person: Person
    identity: str
    organisation: Organisation
    mails: int


@dataclass(frozen=True, slots=True)
class Rankings:
    """`authors` by patches as the classic text counts them, covers included; `reviewers` by mails in which they gave
    others a tag of REVIEWS in their own name; `organisations` by the authors' patches, those of providers left out;
    `bots` by mails. All complete, the most first, ties by name.
    """

    authors: tuple[Rank, ...] = ()
    reviewers: tuple[Rank, ...] = ()
    organisations: tuple[tuple[Organisation, int], ...] = ()
    bots: tuple[tuple[Bot, int], ...] = ()


def rank(mails: Iterable[Sent], people: People) -> Rankings:
    """From mails in the order in which they came, oldest first."""
    authors, reviewers = _Tally(people), _Tally(people)
    organisations: Counter[Organisation] = Counter()
    bots: Counter[Bot] = Counter()
    for mail in mails:
        bot = people.bots.of(mail)
        if bot:
            bots[bot] += mail.mails
        elif mail.counted:
            if not people.bots.named(mail.written_by):
                organisations[authors.add(mail.written_by, mail)] += mail.mails
        elif reviews_in_own_name(mail, people):
            reviewers.add(mail.sent_by, mail)
    return Rankings(
        authors.ranked(),
        reviewers.ranked(),
        tuple((one, count) for one, count in _sorted(organisations) if one.name and one.basis is not Basis.PROVIDER),
        tuple(_sorted(bots)),
    )


def reviews_in_own_name(mail: Sent, people: People) -> bool:
    """Whether its sender gives a tag of REVIEWS that names themselves."""
    return any(people.same_human(person, mail.sent_by) for person in mail.reviews)


def _sorted(counts: Mapping[Named, int]) -> list[tuple[Named, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0].name.casefold()))


class _Tally:
    """Mails by human."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._ranks: dict[str, Rank] = {}

    def add(self, written: Person, sent: Sent) -> Organisation:
        """Count a mail; for whom it was written."""
        identity = self._people.identity(written)
        before = self._ranks.get(identity)
        organisation = self._people.organisation(written, sent.received)
        person = self._people.human(written)
        self._ranks[identity] = Rank(person, identity, organisation, (before.mails if before else 0) + sent.mails)
        return organisation

    def ranked(self) -> tuple[Rank, ...]:
        order = sorted(self._ranks.items(), key=lambda item: (-item[1].mails, item[1].person.label.casefold(), item[0]))
        return tuple(one for _, one in order)
