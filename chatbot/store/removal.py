"""Mails that go: out of every table, the full text, the sums, and the posts that have not gone out yet.

A mail that is left on another list, or in a further copy, stays; its text stays too where such a copy is the same, and
is read again from there where it is not.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, exists, or_, select, true, update

from chatbot.mail.diff import Diff
from chatbot.mail.subject import Subject
from chatbot.store import fulltext, tables
from chatbot.store.batch import COUNTS, MAIL_COLUMNS, UNCOUNTED, Entry
from chatbot.store.bulk import add_rows, insert_rows
from chatbot.store.entry import SEARCHED, directories_above, searched_title
from chatbot.store.recall import plan_anew
from chatbot.store.spent import follow_again, spend
from chatbot.store.sums import Credit, Sums, discount
from chatbot.store.tables import ALL_LISTS

# A mail that is to be read again has nothing but its Message-ID.
_BLANK: dict[str, Any] = dict.fromkeys(MAIL_COLUMNS) | {
    "blob": "",
    "subject": "",
    "sender_id": 0,
    "author_id": 0,
    "received": 0,
    "in_reply_to": "",
    "references": "",
    "archived_as": "",
    "defects": "",
    "is_patch": False,
    "is_reply": False,
    "lead": 0,
    "speaks": False,
    "diff": "",
    "content": "",
    "change_id": "",
}
del _BLANK["key"], _BLANK["message_id"]


def forget(connection: Connection, list_id: int, seen_id: int) -> None:
    """Take a mail off a list; a further copy there takes its place."""
    seen, copy = tables.seen.c, tables.copy.c
    row = connection.execute(select(tables.seen).where(seen.id == seen_id)).one()
    mail = _mail(connection, row.mail_id)
    plan_anew(connection, list_id, seen_id)
    here = and_(copy.list_id == list_id, copy.mail_id == row.mail_id)
    again = connection.execute(select(tables.copy).where(here).order_by(copy.epoch, copy.commit).limit(1)).first()
    if again:
        place = {"epoch": again.epoch, "commit": again.commit, "blob": again.blob}
        connection.execute(update(tables.seen).where(seen.id == seen_id).values(place))
        connection.execute(delete(tables.copy).where(here, copy.epoch == again.epoch, copy.commit == again.commit))
    else:
        if mail.blob:
            discount(connection, (list_id,), mail)
        connection.execute(delete(tables.seen).where(seen.id == seen_id))
        _note_forgotten(connection, list_id, seen_id, mail.message_id)
    forget_text(connection, row.mail_id, row.blob)


def forget_blob(connection: Connection, list_id: int, blob: str, mail_id: int | None = None) -> int:
    """Take what has these bytes off a list, one mail or whatever they are; how many mails that were."""
    connection.execute(delete(tables.unread).where(tables.unread.c.list_id == list_id, tables.unread.c.blob == blob))
    seen, copy = (
        and_(table.c.list_id == list_id, table.c.blob == blob, table.c.mail_id == mail_id if mail_id else true())
        for table in (tables.seen, tables.copy)
    )
    copied = set(connection.execute(select(tables.copy.c.mail_id).where(copy)).scalars())
    connection.execute(delete(tables.copy).where(copy))
    found = connection.execute(select(tables.seen.c.id, tables.seen.c.mail_id).where(seen)).all()
    for row in found:
        forget(connection, list_id, row.id)
    for again in copied - {row.mail_id for row in found}:
        forget_text(connection, again, blob)
    return len(found) or len(copied)


def _note_forgotten(connection: Connection, list_id: int, seen_id: int, message_id: str) -> None:
    """No mail gets its number again, and no mark names it."""
    table, mark = tables.mailing_list, tables.mark.c
    newer = or_(table.c.forgotten.is_(None), table.c.forgotten < seen_id)
    connection.execute(update(table).where(table.c.id == list_id, newer).values(forgotten=seen_id))
    here = and_(mark.list_id == list_id, mark.message_id == message_id)
    connection.execute(update(tables.mark).where(here).values(message_id=None, date=None))


def write_anew(connection: Connection, mail_id: int, entry: Entry) -> None:
    """Put what was read now into the place of what was read before."""
    mail = _mail(connection, mail_id)
    if mail.blob:
        _plan_anew(connection, mail_id)
        _unwrite(connection, mail, {entry.sender_id, entry.author_id, *entry.directories})
    row = dict(zip(MAIL_COLUMNS, entry.row, strict=True))
    connection.execute(update(tables.mail).where(tables.mail.c.id == mail_id).values(row))
    counts = dict(zip(COUNTS, entry.counts, strict=True)) | {"received": entry.received}
    connection.execute(update(tables.seen).where(tables.seen.c.mail_id == mail_id).values(counts))
    follow_again(connection, mail_id)
    insert_rows(connection, "body", tuple(tables.body.c.keys()), [(mail_id, entry.text)])
    insert_rows(connection, "tag", tuple(tables.tag.c.keys()), [(mail_id, *tag) for tag in entry.tags])
    add_rows(connection, tables.touched, [(directory, entry.received, mail_id) for directory in entry.directories])
    if entry.title:
        fulltext.add_texts(connection, fulltext.TITLES, [(mail_id, entry.title)])
    if entry.text:
        fulltext.add_texts(connection, fulltext.TEXTS, [(mail_id, entry.text[:SEARCHED])])
    sums = Sums()
    sums.count((ALL_LISTS, *_lists(connection, mail_id)), Credit.of(entry))
    sums.write(connection)


def forget_text(connection: Connection, mail_id: int, blob: str) -> None:
    """The text of a mail that was read from bytes which are gone: it goes, too, unless they are still somewhere."""
    mail = connection.execute(select(tables.mail).where(tables.mail.c.id == mail_id)).first()
    if mail is None:  # gone already, with other bytes of it
        return
    seen, copy = tables.seen.c, tables.copy.c
    places = connection.execute(select(tables.seen).where(seen.mail_id == mail_id)).all()
    copied = exists().where(copy.mail_id == mail_id, copy.blob == blob)
    elsewhere = any(row.blob == blob for row in places) or connection.execute(select(copied)).scalar()
    if mail.blob and (not places or (mail.blob == blob and not elsewhere)):
        _plan_anew(connection, mail_id)
        _unwrite(connection, mail)
        connection.execute(update(tables.mail).where(tables.mail.c.id == mail_id).values(_BLANK))
        uncounted = dict(zip(COUNTS, UNCOUNTED, strict=True))
        connection.execute(update(tables.seen).where(seen.mail_id == mail_id).values(uncounted))
        # It says who wrote it, and that was in the bytes.
        connection.execute(delete(tables.belongs).where(tables.belongs.c.mail_id == mail_id))
    if not places:
        connection.execute(delete(tables.mail).where(tables.mail.c.id == mail_id))
    else:
        read_again(connection, tables.mail.c.id == mail_id)


def read_again(connection: Connection, which: ColumnElement[bool]) -> None:
    """Have those of these mails read that have no text, wherever they are seen."""
    seen = tables.seen.c
    places = select(seen.list_id, seen.epoch, seen.commit, seen.blob).join(
        tables.mail, tables.mail.c.id == seen.mail_id
    )
    found = connection.execute(places.where(which, tables.mail.c.blob == "")).all()
    add_rows(connection, tables.unread, [tuple(row) for row in found])


def _plan_anew(connection: Connection, mail_id: int) -> None:
    """No post that has not gone out tells what the mail said, in whatever list's room."""
    seen = tables.seen.c
    for row in connection.execute(select(seen.list_id, seen.id).where(seen.mail_id == mail_id)).all():
        plan_anew(connection, row.list_id, row.id)


