"""Full text, keys instead of texts in the indexes, sums kept while ingesting, and mails that can go again.

All is carried over, in pages, so that memory does not grow with the database. What a mail was read from was not noted
before: its blob becomes `?` and the place from which it was read, which no bytes are called. So a place that lay
unchanged stays, one that has moved is read again, and a purge takes the mail out. Of what people say, patches' logs
alone were kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

# Pure, and law in any database: if one of these changed, it would need a revision of its own.
from chatbot.mail.subject import Subject
from chatbot.store.entry import directories_above, gives
from chatbot.store.words import key_of, words

revision = "0002"
down_revision = "0001"

# Rows held in memory at once: with 2 KB of text in most mails, 2 MB.
PAGE = 1_000
# As the program has had them at this revision: the part of a text that is searched, a tsvector's words and their
# length, and the times that can be a mail's (1985 to 2100).
SEARCHED = 32_768
MOST_WORDS, LONGEST_WORD = 8_000, 500
EARLIEST, LATEST = 473_385_600, 4_102_444_800

_MADE_ANEW = ("person", "mail", "tag", "change", "seen")
_BIG = sa.BigInteger
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FTS5 = "USING fts5(words, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 0'"
_INDEXES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("ix_person_mailbox", "person", ("mailbox",), ""),
    ("ix_mail_key", "mail", ("key",), ""),
    ("mail_with_defects", "mail", ("id",), "defects != ''"),
    ("mail_by_author", "mail", ("author_id", "received"), ""),
    ("mail_by_sender", "mail", ("sender_id", "received"), ""),
    ("mail_by_reply", "mail", ("reply_key",), "reply_key IS NOT NULL"),
    ("mail_by_posting", "mail", ("posting_key", "received"), "posting_key IS NOT NULL"),
    ("seen_by_list", "seen", ("list_id", "id"), ""),
    ("seen_by_time", "seen", ("list_id", "received"), ""),
    ("ix_copy_mail_id", "copy", ("mail_id",), ""),
    ("contribution_by_person", "contribution", ("person_id",), ""),
)

Row = dict[str, Any]


def upgrade() -> None:
    """Set the old tables aside, fill new ones out of them, and drop them."""
    for table in _MADE_ANEW:
        _set_aside(table)
    _create_tables()
    _create_full_text()
    _carry_people()
    _carry_places()
    _carry_parts()
    _carry_mails(op.get_context().config.attributes["told"])  # type: ignore[union-attr]
    _create_indexes()
    _sum_up()
    _carry_marks()
    _carry_outbox()
    for table in reversed(_MADE_ANEW):
        op.drop_table(f"old_{table}")
    op.drop_table("counted")


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
    _create_mails()
    _create_parts()
    _create_places()
    _create_sums()
    op.add_column("mailing_list", sa.Column("held", sa.Text))
    op.add_column("mailing_list", sa.Column("held_tips", sa.Text))
    op.add_column("mailing_list", sa.Column("forgotten", _BIG))
    op.add_column("mark", sa.Column("message_id", sa.Text))
    op.add_column("mark", sa.Column("date", _BIG))


def _create_mails() -> None:
    op.create_table(
        "person",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("written", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("mailbox", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
    )
    op.create_table(
        "mail",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("key", _BIG, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("blob", sa.String, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
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
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("stated_files", sa.Integer),
        sa.Column("stated_insertions", sa.Integer),
        sa.Column("stated_deletions", sa.Integer),
    )


def _create_parts() -> None:
    op.create_table(
        "tag",
        sa.Column("mail_id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "change",
        sa.Column("mail_id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("insertions", sa.Integer, nullable=False),
        sa.Column("deletions", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "directory",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("path", sa.Text, nullable=False),
    )
    op.create_table(
        "touched",
        sa.Column("directory_id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("received", _BIG, primary_key=True, autoincrement=False),
        sa.Column("mail_id", _BIG, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )


def _create_places() -> None:
    op.create_table(
        "seen",
        sa.Column("id", _ID, primary_key=True, autoincrement=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("mail_id", _BIG, nullable=False),
        sa.Column("received", _BIG, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("commit", sa.String, nullable=False),
        sa.Column("blob", sa.String, nullable=False),
        sa.UniqueConstraint("mail_id", "list_id"),
    )
    op.create_table(
        "copy",
        sa.Column("list_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("commit", sa.String, primary_key=True),
        sa.Column("mail_id", _BIG, nullable=False),
        sa.Column("blob", sa.String, nullable=False),
    )
    op.create_table(
        "unread",
        sa.Column("list_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("commit", sa.String, primary_key=True),
        sa.Column("blob", sa.String, nullable=False),
    )


def _create_sums() -> None:
    op.create_table(
        "contribution",
        sa.Column("list_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("person_id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("mails", sa.Integer, nullable=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("patches", sa.Integer, nullable=False),
        sa.Column("replies", sa.Integer, nullable=False),
        sa.Column("newest", _BIG, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "given",
        sa.Column("person_id", _BIG, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("tags", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(  # while we are at it: what a patch counts for
        "counted",
        sa.Column("mail_id", _ID, primary_key=True, autoincrement=False),
        sa.Column("counted", sa.Integer, nullable=False),
        sa.Column("patches", sa.Integer, nullable=False),
    )


def _create_full_text() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text(f"CREATE VIRTUAL TABLE title_index {_FTS5}, prefix='1 2 3')"))
        op.execute(sa.text(f"CREATE VIRTUAL TABLE text_index {_FTS5})"))
        return
    for name in ("title_index", "text_index"):
        op.execute(f"CREATE TABLE {name} (mail_id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL)")
        op.execute(f"CREATE INDEX {name}_words ON {name} USING GIN (words) WITH (fastupdate = off)")


def _create_indexes() -> None:
    """Once their tables are filled, which is faster."""
    for name, table, columns, where in _INDEXES:
        only = sa.text(where) if where else None
        op.create_index(name, table, list(columns), sqlite_where=only, postgresql_where=only)


def _carry_people() -> None:
    """A person's new id is made of what the person is; the old row keeps it for `_carry_mails`."""
    op.add_column("old_person", sa.Column("key", _BIG))
    for rows in _pages("SELECT * FROM old_person WHERE id > :after ORDER BY id LIMIT :many"):
        for row in rows:
            row["key"] = key_of(f"{row['written']}\0{row['name']}\0{row['address']}")
        _run(
            "INSERT INTO person (id, written, name, address, mailbox, words)"
            " VALUES (:key, :written, :name, :address, :mailbox, :words)",
            rows,
        )
        _run("UPDATE old_person SET key = :key WHERE id = :id", rows)


