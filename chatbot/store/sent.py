"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from chatbot.mail.patch import REVIEWS
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import by_ids
from chatbot.store.tables import moment

_UNTOLD = Subject("", "")


class Kind(NamedTuple):
    """What is the same to rankings, but for the tags in it: by the rows of sender and author."""

    sender_id: int
    author_id: int
    counted: bool


class Sum(NamedTuple):
    """Numbers over the mails of a kind, when the first and the last of them came in, and the place of the last on the
    list: its row of `seen`.
    """

    mails: int
    patches: int
    replies: int
    defects: int
    first: int
    last: int
    place: int


def sums_of(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[Kind, Sum]:
    """Of the mails on a list that these conditions on `seen` choose. What is to be read again is nobody's."""
    seen = tables.seen.c
    kind = (seen.sender_id, seen.author_id, seen.is_counted)
    flags = (func.count(case((flag, 1))) for flag in (seen.is_patch, seen.is_reply, seen.is_defective))
    query = select(*kind, func.count(), *flags, func.min(seen.received), func.max(seen.received), func.max(seen.id))
    rows = connection.execute(query.where(seen.author_id != 0, *which).group_by(*kind)).all()
    return {Kind(*row[:3]): Sum(*row[3:]) for row in rows}


class _Review(NamedTuple):
    """A mail that brings REVIEWS and no patch: its place on the list, its kind, when it came in, and whom these name as
    written.
    """

    place: int
    kind: Kind
    received: int
    texts: tuple[str, ...]


def sent(
    connection: Connection,
    which: Sequence[ColumnElement[bool]],
    sums: Mapping[Kind, Sum],
    persons: Mapping[int, Person],
    people: People,
) -> tuple[Sent, ...]:
    """Of the same mails, in the order of the list; of several that are the same, by the last one. `persons` are those
    of all kinds, by their rows, and may be more.
    """
    telling = {row_id for row_id in {one for kind in sums for one in kind[:2]} if _telling(persons[row_id], people)}
    named: dict[str, Person] = {}
    found: dict[int, Sent] = {}

    def made(kind: Kind, received: int, mails: int = 1, texts: Iterable[str] = (), subject: Subject = _UNTOLD) -> Sent:
        sender, author = persons[kind.sender_id], persons[kind.author_id]
        humans = people.behind(sender), people.behind(author)
        reviews = tuple(named.get(text) or named.setdefault(text, Person.parse(text)) for text in texts)
        return Sent(sender, author, *humans, subject, kind.counted, moment(received), reviews, mails)

    reviews, reviewing = _reviews(connection, which), Counter[Kind]()
    # The subjects of these people's mails say which of them a bot has sent: each is told by itself.
    for place, kind, received, subject in _each(connection, which, telling):
        review = reviews.pop(place, None)
        found[place] = made(kind, received, texts=review.texts if review else (), subject=subject)
    alike: dict[tuple[Kind, tuple[str, ...]], list[_Review]] = {}
    for review in reviews.values():
        alike.setdefault((review.kind, review.texts), []).append(review)
    for (kind, texts), those in alike.items():
        received = max(review.received for review in those)
        found[max(review.place for review in those)] = made(kind, received, len(those), texts)
        reviewing[kind] += len(those)
    others = [
        (one.place, made(kind, one.last, one.mails - reviewing[kind]))
        for kind, one in sums.items()
        if kind.sender_id not in telling and one.mails > reviewing[kind]
    ]
    return tuple(one for _, one in sorted((*found.items(), *others), key=itemgetter(0)))


def _each(
    connection: Connection, which: Sequence[ColumnElement[bool]], telling: set[int]
) -> Iterator[tuple[int, Kind, int, Subject]]:
    """The mails of these people: the place, the kind, when it came in, and the subject."""
    seen, mail = tables.seen.c, tables.mail.c
    query = select(seen.id, seen.sender_id, seen.author_id, seen.is_counted, seen.received, mail.subject, mail.lead)
    rows = query.join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(*which)
    for place, sender, author, counted, received, written, lead in by_ids(
        connection, rows, seen.sender_id, sorted(telling)
    ):
        yield place, Kind(sender, author, counted), received, Subject.split(written, lead)


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))


def _reviews(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[int, _Review]:
    """By their places."""
    tag, seen, found = tables.tag.c, tables.seen.c, dict[int, _Review]()
    query = select(seen.id, tag.value, seen.sender_id, seen.author_id, seen.received)
    given = query.join(tables.seen, seen.mail_id == tag.mail_id).where(seen.is_review, tag.kind.in_(REVIEWS), *which)
    for place, value, sender, author, received in connection.execute(given).all():
        texts = found[place].texts if place in found else ()
        found[place] = _Review(place, Kind(sender, author, counted=False), received, (*texts, value))
    return found
