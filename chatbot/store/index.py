"""The index: every mail of every list, once."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter

from sqlalchemy import ColumnElement, Connection, Engine, ScalarSelect, and_, exists, func, insert, select, update

from chatbot.mail.part import Part
from chatbot.mail.totals import Totals
from chatbot.sources.source import Mark, Span
from chatbot.store import tables
from chatbot.store.database import empty_log, reading, writing
from chatbot.store.rewriting import Rewriting
from chatbot.store.rows import SELECT_PARTS, make_parts, posted_with
from chatbot.store.tables import moment, seconds
from chatbot.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Share:
    """A stretch of a list in the index: its commits, its patches, numbers over all of its mails, and those `earlier`
    patches that were posted together with some of its own.
    """

    spans: tuple[Span, ...] = ()
    patches: tuple[Part, ...] = ()
    totals: Totals = field(default_factory=Totals)
    earlier: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many mails of a list there are, how many of them with something amiss, and how many are still to be read."""

    mails: int
    defects: int
    unread: int


class Index:
    """Mails in, mails out. Each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def mark(self, list_name: str) -> Mark:
        """How far the list has been read."""
        with reading(self._engine) as connection:
            query = select(tables.mark).join(tables.mailing_list).where(tables.mailing_list.c.name == list_name)
            return {row.epoch: row.commit for row in connection.execute(query)}

    @contextmanager
    def writer(self, list_name: str) -> Iterator[Writer]:
        """A transaction that takes in mails of a list: all of them or, if it fails, none."""
        with writing(self._engine) as connection:
            yield Writer(connection, _list_id(connection, list_name))

    @contextmanager
    def rewriting(self, list_name: str) -> Iterator[Rewriting]:
        """A transaction that lays a list beside its rewritten archive."""
        with writing(self._engine) as connection:
            yield Rewriting(connection, _list_id(connection, list_name))
        empty_log(self._engine)

    def settle(self) -> None:
        """Let the database look at what it holds, for it guesses badly after much was written at once."""
        if self._engine.dialect.name == "postgresql":
            with writing(self._engine) as connection:
                connection.exec_driver_sql("ANALYZE")

    def unread(self, list_name: str) -> dict[int, tuple[str, ...]]:
        """By epoch, the commits whose mails are to be read, or read again."""
        found: dict[int, list[str]] = {}
        with reading(self._engine) as connection:
            query = select(tables.unread).where(tables.unread.c.list_id == known_list(list_name))
            for row in connection.execute(query.order_by(tables.unread.c.epoch, tables.unread.c.commit)):
                found.setdefault(row.epoch, []).append(row.commit)
        return {epoch: tuple(commits) for epoch, commits in found.items()}

    def holdings(self, list_name: str) -> Holdings:
        """What the index holds of a list."""
        rows, mail, unread = tables.seen.c, tables.mail.c, tables.unread.c
        here = known_list(list_name)
        mails = select(func.count()).select_from(tables.seen).where(rows.list_id == here)
        defects = mails.where(rows.mail_id.in_(select(mail.id).where(mail.defects != "")))
        waiting = select(func.count()).select_from(tables.unread).where(unread.list_id == here)
        with reading(self._engine) as connection:
            return Holdings(*(connection.execute(query).scalar_one() for query in (mails, defects, waiting)))

    def held(self, list_name: str) -> tuple[str, str] | None:
        """Why a list's archive is not read on, and with which tips; None where nothing holds it."""
        with reading(self._engine) as connection:
            query = select(tables.mailing_list).where(tables.mailing_list.c.name == list_name)
            row = connection.execute(query).first()
        return (row.held, row.held_tips) if row and row.held else None

    def hold(self, list_name: str, reason: str | None, tips: str = "") -> None:
        """Note that a list's archive is not read on while it has these tips; without a reason, that it is."""
        with writing(self._engine) as connection:
            here = tables.mailing_list.c.id == _list_id(connection, list_name)
            connection.execute(update(tables.mailing_list).where(here).values(held=reason, held_tips=tips))

    def newest(self, list_name: str) -> int:
        """The row of `seen` of the list's newest mail; 0 where there is none."""
        with reading(self._engine) as connection:
            query = select(func.max(tables.seen.c.id)).where(tables.seen.c.list_id == known_list(list_name))
            return connection.execute(query).scalar() or 0

    def newest_received(self, list_name: str) -> datetime | None:
        """When the list's newest mail came in; None where there is none."""
        with reading(self._engine) as connection:
            rows = tables.seen.c
            query = select(func.max(rows.received)).where(rows.list_id == known_list(list_name))
            found = connection.execute(query).scalar()
        return moment(found) if found is not None else None

    def share(self, list_name: str, *, after: int, upto: int) -> Share:
        """The list's mails after one row of `seen` up to another."""
        rows = tables.seen.c
        return self._share(list_name, (rows.id > after, rows.id <= upto))

    def received_between(
        self, list_name: str, since: datetime, until: datetime | None = None, *, upto: int | None = None
    ) -> Share:
        """The list's mails that came in from `since` on, before `until`, up to a row of `seen`."""
        which = [tables.seen.c.received >= seconds(since)]
        if until is not None:
            which.append(tables.seen.c.received < seconds(until))
        if upto is not None:
            which.append(tables.seen.c.id <= upto)
        return self._share(list_name, tuple(which))

    def newest_mails(self, list_name: str, count: int) -> Share:
        """The list's newest `count` mails."""
        rows = tables.seen.c
        newest = select(rows.id).where(rows.list_id == known_list(list_name)).order_by(rows.id.desc()).limit(count)
        return self._share(list_name, (rows.id.in_(newest),))

    def _share(self, list_name: str, which: tuple[ColumnElement[bool], ...]) -> Share:
        rows, mail = tables.seen.c, tables.mail.c
        here = rows.list_id == known_list(list_name)
        of_list = SELECT_PARTS.add_columns(rows.id).join(tables.seen, rows.mail_id == mail.id)
        with reading(self._engine) as connection, _without_looking_for_garbage():
            first, last, totals = _count(connection, and_(here, *which))
            if first is None or last is None:
                return Share()
            # SQLite would put aside all that the rows hold to sort them.
            found = connection.execute(of_list.where(here, rows.is_patch, *which)).all()
            patches = make_parts(connection, sorted(found, key=itemgetter(-1)))
            before = exists().where(rows.mail_id == mail.id, here, rows.id < first)
            earlier = posted_with(connection, patches, before)
            spans = tuple(_spans(connection, list_name, first, last))
        return Share(spans, tuple(patches), totals, tuple(earlier))