def _carry_places() -> None:
    op.execute(
        'INSERT INTO seen (id, list_id, mail_id, received, epoch, "commit", blob)'
        " SELECT s.id, s.list_id, s.mail_id, m.received, s.epoch, s.\"commit\", '?' || s.id"
        " FROM old_seen s JOIN old_mail m ON m.id = s.mail_id ORDER BY s.id"
    )


def _carry_parts() -> None:
    for table, columns in (("tag", "kind, value"), ("change", "path, insertions, deletions")):
        op.execute(
            f"INSERT INTO {table} (mail_id, place, {columns})"  # noqa: S608
            f" SELECT mail_id, place, {columns} FROM old_{table} ORDER BY mail_id, place"
        )


def _carry_mails(told: Callable[[str, int, int], None]) -> None:
    total = op.get_bind().execute(sa.text("SELECT count(*) FROM old_mail")).scalar_one()
    what, done = f"migrating the index to version {revision}", 0
    told(what, done, total)
    for rows in _pages(
        "SELECT m.*, sender.key AS sender, sender.mailbox, author.key AS author,"
        " (SELECT min(id) FROM seen WHERE mail_id = m.id) AS first FROM old_mail m"
        " JOIN old_person sender ON sender.id = m.sender_id JOIN old_person author ON author.id = m.author_id"
        " WHERE m.id > :after ORDER BY m.id LIMIT :many"
    ):
        _carry_page(rows)
        done += len(rows)
        told(what, done, total)


