"""Which version of the tables a database has, and the way from an old one to today's.

Law of the file: a database is brought to today's version in one transaction, or refused; until that has ended, and
wherever it fails, it is as it was. Alembic is loaded where a migration runs, for it takes as long as a whole start.
"""

from collections.abc import Callable

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError, ProgrammingError, SQLAlchemyError

import chatbot.store.fulltext  # its tables are made with the others, as are those of the next
import chatbot.store.slack_tables  # noqa: F401
from chatbot.errors import BadConfig
from chatbot.store.tables import metadata

HEAD = "0011"
# What can be migrated. The first was not noted in the databases that have it.
FIRST = "0001"
_OLDER = frozenset({FIRST, "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010"})
# Alembic's own table, as Alembic makes it.
_TABLE = "alembic_version"
_CREATE = f"CREATE TABLE {_TABLE} (version_num VARCHAR(32) NOT NULL, CONSTRAINT {_TABLE}_pkc PRIMARY KEY (version_num))"
_SELECT = f"SELECT version_num FROM {_TABLE}"  # noqa: S608

# Told what is being done, how much of it is done, and how much there is in all.
Told = Callable[[str, int, int], None]


def is_current(engine: Engine) -> bool:
    """Whether the database has today's tables; one query."""
    try:
        with engine.connect() as connection:
            return list(connection.exec_driver_sql(_SELECT).scalars()) == [HEAD]
    except (OperationalError, ProgrammingError):  # no such table
        return False


def bring_up(connection: Connection, name: str, told: Told, *, make: bool = True) -> None:
    """Give the database of this name today's tables, in a transaction that writes. Raises BadConfig, also where there
    are no tables and none are to be made.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        if not make:
            raise no_index(name)
        metadata.create_all(connection, checkfirst=False)
        _note(connection, HEAD)
        return
    found = _known(connection, tables, name)
    if found == HEAD:  # another process was faster
        return
    if _TABLE not in tables:
        _note(connection, found)
    try:
        upgrade(connection, told)
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        remedy = "it is unchanged: mend this, and start again"
        raise BadConfig(
            (f"[store] url: {name} cannot be migrated from version {found}: {reason}; {remedy}",)
        ) from error


def see_current(engine: Engine, name: str) -> None:
    """Raises BadConfig where the database is not of today's version; nothing is made of it."""
    if is_current(engine):
        return
    with engine.connect() as connection:
        tables = set(inspect(connection).get_table_names())
        found = _known(connection, tables, name) if tables else None
    if found is None:
        raise no_index(name)
    remedy = "chatbot run and chatbot ingest bring it up to date when they start"
    raise BadConfig((f"[store] url: {name} is of version {found}, and today's is {HEAD}; {remedy}",))


def no_index(name: str) -> BadConfig:
    """What to say where somebody asks an index that is not there."""
    return BadConfig((f"[store] url: there is no index {name}; make it with chatbot ingest",))


def upgrade(connection: Connection, told: Told, to: str = HEAD) -> None:
    """Run the migrations that the database has not had, in the transaction that is open."""
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "chatbot.store:migrations")
    config.attributes.update(connection=connection, told=_by_tenths(told))
    command.upgrade(config, to)


def _known(connection: Connection, tables: set[str], name: str) -> str:
    """The version of a database that has tables. Raises BadConfig where that is none of those that we know."""
    found = _version(connection, tables)
    if found is None:
        raise BadConfig((f"[store] url: {name} holds tables of another program; name another database",))
    if found not in {*_OLDER, HEAD}:
        remedy = "use a newer chatbot, or another database"
        raise BadConfig((f"[store] url: {name} is of version {found}, which this chatbot does not know; {remedy}",))
    return found


def _version(connection: Connection, tables: set[str]) -> str | None:
    """The version of a database that has tables; None where they are not ours."""
    if _TABLE in tables:
        return ", ".join(connection.exec_driver_sql(_SELECT).scalars()) or None
    if {"mail", "seen"} <= tables and "posting" in {
        column["name"] for column in inspect(connection).get_columns("mail")
    }:
        return FIRST
    return None


def _note(connection: Connection, version: str) -> None:
    connection.exec_driver_sql(_CREATE)
    connection.execute(text(f"INSERT INTO {_TABLE} (version_num) VALUES (:version)"), {"version": version})  # noqa: S608


def _by_tenths(told: Told) -> Told:
    """Passes on the beginning, the end, and each tenth between: a migration may end in a log."""
    last = -1

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        tenth = done * 10 // total if total else 10
        if tenth != last:
            last = tenth
            told(what, done, total)

    return tell
