"""Rows back to mails, in one place; entry.py is the other way."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, and_, column, select, values

from chatbot.mail.mail import Mail
from chatbot.mail.patch import Change, Diffstat, Patch, Tag
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.entry import posting_key
from chatbot.store.tables import moment

# Fewer than the host parameters that any SQLite takes (999 before 3.32).
CHUNK = 500
# In seconds: the mails of one posting come within minutes, or, where a server was ill, days.
TOGETHER = 3 * 86_400

_POSTED = values(column("key", BigInteger), column("first", BigInteger), column("last", BigInteger))

# A mail that is to be read again shows nothing until it has been.
SELECT_MAILS: Select[Any] = select(
    *(column for column in tables.mail.c if column.name not in {"key", "reply_key", "posting_key", "blob"})
).where(tables.mail.c.blob != "")


def load_mails(connection: Connection, query: Select[Any]) -> list[Mail]:
    """The mails that a query over SELECT_MAILS finds, in its order."""
    rows = connection.execute(query).all()
    persons = _persons(connection, {person_id for row in rows for person_id in (row.sender_id, row.author_id)})
    tags: dict[int, list[Tag]] = {}
    for row in _parts(connection, tables.tag, ("kind", "value"), [row.id for row in rows]):
        tags.setdefault(row.mail_id, []).append(Tag(row.kind, row.value))
    changes: dict[int, list[Change]] = {}
    names = ("path", "insertions", "deletions")
    for row in _parts(connection, tables.change, names, [row.id for row in rows if row.is_patch]):
        changes.setdefault(row.mail_id, []).append(Change(row.path, row.insertions, row.deletions))
    return [_mail(row, persons, tuple(tags.get(row.id, ())), tuple(changes.get(row.id, ()))) for row in rows]


def posted_with(connection: Connection, mails: Iterable[Mail], *where: ColumnElement[bool]) -> list[Mail]:
    """The mails that were posted together with some of these, themselves included, oldest row first."""
    times: dict[int, tuple[int, int]] = {}
    for mail in mails:
        if mail.patch and mail.subject.numbered:
            key, when = posting_key(mail), int(mail.received.timestamp())
            earliest, latest = times.get(key, (when, when))
            times[key] = min(earliest, when), max(latest, when)
    wanted = [(key, first - TOGETHER, last + TOGETHER) for key, (first, last) in sorted(times.items())]
    row = tables.mail.c
    ids: list[int] = []
    for start in range(0, len(wanted), CHUNK // len(_POSTED.c)):
        near = _POSTED.data(wanted[start : start + CHUNK // len(_POSTED.c)]).cte("posted")
        within = and_(row.posting_key == near.c.key, row.received >= near.c.first, row.received <= near.c.last)
        ids += connection.execute(select(row.id).join_from(near, tables.mail, within).where(*where)).scalars().all()
    return load_by_id(connection, ids)


def load_by_id(connection: Connection, ids: Iterable[int]) -> list[Mail]:
    """The mails of these rows, oldest row first."""
    wanted, found = sorted(set(ids)), list[Mail]()
    for start in range(0, len(wanted), CHUNK):
        chunk = tables.mail.c.id.in_(wanted[start : start + CHUNK])
        found += load_mails(connection, SELECT_MAILS.where(chunk).order_by(tables.mail.c.id))
    return found


def _persons(connection: Connection, ids: set[int]) -> dict[int, Person]:
    person, wanted = tables.person.c, sorted(ids)
    query = select(person.id, person.written, person.name, person.address)
    return {
        row.id: Person(row.written, row.name, row.address)
        for start in range(0, len(wanted), CHUNK)
        for row in connection.execute(query.where(person.id.in_(wanted[start : start + CHUNK]))).all()
    }


def _parts(connection: Connection, table: Any, names: Sequence[str], mail_ids: Sequence[int]) -> Iterable[Row[Any]]:
    query = select(table.c.mail_id, *(table.c[name] for name in names)).order_by(table.c.mail_id, table.c.place)
    for start in range(0, len(mail_ids), CHUNK):
        yield from connection.execute(query.where(table.c.mail_id.in_(mail_ids[start : start + CHUNK]))).all()


def _mail(row: Row[Any], persons: dict[int, Person], tags: tuple[Tag, ...], changes: tuple[Change, ...]) -> Mail:
    patch = None
    if row.is_patch:
        stated = None
        if row.stated_files is not None:
            stated = Diffstat(row.stated_files, row.stated_insertions, row.stated_deletions)
        patch = Patch(persons[row.author_id], row.text, changes, stated)
    return Mail(
        message_id=row.message_id,
        subject=Subject.parse(row.subject),
        sender=persons[row.sender_id],
        received=moment(row.received),
        date=moment(row.date) if row.date is not None else None,
        in_reply_to=row.in_reply_to,
        references=tuple(row.references.split()),
        tags=tags,
        said="" if patch else row.text,
        archived_as=row.archived_as,
        patch=patch,
        defects=tuple(filter(None, row.defects.split("\n"))),
    )
