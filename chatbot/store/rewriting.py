"""A list whose archive was rewritten: what lies elsewhere now, what is new, and what is gone.

The whole history is laid beside the whole list, in a table that is there for one transaction: mails that lie where they
lay stay; those with the same bytes elsewhere have moved; those with the same Message-ID were edited; the rest is gone.
Nothing is announced again, for no mail loses its row of `seen`.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

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
    delete,
    exists,
    func,
    select,
    update,
)

from chatbot.sources.source import Mark, Place
from chatbot.store import fulltext, removal, tables
from chatbot.store.bulk import insert_rows
from chatbot.store.entry import Batch
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
        self._trusted: list[int] = []
        _live.create(connection)

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

    def trust(self, epoch: int) -> None:
        """An epoch that cannot be looked at now: what lay there lies there."""
        self._trusted.append(epoch)
        for table in (tables.seen, tables.copy):
            here = and_(table.c.list_id == self._list_id, table.c.epoch == epoch)
            rows = self._connection.execute(select(table.c.commit, table.c.blob).where(here)).all()
            places = [Place(commit, blob, removed=False) for commit, blob in rows]
            self.expect(epoch, places)

    def match(self) -> None:
        """Follow what has moved. A further copy that has is forgotten, and found again among the unknown."""
        seen = tables.seen.c
        self._claim()
        free = and_(_live.c.blob == seen.blob, ~_live.c.claimed)
        moved = {
            name: select(_live.c[name]).where(free).order_by(_live.c.position).limit(1).scalar_subquery()
            for name in ("epoch", "commit")
        }
        here = and_(seen.list_id == self._list_id, _is_lost(), exists(select(_live.c.position).where(free)))
        self._connection.execute(update(tables.seen).where(here).values(moved))
        copy = tables.copy.c
        there = and_(_live.c.epoch == copy.epoch, _live.c.commit == copy.commit)
        still = exists(select(_live.c.position).where(there))
        self._connection.execute(delete(tables.copy).where(copy.list_id == self._list_id, ~still))
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
        """How many of the list's mails the archive has not got any more, and how many it had."""
        count = select(func.count()).select_from(tables.seen).where(tables.seen.c.list_id == self._list_id)
        return self._connection.execute(count.where(_is_lost())).scalar_one(), self._connection.execute(
            count
        ).scalar_one()

    def finish(self, tips: Mark) -> int:
        """Take out what is gone, and note how far the epochs have been read; how many mails went."""
        lost = select(tables.seen.c.id).where(tables.seen.c.list_id == self._list_id, _is_lost())
        seen_ids = self._connection.execute(lost.order_by(tables.seen.c.id)).scalars().all()
        for seen_id in seen_ids:
            removal.forget(self._connection, self._list_id, seen_id)
        if seen_ids or self._edited:
            for index in (fulltext.TITLES, fulltext.TEXTS):
                fulltext.wipe(self._connection, index)
        mark, unread = tables.mark.c, tables.unread.c
        self._connection.execute(
            delete(tables.mark).where(mark.list_id == self._list_id, mark.epoch.not_in([*tips, *self._trusted]))
        )
        gone = ~exists(select(_live.c.position).where(_live.c.epoch == unread.epoch, _live.c.commit == unread.commit))
        self._connection.execute(delete(tables.unread).where(unread.list_id == self._list_id, gone))
        for epoch, tip in tips.items():
            self._writer.move_mark(Batch(epoch, tip, [], [], []))
        _live.drop(self._connection)
        return len(seen_ids)

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
