"""Standings that are spent: their rows have no document, and they are to be put together anew."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, exists, select, update

from chatbot.store import tables
from chatbot.store.bulk import insert_rows
from chatbot.store.rows import chunks

# What such a row has to have.
_BLANK = ("head_id", "lineage_id", "received", "own", "bot")


def spend(connection: Connection, mail_ids: Iterable[int]) -> None:
    """Have all put together anew that these mails have to do with: every version of what they belong to, or the talk
    that they are of.
    """
    homes, standing = tables.belongs.c, tables.standing.c
    for chunk in chunks(sorted(set(mail_ids))):
        heads = select(homes.head_id).where(homes.mail_id.in_(chunk))
        lineages = select(standing.lineage_id).where(standing.head_id.in_(heads))
        connection.execute(update(tables.standing).where(standing.lineage_id.in_(lineages)).values(document=None))
        talk = heads.where(~exists().where(standing.head_id == homes.head_id)).distinct()
        _put_blank(connection, connection.execute(talk).scalars())


def leave(connection: Connection, head_ids: Collection[int], known: Collection[int]) -> set[int]:
    """Have those put together anew that were versions of the same as these postings, and are not among them, but for
    those that are `known`; which those are.
    """
    standing, found = tables.standing.c, set[int]()
    for chunk in chunks(sorted(set(head_ids))):
        lineages = select(standing.lineage_id).where(standing.head_id.in_(chunk))
        versions = select(standing.head_id).where(standing.lineage_id.in_(lineages), standing.document.is_not(None))
        found.update(connection.execute(versions).scalars())
    left = found.difference(head_ids, known)
    for chunk in chunks(sorted(left)):
        connection.execute(update(tables.standing).where(standing.head_id.in_(chunk)).values(document=None))
    return left


def follow_again(connection: Connection, mail_id: int) -> None:
    """Have one mail followed again that says something else now, wherever it belonged."""
    connection.execute(delete(tables.standing).where(tables.standing.c.head_id == mail_id))
    _put_blank(connection, [mail_id])


def spent(connection: Connection, limit: int | None = None) -> list[int]:
    """The heads of postings that are to be put together anew, or some of them."""
    query = select(tables.standing.c.head_id).where(tables.standing.c.document.is_(None)).limit(limit)
    return list(connection.execute(query).scalars())


def _put_blank(connection: Connection, head_ids: Iterable[int]) -> None:
    """Rows that have what belongs to these mails followed again."""
    insert_rows(connection, "standing", _BLANK, [(head_id, head_id, 0, 0, False) for head_id in head_ids])
