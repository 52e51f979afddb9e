"""What there is to say about one person's last 90 days: their work week by week, how their series stand, and with whom
they work.

A week ends with the moment at which it is asked. Of 90 days the first of the thirteen weeks has six.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from chatbot.mail.grouping import group
from chatbot.mail.mail import Mail
from chatbot.mail.part import Part
from chatbot.mail.patch import REVIEWS, Tag
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import Sent, reviews_in_own_name
from chatbot.mail.relay import is_relay
from chatbot.mail.series import Series
from chatbot.mail.state import State, Status
from chatbot.mail.traits import title_key

LATELY, WEEK = timedelta(days=90), timedelta(weeks=1)
WEEKS = 13
# An area is a directory so deep: drivers/nvdimm, arch/x86.
DEPTH = 2

Counted = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class OwnSeries:
    """A series of theirs in its newest version, and how far it has come."""

    title: str
    version: str
    message_id: str
    received: datetime
    draft: bool
    status: Status

    @property
    def applied(self) -> bool:
        """Whether all of it is said to be."""
        return self.status.state is State.APPLIED and not self.status.seen[-1].parts

    @property
    def in_flight(self) -> bool:
        """Whether something may still happen to it."""
        return not (self.applied or self.status.state is State.STALE)


@dataclass(frozen=True, slots=True)
class CoWorker:
    """A human, and how many patches, by their titles, they have in common: the person that is shown `reviewed` so many
    of theirs, they gave `reviews` to so many of that person's, and so many were written `together`.
    """

    person: Person
    reviewed: int
    reviews: int
    together: int


@dataclass(frozen=True, slots=True)
class LatelyReport:
    """`patches` (without covers) and `reviews` are numbers by week, the oldest first. `areas` are directories by
    patches, `lists` names by mails, the most first. Of `not_looked_at` postings nobody knows how they stand.
    """

    since: datetime
    patches: tuple[int, ...]
    reviews: tuple[int, ...]
    areas: Counted
    lists: Counted
    in_flight: tuple[OwnSeries, ...]
    applied: tuple[OwnSeries, ...]
    not_looked_at: int
    co_workers: tuple[CoWorker, ...]

    @property
    def empty(self) -> bool:
        """Whether there was no mail at all."""
        return not self.lists


def report_lately(
    person: Person,
    people: People,
    now: datetime,
    *,
    written: Sequence[Mail],
    tagged: Iterable[Mail],
    about: Mapping[str, Part],
    got: Iterable[tuple[str, Tag]],
    mails: Mapping[str, int],
    series: Sequence[OwnSeries],
    not_looked_at: int,
) -> LatelyReport:
    """From what a person wrote and said since LATELY: `written` are patches and covers, `tagged` what else has tags of
    REVIEWS, `about` the patches above those, `got` the tags below what was written.
    """
    patches = [mail for mail in written if mail.subject.part != 0]
    reviews = [mail for mail in tagged if reviews_in_own_name(Sent.of(mail), people)]
    return LatelyReport(
        now - LATELY,
        weekly(patches, now),
        weekly(reviews, now),
        _areas(patches),
        tuple(mails.items()),
        tuple(one for one in series if one.in_flight),
        tuple(one for one in series if one.applied),
        not_looked_at,
        _co_workers(person, people, _encounters(written, reviews, about, got)),
    )


def own_postings(written: Iterable[Mail], people: People) -> tuple[Series[Mail], ...]:
    """What they posted themselves of what they wrote, the newest first."""
    sent = [mail for mail in written if people.same_human(mail.sender, mail.author) or is_relay(mail.sender)]
    return tuple(sorted(group(sent), key=lambda one: one.received, reverse=True))


def weekly(mails: Iterable[Mail], now: datetime) -> tuple[int, ...]:
    """How many came in each week until now, the oldest first."""
    numbers = Counter((now - mail.received) // WEEK for mail in mails)
    return tuple(numbers[ago] for ago in reversed(range(WEEKS)))


def _areas(patches: Iterable[Mail]) -> Counted:
    """The directories by how many patches change files below them. Files at the top are in none."""
    numbers: Counter[str] = Counter()
    for patch in patches:
        numbers.update({"/".join(path.split("/")[:-1][:DEPTH]) for path in patch.diff.paths} - {""})
    return tuple(sorted(numbers.items(), key=lambda one: (-one[1], one[0])))


class _Kind(Enum):
    """What two humans have in common."""

    REVIEWED = auto()
    REVIEWS = auto()
    TOGETHER = auto()


def _encounters(
    written: Iterable[Mail], reviews: Iterable[Mail], about: Mapping[str, Part], got: Iterable[tuple[str, Tag]]
) -> Iterator[tuple[_Kind, Person, str]]:
    """Whom somebody met, and over which patch, by its title: all its versions are one."""
    titles = {mail.message_id: title_key(mail.subject.title) for mail in written}
    for mail in reviews:
        patch = next((about[above] for above in mail.parents if above in about), None)
        if patch:
            yield _Kind.REVIEWED, patch.author, title_key(patch.subject.title)
    for message_id, tag in (*got, *((mail.message_id, tag) for mail in written for tag in mail.tags)):
        if tag.kind in REVIEWS:
            yield _Kind.REVIEWS, tag.person, titles.get(message_id, message_id)
        elif tag.kind == "Co-developed-by":
            yield _Kind.TOGETHER, tag.person, titles[message_id]


def _co_workers(
    person: Person, people: People, encounters: Iterable[tuple[_Kind, Person, str]]
) -> tuple[CoWorker, ...]:
    """With whom they work most first. Who has no address is nobody's."""
    own = people.identity(person)
    humans: dict[str, Person] = {}
    met: set[tuple[str, _Kind, str]] = set()
    for kind, other, title in encounters:
        identity = people.identity(other)
        if other.address and identity != own and not people.bots.named(other):
            humans.setdefault(identity, people.human(other))
            met.add((identity, kind, title))
    numbers = Counter((identity, kind) for identity, kind, _ in met)
    found = [CoWorker(human, *(numbers[identity, kind] for kind in _Kind)) for identity, human in humans.items()]
    return tuple(
        sorted(found, key=lambda one: (-(one.reviewed + one.reviews + one.together), one.person.label.casefold()))
    )
