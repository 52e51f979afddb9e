"""A mail's row without what the mail says, and with what a digest shows of it; places with what a digest counts.

The rows are carried over in pages, so that memory does not grow with the database.
"""

from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

# Pure, and law in any database: if it changed, it would need a revision of its own.
from chatbot.mail.subject import Subject

revision = "0003"
down_revision = "0002"

# Rows held in memory at once.
PAGE = 1_000
_BIG = sa.BigInteger
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_MADE_ANEW = ("mail", "seen")
_INDEXES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("ix_mail_key", "mail", ("key",), ""),
    ("mail_with_defects", "mail", ("id",), "defects != ''"),
    ("mail_by_author", "mail", ("author_id", "received"), ""),
    ("mail_by_sender", "mail", ("sender_id", "received"), ""),
    ("mail_by_reply", "mail", ("reply_key",), "reply_key IS NOT NULL"),
    ("mail_by_posting", "mail", ("posting_key", "received"), "posting_key IS NOT NULL"),
    ("seen_by_list", "seen", ("list_id", "id", "epoch"), ""),
    ("seen_by_time", "seen", ("list_id", "received"), ""),
)

Row = dict[str, Any]


def upgrade() -> None:
    """Set the old rows aside, fill new ones out of them, and drop them."""
    for table in _MADE_ANEW:
        _set_aside(table)
    _create_tables()
    op.execute("INSERT INTO body (mail_id, text) SELECT id, text FROM old_mail WHERE blob <> '' ORDER BY id")
    _carry_mails(op.get_context().config.attributes["told"])  # type: ignore[union-attr]
    op.execute(
        "INSERT INTO seen (id, list_id, mail_id, received, author_id, is_patch, is_reply, is_defective, epoch,"
        ' "commit", blob) SELECT s.id, s.list_id, s.mail_id, s.received, m.author_id, m.is_patch, m.is_reply,'
        " m.defects <> '', s.epoch, s.\"commit\", s.blob FROM old_seen s JOIN old_mail m ON m.id = s.mail_id"
        " ORDER BY s.id"
    )
    for name, table, columns, where in _INDEXES:
        only = sa.text(where) if where else None
        op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)
    for table in ("old_seen", "old_mail", "change"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":  # nothing is known of the new tables yet
        op.execute("ANALYZE")


def _set_aside(table: str) -> None:
    """Take its name from a table, and those of its indexes."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        for index in sa.inspect(connection).get_indexes(table):
            op.drop_index(str(index["name"]), table)
    else:  # constraints among them
        here = sa.text("SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = :table")
        for name in connection.execute(here, {"table": table}).scalars().all():
            op.execute(f'ALTER INDEX "{name}" RENAME TO "old_{name}"')
    op.rename_table(table, f"old_{table}")


def _create_tables() -> None:
    op.create_table(
        "body",
        sa.Column("mail_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "mail",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("key", _BIG, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("blob", sa.String, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("lead", sa.Integer, nullable=False),
        sa.Column("speaks", sa.Boolean, nullable=False),
        sa.Column("sender_id", _BIG, nullable=False),
        sa.Column("author_id", _BIG, nullable=False),
        sa.Column("received", _BIG, nullable=False),
        sa.Column("date", _BIG),
        sa.Column("reply_key", _BIG),
        sa.Column("in_reply_to", sa.Text, nullable=False),
        sa.Column("references", sa.Text, nullable=False),
        sa.Column("archived_as", sa.Text, nullable=False),
        sa.Column("defects", sa.Text, nullable=False),
        sa.Column("is_patch", sa.Boolean, nullable=False),
        sa.Column("is_reply", sa.Boolean, nullable=False),
        sa.Column("posting_key", _BIG),
        sa.Column("stated_files", sa.Integer),
        sa.Column("stated_insertions", sa.Integer),
        sa.Column("stated_deletions", sa.Integer),
        sa.Column("diff", sa.Text, nullable=False),
    )
    op.create_table(
        "seen",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("mail_id", _BIG, nullable=False),
        sa.Column("received", _BIG, nullable=False),
        sa.Column("author_id", _BIG, nullable=False),
        sa.Column("is_patch", sa.Boolean, nullable=False),
        sa.Column("is_reply", sa.Boolean, nullable=False),
        sa.Column("is_defective", sa.Boolean, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.Column("blob", sa.String, nullable=False),
        sa.UniqueConstraint("mail_id", "list_id"),
    )


def _carry_mails(told: Callable[[str, int, int], None]) -> None:
    total = op.get_bind().execute(sa.text("SELECT count(*) FROM old_mail")).scalar_one()
    what, done = f"migrating the index to version {revision}", 0
    told(what, done, total)
    for rows in _pages():
        diffs = _diffs(rows[0]["id"], rows[-1]["id"])
        for row in rows:
            subject = Subject.parse(row["subject"])
            row["lead"] = len(subject.lead)
            row["speaks"] = bool(row["is_patch"]) and subject.speaks
            row["diff"] = "\n".join(diffs.get(row["id"], ()))
        op.get_bind().execute(
            sa.text(
                "INSERT INTO mail (id, key, message_id, blob, subject, lead, speaks, sender_id, author_id, received,"
                ' date, reply_key, in_reply_to, "references", archived_as, defects, is_patch, is_reply, posting_key,'
                " stated_files, stated_insertions, stated_deletions, diff)"
                " VALUES (:id, :key, :message_id, :blob, :subject, :lead, :speaks, :sender_id, :author_id, :received,"
                " :date, :reply_key, :in_reply_to, :references, :archived_as, :defects, :is_patch, :is_reply,"
                " :posting_key, :stated_files, :stated_insertions, :stated_deletions, :diff)"
            ),
            rows,
        )
        done += len(rows)
        told(what, done, total)


def _diffs(first: int, last: int) -> dict[int, list[str]]:
    """What the patches among these mails change, a line for each file."""
    query = sa.text(
        "SELECT mail_id, insertions, deletions, path FROM change"
        " WHERE mail_id BETWEEN :first AND :last ORDER BY mail_id, place"
    )
    found: dict[int, list[str]] = {}
    for mail_id, *change in op.get_bind().execute(query, {"first": first, "last": last}):
        found.setdefault(mail_id, []).append(" ".join(map(str, change)))
    return found


def _pages() -> Iterator[list[Row]]:
    """The old rows by id, a page at a time, without their texts."""
    columns = (
        "id, key, message_id, blob, subject, sender_id, author_id, received, date, reply_key, in_reply_to,"
        ' "references", archived_as, defects, is_patch, is_reply, posting_key,'
        " stated_files, stated_insertions, stated_deletions"
    )
    query = sa.text(f"SELECT {columns} FROM old_mail WHERE id > :after ORDER BY id LIMIT :many")  # noqa: S608
    after = 0
    while rows := op.get_bind().execute(query, {"after": after, "many": PAGE}).mappings().all():
        after = rows[-1]["id"]
        yield [dict(row) for row in rows]
