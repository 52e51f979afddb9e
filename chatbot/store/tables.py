"""The tables. Times are whole seconds since 1970 in UTC."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

mailing_list = Table(
    "mailing_list",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
)

mark = Table(
    "mark",
    metadata,
    Column("list_id", ForeignKey("mailing_list.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("commit", String, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("written", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("mailbox", Text, nullable=False, index=True),  # the address in lower case
    Column("words", Text, nullable=False),
    # Not `written` alone: encoded words can make two people look the same.
    UniqueConstraint("written", "name", "address"),
)

mail = Table(
    "mail",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("message_id", Text, nullable=False, unique=True),
    Column("subject", Text, nullable=False),
    Column("words", Text, nullable=False),  # of a patch's title, see words.py
    Column("sender_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("author_id", ForeignKey("person.id"), nullable=False, index=True),
    Column("received", BigInteger, nullable=False),
    Column("date", BigInteger),
    Column("in_reply_to", Text, nullable=False, index=True),
    Column("references", Text, nullable=False),  # joined by blanks
    Column("archived_as", Text, nullable=False),
    Column("defects", Text, nullable=False),  # joined by newlines
    Column("is_patch", Boolean, nullable=False),
    Column("posting", Text, index=True),  # what the mails of one posting share; none but patches have it
    Column("log", Text),
    Column("stated_files", Integer),
    Column("stated_insertions", Integer),
    Column("stated_deletions", Integer),
)

tag = Table(
    "tag",
    metadata,
    Column("mail_id", ForeignKey("mail.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("mail_id", ForeignKey("mail.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("path", Text, nullable=False),
    Column("insertions", Integer, nullable=False),
    Column("deletions", Integer, nullable=False),
)

# A mail on a list: `id` grows in the order of the archive, so a window is a range of it.
seen = Table(
    "seen",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("list_id", ForeignKey("mailing_list.id"), nullable=False),
    Column("mail_id", ForeignKey("mail.id"), nullable=False, index=True),
    Column("epoch", Integer, nullable=False),
    Column("commit", String, nullable=False),
    UniqueConstraint("list_id", "mail_id"),
    Index("seen_by_list", "list_id", "id"),
)

# What a room has had of a list: everything up to the `seen` row `upto`, planned for the slot.
progress = Table(
    "progress",
    metadata,
    Column("subscription", String, primary_key=True),
    Column("upto", Integer, nullable=False),
    Column("slot", BigInteger, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("platform", String, nullable=False),
    Column("room", String, nullable=False),
    Column("dialect", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("remote_id", String),
    Column("error", Text),
    Index("delivery_by_state", "state", "id"),
)


def seconds(moment: datetime) -> int:
    """A time as the tables hold it."""
    return int(moment.timestamp())


def moment(value: int) -> datetime:
    """A time as the program has it."""
    return datetime.fromtimestamp(value, UTC)