def _carry_page(rows: list[Row]) -> None:
    titles: list[Row] = []
    counted: list[Row] = []
    for row in rows:
        subject = Subject.parse(row["subject"])
        row |= {
            "key": key_of(row["message_id"]),
            "blob": f"?{row['first'] or ''}",
            "date": row["date"] if row["date"] is not None and EARLIEST <= row["date"] <= LATEST else None,
            "reply_key": key_of(row["in_reply_to"]) if row["in_reply_to"] else None,
            "is_reply": not row["is_patch"] and (subject.reply or bool(row["in_reply_to"])),
            "posting_key": key_of(row["posting"]) if row["is_patch"] and subject.numbered else None,
            "text": row["log"] or "",
        }
        if row["is_patch"]:
            titles.append({"id": row["id"], "words": " ".join(words(subject.title))})
        counts = {"counted": int(subject.counted), "patches": int(row["is_patch"] and subject.part != 0)}
        if any(counts.values()):
            counted.append({"id": row["id"], **counts})
    _run(
        "INSERT INTO mail (id, key, message_id, blob, subject, sender_id, author_id, received, date, reply_key,"
        ' in_reply_to, "references", archived_as, defects, is_patch, is_reply, posting_key, text,'
        " stated_files, stated_insertions, stated_deletions)"
        " VALUES (:id, :key, :message_id, :blob, :subject, :sender, :author, :received, :date, :reply_key,"
        " :in_reply_to, :references, :archived_as, :defects, :is_patch, :is_reply, :posting_key, :text,"
        " :stated_files, :stated_insertions, :stated_deletions)",
        rows,
    )
    _run("INSERT INTO counted (mail_id, counted, patches) VALUES (:id, :counted, :patches)", counted)
    _index("title_index", titles)
    _index("text_index", [{"id": row["id"], "words": row["text"][:SEARCHED]} for row in rows])
    _note_directories({row["id"]: row["received"] for row in rows})
    _note_given({row["id"]: row for row in rows})


def _note_directories(received: dict[int, int]) -> None:
    """Which directories these mails' patches touch."""
    query = "SELECT mail_id, path FROM old_change WHERE mail_id BETWEEN :first AND :last"
    paths: dict[int, list[str]] = {}
    for mail_id, path in op.get_bind().execute(sa.text(query), {"first": min(received), "last": max(received)}):
        paths.setdefault(mail_id, []).append(path)
    directories: dict[int, str] = {}
    touched: list[Row] = []
    for mail_id, own in paths.items():
        above = directories_above(own)
        directories |= above
        touched += [{"directory": key, "received": received[mail_id], "mail": mail_id} for key in above]
    _run(
        "INSERT INTO directory (id, path) VALUES (:id, :path) ON CONFLICT DO NOTHING",
        [{"id": key, "path": path} for key, path in directories.items()],
    )
    _run("INSERT INTO touched (directory_id, received, mail_id) VALUES (:directory, :received, :mail)", touched)


def _note_given(mails: dict[int, Row]) -> None:
    """The tags that their senders gave to others' patches."""
    query = "SELECT mail_id, kind, value FROM old_tag WHERE mail_id BETWEEN :first AND :last"
    given: Counter[tuple[int, str]] = Counter()
    for mail_id, kind, value in op.get_bind().execute(sa.text(query), {"first": min(mails), "last": max(mails)}):
        mail = mails[mail_id]
        if not mail["is_patch"] and gives(kind, value, mail["mailbox"]):
            given[mail["sender"], kind] += 1
    _run(
        "INSERT INTO given (person_id, kind, tags) VALUES (:person, :kind, :tags)"
        " ON CONFLICT (person_id, kind) DO UPDATE SET tags = given.tags + excluded.tags",
        [{"person": person, "kind": kind, "tags": tags} for (person, kind), tags in given.items()],
    )


def _index(name: str, texts: Iterable[Row]) -> None:
    """Put texts into the full text; none is left where there are no words."""
    some = [row for row in texts if row["words"]]
    if op.get_bind().dialect.name == "sqlite":
        _run(f"INSERT INTO {name} (rowid, words) VALUES (:id, :words)", some)  # noqa: S608
        return
    for row in some:
        row["words"] = " ".join(word[:LONGEST_WORD] for word in words(row["words"])[:MOST_WORDS])
    _run(f"INSERT INTO {name} (mail_id, words) VALUES (:id, CAST(:words AS tsvector))", some)  # noqa: S608


