"""Opening the database that a URL names, and transactions on it."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from chatbot.errors import BadConfig, Unavailable
from chatbot.lock import only_one
from chatbot.store import versions

# KB of pages that a connection to SQLite keeps: the upper parts of a million mails' indexes. More would not pay (the
# system keeps the file's pages, too), and a process is to stay below 100 MB.
_CACHE = 24_000
# Since then it knows RETURNING; UPDATE … FROM and json_each came before.
_OLDEST = (3, 35)
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a post that a power cut makes unsent again goes out twice; an ingest has few commits
    "foreign_keys=ON",
    "busy_timeout=30000",
    "secure_delete=ON",  # a purged mail is gone from the file, too
    f"cache_size=-{_CACHE}",
)
# Any number, as long as it is always the same: who writes to PostgreSQL holds this lock, so there is one, as on SQLite.
_WRITER = 0x636861_74626F74

# A replica that is stopped in the middle of a transaction must not stop the others for ever.
_IDLE = "idle_in_transaction_session_timeout=2min"
# Nor wait for ever for a server that went without a word. Seconds; the last in milliseconds.
_GONE = {"connect_timeout": 10, "keepalives_idle": 20, "tcp_user_timeout": 30_000}


def open_database(
    url: str, told: versions.Told = lambda *_: None, *, make: bool = True, migrate: bool = True
) -> Engine:
    """The database with today's tables: made where there are none, migrated where they are old; `told` hears of that.

    Raises BadConfig, also where there is no index and none is to be made, or an old one and it is not to be migrated.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise BadConfig((f"[store] url: {url} names no file; write sqlite:///chatbot.sqlite3",))
        if not make and not _written(Path(str(parsed.database))):
            raise versions.no_index(str(parsed.database))
        engine = _sqlite(parsed)
    elif parsed.drivername == "postgresql+psycopg":
        engine = _postgresql(parsed)
    else:
        remedy = "write sqlite:///chatbot.sqlite3, or postgresql+psycopg://user@host/name"
        raise BadConfig((f"[store] url: {parsed.drivername} is not supported; {remedy}",))
    name = name_of(engine)
    try:
        if not migrate:
            versions.see_current(engine, name)
        elif not versions.is_current(engine):
            with _writer(engine) as connection:
                versions.bring_up(connection, name, told, make=make)
    except SQLAlchemyError as error:
        engine.dispose()
        reason = " ".join(str(getattr(error, "orig", error)).split())
        remedy = (
            "name a file that can be written" if engine.dialect.name == "sqlite" else "see that it runs and lets us in"
        )
        raise BadConfig((f"[store] url: cannot open {name}: {reason}; {remedy}",)) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def writable_database(url: str, told: versions.Told = lambda *_: None) -> Iterator[Engine]:
    """The same for a process that writes: on SQLite it is the only one. Raises BadConfig, Busy."""
    parsed = _parse(url)
    with ExitStack() as stack:
        if parsed.get_backend_name() == "sqlite" and parsed.database:
            file = Path(parsed.database)
            if file.parent.is_dir():
                stack.enter_context(only_one(file.with_name(f".{file.name}.lock"), file.name))
        engine = open_database(url, told)
        stack.callback(engine.dispose)
        yield engine


def name_of(engine: Engine) -> str:
    """What a person calls the database; no password is in it."""
    return str(engine.url.database) if engine.dialect.name == "sqlite" else url_of(engine)


def url_of(engine: Engine) -> str:
    """Its URL as it may be shown: a password may stand in the query, too."""
    return engine.url.set(query={}).render_as_string()


def size_of(engine: Engine) -> int:
    """How many bytes the database takes on disk."""
    if engine.dialect.name == "sqlite":
        file = str(engine.url.database)
        return sum(path.stat().st_size for path in (Path(file), Path(f"{file}-wal")) if path.exists())
    with reading(engine) as connection:
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def _written(file: Path) -> bool:
    """Whether something is in it; SQLite makes a database of an empty file as soon as it looks at it."""
    return file.exists() and (not file.is_file() or file.stat().st_size > 0)


def _parse(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        _, at, rest = url.rpartition("@")  # before it may be a password
        shown = repr(f"…@{rest}" if at else url)
        raise BadConfig((f"[store] url: {shown} is no database URL; write sqlite:///chatbot.sqlite3",)) from None


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        remedy = f"take a Python with {oldest} or newer, or a PostgreSQL"
        raise BadConfig((f"[store] url: this Python's SQLite, {sqlite3.sqlite_version}, is too old; {remedy}",))
    if url.database and not Path(url.database).parent.is_dir():
        raise BadConfig((f"[store] url: there is no folder {Path(url.database).parent}; make it, or name another",))
    engine = create_engine(url)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, below
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgresql(url: URL) -> Engine:
    # Who reads sees one state from beginning to end, as on SQLite. No question of ours is so long that workers would
    # help PostgreSQL (a week's patches take one process 10 ms, and three of them 16), or that to compile it would pay.
    # Where rows are thought to lie on a slow disk, all tags are read for those of a week: 19 ms instead of 6.
    settings = ("max_parallel_workers_per_gather=0", "jit=off", "random_page_cost=1.1", _IDLE)
    options = " ".join((*(f"-c {setting}" for setting in settings), f"{url.query.get('options', '')}"))
    engine = create_engine(
        url, isolation_level="REPEATABLE READ", pool_pre_ping=True, connect_args={"options": options, **_GONE}
    )
    event.listen(engine, "begin", _begin_postgresql)
    return engine


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")


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
    with _translated(), _writer(engine) as connection:
        yield connection


@contextmanager
def leasing(engine: Engine) -> Iterator[Connection]:
    """A transaction on PostgreSQL's leases: short, and it waits for nobody who writes. Raises Unavailable."""
    with _translated(), engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
        yield connection


def _writer(engine: Engine) -> AbstractContextManager[Connection]:
    options: dict[str, Any] = {"writes": True}
    if engine.dialect.name == "postgresql":
        # What is read after the lock was waited for must be what its last holder wrote.
        options["isolation_level"] = "READ COMMITTED"
    return engine.execution_options(**options).begin()


def empty_log(engine: Engine) -> None:
    """Take what was written over from SQLite's log into its file: what was deleted would lie in the log for days.

    While somebody reads, or the disk is full, it stays for the next time.
    """
    if engine.dialect.name == "sqlite":
        with closing(engine.raw_connection()) as connection, suppress(sqlite3.Error):
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise Unavailable(f"the database: {getattr(error, 'orig', error)}") from error
