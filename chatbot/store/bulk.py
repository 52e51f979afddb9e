"""Many rows at once: one prepared statement on SQLite, COPY on PostgreSQL. What SQLAlchemy would add for each row costs
as much as the row itself.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

Rows = Sequence[tuple[Any, ...]]


def insert_rows(connection: Connection, table: str, columns: tuple[str, ...], rows: Rows) -> None:
    """Rows that are not there yet."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        cursor: Any = connection.connection.cursor()
        with cursor, cursor.copy(f"COPY {table} ({_names(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    else:
        connection.exec_driver_sql(_insert(table, columns), list(rows))


def add_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """The same for rows of which some may be there already: those stay as they are."""
    if rows:
        columns = tuple(table.c.keys())
        marks = ", ".join(["%s" if connection.dialect.name == "postgresql" else "?"] * len(columns))
        insert = f"INSERT INTO {table.name} ({_names(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        connection.exec_driver_sql(insert, list(rows))


@lru_cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({_names(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
