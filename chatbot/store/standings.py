"""Standings that are kept, as rows and back, and where mails belong."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from chatbot.mail.standing import Standing
from chatbot.store import tables
from chatbot.store.bulk import insert_rows
from chatbot.store.rows import CHUNK
from chatbot.store.tables import seconds

_DECODER = msgspec.json.Decoder(Standing)
_STANDING = tuple(tables.standing.c.keys())
_BELONGS = tuple(tables.belongs.c.keys())


class Home(NamedTuple):
    """Where a mail belongs: the row of the head, and the human who said it, if it is what a human said."""

    head_id: int
    who: str | None = None


def keep(
    connection: Connection,
    homes: Mapping[int, Home],
    standings: Mapping[int, Standing],
    lineages: Mapping[int, int],
) -> None:
    """Keep where these mails belong, by their rows, and how these postings stand, by the rows of their heads, with the
    row of the first head of each one's lineage; in the place of what was known of them.
    """
    _delete(connection, tables.belongs.c.mail_id, homes)
    # A head that is none any more: of a posting whose cover came last.
    _delete(connection, tables.standing.c.head_id, homes)
    insert_rows(connection, "belongs", _BELONGS, [(mail_id, *home) for mail_id, home in homes.items()])
    rows = [(head_id, lineages[head_id], *_columns(one)) for head_id, one in standings.items()]
    insert_rows(connection, "standing", _STANDING, rows)


def spend(connection: Connection, mail_ids: Iterable[int]) -> None:
    """Have all put together anew that these mails have to do with: every version of what they belong to, or the talk
    that they are of.
    """
    homes, standing = tables.belongs.c, tables.standing.c
    for chunk in _chunks(mail_ids):
        heads = select(homes.head_id).where(homes.mail_id.in_(chunk))
        lineages = select(standing.lineage_id).where(standing.head_id.in_(heads))
        connection.execute(update(tables.standing).where(standing.lineage_id.in_(lineages)).values(document=""))
        talk = heads.where(~exists().where(standing.head_id == homes.head_id)).distinct()
        insert_rows(connection, "standing", _STANDING, [_blank(head_id) for (head_id,) in connection.execute(talk)])


def leave(connection: Connection, head_ids: Collection[int], known: Collection[int]) -> set[int]:
    """Have those put together anew that were versions of the same as these postings, and are not among them, but for
    those that are `known`; which those are.
    """
    standing, found = tables.standing.c, set[int]()
    for chunk in _chunks(head_ids):
        lineages = select(standing.lineage_id).where(standing.head_id.in_(chunk))
        versions = select(standing.head_id).where(standing.lineage_id.in_(lineages), standing.document != "")
        found.update(connection.execute(versions).scalars())
    left = found.difference(head_ids, known)
    for chunk in _chunks(left):
        connection.execute(update(tables.standing).where(standing.head_id.in_(chunk)).values(document=""))
    return left


def follow_again(connection: Connection, mail_id: int) -> None:
    """Have one mail followed again that says something else now, wherever it belonged."""
    connection.execute(delete(tables.standing).where(tables.standing.c.head_id == mail_id))
    insert_rows(connection, "standing", _STANDING, [_blank(mail_id)])


def spent(connection: Connection, limit: int) -> list[int]:
    """The heads of postings that are to be put together anew, some of them."""
    query = select(tables.standing.c.head_id).where(tables.standing.c.document == "").limit(limit)
    return list(connection.execute(query).scalars())


def load(connection: Connection, head_ids: Iterable[int]) -> dict[int, Standing | None]:
    """How these postings stand that are kept, by the rows of their heads; None for what is to be put together anew."""
    standing = tables.standing.c
    found: dict[int, Standing | None] = {}
    for chunk in _chunks(head_ids):
        query = select(standing.head_id, standing.document).where(standing.head_id.in_(chunk))
        found.update((row[0], decode(row[1]) if row[1] else None) for row in connection.execute(query))
    return found


def decode(document: str) -> Standing:
    """A standing from its column."""
    return _DECODER.decode(document)


def homes_of(connection: Connection, mail_ids: Iterable[int]) -> dict[int, Home]:
    """Where these mails belong, as far as it is kept."""
    homes = tables.belongs
    found: dict[int, Home] = {}
    for chunk in _chunks(mail_ids):
        query = select(homes).where(homes.c.mail_id.in_(chunk))
        found.update((mail_id, Home(head_id, who)) for mail_id, head_id, who in connection.execute(query))
    return found


def _columns(one: Standing) -> tuple[Any, ...]:
    """From `received` on."""
    others = [remark for remark in one.remarks if not (remark.own or remark.bot)]
    approved = [min((each.received for each in piece.approvals), default=None) for piece in one.patches]
    complete = bool(approved) and not one.missing and None not in approved
    applied = [remark for remark in one.remarks if remark.applied and not remark.own]
    whole = {part for remark in applied for part in remark.applied} >= set(range(1, one.total + 1))
    closed = [
        *([one.received] if one.draft or one.pull or one.bot else []),
        *([one.after.received] if one.after else []),
        *([max(remark.received for remark in applied)] if applied and whole else []),
    ]
    times = (
        min((remark.received for remark in others), default=None),
        max((time for time in approved if time), default=None) if complete else None,
        min((remark.received for remark in applied), default=None),
        min(closed, default=None),
    )
    document = msgspec.json.encode(one).decode()
    return (seconds(one.received), *(seconds(time) if time else None for time in times), document)


def _blank(head_id: int) -> tuple[Any, ...]:
    """A row that has what belongs to a mail followed again."""
    return head_id, head_id, 0, *[None] * 4, ""


def _delete(connection: Connection, column: ColumnElement[int], ids: Iterable[int]) -> None:
    for chunk in _chunks(ids):
        connection.execute(delete(column.table).where(column.in_(chunk)))


def _chunks(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    wanted = sorted(set(ids))
    return (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
