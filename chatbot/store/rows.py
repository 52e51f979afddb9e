"""Rows back to mails, in one place; entry.py is the other way."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from chatbot.mail.mail import Mail
from chatbot.mail.patch import Change, Diffstat, Patch, Tag
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.tables import moment

# Fewer than the host parameters that any SQLite takes (999 before 3.32).
CHUNK = 500
_sender, _author = tables.person.alias("sender"), tables.person.alias("author")
_ROLES = (("sender", _sender), ("author", _author))

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
        said="" if row.is_patch else row.text,
        archived_as=row.archived_as,
        patch=Patch(author, row.text, changes, stated) if row.is_patch else None,
        defects=tuple(filter(None, row.defects.split("\n"))),
    )
