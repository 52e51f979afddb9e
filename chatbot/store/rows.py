"""Mails to rows and back, in one place."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Row, Select, bindparam, insert, select

from chatbot.chat.post import printable
from chatbot.mail.mail import Mail
from chatbot.mail.patch import Change, Diffstat, Patch, Tag
from chatbot.mail.person import Person
from chatbot.mail.series import posting
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.tables import moment, seconds
from chatbot.store.words import searchable

# Fewer than the host parameters that any SQLite takes (999 before 3.32).
CHUNK = 500
_sender, _author = tables.person.alias("sender"), tables.person.alias("author")
_ROLES = (("sender", _sender), ("author", _author))


def add_mail(connection: Connection, mail: Mail, people: dict[Person, int]) -> int:
    """Write a mail that is not there yet; the id of its row. `people` remembers the ids of persons."""
    patch = mail.patch
    stated = patch.stated if patch else None
    result = connection.execute(
        _INSERT_MAIL,
        {
            "message_id": printable(mail.message_id),
            "subject": printable(str(mail.subject)),
            "words": searchable(mail.subject.title) if patch else "",
            "sender_id": _person_id(connection, mail.sender, people),
            "author_id": _person_id(connection, mail.author, people),
            "received": seconds(mail.received),
            "date": seconds(mail.date) if mail.date else None,
            "in_reply_to": printable(mail.in_reply_to),
            "references": printable(" ".join(mail.references)),
            "archived_as": printable(mail.archived_as),
            "defects": "\n".join(mail.defects),
            "is_patch": patch is not None,
            "posting": posting_key(mail) if patch else None,
            "log": printable(patch.log) if patch else None,
            "stated_files": stated.files if stated else None,
            "stated_insertions": stated.insertions if stated else None,
            "stated_deletions": stated.deletions if stated else None,
        },
    )
    mail_id = inserted_id(result)
    tags = [
        {"mail_id": mail_id, "place": place, "kind": tag.kind, "value": printable(tag.value)}
        for place, tag in enumerate(mail.tags)
    ]
    if tags:
        connection.execute(_INSERT_TAG, tags)
    changes = [
        {
            "mail_id": mail_id,
            "place": place,
            "path": printable(change.path),
            "insertions": change.insertions,
            "deletions": change.deletions,
        }
        for place, change in enumerate(patch.changes if patch else ())
    ]
    if changes:
        connection.execute(_INSERT_CHANGE, changes)
    return mail_id


def inserted_id(result: CursorResult[Any]) -> int:
    """The id of the row that an insert has made."""
    key = result.inserted_primary_key
    assert key is not None  # noqa: S101  # every table here has one
    return int(key[0])


def posting_key(mail: Mail) -> str:
    """What the mails of one posting share, as text."""
    return printable(" ".join(map(str, posting(mail))))


def _person_id(connection: Connection, person: Person, people: dict[Person, int]) -> int:
    person = Person(printable(person.written), printable(person.name), printable(person.address))
    if person not in people:
        own = {"written": person.written, "name": person.name, "address": person.address}
        found = connection.execute(_FIND_PERSON, own).scalar()
        if found is None:
            more = {"mailbox": person.address.lower(), "words": searchable(f"{person.name} {person.address}")}
            found = inserted_id(connection.execute(_INSERT_PERSON, {**own, **more}))
        people[person] = found
    return people[person]


_INSERT_MAIL = insert(tables.mail)
_INSERT_PERSON = insert(tables.person)
_INSERT_TAG = insert(tables.tag)
_INSERT_CHANGE = insert(tables.change)
_FIND_PERSON = select(tables.person.c.id).where(
    *(tables.person.c[name] == bindparam(name) for name in ("written", "name", "address"))
)

SELECT_MAILS: Select[Any] = (
    select(
        tables.mail,
        *(
            column.label(f"{role}_{column.name}")
            for role, who in _ROLES
            for column in (who.c.written, who.c.name, who.c.address)
        ),
    )
    .join(_sender, _sender.c.id == tables.mail.c.sender_id)
    .join(_author, _author.c.id == tables.mail.c.author_id)
)


def load_mails(connection: Connection, query: Select[Any]) -> list[Mail]:
    """The mails that a query over SELECT_MAILS finds, in its order."""
    rows = connection.execute(query).all()
    ids = [row.id for row in rows]
    tags: dict[int, list[Tag]] = {}
    for row in _parts(connection, tables.tag, ids):
        tags.setdefault(row.mail_id, []).append(Tag(row.kind, row.value))
    changes: dict[int, list[Change]] = {}
    for row in _parts(connection, tables.change, [row.id for row in rows if row.is_patch]):
        changes.setdefault(row.mail_id, []).append(Change(row.path, row.insertions, row.deletions))
    return [_mail(row, tuple(tags.get(row.id, ())), tuple(changes.get(row.id, ()))) for row in rows]


def _parts(connection: Connection, table: Any, mail_ids: Sequence[int]) -> Iterable[Row[Any]]:
    for start in range(0, len(mail_ids), CHUNK):
        chunk = mail_ids[start : start + CHUNK]
        yield from connection.execute(
            select(table).where(table.c.mail_id.in_(chunk)).order_by(table.c.mail_id, table.c.place)
        )


def _mail(row: Row[Any], tags: tuple[Tag, ...], changes: tuple[Change, ...]) -> Mail:
    stated = (
        Diffstat(row.stated_files, row.stated_insertions, row.stated_deletions)
        if row.stated_files is not None
        else None
    )
    author = Person(row.author_written, row.author_name, row.author_address)
    return Mail(
        message_id=row.message_id,
        subject=Subject.parse(row.subject),
        sender=Person(row.sender_written, row.sender_name, row.sender_address),
        received=moment(row.received),
        date=moment(row.date) if row.date is not None else None,
        in_reply_to=row.in_reply_to,
        references=tuple(row.references.split()),
        tags=tags,
        archived_as=row.archived_as,
        patch=Patch(author, row.log, changes, stated) if row.is_patch else None,
        defects=tuple(filter(None, row.defects.split("\n"))),
    )
