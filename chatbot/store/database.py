"""Opening the database that a URL names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from chatbot.errors import BadConfig, Unavailable
from chatbot.store.tables import metadata


def open_database(url: str) -> Engine:
    """The database with its tables, made where they are missing. Raises BadConfig."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadConfig((f"[store] url: {url!r} is no database URL; write sqlite:///chatbot.sqlite3",)) from None
    if parsed.get_backend_name() != "sqlite":
        raise BadConfig((f"[store] url: {parsed.drivername} is not supported yet; write sqlite:///chatbot.sqlite3",))
    if parsed.database and not Path(parsed.database).parent.is_dir():
        raise BadConfig((f"[store] url: there is no folder {Path(parsed.database).parent}; make it, or name another",))
    engine = create_engine(parsed)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    try:
        metadata.create_all(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = str(getattr(error, "orig", error))
        raise BadConfig(
            (f"[store] url: cannot open {parsed.database}: {reason}; name a file that can be written",)
        ) from error
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, below
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads; nobody waits for it, and it waits for nobody. Raises Unavailable."""
    with _translated(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: the only one from its start, for two that read first and then write would deadlock.
    It is undone as a whole where anything in it fails.
    """
    with _translated(), engine.execution_options(writes=True).begin() as connection:
        yield connection


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"the database: {getattr(error, 'orig', error)}") from error
