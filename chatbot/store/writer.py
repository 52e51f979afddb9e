"""Changes to one list in one transaction: mails that come, and mails that go.

A mail is stored once and seen on each list. Its words go into the full-text index, its author into the sums, its files
into the directories; whatever adds a mail here has its counterpart that takes it out again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from chatbot.store import fulltext, removal, tables
from chatbot.store.batch import MAIL_COLUMNS, Batch, Counts, Entry
from chatbot.store.bulk import add_rows, insert_rows
from chatbot.store.entry import SEARCHED, reviews_told
from chatbot.store.rows import by_ids, chunks, tags_of
from chatbot.store.sums import Credit, Sums
from chatbot.store.tables import ALL_LISTS

# Begins the blob of a mail that was read before blobs were noted, see migrations/versions/v0002.py.
UNKNOWN = "?"
_MAIL = ("id", *MAIL_COLUMNS)
_BODY, _TAG, _TOUCHED, _SEEN = (
    tuple(table.c.keys()) for table in (tables.body, tables.tag, tables.touched, tables.seen)
)


@dataclass(frozen=True, slots=True)
class Added:
    """What an ingest brought: mails read, those new on the list, those whose Message-ID was there, those with something
    amiss, and mails that the archive took out.
    """

    mails: int = 0
    kept: int = 0
    duplicates: int = 0
    defects: int = 0
    removed: int = 0

    def plus(self, other: "Added") -> "Added":
        """Both together."""
        return Added(
            self.mails + other.mails,
            self.kept + other.kept,
            self.duplicates + other.duplicates,
            self.defects + other.defects,
            self.removed + other.removed,
        )


@dataclass(slots=True)
class _Known:
    """A mail that the index has: its row, what it was read from, whom it is counted for and as what, and its place on
    this list, if it has one.

    `doubtful`: the list's archive was rewritten, and has not got the mail in that place any more.
    """

    id: int
    blob: str
    credit: Credit
    counts: Counts
    seen_id: int | None = None
    seen_blob: str = ""
    place: tuple[int, str] = (0, "")
    doubtful: bool = False


@dataclass(slots=True)
class _Rows:
    """What is to be written at once."""

    persons: set[int] = field(default_factory=set)
    directories: set[int] = field(default_factory=set)
    mails: list[tuple[Any, ...]] = field(default_factory=list)
    tags: list[tuple[Any, ...]] = field(default_factory=list)
    touched: list[tuple[Any, ...]] = field(default_factory=list)
    titles: list[tuple[int, str]] = field(default_factory=list)
    bodies: list[tuple[int, str]] = field(default_factory=list)
    seen: list[tuple[Any, ...]] = field(default_factory=list)
    copies: list[tuple[Any, ...]] = field(default_factory=list)
    unread: list[tuple[Any, ...]] = field(default_factory=list)


class Writer:
    """One list's mails, within a transaction that writes."""

    def __init__(self, connection: Connection, list_id: int) -> None:
        self._connection = connection
        self._list_id = list_id
        # Nor does a mail get the number of one that is gone, as far as mails have been followed.
        self._mail_id = _newest(connection, tables.mail.c.id, tables.tracking.c.upto)
        self._seen_id = _newest(connection, tables.seen.c.id, tables.mailing_list.c.forgotten)

    def add(self, batch: Batch) -> Added:
        """Take in what a chunk of commits brings, in its order."""
        total = Added()
        run: list[Entry] = []
        for entry in batch.entries:
            if entry.removed:
                total = total.plus(self._add_run(run, batch)).plus(Added(removed=self._remove(entry)))
                run = []
            else:
                run.append(entry)
        return total.plus(self._add_run(run, batch))

    def have_read(self, epoch: int, commits: Sequence[str]) -> None:
        """What was to be read again, and now has been, is no more to be."""
        unread = tables.unread.c
        for few in chunks(commits):
            here = and_(unread.list_id == self._list_id, unread.epoch == epoch)
            self._connection.execute(delete(tables.unread).where(here, unread.commit.in_(few)))

    def marks(self) -> dict[int, str]:
        """Up to which commit each epoch has been read."""
        query = select(tables.mark.c.epoch, tables.mark.c.commit).where(tables.mark.c.list_id == self._list_id)
        return {row.epoch: row.commit for row in self._connection.execute(query)}

    def move_mark(self, batch: Batch) -> None:
        """Note how far the epoch has been read."""
        table = tables.mark
        gone = {entry.blob for entry in batch.entries if entry.removed}
        there = (entry for entry in reversed(batch.entries) if not entry.lost and entry.blob not in gone)
        newest = next(there, None)
        values: dict[str, Any] = {"commit": batch.reached}
        if newest:
            values |= {"message_id": newest.message_id, "date": newest.received}
        here = and_(table.c.list_id == self._list_id, table.c.epoch == batch.epoch)
        if not self._connection.execute(update(table).where(here).values(values)).rowcount:
            self._connection.execute(insert(table), {"list_id": self._list_id, "epoch": batch.epoch, **values})

    def _add_run(self, entries: Sequence[Entry], batch: Batch) -> Added:
        """Mails one after the other, with no removal among them."""
        rows = _Rows()
        known = self._known(entries)
        sums = Sums()
        kept = duplicates = 0
        for entry in entries:
            if entry.lost:
                rows.unread.append((self._list_id, entry.epoch, entry.commit, entry.blob))
                continue
            there = known.get(entry.message_id)
            counts_for: tuple[int, ...] = (self._list_id,)
            if there is None:
                self._mail_id += 1
                there = known[entry.message_id] = _Known(self._mail_id, entry.blob, Credit.of(entry), entry.counts)
                _rows_of(entry, self._mail_id, rows)
                counts_for = (ALL_LISTS, self._list_id)
            elif not there.blob or (there.doubtful and there.blob == there.seen_blob != entry.blob):
                removal.write_anew(self._connection, there.id, entry)
                _names_of(entry, rows)
                there.blob, there.credit, there.counts = entry.blob, Credit.of(entry), entry.counts
            if there.seen_id is not None:
                if there.doubtful:
                    self._settle(there, entry)
                elif there.place != (entry.epoch, entry.commit):
                    duplicates += 1
                    rows.copies.append((self._list_id, entry.epoch, entry.commit, there.id, entry.blob))
                continue
            self._seen_id += 1
            kept += 1
            there.seen_id, there.seen_blob, there.place = self._seen_id, entry.blob, (entry.epoch, entry.commit)
            place = (entry.epoch, entry.commit, entry.blob)
            rows.seen.append((self._seen_id, self._list_id, there.id, entry.received, *there.counts, *place))
            sums.count(counts_for, there.credit)
        self._insert(rows)
        add_rows(self._connection, tables.person, [row for row in batch.persons if row[0] in rows.persons])
        add_rows(self._connection, tables.directory, [row for row in batch.directories if row[0] in rows.directories])
        sums.write(self._connection)
        return Added(len(entries), kept, duplicates, sum(entry.counts[-1] for entry in entries))

    def _remove(self, entry: Entry) -> int:
        """What an archive takes out, by its bytes: under its Message-ID, or under whatever there is; how many mails."""
        found = self._known([entry]).get(entry.message_id)
        if found and found.seen_id is not None and found.seen_blob[:1] == UNKNOWN:
            removal.forget(self._connection, self._list_id, found.seen_id)
            return 1
        removed = removal.forget_blob(self._connection, self._list_id, entry.blob, found.id) if found else 0
        return removed or removal.forget_blob(self._connection, self._list_id, entry.blob)

    def _known(self, entries: Sequence[Entry]) -> dict[str, _Known]:
        """The mails among these that the index has, by Message-ID."""
        ids = {entry.message_id for entry in entries}
        keys = [entry.key for entry in entries]
        mail, seen = tables.mail.c, tables.seen.c
        here = and_(seen.mail_id == mail.id, seen.list_id == self._list_id)
        found: dict[str, _Known] = {}
        whom = (mail.sender_id, mail.author_id, mail.received, mail.subject, mail.is_patch, mail.is_reply, mail.defects)
        place = (seen.id.label("seen_id"), seen.blob.label("seen_blob"), seen.epoch, seen.commit)
        both = tables.mail.outerjoin(tables.seen, here)
        query = select(mail.message_id, mail.id, mail.blob, *whom, *place).select_from(both)
        rows = [row for row in by_ids(self._connection, query, mail.key, keys) if row.message_id in ids]
        tags = tags_of(self._connection, [row.id for row in rows if not row.is_patch])
        for row in rows:
            credit, lies = Credit.on_a_list(row), (row.epoch, row.commit)
            reviews = reviews_told(tags.get(row.id, ()))
            kinds = (bool(credit.counted), reviews, row.is_patch, row.is_reply, bool(row.defects))
            counts = (row.sender_id, row.author_id, *kinds)
            found[row.message_id] = _Known(row.id, row.blob, credit, counts, row.seen_id, row.seen_blob, lies)
        doubtful = self._doubtful({known.seen_id for known in found.values() if known.seen_id is not None})
        for known in found.values():
            known.doubtful = known.seen_id in doubtful
        return found

    def _doubtful(self, seen_ids: set[int]) -> set[int]:  # noqa: ARG002  # a rewriting knows more, see rewriting.py
        """Which of these places are not sure any more."""
        return set()

    def _settle(self, known: _Known, entry: Entry) -> None:
        """A mail that lay elsewhere was found again."""
        place = {"epoch": entry.epoch, "commit": entry.commit, "blob": entry.blob}
        self._connection.execute(update(tables.seen).where(tables.seen.c.id == known.seen_id).values(place))
        known.place, known.seen_blob, known.doubtful = (entry.epoch, entry.commit), entry.blob, False

    def _insert(self, rows: _Rows) -> None:
        connection = self._connection
        insert_rows(connection, "mail", _MAIL, rows.mails)
        insert_rows(connection, "body", _BODY, rows.bodies)
        insert_rows(connection, "tag", _TAG, rows.tags)
        insert_rows(connection, "touched", _TOUCHED, rows.touched)
        fulltext.add_texts(connection, fulltext.TITLES, rows.titles)
        fulltext.add_texts(connection, fulltext.TEXTS, [(one, text[:SEARCHED]) for one, text in rows.bodies if text])
        insert_rows(connection, "seen", _SEEN, rows.seen)
        add_rows(connection, tables.copy, rows.copies)
        add_rows(connection, tables.unread, rows.unread)


def _newest(connection: Connection, given: ColumnElement[int], gone: ColumnElement[int]) -> int:
    """The highest number that was given to any."""
    numbers = select(func.max(given)).union(select(func.max(gone)))
    return max(number or 0 for number in connection.execute(numbers).scalars())


def _rows_of(entry: Entry, mail_id: int, rows: _Rows) -> None:
    """A new mail's rows, all but its place on the list."""
    _names_of(entry, rows)
    rows.mails.append((mail_id, *entry.row))
    rows.tags += [(mail_id, *tag) for tag in entry.tags]
    rows.touched += [(directory, entry.received, mail_id) for directory in entry.directories]
    if entry.title:
        rows.titles.append((mail_id, entry.title))
    rows.bodies.append((mail_id, entry.text))


def _names_of(entry: Entry, rows: _Rows) -> None:
    """Whom and what a mail's rows name. What is only named by a mail that is not kept is not kept either."""
    rows.persons.add(entry.sender_id)
    rows.persons.add(entry.author_id)
    rows.directories.update(entry.directories)
