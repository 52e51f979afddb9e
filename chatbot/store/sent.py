"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from chatbot.mail.patch import REVIEWS
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import persons_of
from chatbot.store.tables import moment

_UNTOLD = Subject("", "")


class Kind(NamedTuple):
    """What is the same to rankings, but for the tags in it: by the rows of sender and author."""

    sender_id: int
    author_id: int
    counted: bool


class Sum(NamedTuple):
    """Numbers over the mails of a kind, and when the first and the last of them came in."""

    mails: int
    patches: int
    replies: int
    defects: int
    first: int
    last: int


def sums_of(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[Kind, Sum]:
    """Of the mails on a list that these conditions on `seen` choose. What is to be read again is nobody's."""
    seen = tables.seen.c
    kind = (seen.sender_id, seen.author_id, seen.is_counted)
    flags = (func.count(case((flag, 1))) for flag in (seen.is_patch, seen.is_reply, seen.is_defective))
    query = select(*kind, func.count(), *flags, func.min(seen.received), func.max(seen.received))
    rows = connection.execute(query.where(seen.author_id != 0, *which).group_by(*kind)).all()
    return {Kind(*row[:3]): Sum(*row[3:]) for row in rows}


# Of mails that bring REVIEWS and no patch: their kind, whom these name as written, and when they came in.
_Review = tuple[Kind, tuple[str, ...], int]


def sent(
    connection: Connection, which: Sequence[ColumnElement[bool]], sums: Mapping[Kind, Sum], people: People
) -> tuple[Sent, ...]:
    """Of the same mails, the newest last."""
    persons = persons_of(connection, {one for kind in sums for one in kind[:2]})
    telling = {row_id for row_id, person in persons.items() if _telling(person, people)}
    named: dict[str, Person] = {}
    found: list[Sent] = []

    def add(kind: Kind, received: int, mails: int = 1, texts: Iterable[str] = (), subject: Subject = _UNTOLD) -> None:
        sender, author = persons[kind.sender_id], persons[kind.author_id]
        humans = people.behind(sender), people.behind(author)
        reviews = tuple(named.get(text) or named.setdefault(text, Person.parse(text)) for text in texts)
        found.append(Sent(sender, author, *humans, subject, kind.counted, moment(received), reviews, mails))

    reviews, reviewing = _reviews(connection, which), Counter[Kind]()
    # The subjects of these people's mails say which of them a bot has sent: each is told by itself.
    for mail_id, kind, received, subject in _each(connection, which, telling):
        add(kind, received, texts=reviews.pop(mail_id, _NO_REVIEW)[1], subject=subject)
    for (kind, texts), times in _alike(reviews.values()).items():
        add(kind, max(times), len(times), texts)
        reviewing[kind] += len(times)
    for kind, one in sums.items():
        if kind.sender_id not in telling and one.mails > reviewing[kind]:
            add(kind, one.last, one.mails - reviewing[kind])
    return tuple(sorted(found, key=lambda one: one.received))


_NO_REVIEW: tuple[None, tuple[str, ...]] = (None, ())


def _each(
    connection: Connection, which: Sequence[ColumnElement[bool]], telling: set[int]
) -> Iterator[tuple[int, Kind, int, Subject]]:
    """The mails of these people: the row, its kind, when it came in, and its subject."""
    seen, mail = tables.seen.c, tables.mail.c
    query = select(mail.id, seen.sender_id, seen.author_id, seen.is_counted, seen.received, mail.subject, mail.lead)
    rows = query.join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(
        seen.sender_id.in_(sorted(telling)), *which
    )
    for mail_id, sender, author, counted, received, written, lead in connection.execute(rows) if telling else ():
        yield mail_id, Kind(sender, author, counted), received, Subject.split(written, lead)


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))


def _reviews(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[int, _Review]:
    """By their rows."""
    tag, seen, found = tables.tag.c, tables.seen.c, dict[int, _Review]()
    query = select(tag.mail_id, tag.value, seen.sender_id, seen.author_id, seen.received)
    given = query.join(tables.seen, seen.mail_id == tag.mail_id).where(seen.is_review, tag.kind.in_(REVIEWS), *which)
    for mail_id, value, sender, author, received in connection.execute(given).all():
        texts = found.get(mail_id, _NO_REVIEW)[1]
        found[mail_id] = Kind(sender, author, counted=False), (*texts, value), received
    return found


def _alike(reviews: Iterable[_Review]) -> dict[tuple[Kind, tuple[str, ...]], list[int]]:
    """When those came in that are the same to rankings."""
    found: dict[tuple[Kind, tuple[str, ...]], list[int]] = {}
    for kind, texts, received in reviews:
        found.setdefault((kind, texts), []).append(received)
    return found
