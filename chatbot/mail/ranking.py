"""Who wrote and who reviewed, most first: two rankings of humans, and the programs apart."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.mail.bots import Bot
from chatbot.mail.mail import Mail
from chatbot.mail.organisations import Organisation
from chatbot.mail.people import People
from chatbot.mail.person import Person

# Tags that say that somebody has looked at a patch.
REVIEWS = frozenset({"Reviewed-by", "Acked-by", "Tested-by", "Nacked-by"})


@dataclass(frozen=True, slots=True)
class Rank:
    """A human by the canonical name, for whom they wrote last, and a number of mails."""

    person: Person
    organisation: Organisation
    mails: int


@dataclass(frozen=True, slots=True)
class Rankings:
    """`authors` by patches as the classic text counts them, covers included; `reviewers` by mails in which they gave
    others a tag of REVIEWS in their own name; `bots` by mails. All complete, the most first, ties by name.
    """

    authors: tuple[Rank, ...]
    reviewers: tuple[Rank, ...]
    bots: tuple[tuple[Bot, int], ...]


def rank(mails: Iterable[Mail], people: People) -> Rankings:
    """From mails in the order in which they came, oldest first."""
    authors, reviewers = _Tally(people), _Tally(people)
    bots: Counter[Bot] = Counter()
    for mail in mails:
        bot = people.bots.of(mail)
        if bot:
            bots[bot] += 1
        elif mail.subject.counted:
            if not people.bots.named(mail.written_by):
                authors.add(mail.written_by, mail)
        elif not mail.patch and _reviews(mail, people):
            reviewers.add(mail.sent_by, mail)
    ranked = sorted(bots.items(), key=lambda item: (-item[1], item[0].name.casefold()))
    return Rankings(authors.ranked(), reviewers.ranked(), tuple(ranked))


def _reviews(mail: Mail, people: People) -> bool:
    """Whether its sender gives a tag of REVIEWS in their own name."""
    own = people.mailmap.of(mail.sent_by).identity
    return any(tag.kind in REVIEWS and people.mailmap.of(tag.person).identity == own for tag in mail.tags)


class _Tally:
    """Mails by human."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._ranks: dict[str, Rank] = {}

    def add(self, written: Person, mail: Mail) -> None:
        person = self._people.mailmap.of(written)
        before = self._ranks.get(person.identity)
        organisation = self._people.organisation(written, mail.received)
        self._ranks[person.identity] = Rank(person, organisation, before.mails + 1 if before else 1)

    def ranked(self) -> tuple[Rank, ...]:
        order = sorted(self._ranks.items(), key=lambda item: (-item[1].mails, item[1].person.label.casefold(), item[0]))
        return tuple(one for _, one in order)
