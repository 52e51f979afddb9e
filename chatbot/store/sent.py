"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select

from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import REVIEWS, Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import persons_of
from chatbot.store.tables import moment

_UNTOLD = Subject("", "")


class _Kind(NamedTuple):
    """Mails that are the same to rankings but for the tags in them."""

    sender_id: int
    author_id: int
    counted: bool


# Of mails that bring REVIEWS and no patch: their kind, whom these name as written, and when they came in.
_Review = tuple[_Kind, tuple[str, ...], int]


def sent(connection: Connection, which: Sequence[ColumnElement[bool]], people: People) -> tuple[Sent, ...]:
    """Of the mails on a list that these conditions on `seen` choose, the newest last."""
    kinds = _kinds(connection, which)
    persons = persons_of(connection, {one for kind in kinds for one in kind[:2]})
    telling = {row_id for row_id, person in persons.items() if _telling(person, people)}
    named: dict[str, Person] = {}
    found: list[Sent] = []

    def add(kind: _Kind, received: int, mails: int = 1, texts: Iterable[str] = (), subject: Subject = _UNTOLD) -> None:
        sender, author = persons[kind.sender_id], persons[kind.author_id]
        humans = people.behind(sender), people.behind(author)
        reviews = tuple(named.get(text) or named.setdefault(text, Person.parse(text)) for text in texts)
        found.append(Sent(sender, author, *humans, subject, kind.counted, moment(received), reviews, mails))

    reviews, reviewing = _reviews(connection, which), Counter[_Kind]()
    # The subjects of these people's mails say which of them a bot has sent: each is told by itself.
    for mail_id, kind, received, subject in _each(connection, which, telling):
        add(kind, received, texts=reviews.pop(mail_id, _NO_REVIEW)[1], subject=subject)
    for (kind, texts), times in _alike(reviews.values()).items():
        add(kind, max(times), len(times), texts)
        reviewing[kind] += len(times)
    for kind, (received, mails) in kinds.items():
        if kind.sender_id not in telling and mails > reviewing[kind]:
            add(kind, received, mails - reviewing[kind])
    return tuple(sorted(found, key=lambda one: one.received))


_NO_REVIEW: tuple[None, tuple[str, ...]] = (None, ())


def _kinds(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[_Kind, tuple[int, int]]:
    """When the newest of each kind came in, and how many there are. What is to be read again is nobody's."""
    seen = tables.seen.c
    kind = (seen.sender_id, seen.author_id, seen.is_counted)
    query = select(*kind, func.max(seen.received), func.count()).where(seen.author_id != 0, *which)
    rows = connection.execute(query.group_by(*kind))
    return {_Kind(*kind): (received, mails) for *kind, received, mails in rows}


def _each(
    connection: Connection, which: Sequence[ColumnElement[bool]], telling: set[int]
) -> Iterator[tuple[int, _Kind, int, Subject]]:
    """The mails of these people: the row, its kind, when it came in, and its subject."""
    seen, mail = tables.seen.c, tables.mail.c
    query = select(mail.id, seen.sender_id, seen.author_id, seen.is_counted, seen.received, mail.subject, mail.lead)
    rows = query.join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(
        seen.sender_id.in_(sorted(telling)), *which
    )
    for mail_id, sender, author, counted, received, written, lead in connection.execute(rows) if telling else ():
        yield mail_id, _Kind(sender, author, counted), received, Subject.split(written, lead)


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))


def _reviews(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[int, _Review]:
    """By their rows."""
    tag, seen, found = tables.tag.c, tables.seen.c, dict[int, _Review]()
    query = select(tag.mail_id, tag.value, seen.sender_id, seen.author_id, seen.received)
    given = query.join(tables.seen, seen.mail_id == tag.mail_id).where(
        ~seen.is_patch, tag.kind.in_(sorted(REVIEWS)), *which
    )
    for mail_id, value, sender, author, received in connection.execute(given.order_by(tag.mail_id, tag.place)):
        texts = found.get(mail_id, _NO_REVIEW)[1]
        found[mail_id] = _Kind(sender, author, counted=False), (*texts, value), received
    return found


def _alike(reviews: Iterable[_Review]) -> dict[tuple[_Kind, tuple[str, ...]], list[int]]:
    """When those came in that are the same to rankings."""
    found: dict[tuple[_Kind, tuple[str, ...]], list[int]] = {}
    for kind, texts, received in reviews:
        found.setdefault((kind, texts), []).append(received)
    return found