def _unwrite(connection: Connection, mail: Row[Any], kept: Collection[int] = ()) -> None:
    """Take out what stands beside a mail's row: text, full text, tags, sums, and the persons and directories that
    nothing else names, but for those that are `kept`.
    """
    spend(connection, [mail.id])
    discount(connection, (ALL_LISTS, *_lists(connection, mail.id)), mail)
    if title := searched_title(Subject.parse(mail.subject), is_patch=mail.is_patch):
        fulltext.remove_text(connection, fulltext.TITLES, mail.id, title)
    said = connection.execute(select(tables.body.c.text).where(tables.body.c.mail_id == mail.id)).scalar_one()
    if said := said[:SEARCHED]:
        fulltext.remove_text(connection, fulltext.TEXTS, mail.id, said)
    for table in (tables.body, tables.tag):
        connection.execute(delete(table).where(table.c.mail_id == mail.id))
    touched, directory = tables.touched.c, tables.directory.c
    for key in directories_above(Diff(mail.diff).paths):
        here = and_(touched.directory_id == key, touched.received == mail.received, touched.mail_id == mail.id)
        connection.execute(delete(tables.touched).where(here))
        used = exists().where(touched.directory_id == key)
        if key not in kept:
            connection.execute(delete(tables.directory).where(directory.id == key, ~used))
    for person_id in {mail.sender_id, mail.author_id}.difference(kept):
        others = exists().where(
            or_(tables.mail.c.author_id == person_id, tables.mail.c.sender_id == person_id), tables.mail.c.id != mail.id
        )
        connection.execute(delete(tables.person).where(tables.person.c.id == person_id, ~others))


def _mail(connection: Connection, mail_id: int) -> Row[Any]:
    return connection.execute(select(tables.mail).where(tables.mail.c.id == mail_id)).one()


def _lists(connection: Connection, mail_id: int) -> list[int]:
    return list(connection.execute(select(tables.seen.c.list_id).where(tables.seen.c.mail_id == mail_id)).scalars())
