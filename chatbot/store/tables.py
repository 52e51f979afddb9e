"""The tables. Times are whole seconds since 1970 in UTC. Full-text search has tables of its own, see fulltext.py.

Ids of mails are given in the archive's order. Ids of persons and directories are made of what they are, so that any
process knows them without asking. A `key` stands for a text, see words.py.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
)

metadata = MetaData()


def _index_some(name: str, *columns: Column[Any], where: ColumnElement[bool]) -> None:
    """Index the rows for which this holds. The dialect is told when the tables are made: to tell two of them here would
    load both, and PostgreSQL's takes a tenth of what a command on SQLite loads.
    """
    index = Index(name, *columns)

    def tell(_: Table, connection: Connection, **__: object) -> None:
        index.dialect_kwargs[f"{connection.dialect.name}_where"] = where

    event.listen(columns[0].table, "before_create", tell)


# SQLite has but one kind of integer, and makes its row number only of a column of that name.
Id = BigInteger().with_variant(Integer, "sqlite")

mailing_list = Table(
    "mailing_list",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("held", Text),  # why its archive is not read on, and with which tips
    Column("held_tips", Text),
    # The newest row of `seen` that was taken out: no mail gets its number again, for rooms count by them.
    Column("forgotten", BigInteger),
)

# How far a list's epoch has been read: the commit, and the newest mail up to there.
mark = Table(
    "mark",
    metadata,
    Column("list_id", ForeignKey("mailing_list.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("commit", String, nullable=False),
    Column("message_id", Text),
    Column("date", BigInteger),
)

person = Table(
    "person",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("written", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("mailbox", Text, nullable=False, index=True),  # the address in lower case
    Column("words", Text, nullable=False),
)

mail = Table(
    "mail",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("key", BigInteger, nullable=False, index=True),  # of the Message-ID
    Column("message_id", Text, nullable=False),
    Column("blob", String, nullable=False),  # what it was read from; empty where it is to be read again
    Column("subject", Text, nullable=False),
    Column("lead", Integer, nullable=False),  # so many characters of it come before its title
    Column("speaks", Boolean, nullable=False),  # whether a digest tells what it says
    Column("sender_id", BigInteger, nullable=False),
    Column("author_id", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("date", BigInteger),
    Column("reply_key", BigInteger),  # of the Message-ID that it answers
    Column("in_reply_to", Text, nullable=False),
    Column("references", Text, nullable=False),  # joined by blanks
    Column("archived_as", Text, nullable=False),
    Column("defects", Text, nullable=False),  # joined by newlines
    Column("is_patch", Boolean, nullable=False),
    Column("is_reply", Boolean, nullable=False),
    Column("posting_key", BigInteger),  # of what the mails of one posting share; none but numbered patches have it
    Column("stated_files", Integer),
    Column("stated_insertions", Integer),
    Column("stated_deletions", Integer),
    Column("diff", Text, nullable=False),  # see mail/diff.py
    # Of patches that were read before version 0004 these are not known, and empty.
    Column("content", Text, nullable=False, server_default=""),  # the key of the diff's content
    Column("change_id", Text, nullable=False, server_default=""),
)
_index_some("mail_with_defects", mail.c.id, where=mail.c.defects != "")
Index("mail_by_author", mail.c.author_id, mail.c.received)
Index("mail_by_sender", mail.c.sender_id, mail.c.received)
_answers, _posted = mail.c.reply_key.is_not(None), mail.c.posting_key.is_not(None)
_identified = mail.c.change_id != ""
_index_some("mail_by_change_id", mail.c.change_id, where=_identified)
_index_some("mail_by_reply", mail.c.reply_key, where=_answers)
_index_some("mail_by_posting", mail.c.posting_key, mail.c.received, where=_posted)

# A patch's log, or what the sender says himself. Not in the mail's row, which many look at and few for what it says.
body = Table(
    "body",
    metadata,
    Column("mail_id", Id, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
)

tag = Table(
    "tag",
    metadata,
    Column("mail_id", BigInteger, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

directory = Table(
    "directory",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("path", Text, nullable=False),
)

# Which patches change files below a directory, however deep, in the order of time.
touched = Table(
    "touched",
    metadata,
    Column("directory_id", BigInteger, primary_key=True, autoincrement=False),
    Column("received", BigInteger, primary_key=True, autoincrement=False),
    Column("mail_id", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# A mail on a list: `id` grows in the order of the archive, so a window is a range of it. What windows are chosen by and
# counted by is noted here, too, for a digest counts many more mails than it shows.
seen = Table(
    "seen",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("list_id", Integer, nullable=False),
    Column("mail_id", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("sender_id", BigInteger, nullable=False, server_default="0"),
    Column("author_id", BigInteger, nullable=False),
    Column("is_counted", Boolean, nullable=False, server_default=false()),  # as a patch, by the rankings
    Column("reviews", Text, nullable=False, server_default=""),  # whom its tags of REVIEWS name, if it has no patch
    Column("is_patch", Boolean, nullable=False),
    Column("is_reply", Boolean, nullable=False),
    Column("is_defective", Boolean, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("commit", String, nullable=False),
    Column("blob", String, nullable=False),
    UniqueConstraint("mail_id", "list_id"),
    Index("seen_by_list", "list_id", "id", "epoch"),
    Index("seen_by_time", "list_id", "received"),
)

# How a posting stands, and which postings are versions of one series: put together from their mails, and kept until
# more is said about them, see following.py. A posting is known by its head; its columns are what digests choose by.
standing = Table(
    "standing",
    metadata,
    Column("head_id", Id, primary_key=True, autoincrement=False),
    Column("lineage_id", BigInteger, nullable=False, index=True),  # the head of its first version
    Column("received", BigInteger, nullable=False, index=True),
    # Since when, if it is so:
    Column("answered", BigInteger),  # somebody else has replied
    Column("reviewed", BigInteger),  # every patch has an approval
    Column("applied", BigInteger),  # it was said to be applied
    Column("closed", BigInteger),  # it is superseded, or a draft, or of a program: nobody expects anything of it
    Column("complete", BigInteger),  # no part of it is missing
    Column("later", BigInteger),  # it is known to be a later version
    Column("own", Integer, nullable=False),  # so many mails it has of its own
    Column("bot", Boolean, nullable=False),  # whether a program sent it
    Column("document", LargeBinary),  # see standings.py; none where it is to be put together anew
)
_reviewed, _spent = standing.c.reviewed.is_not(None), standing.c.document.is_(None)
_index_some("standing_by_review", standing.c.reviewed, where=_reviewed)
_index_some("standing_spent", standing.c.head_id, where=_spent)

# Which posting a mail belongs to: its `own` mails are its head and its patches, the others were said below it. Of
# talk that is about no patch, the head is the mail that began it.
belongs = Table(
    "belongs",
    metadata,
    Column("mail_id", Id, primary_key=True, autoincrement=False),
    Column("head_id", BigInteger, nullable=False, index=True),
    Column("who", BigInteger),  # the key of the human who said it; none of its own mails, and of what a program said
    Column("own", Boolean, nullable=False),
    Column("turns", Boolean, nullable=False),  # whether it says that the posting was applied, or refuses it
)

# Of which mails the standings tell: all up to a row of `mail`, as far as they came in since; and by which rules.
tracking = Table(
    "tracking",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("rules", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
)

# What a maintainer said of two postings, each named by the Message-ID of one of its mails.
correction = Table(
    "correction",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("one", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("together", Boolean, nullable=False),
    Column("by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

# A digest that was shown: the window that it was made of, so that it can be shown again.
digest = Table(
    "digest",
    metadata,
    Column("id", String, primary_key=True),
    Column("list_name", String, nullable=False),
    Column("first", BigInteger, nullable=False),  # its first and last row of `seen`
    Column("last", BigInteger, nullable=False),
    Column("since", BigInteger),  # the time that was asked for, if it was
    Column("until", BigInteger),
    Column("at", BigInteger, nullable=False),  # what was said later does not count
)

# A Message-ID that a list's archive holds once more.
copy = Table(
    "copy",
    metadata,
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("commit", String, primary_key=True),
    Column("mail_id", BigInteger, nullable=False, index=True),
    Column("blob", String, nullable=False),
)

# A commit whose mail is to be read, or read again, at the list's next refresh: its object was missing, or the copy
# that was read first is gone.
unread = Table(
    "unread",
    metadata,
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("commit", String, primary_key=True),
    Column("blob", String, nullable=False),  # empty where not even that is known
)

# What one spelling of a person has done on a list, or on all of them together; kept while ingesting.
ALL_LISTS = 0
contribution = Table(
    "contribution",
    metadata,
    Column("list_id", Integer, primary_key=True, autoincrement=False),
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("mails", Integer, nullable=False),  # sent or written
    Column("counted", Integer, nullable=False),  # written, as the digest's rankings count them
    Column("patches", Integer, nullable=False),  # written, without covers
    Column("replies", Integer, nullable=False),  # sent, or whatever else is no patch
    Column("newest", BigInteger, nullable=False),
    Index("contribution_by_person", "person_id"),
    sqlite_with_rowid=False,
)

# How many tags of a kind somebody gave to others' patches, in mails of their own.
given = Table(
    "given",
    metadata,
    Column("person_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),
    Column("tags", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# What a room has had of a list: everything up to the `seen` row `upto`, planned for the slot.
progress = Table(
    "progress",
    metadata,
    Column("subscription", String, primary_key=True),
    Column("upto", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False),
)

# What somebody subscribed to in a room. Those of the config stand in the config.
subscription = Table(
    "subscription",
    metadata,
    Column("id", String, primary_key=True),
    Column("platform", Text, nullable=False),
    Column("room", Text, nullable=False),
    Column("topic", Text, nullable=False),  # a list's name, or a subsystem's title
    Column("subsystem", Boolean, nullable=False),
    Column("filter", Text, nullable=False),
    Column("due", Text, nullable=False),  # in words
    Column("owner", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("paused_until", BigInteger),
    Column("manner", Text, nullable=False, server_default=""),  # of its posts, in words
)

# What a name of the config stands for, where that is another room than it says: an alias' room, or the one that a room
# goes on as.
room_name = Table(
    "room_name",
    metadata,
    Column("platform", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("room", String, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    # What it was planned from, so that it can be planned anew while it has not gone out: whose it is, the last row of
    # `seen` that it tells of, and the progress before it (none before the first).
    Column("subscription", String, nullable=False),
    Column("list_name", String, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("had_upto", BigInteger),
    Column("had_slot", BigInteger),
    Column("platform", String, nullable=False),
    Column("room", String, nullable=False),
    Column("sequence", BigInteger, nullable=False),  # of the room's digests
    Column("part", Integer, nullable=False),  # of the digest; those behind the first go into a thread under it
    Column("dialect", String, nullable=False),
    Column("body", Text, nullable=False),  # empty where it was taken back
    Column("picture", LargeBinary),  # a PNG that stands beside it
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("plainer", Integer, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("doubt", BigInteger),  # since when it may be there, where nobody knows
    Column("remote_id", String),
    Column("error", Text),
    Column("manner", Text, nullable=False, server_default=""),  # in words
    Index("delivery_by_state", "state", "id"),
    Index("delivery_by_room", "platform", "room", "sequence", "part", unique=True),
    Index("delivery_by_subscription", "subscription", "id"),
)

# What a replica does alone for a while: who, and until when by the database's clock. On SQLite it is empty.
lease = Table(
    "lease",
    metadata,
    Column("name", String, primary_key=True),
    Column("holder", String, nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)


def seconds(moment: datetime) -> int:
    """A time as the tables hold it."""
    return int(moment.timestamp())


def moment(value: int) -> datetime:
    """A time as the program has it."""
    return datetime.fromtimestamp(value, UTC)
