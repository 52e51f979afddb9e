"""Mails that go: out of every table, the full text, the sums, and the posts that have not gone out yet.

A mail that is left on another list, or in a further copy, stays; its text stays too where such a copy is the same, and
is read again from there where it is not.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, or_, select, update

from chatbot.mail.subject import Subject
from chatbot.store import fulltext, tables
from chatbot.store.bulk import add_rows, insert_rows
from chatbot.store.entry import MAIL_COLUMNS, SEARCHED, Entry, directories_above
from chatbot.store.outbox import plan_anew
from chatbot.store.sums import Sums, discount
from chatbot.store.tables import ALL_LISTS
from chatbot.store.words import words

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
    "text": "",
}
del _BLANK["key"], _BLANK["message_id"]


def forget(connection: Connection, list_id: int, seen_id: int) -> None:
    """Take a mail off a list; a further copy there takes its place."""
    seen, copy = tables.seen.c, tables.copy.c
    row = connection.execute(select(tables.seen).where(seen.id == seen_id)).one()
    plan_anew(connection, list_id, seen_id)
    here = and_(copy.list_id == list_id, copy.mail_id == row.mail_id)
    again = connection.execute(select(tables.copy).where(here).order_by(copy.epoch, copy.commit).limit(1)).first()
    if again:
        place = {"epoch": again.epoch, "commit": again.commit, "blob": again.blob}
        connection.execute(update(tables.seen).where(seen.id == seen_id).values(place))
        connection.execute(delete(tables.copy).where(here, copy.epoch == again.epoch, copy.commit == again.commit))
    else:
        mail = _mail(connection, row.mail_id)
        if mail.blob:
            discount(connection, (list_id,), mail)
        connection.execute(delete(tables.seen).where(seen.id == seen_id))
    _forget_text(connection, row.mail_id, row.blob)


def forget_blob(connection: Connection, list_id: int, blob: str) -> int:
    """Take what has these bytes off a list, by whatever Message-ID; how many mails that were."""
    copies = and_(tables.copy.c.list_id == list_id, tables.copy.c.blob == blob)
    if connection.execute(delete(tables.copy).where(copies)).rowcount:
        return 0
    here = and_(tables.seen.c.list_id == list_id, tables.seen.c.blob == blob)
    found = connection.execute(select(tables.seen.c.id).where(here)).scalars().all()
    for seen_id in found:
        forget(connection, list_id, seen_id)
    return len(found)


def write_anew(connection: Connection, mail_id: int, entry: Entry) -> None:
    """Put what was read now into the place of what was read before."""
    mail = _mail(connection, mail_id)
    if mail.blob:
        _unwrite(connection, mail, {entry.sender_id, entry.author_id, *entry.directories})
    row = dict(zip(MAIL_COLUMNS, entry.row, strict=True))
    connection.execute(update(tables.mail).where(tables.mail.c.id == mail_id).values(row))
    connection.execute(update(tables.seen).where(tables.seen.c.mail_id == mail_id).values(received=entry.received))
    insert_rows(connection, "tag", tuple(tables.tag.c.keys()), [(mail_id, *tag) for tag in entry.tags])
    insert_rows(connection, "change", tuple(tables.change.c.keys()), [(mail_id, *change) for change in entry.changes])
    add_rows(connection, tables.touched, [(directory, entry.received, mail_id) for directory in entry.directories])
    if entry.title:
        fulltext.add_texts(connection, fulltext.TITLES, [(mail_id, entry.title)])
    if entry.text:
        fulltext.add_texts(connection, fulltext.TEXTS, [(mail_id, entry.text)])
    sums = Sums()
    for list_id in (ALL_LISTS, *_lists(connection, mail_id)):
        sums.count(list_id, entry)
    sums.write(connection)


def _forget_text(connection: Connection, mail_id: int, blob: str) -> None:
    """The text of a mail that was read from bytes which are gone: it goes, too, unless they are still somewhere."""
    mail = _mail(connection, mail_id)
    seen, copy = tables.seen.c, tables.copy.c
    places = connection.execute(select(tables.seen).where(seen.mail_id == mail_id).order_by(seen.id)).all()
    if mail.blob and (not places or mail.blob == blob):
        elsewhere = exists().where(copy.mail_id == mail_id, copy.blob == blob)
        if places and (any(row.blob == blob for row in places) or connection.execute(select(elsewhere)).scalar()):
            return
        _unwrite(connection, mail)
        connection.execute(update(tables.mail).where(tables.mail.c.id == mail_id).values(_BLANK))
        for row in places[:1]:
            add_rows(connection, tables.unread, [(row.list_id, row.epoch, row.commit)])
    if not places:
        connection.execute(delete(tables.mail).where(tables.mail.c.id == mail_id))


def _unwrite(connection: Connection, mail: Row[Any], kept: Collection[int] = ()) -> None:
    """Take out what stands beside a mail's row: full text, tags, changes, sums, and the persons and directories that
    nothing else names, but for those that are `kept`.
    """
    discount(connection, (ALL_LISTS, *_lists(connection, mail.id)), mail)
    if mail.is_patch and (title := " ".join(words(Subject.parse(mail.subject).title))):
        fulltext.remove_text(connection, fulltext.TITLES, mail.id, title)
    if said := mail.text[:SEARCHED]:
        fulltext.remove_text(connection, fulltext.TEXTS, mail.id, said)
    paths = connection.execute(select(tables.change.c.path).where(tables.change.c.mail_id == mail.id)).scalars().all()
    for table in (tables.tag, tables.change):
        connection.execute(delete(table).where(table.c.mail_id == mail.id))
    touched, directory = tables.touched.c, tables.directory.c
    for key in directories_above(paths):
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
