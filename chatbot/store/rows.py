"""Rows back to mails, in one place; entry.py is the other way."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Row, Select, and_, column, select, values

from chatbot.mail.diff import Change, Diffstat
from chatbot.mail.mail import Mail
from chatbot.mail.patch import Patch, Tag
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
_COLUMNS = (
    *("id", "message_id", "subject", "sender_id", "author_id", "received", "date", "in_reply_to", "references"),
    *("archived_as", "defects", "is_patch", "text", "stated_files", "stated_insertions", "stated_deletions"),
)
SELECT_MAILS: Select[Any] = select(*(tables.mail.c[name] for name in _COLUMNS)).where(tables.mail.c.blob != "")


def load_mails(connection: Connection, query: Select[Any]) -> list[Mail]:
    """The mails that a query over SELECT_MAILS finds, in its order."""
    rows = connection.execute(query).all()
    persons = _persons(connection, {person_id for row in rows for person_id in (row.sender_id, row.author_id)})
    tags: dict[int, list[Tag]] = {}
    for mail_id, kind, value in _parts(connection, tables.tag, ("kind", "value"), [row.id for row in rows]):
        tags.setdefault(mail_id, []).append(Tag(kind, value))
    changes: dict[int, list[Change]] = {}
    names = ("path", "insertions", "deletions")
    for mail_id, path, insertions, deletions in _parts(
        connection, tables.change, names, [row.id for row in rows if row.is_patch]
    ):
        changes.setdefault(mail_id, []).append(Change(path, insertions, deletions))
    return [_mail(row, persons, tags, changes) for row in rows]


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


def _parts(connection: Connection, table: Any, names: Sequence[str], mail_ids: Sequence[int]) -> Iterable[Any]:
    query = select(table.c.mail_id, *(table.c[name] for name in names)).order_by(table.c.mail_id, table.c.place)
    for start in range(0, len(mail_ids), CHUNK):
        yield from connection.execute(query.where(table.c.mail_id.in_(mail_ids[start : start + CHUNK]))).all()


def _mail(
    row: Row[Any], persons: dict[int, Person], tags: dict[int, list[Tag]], changes: dict[int, list[Change]]
) -> Mail:
    mail_id, message_id, subject, sender, author, received, date, in_reply_to, references, *rest = tuple(row)
    archived_as, defects, is_patch, text, *stated = rest
    patch = None
    if is_patch:
        total = Diffstat(*stated) if stated[0] is not None else None
        patch = Patch(persons[author], text, tuple(changes.get(mail_id, ())), total)
    return Mail(
        message_id=message_id,
        subject=Subject.parse(subject),
        sender=persons[sender],
        received=moment(received),
        date=moment(date) if date is not None else None,
        in_reply_to=in_reply_to,
        references=tuple(references.split()),
        tags=tuple(tags.get(mail_id, ())),
        said="" if is_patch else text,
        archived_as=archived_as,
        patch=patch,
        defects=tuple(defects.split("\n")) if defects else (),
    )
