"""Full-text search: the words of patches' titles, and of what people say.

FTS5 on SQLite, tsvector with GIN on PostgreSQL; the only file that knows both. Neither keeps the text, which is in
the mail's row: who takes a mail out hands in what was put in. Newest first and never ranked, for ranking would look
at every mail that has the word.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    event,
    func,
    literal,
    literal_column,
    select,
    text,
)

from chatbot.store.bulk import insert_rows
from chatbot.store.tables import metadata
from chatbot.store.words import words

TITLES, TEXTS = "title_index", "text_index"
# A tsvector holds at most 1 MB, and no mail has so many words that matter.
MOST_WORDS = 8_000
# PostgreSQL looks through so many of the newest mails (10 ms) before it asks its index, which finds all there are: that
# takes 100 ms for the most common words of a million mails, and these are soon found among the newest.
NEAR = 10_000
_FTS5 = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS {} USING fts5"
    "(words, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 0'{})"
)
CREATE = {
    "sqlite": (_FTS5.format(TITLES, ", prefix='1 2 3'"), _FTS5.format(TEXTS, "")),
    "postgresql": tuple(
        statement
        for name in (TITLES, TEXTS)
        for statement in (
            f"CREATE TABLE IF NOT EXISTS {name} (mail_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)",
            # Waiting entries would be looked through at every search.
            f"CREATE INDEX IF NOT EXISTS {name}_words ON {name} USING GIN (words) WITH (fastupdate = off)",
        )
    ),
}
for _dialect, _statements in CREATE.items():
    for _statement in _statements:
        event.listen(
            metadata,
            "after_create",
            DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]
        )


def add_texts(connection: Connection, index: str, texts: Sequence[tuple[int, str]]) -> None:
    """Mails' ids and what is to be found of them."""
    if connection.dialect.name == "postgresql":
        rows = [(mail_id, " ".join(_lexemes(said))) for mail_id, said in texts]
        insert_rows(connection, index, ("mail_id", "words"), rows)
    else:
        insert_rows(connection, index, ("rowid", "words"), texts)


def remove_text(connection: Connection, index: str, mail_id: int, said: str) -> None:
    """Take out what was put in."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"DELETE FROM {index} WHERE mail_id = :id"), {"id": mail_id})  # noqa: S608
    else:
        delete = text(f"INSERT INTO {index} ({index}, rowid, words) VALUES ('delete', :id, :said)")  # noqa: S608
        connection.execute(delete, {"id": mail_id, "said": said})


def wipe(connection: Connection, index: str) -> None:
    """Leave no trace of what was taken out: FTS5 only notes that it is gone, until its segments are merged."""
    if connection.dialect.name == "sqlite":
        connection.execute(text(f"INSERT INTO {index} ({index}) VALUES ('optimize')"))  # noqa: S608


def newest_with(connection: Connection, index: str, wanted: Iterable[str], limit: int) -> list[int]:
    """The ids of the newest mails in which all these words stand; in titles also longer ones that begin so, for
    which there is an index of beginnings.
    """
    parts = [part for word in wanted for part in words(word)]
    if not parts:
        return []
    if connection.dialect.name == "sqlite":
        return list(connection.execute(_newest_sqlite(index, parts).limit(limit)).scalars())
    among_newest, among_all = _newest_postgresql(index, parts)
    found = connection.execute(among_newest.limit(limit)).scalars().all()
    if len(found) < limit:
        found = connection.execute(among_all.limit(limit)).scalars().all()
    return list(found)


def _newest_sqlite(index: str, parts: list[str]) -> Select[Any]:
    rowid = literal_column("rowid", BigInteger)
    more = "*" if index == TITLES else ""
    wanted = " ".join(f'"{part}"{more}' for part in parts)
    match: ColumnElement[bool] = literal_column(index, Text).op("MATCH")(wanted)
    return select(rowid).select_from(text(index)).where(match).order_by(rowid.desc())


def _newest_postgresql(index: str, parts: list[str]) -> tuple[Select[Any], Select[Any]]:
    """Among the newest mails, and among all. Asked for the newest of all at once, PostgreSQL takes the words for
    independent of one another, and walks back over a million mails for two words that are common and seldom meet.
    """
    table = Table(index, MetaData(), Column("mail_id", BigInteger), Column("words", Text))
    more = ":*" if index == TITLES else ""
    wanted = func.to_tsquery(literal_column("'simple'"), literal(" & ".join(f"'{part}'{more}" for part in parts)))
    newest = select(table).order_by(table.c.mail_id.desc()).limit(NEAR).subquery()
    matching = select(table.c.mail_id).where(table.c.words.op("@@")(wanted)).cte("matching").prefix_with("MATERIALIZED")
    return (
        select(newest.c.mail_id).where(newest.c.words.op("@@")(wanted)).order_by(newest.c.mail_id.desc()),
        select(matching.c.mail_id).order_by(matching.c.mail_id.desc()),
    )


def _lexemes(said: str) -> Iterable[str]:
    """Words as a tsvector takes them: none of its signs is in any; 2 KB is the most it takes."""
    return (word[:500] for word in words(said)[:MOST_WORDS])
