"""Standings of postings, corrections of lineages, and digests that were shown: tables that begin empty."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "standing",
        sa.Column("head_id", _Id, primary_key=True, autoincrement=False),
        sa.Column("lineage_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("received", sa.BigInteger, nullable=False, index=True),
        *(sa.Column(name, sa.BigInteger) for name in ("answered", "reviewed", "refused", "applied", "closed")),
        sa.Column("document", sa.Text, nullable=False),
    )
    known, spent = sa.text("applied IS NOT NULL"), sa.text("document = ''")
    op.create_index("standing_by_applied", "standing", ["applied"], sqlite_where=known, postgresql_where=known)
    op.create_index("standing_spent", "standing", ["head_id"], sqlite_where=spent, postgresql_where=spent)
    op.create_table(
        "belongs",
        sa.Column("mail_id", _Id, primary_key=True, autoincrement=False),
        sa.Column("head_id", sa.BigInteger, nullable=False, index=True),
        sa.Column("who", sa.Text),
    )
    op.create_table(
        "tracking",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rules", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
    )
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
        sa.Column("made", sa.BigInteger, nullable=False),
    )
