"""Standings that are kept, as rows and back, and where mails belong."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, select

from chatbot.mail.standing import Standing
from chatbot.store import tables
from chatbot.store.bulk import insert_rows
from chatbot.store.rows import by_ids, chunks
from chatbot.store.tables import seconds

_DECODER = msgspec.json.Decoder(Standing)


class Home(NamedTuple):
    """Where a mail belongs: the row of the head; the key of the human who said it, if one did; whether it is one of the
    posting's own mails; and whether it turns it, see `Standing.own` and `Remark.turns`.
    """

    head_id: int
    who: int | None = None
    own: bool = False
    turns: bool = False


class Kept(NamedTuple):
    """A standing as its row has it: what digests choose by (the times in seconds, None where it is not so), and the
    whole of it; without a document it is to be put together anew.
    """

    head_id: int
    lineage_id: int
    received: int = 0
    answered: int | None = None
    reviewed: int | None = None
    applied: int | None = None
    closed: int | None = None
    complete: int | None = None
    later: int | None = None
    own: int = 0
    bot: bool = False
    document: bytes | None = None

    @classmethod
    def of(cls, head_id: int, lineage_id: int, one: Standing) -> Self:
        """The row of a standing."""
        others = [remark for remark in one.remarks if not (remark.own or remark.bot)]
        # Whichever of its versions was approved: a part that was sent anew later had the approvals of the one before.
        parts: dict[int, list[datetime]] = {piece.part: [] for piece in one.pieces}
        for piece in one.pieces:
            parts[piece.part] += (approval.received for approval in piece.approvals)
        reviewed = bool(parts) and not one.missing and all(parts.values())
        closed = [
            *([one.received] if one.draft or one.pull or one.bot else []),
            *([one.after.received] if one.after else []),
        ]
        return cls(
            head_id,
            lineage_id,
            seconds(one.received),
            answered=_first(remark.received for remark in others),
            reviewed=seconds(max(map(min, parts.values()))) if reviewed else None,
            applied=_first(remark.received for remark in one.remarks if remark.applied and not remark.own),
            closed=_first(closed),
            complete=None if one.missing else seconds(one.newest),
            later=seconds(one.later) if one.later else None,
            own=len(one.own),
            bot=one.bot,
            document=zlib.compress(msgspec.json.encode(one)),
        )

    @property
    def standing(self) -> Standing:
        """All of it, where there is a document."""
        return _DECODER.decode(zlib.decompress(self.document or b""))


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
    insert_rows(
        connection, "belongs", ("mail_id", *Home._fields), [(mail_id, *home) for mail_id, home in homes.items()]
    )
    rows = [Kept.of(head_id, lineages[head_id], one) for head_id, one in standings.items()]
    insert_rows(connection, "standing", Kept._fields, rows)


def load(connection: Connection, head_ids: Iterable[int]) -> dict[int, Kept]:
    """How these postings stand that are kept, by the rows of their heads."""
    rows = by_ids(connection, select(tables.standing), tables.standing.c.head_id, sorted(set(head_ids)))
    return {row[0]: Kept._make(row) for row in rows}


def homes_of(connection: Connection, mail_ids: Iterable[int]) -> dict[int, Home]:
    """Where these mails belong, as far as it is kept."""
    rows = by_ids(connection, select(tables.belongs), tables.belongs.c.mail_id, sorted(set(mail_ids)))
    return {mail_id: Home(*home) for mail_id, *home in rows}


def _first(times: Iterable[datetime]) -> int | None:
    first = min(times, default=None)
    return seconds(first) if first else None


def _delete(connection: Connection, column: ColumnElement[int], ids: Iterable[int]) -> None:
    for chunk in _chunks(ids):
        connection.execute(delete(column.table).where(column.in_(chunk)))


def _chunks(ids: Iterable[int]) -> Iterable[Sequence[int]]:
    return chunks(sorted(set(ids)))
