"""Rows back to mails, and to the parts of series, in one place; entry.py is the other way."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import starmap
from typing import Any, TypeVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    any_,
    bindparam,
    case,
    func,
    select,
)

from chatbot.mail.diff import Diff, Diffstat
from chatbot.mail.mail import Mail, answered
from chatbot.mail.part import Part
from chatbot.mail.patch import Patch, Tag
from chatbot.mail.person import Person
from chatbot.mail.series import by_posting
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.entry import key_of_posting
from chatbot.store.tables import moment, seconds

_Id = TypeVar("_Id", int, str)

# Host parameters of one statement: a SQLite may be built to take no more than 999.
CHUNK = 500
# In seconds: the mails of one posting come within minutes, or, where a server was ill, days.
TOGETHER = 3 * 86_400

_STATED = ("stated_files", "stated_insertions", "stated_deletions")
_MAIL = (
    *("id", "message_id", "subject", "lead", "sender_id", "author_id", "received", "date", "in_reply_to", "references"),
    *("archived_as", "defects", "is_patch", "diff", "content", "change_id", *_STATED),
)
_PART = (
    *("sender_id", "author_id", "message_id", "subject", "lead", "received", "in_reply_to", "references"),
    *("archived_as", "diff", *_STATED),
)
# A mail that is to be read again shows nothing until it has been.
SELECT_MAILS: Select[Any] = (
    select(*(tables.mail.c[name] for name in _MAIL), tables.body.c.text)
    .join(tables.body, tables.body.c.mail_id == tables.mail.c.id)
    .where(tables.mail.c.blob != "")
)
# The log of a mail that does not speak is not looked for: its id is no mail's.
SELECT_PARTS: Select[Any] = (
    select(*(tables.mail.c[name] for name in _PART), tables.body.c.text)
    .outerjoin(tables.body, tables.body.c.mail_id == case((tables.mail.c.speaks, tables.mail.c.id)))
    .where(tables.mail.c.is_patch)
)


def chunks(ids: Sequence[_Id], binds: int = 1) -> Iterator[Sequence[_Id]]:
    """As many of them at a time as one statement takes that has so many host parameters for each."""
    size = CHUNK // binds
    return (ids[start : start + size] for start in range(0, len(ids), size))


def load_mails(connection: Connection, query: Select[Any]) -> list[Mail]:
    """The mails that a query over SELECT_MAILS finds, in its order."""
    return _make_mails(connection, connection.execute(query).all())


def _make_mails(connection: Connection, rows: Sequence[Row[Any]]) -> list[Mail]:
    """The mails that rows with the columns of SELECT_MAILS are."""
    persons = persons_of(connection, {person_id for row in rows for person_id in (row.sender_id, row.author_id)})
    tags = tags_of(connection, [row.id for row in rows])
    return [_mail(row, persons, tags) for row in rows]


def tags_of(connection: Connection, mail_ids: Sequence[int]) -> dict[int, list[tuple[str, str]]]:
    """The kinds and values of the tags that are in these mails, in their order."""
    tag, found = tables.tag.c, dict[int, list[tuple[str, str]]]()
    given = select(tag.mail_id, tag.kind, tag.value).order_by(tag.mail_id, tag.place)
    for mail_id, kind, value in by_ids(connection, given, tag.mail_id, mail_ids):
        found.setdefault(mail_id, []).append((kind, value))
    return found


def load_mails_by_id(connection: Connection, ids: Iterable[int]) -> list[Mail]:
    """The mails of these rows, oldest row first."""
    return load_mails_as(connection, sorted(set(ids)))


def load_mails_as(connection: Connection, ids: Sequence[int]) -> list[Mail]:
    """The mails of these rows, in this order."""
    rows = {row.id: row for row in by_ids(connection, SELECT_MAILS, tables.mail.c.id, ids)}
    return _make_mails(connection, [rows[mail_id] for mail_id in ids if mail_id in rows])


def load_parts(connection: Connection, query: Select[Any]) -> list[Part]:
    """The parts of series that a query over SELECT_PARTS finds, in its order."""
    return _make_parts(connection, connection.execute(query).all())


def load_parts_by_id(connection: Connection, ids: Iterable[int]) -> list[Part]:
    """The parts of these rows of mails, oldest row first."""
    query = SELECT_PARTS.order_by(tables.mail.c.id)
    return _make_parts(connection, by_ids(connection, query, tables.mail.c.id, sorted(set(ids))))


def _make_parts(connection: Connection, rows: Sequence[Any]) -> list[Part]:
    """The parts of series that rows with the columns of SELECT_PARTS are, and perhaps more columns after them."""
    persons = persons_of(connection, {person_id for sender, author, *_ in rows for person_id in (sender, author)})
    found: list[Part] = []
    for row in rows:
        sender, author, message_id, written, lead, received, in_reply_to, references, archived_as, diff, *rest = row
        files, insertions, deletions, log = rest[:4]
        subject = Subject.split(written, lead)
        found.append(
            Part(
                message_id,
                subject,
                persons[sender],
                persons[author],
                moment(received),
                _parents(in_reply_to, references),
                archived_as,
                log or "",
                Diff(diff),
                Diffstat(files, insertions, deletions) if subject.part == 0 and files is not None else None,
            )
        )
    return found


def posted_with(connection: Connection, parts: Iterable[Part], *where: ColumnElement[bool]) -> list[Part]:
    """What was posted together with some of these, themselves included, oldest row first."""
    wanted: dict[int, tuple[int, int]] = {}  # when the others can have come
    for shared, members in by_posting(part for part in parts if part.subject.numbered).items():
        times = [part.received for part in members]
        wanted[key_of_posting(shared)] = seconds(min(times)) - TOGETHER, seconds(max(times)) + TOGETHER
    if not wanted:
        return []
    row = tables.mail.c
    within = row.received.between(min(first for first, _ in wanted.values()), max(last for _, last in wanted.values()))
    query = select(row.id, row.posting_key, row.received).where(within, *where)
    found = by_ids(connection, query, row.posting_key, sorted(wanted))
    return load_parts_by_id(
        connection, [mail_id for mail_id, key, when in found if wanted[key][0] <= when <= wanted[key][1]]
    )


def _parents(in_reply_to: str, references: str) -> tuple[str, ...]:
    """What these fields, which name one mail and the same in most patches, say that a patch answers."""
    if references == in_reply_to:
        return (in_reply_to,) if in_reply_to else ()
    return answered(in_reply_to, references.split())


def persons_of(connection: Connection, ids: Iterable[int]) -> dict[int, Person]:
    """The persons of these rows."""
    person = tables.person.c
    query = select(person.id, person.written, person.name, person.address)
    return {row[0]: Person(*row[1:]) for row in by_ids(connection, query, person.id, sorted(ids))}


def by_ids(connection: Connection, query: Select[Any], which: ColumnElement[Any], ids: Sequence[Any]) -> Sequence[Any]:
    """The rows that a query finds for these ids, which go as one list: with a parameter for each, SQLAlchemy takes
    longer than the database needs to find the rows.
    """
    if not ids:
        return ()
    if connection.dialect.name == "postgresql":
        kind = ARRAY(Text if isinstance(ids[0], str) else BigInteger)
        return connection.execute(query.where(which == any_(bindparam(None, list(ids), kind, unique=True)))).all()
    values = func.json_each(json.dumps(ids)).table_valued("value")
    return connection.execute(query.where(which.in_(select(values.c.value)))).all()


def _mail(row: Row[Any], persons: dict[int, Person], tags: dict[int, list[tuple[str, str]]]) -> Mail:
    mail_id, message_id, subject, lead, sender, author, received, date, in_reply_to, references, *rest = tuple(row)
    archived_as, defects, is_patch, diff, content, change_id, *stated, text = rest
    patch = None
    if is_patch:
        total = Diffstat(*stated) if stated[0] is not None else None
        patch = Patch(persons[author], text, Diff(diff), total, content, change_id)
    return Mail(
        message_id=message_id,
        subject=Subject.split(subject, lead),
        sender=persons[sender],
        received=moment(received),
        date=moment(date) if date is not None else None,
        in_reply_to=in_reply_to,
        references=tuple(references.split()),
        tags=tuple(starmap(Tag, tags.get(mail_id, ()))),
        said="" if is_patch else text,
        archived_as=archived_as,
        patch=patch,
        defects=tuple(defects.split("\n")) if defects else (),
    )
