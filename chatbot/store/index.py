"""The index: every mail of every list, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, ScalarSelect, func, insert, select, update

from chatbot.sources.source import Mark
from chatbot.store import tables
from chatbot.store.database import empty_log, reading, writing
from chatbot.store.rewriting import Rewriting
from chatbot.store.tables import moment
from chatbot.store.writer import Writer


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

    def names(self) -> tuple[str, ...]:
        """The names of the lists that it has."""
        with reading(self._engine) as connection:
            query = select(tables.mailing_list.c.name).order_by(tables.mailing_list.c.id)
            return tuple(connection.execute(query).scalars())

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

    def newest(self, list_name: str | None = None) -> int:
        """The row of `seen` of the newest mail, on a list or on any; 0 where there is none."""
        with reading(self._engine) as connection:
            query = select(func.max(tables.seen.c.id))
            if list_name is not None:
                query = query.where(tables.seen.c.list_id == known_list(list_name))
            return connection.execute(query).scalar() or 0

    def newest_received(self, list_name: str) -> datetime | None:
        """When the list's newest mail came in; None where there is none."""
        with reading(self._engine) as connection:
            rows = tables.seen.c
            query = select(func.max(rows.received)).where(rows.list_id == known_list(list_name))
            found = connection.execute(query).scalar()
        return moment(found) if found is not None else None


def known_list(name: str) -> ScalarSelect[int]:
    """A list's id, as part of a query."""
    return select(tables.mailing_list.c.id).where(tables.mailing_list.c.name == name).scalar_subquery()


def _list_id(connection: Connection, name: str) -> int:
    table = tables.mailing_list
    found = connection.execute(select(table.c.id).where(table.c.name == name)).scalar()
    if found is None:
        found = connection.execute(insert(table).values(name=name).returning(table.c.id)).scalar_one()
    return int(found)