@contextmanager
def _without_looking_for_garbage() -> Iterator[None]:
    """Thousands of values are made that are all kept, and have no cycles: to look at them again and again would take a
    fifth of a digest's time. Threads may do this at once: the first that began ends it.
    """
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


def _count(connection: Connection, which: ColumnElement[bool]) -> tuple[int | None, int | None, Totals]:
    """The first and the last of these rows of `seen`, and what their mails come to."""
    rows, person = tables.seen.c, tables.person.c
    known = person.id.is_not(None)  # a mail that is to be read again has no author
    counts = (
        func.min(rows.id),
        func.max(rows.id),
        func.count(person.id),
        func.count().filter(rows.is_reply),
        func.count(person.mailbox.distinct()),
        func.count().filter(rows.is_defective),
        func.min(rows.received).filter(known),
        func.max(rows.received).filter(known),
    )
    joined = tables.seen.outerjoin(tables.person, person.id == rows.author_id)
    first, last, *numbers, begin, end = connection.execute(select(*counts).select_from(joined).where(which)).one()
    return first, last, Totals(*numbers, *(moment(time) if time is not None else None for time in (begin, end)))


def known_list(name: str) -> ScalarSelect[int]:
    """A list's id, as part of a query."""
    return select(tables.mailing_list.c.id).where(tables.mailing_list.c.name == name).scalar_subquery()


def _list_id(connection: Connection, name: str) -> int:
    table = tables.mailing_list
    found = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if found is None:
        found = connection.execute(insert(table).values(name=name).returning(table.c.id)).scalar_one()
    return int(found)


def _spans(connection: Connection, list_name: str, first: int, last: int) -> Iterable[Span]:
    """The commits of each epoch that the rows of `seen` from the first to the last came from."""
    rows = tables.seen.c
    here = rows.list_id == known_list(list_name)
    within = and_(here, rows.id >= first, rows.id <= last)
    oldest, newest = connection.execute(select(func.min(rows.epoch), func.max(rows.epoch)).where(within)).one()
    ends = [(oldest, first, last)]
    if oldest != newest:  # to sort the rows into epochs takes five times as long as to see that there is but one
        each = select(rows.epoch, func.min(rows.id), func.max(rows.id)).where(within)
        ends = list(map(tuple, connection.execute(each.group_by(rows.epoch).order_by(rows.epoch))))
    for epoch, begin, end in ends:
        earlier = select(rows.commit).where(here, rows.epoch == epoch, rows.id < begin)
        before = connection.execute(earlier.order_by(rows.id.desc()).limit(1)).scalar()
        yield Span(epoch, before, connection.execute(select(rows.commit).where(rows.id == end)).scalar_one())
