"""What rankings look at: mails of a list by who sent and who wrote them. Thousands of mails are a few hundred of these,
and a database takes them together in a tenth of the time that it takes to hand them over.
"""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import Sent
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.rows import by_ids
from chatbot.store.tables import moment

_UNTOLD = Subject("", "")
_KIND = tuple(tables.seen.c[name] for name in ("sender_id", "author_id", "is_counted", "reviews"))


class Kind(NamedTuple):
    """What is the same to rankings: the rows of sender and author, whether it is a patch that counts, and whom its tags
    of REVIEWS name, as written, one a line.
    """

    sender_id: int
    author_id: int
    counted: bool
    reviews: str


class Sum(NamedTuple):
    """Numbers over the mails of a kind, when the first and the last of them came in, the place of the last on the list,
    which is its row of `seen`, and between which rows of `mail` all of them are.
    """

    mails: int
    patches: int
    replies: int
    defects: int
    first: int
    last: int
    place: int
    lowest: int
    highest: int


def sums_of(connection: Connection, which: Sequence[ColumnElement[bool]]) -> dict[Kind, Sum]:
    """Of the mails on a list that these conditions on `seen` choose. What is to be read again is nobody's."""
    seen = tables.seen.c
    flags = (func.count(case((flag, 1))) for flag in (seen.is_patch, seen.is_reply, seen.is_defective))
    times, rows = (func.min(seen.received), func.max(seen.received)), (func.min(seen.mail_id), func.max(seen.mail_id))
    query = select(*_KIND, func.count(), *flags, *times, func.max(seen.id), *rows)
    found = connection.execute(query.where(seen.author_id != 0, *which).group_by(*_KIND)).all()
    return {Kind._make(row[:4]): Sum._make(row[4:]) for row in found}


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

    def made(kind: Kind, received: int, mails: int, subject: Subject = _UNTOLD) -> Sent:
        sender, author = persons[kind.sender_id], persons[kind.author_id]
        humans = people.behind(sender), people.behind(author)
        texts = kind.reviews.split("\n") if kind.reviews else ()
        reviews = tuple(named.get(text) or named.setdefault(text, Person.parse(text)) for text in texts)
        return Sent(sender, author, *humans, subject, kind.counted, moment(received), reviews, mails)

    # The subjects of these people's mails say which of them a bot has sent: each is told by itself.
    each = _each(connection, which, telling)
    found = [(place, made(kind, received, 1, subject)) for place, kind, received, subject in each]
    others = ((kind, one) for kind, one in sums.items() if kind.sender_id not in telling)
    found += [(one.place, made(kind, one.last, one.mails)) for kind, one in others]
    return tuple(one for _, one in sorted(found, key=itemgetter(0)))


def _each(
    connection: Connection, which: Sequence[ColumnElement[bool]], telling: set[int]
) -> Iterator[tuple[int, Kind, int, Subject]]:
    """The mails of these people: the place, the kind, when it came in, and the subject."""
    seen, mail = tables.seen.c, tables.mail.c
    query = select(seen.id, seen.received, mail.subject, mail.lead, *_KIND)
    rows = query.join_from(tables.seen, tables.mail, mail.id == seen.mail_id).where(*which)
    for place, received, written, lead, *kind in by_ids(connection, rows, seen.sender_id, sorted(telling)):
        yield place, Kind(*kind), received, Subject.split(written, lead)


def _telling(person: Person, people: People) -> bool:
    return people.bots.reads_subjects(person) or people.bots.reads_subjects(people.behind(person))
