"""Standings of postings, corrections of lineages, and digests that were shown: tables that begin empty. Pull requests
are found by their titles, and a mail's place on a list says who sent it, and as what rankings count it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

# Pure, and law in any database: if one of these changed, it would need a revision of its own.
from chatbot.mail.subject import Subject
from chatbot.store.words import words

revision = "0005"
down_revision = "0004"
# Rows held in memory at once.
PAGE = 1_000
# The most of a word that a tsvector takes, as the program has it at this revision.
LONGEST_WORD = 500
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables, note who sent what, and index the titles."""
    _create_tables()
    _create_records()
    _note_who_sent_what()
    _index_titles()


def _note_who_sent_what() -> None:
    """Of each mail on a list."""
    op.add_column("seen", sa.Column("sender_id", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("seen", sa.Column("is_counted", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("seen", sa.Column("reviews", sa.Text, nullable=False, server_default=""))
    op.execute(
        "UPDATE seen SET sender_id = mail.sender_id,"
        " is_counted = mail.is_patch AND lower(substr(mail.subject, 1, mail.lead)) LIKE '%patch%'"
        " FROM mail WHERE mail.id = seen.mail_id"
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    lines = "string_agg(value, chr(10) ORDER BY place)" if postgresql else "group_concat(value, char(10))"
    op.execute(
        f"UPDATE seen SET reviews = told.lines FROM (SELECT mail_id, {lines} AS lines FROM"  # noqa: S608
        " (SELECT mail_id, place, value FROM tag WHERE kind IN ('Reviewed-by', 'Acked-by', 'Tested-by', 'Nacked-by')"
        " ORDER BY mail_id, place) AS given GROUP BY mail_id) AS told"
        " WHERE told.mail_id = seen.mail_id AND NOT seen.is_patch"
    )
    if postgresql:  # where each row that was written over lies at the end now
        op.execute("CLUSTER seen USING seen_pkey")
        op.execute("ANALYZE seen")


def _index_titles() -> None:
    """Those of pull requests."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    columns, value = ("rowid", ":words") if sqlite else ("mail_id", "CAST(:words AS tsvector)")
    insert = sa.text(f"INSERT INTO title_index ({columns}, words) VALUES (:id, {value})")  # noqa: S608
    for rows in _pages():
        subjects = ((row.id, Subject.parse(row.subject)) for row in rows)
        titles = {mail_id: words(subject.title) for mail_id, subject in subjects if subject.pull}
        found = [
            {"id": mail_id, "words": " ".join(title if sqlite else (word[:LONGEST_WORD] for word in title))}
            for mail_id, title in titles.items()
            if title
        ]
        if found:
            op.get_bind().execute(insert, found)


def _pages() -> Iterator[Sequence[Any]]:
    """The mails without a patch that may ask for a branch to be pulled, by id, a page at a time."""
    query = sa.text(
        "SELECT id, subject FROM mail WHERE NOT is_patch AND upper(subject) LIKE '%PULL%' AND id > :after"
        " ORDER BY id LIMIT :many"
    )
    after = 0
    while rows := op.get_bind().execute(query, {"after": after, "many": PAGE}).all():
        after = rows[-1].id
        yield rows


def _create_tables() -> None:
    """What is kept of postings, and how far."""
    op.create_table(
        "standing",
        sa.Column("head_id", _Id, primary_key=True, autoincrement=False),
        sa.Column("lineage_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("received", sa.BigInteger, nullable=False, index=True),
        *(
            sa.Column(name, sa.BigInteger)
            for name in ("answered", "reviewed", "applied", "closed", "complete", "later")
        ),
        sa.Column("own", sa.Integer, nullable=False),
        sa.Column("bot", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary),
    )
    known, spent = sa.text("reviewed IS NOT NULL"), sa.text("document IS NULL")
    op.create_index("standing_by_review", "standing", ["reviewed"], sqlite_where=known, postgresql_where=known)
    op.create_index("standing_spent", "standing", ["head_id"], sqlite_where=spent, postgresql_where=spent)
    op.create_table(
        "belongs",
        sa.Column("mail_id", _Id, primary_key=True, autoincrement=False),
        sa.Column("head_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("who", sa.BigInteger),
        sa.Column("own", sa.Boolean, nullable=False),
        sa.Column("turns", sa.Boolean, nullable=False),
    )
    op.create_table(
        "tracking",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rules", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
    )


def _create_records() -> None:
    """What maintainers have said, and which digests were shown."""
    op.create_table(
        "correction",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("one", sa.Text, nullable=False),
        sa.Column("other", sa.Text, nullable=False),
        sa.Column("together", sa.Boolean, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "digest",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("list_name", sa.String, nullable=False),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.Column("until", sa.BigInteger),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
