"""A list whose archive was rewritten: what lies elsewhere now, what is new, and what is gone.

The whole history is laid beside the whole list, in a table that is there for one transaction: mails that lie where they
lay stay; those with the same bytes elsewhere have moved; those with the same Message-ID were edited; the rest is gone.
Nothing is announced again, for no mail loses its row of `seen`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from chatbot.sources.source import Mark, Place
from chatbot.store import fulltext, removal, tables
from chatbot.store.batch import Batch
from chatbot.store.bulk import insert_rows
from chatbot.store.writer import Added, Writer

# Places written at once.
MANY = 5_000

_live = Table(
    "live",
    MetaData(),
    Column("position", Integer, primary_key=True),
    Column("epoch", Integer, nullable=False),
    Column("commit", String, nullable=False, index=True),
    Column("blob", String, nullable=False, index=True),
    Column("claimed", Boolean, nullable=False),  # whether a mail of the list is known to lie there
    prefixes=["TEMPORARY"],
)


class Rewriting:
    """One list laid beside its archive, within a transaction that writes. First `expect` each epoch, then `match`,
    then `add` what is `unknown`, then `finish`.
    """

    def __init__(self, connection: Connection, list_id: int) -> None:
        self._connection = connection
        self._list_id = list_id
        self._writer = _DoubtingWriter(connection, list_id)
        self._positions = 0
        self._edited = False
        self._had = 0
        self._copies: set[tuple[int, str]] = set()
        _live.create(connection)

    def marks(self) -> dict[int, str]:
        """Up to which commit each epoch has been read."""
        return self._writer.marks()

    def expect(self, epoch: int, places: Iterable[Place]) -> None:
        """The mails of an epoch's whole history, oldest first; a removal takes back what came before it."""
        rest = iter(places)
        while many := list(islice(rest, MANY)):
            rows: list[tuple[object, ...]] = []
            for place in many:
                if place.removed:
                    self._write(rows)
                    rows = []
                    self._connection.execute(delete(_live).where(_live.c.blob == place.blob))
                else:
                    self._positions += 1
                    rows.append((self._positions, epoch, place.commit, place.blob, False))
            self._write(rows)

    def match(self) -> None:
        """Follow what has moved, those with the same bytes one by one. A further copy that has moved is forgotten, and
        found again among the unknown.
        """
        seen, copy = tables.seen.c, tables.copy.c
        here = seen.list_id == self._list_id
        self._had = self._connection.execute(select(func.count()).where(here)).scalar_one()
        self._claim()
        number = func.row_number()
        lost = select(seen.id, seen.blob, number.over(partition_by=seen.blob, order_by=seen.id).label("number"))
        lost_ones = lost.where(here, _is_lost()).subquery()
        order = number.over(partition_by=_live.c.blob, order_by=_live.c.position).label("number")
        free = select(_live.c.epoch, _live.c.commit, _live.c.blob, order).where(~_live.c.claimed).subquery()
        same = and_(free.c.blob == lost_ones.c.blob, free.c.number == lost_ones.c.number)
        moved = select(lost_ones.c.id, free.c.epoch, free.c.commit).join(free, same)
        places = [
            {"moved": row.id, "to_epoch": row.epoch, "to_commit": row.commit} for row in self._connection.execute(moved)
        ]
        if places:
            to: dict[str, Any] = {"epoch": bindparam("to_epoch"), "commit": bindparam("to_commit")}
            self._connection.execute(update(tables.seen).where(seen.id == bindparam("moved")).values(to), places)
        there = and_(_live.c.epoch == copy.epoch, _live.c.commit == copy.commit)
        gone = and_(copy.list_id == self._list_id, ~exists(select(_live.c.position).where(there)))
        self._copies = {
            (row.mail_id, row.blob) for row in self._connection.execute(select(copy.mail_id, copy.blob).where(gone))
        }
        self._connection.execute(delete(tables.copy).where(gone))
        self._claim()

    def unknown(self, epoch: int) -> Iterator[str]:
        """The commits whose mails the list does not know."""
        after = 0
        query = select(_live.c.position, _live.c.commit).where(_live.c.epoch == epoch, ~_live.c.claimed)
        while rows := self._connection.execute(
            query.where(_live.c.position > after).order_by(_live.c.position).limit(MANY)
        ).all():
            yield from (row.commit for row in rows)
            after = rows[-1].position

    def add(self, batch: Batch) -> Added:
        """Take in what was unknown."""
        self._edited = True
        return self._writer.add(batch)

    def gone(self) -> tuple[int, int]:
        """How many of the list's mails the archive has not got any more, and how many the list had."""
        seen, copy = tables.seen.c, tables.copy.c
        again = exists().where(copy.list_id == seen.list_id, copy.mail_id == seen.mail_id)
        gone = select(func.count()).where(seen.list_id == self._list_id, _is_lost(), ~again)
        return self._connection.execute(gone).scalar_one(), self._had

    def finish(self, tips: Mark) -> int:
        """Take out what is gone, and note how far the epochs have been read; how many mails went."""
        lost = select(tables.seen.c.id).where(tables.seen.c.list_id == self._list_id, _is_lost())
        seen_ids = self._connection.execute(lost.order_by(tables.seen.c.id)).scalars().all()
        for seen_id in seen_ids:
            removal.forget(self._connection, self._list_id, seen_id)
        for mail_id, blob in self._copies:
            removal.forget_text(self._connection, mail_id, blob)
        if seen_ids or self._copies or self._edited:
            for index in (fulltext.TITLES, fulltext.TEXTS):
                fulltext.wipe(self._connection, index)
        mark, unread = tables.mark.c, tables.unread.c
        self._connection.execute(delete(tables.mark).where(mark.list_id == self._list_id, mark.epoch.not_in(tips)))
        gone = ~exists(select(_live.c.position).where(_live.c.epoch == unread.epoch, _live.c.commit == unread.commit))
        self._connection.execute(delete(tables.unread).where(unread.list_id == self._list_id, gone))
        removal.read_again(self._connection, tables.seen.c.list_id == self._list_id)
        for epoch, tip in tips.items():
            self._writer.move_mark(Batch(epoch, tip, [], [], []))
            self._name_newest(epoch)
        _live.drop(self._connection)
        return len(seen_ids)

    def _name_newest(self, epoch: int) -> None:
        """Put an epoch's newest mail beside its mark."""
        seen, mark = tables.seen.c, tables.mark.c
        there = and_(_live.c.epoch == seen.epoch, _live.c.commit == seen.commit)
        found = select(tables.mail.c.message_id, seen.received).join(tables.seen, seen.mail_id == tables.mail.c.id)
        here = found.join(_live, there).where(seen.list_id == self._list_id, seen.epoch == epoch)
        newest = self._connection.execute(here.order_by(_live.c.position.desc()).limit(1)).first() or (None, None)
        values = dict(zip(("message_id", "date"), newest, strict=True))
        self._connection.execute(
            update(tables.mark).where(mark.list_id == self._list_id, mark.epoch == epoch).values(values)
        )

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        insert_rows(self._connection, "live", tuple(_live.c.keys()), rows)

    def _claim(self) -> None:
        for table in (tables.seen, tables.copy):
            there = and_(_live.c.epoch == table.c.epoch, _live.c.commit == table.c.commit)
            known: Select[tuple[int]] = (
                select(_live.c.position).join(table, there).where(table.c.list_id == self._list_id)
            )
            self._connection.execute(update(_live).where(_live.c.position.in_(known)).values(claimed=True))


class _DoubtingWriter(Writer):
    def _doubtful(self, seen_ids: set[int]) -> set[int]:
        query = select(tables.seen.c.id).where(tables.seen.c.id.in_(seen_ids), _is_lost())
        return set(self._connection.execute(query).scalars())


def _is_lost() -> ColumnElement[bool]:
    """Whether a row of `seen` lies where the archive has no mail."""
    there = and_(_live.c.epoch == tables.seen.c.epoch, _live.c.commit == tables.seen.c.commit)
    return ~exists(select(_live.c.position).where(there))