def _sum_up() -> None:
    """What persons have sent or written, on each list and (as list 0) on all of them together."""
    places = "(SELECT list_id, mail_id FROM seen UNION ALL SELECT 0, id FROM mail) AS place"
    sent = "CASE WHEN mail.is_patch THEN 0 ELSE 1 END"
    op.execute(
        "INSERT INTO contribution (list_id, person_id, mails, counted, patches, replies, newest)"  # noqa: S608
        " SELECT list_id, person_id, count(*), sum(counted), sum(patches), sum(replies), max(received) FROM ("
        "  SELECT place.list_id, mail.author_id AS person_id, coalesce(counted.counted, 0) AS counted,"
        "   coalesce(counted.patches, 0) AS patches,"
        f"  CASE WHEN mail.author_id = mail.sender_id THEN {sent} ELSE 0 END AS replies, mail.received"
        f" FROM {places} JOIN mail ON mail.id = place.mail_id LEFT JOIN counted ON counted.mail_id = mail.id"
        " UNION ALL"
        f"  SELECT place.list_id, mail.sender_id, 0, 0, {sent}, mail.received"
        f" FROM {places} JOIN mail ON mail.id = place.mail_id WHERE mail.sender_id <> mail.author_id"
        " ) AS deed GROUP BY list_id, person_id"
    )


def _carry_marks() -> None:
    """A mark knows the newest mail up to it."""
    for column, value in (("message_id", "mail.message_id"), ("date", "mail.received")):
        op.execute(
            f"UPDATE mark SET {column} = (SELECT {value} FROM seen JOIN mail ON mail.id = seen.mail_id"  # noqa: S608
            " WHERE seen.list_id = mark.list_id AND seen.epoch = mark.epoch ORDER BY seen.id DESC LIMIT 1)"
        )


def _carry_outbox() -> None:
    for column in (
        sa.Column("subscription", sa.String),
        sa.Column("list_name", sa.String),
        sa.Column("upto", _BIG),
        sa.Column("had_upto", _BIG),
        sa.Column("had_slot", _BIG),
    ):
        op.add_column("delivery", column)
    _name_lists_of_deliveries()
    with op.batch_alter_table("delivery") as delivery:
        delivery.alter_column("subscription", existing_type=sa.String(), nullable=False)
        delivery.alter_column("list_name", existing_type=sa.String(), nullable=False)
        delivery.alter_column("upto", existing_type=_BIG(), nullable=False)
    with op.batch_alter_table("progress") as progress:
        progress.alter_column("upto", existing_type=sa.Integer(), type_=_BIG(), existing_nullable=False)


def _name_lists_of_deliveries() -> None:
    """A post's list is known where its room has one; where it has several, no list is named."""
    connection = op.get_bind()
    lists: dict[str, list[tuple[str, str, int]]] = {}
    for subscription, upto in connection.execute(sa.text("SELECT subscription, upto FROM progress")):
        room, _, list_name = subscription.rpartition("/")
        lists.setdefault(room, []).append((subscription, list_name, upto))
    rooms = connection.execute(sa.text("SELECT DISTINCT platform, room FROM delivery")).all()
    none = ("", "", 0)
    for platform, room in rooms:
        own = lists.get(f"{platform}/{room}", [])
        subscription, list_name, upto = own[0] if len(own) == 1 else none
        _run(
            "UPDATE delivery SET subscription = :subscription, list_name = :list_name, upto = :upto"
            " WHERE platform = :platform AND room = :room",
            [{"subscription": subscription, "list_name": list_name, "upto": upto, "platform": platform, "room": room}],
        )


def _pages(query: str) -> Iterator[list[Row]]:
    """What a query by id finds, a page at a time."""
    after = 0
    while rows := op.get_bind().execute(sa.text(query), {"after": after, "many": PAGE}).mappings().all():
        after = rows[-1]["id"]
        yield [dict(row) for row in rows]


def _run(statement: str, rows: Sequence[Row]) -> None:
    if rows:
        op.get_bind().execute(sa.text(statement), rows)
