"""The tables of the bot's first weeks, which did not note their version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them in an empty database."""
    _create_lists()
    _create_mails()
    _create_parts()
    _create_outbox()


def _create_lists() -> None:
    op.create_table(
        "mailing_list",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False, unique=True),
    )
    op.create_table(
        "mark",
        sa.Column("list_id", sa.Integer, sa.ForeignKey("mailing_list.id"), primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True),
        sa.Column("commit", sa.String, nullable=False),
    )


def _create_mails() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("written", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("mailbox", sa.Text, nullable=False, index=True),
        sa.Column("words", sa.Text, nullable=False),
        sa.UniqueConstraint("written", "name", "address"),
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("message_id", sa.Text, nullable=False, unique=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("sender_id", sa.Integer, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("author_id", sa.Integer, sa.ForeignKey("person.id"), nullable=False, index=True),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("date", sa.BigInteger),
        sa.Column("in_reply_to", sa.Text, nullable=False, index=True),
        sa.Column("references", sa.Text, nullable=False),
        sa.Column("archived_as", sa.Text, nullable=False),
        sa.Column("defects", sa.Text, nullable=False),
        sa.Column("is_patch", sa.Boolean, nullable=False),
        sa.Column("posting", sa.Text, index=True),
        sa.Column("log", sa.Text),
        sa.Column("stated_files", sa.Integer),
        sa.Column("stated_insertions", sa.Integer),
        sa.Column("stated_deletions", sa.Integer),
    )


def _create_parts() -> None:
    op.create_table(
        "tag",
        sa.Column("mail_id", sa.Integer, sa.ForeignKey("mail.id"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "change",
        sa.Column("mail_id", sa.Integer, sa.ForeignKey("mail.id"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("insertions", sa.Integer, nullable=False),
        sa.Column("deletions", sa.Integer, nullable=False),
    )
    op.create_table(
        "seen",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("list_id", sa.Integer, sa.ForeignKey("mailing_list.id"), nullable=False),
        sa.Column("mail_id", sa.Integer, sa.ForeignKey("mail.id"), nullable=False, index=True),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.UniqueConstraint("list_id", "mail_id"),
        sa.Index("seen_by_list", "list_id", "id"),
    )


def _create_outbox() -> None:
    op.create_table(
        "progress",
        sa.Column("subscription", sa.String, primary_key=True),
        sa.Column("upto", sa.Integer, nullable=False),
        sa.Column("slot", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("key", sa.String, nullable=False, unique=True),
        sa.Column("platform", sa.String, nullable=False),
        sa.Column("room", sa.String, nullable=False),
        sa.Column("dialect", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try", sa.BigInteger, nullable=False),
        sa.Column("remote_id", sa.String),
        sa.Column("error", sa.Text),
        sa.Index("delivery_by_state", "state", "id"),
    )
