"""What persons have done, counted while mails come and go: to count it when somebody asks would take a second."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Row, and_, delete, exists, func, or_, select, update

from chatbot.mail.subject import Subject
from chatbot.store import tables
from chatbot.store.batch import Entry
from chatbot.store.entry import gives
from chatbot.store.tables import ALL_LISTS

_CONTRIBUTION = """
    INSERT INTO contribution (list_id, person_id, mails, counted, patches, replies, newest)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (list_id, person_id) DO UPDATE SET
        mails = contribution.mails + excluded.mails,
        counted = contribution.counted + excluded.counted,
        patches = contribution.patches + excluded.patches,
        replies = contribution.replies + excluded.replies,
        newest = CASE WHEN contribution.newest > excluded.newest THEN contribution.newest ELSE excluded.newest END
"""
_GIVEN = """
    INSERT INTO given (person_id, kind, tags) VALUES (?, ?, ?)
    ON CONFLICT (person_id, kind) DO UPDATE SET tags = given.tags + excluded.tags
"""


class Credit(NamedTuple):
    """Whom a mail is counted for, when it came in, and as what; `given` are kinds of tags."""

    sender_id: int
    author_id: int
    received: int
    counted: int
    patches: int
    replies: int
    given: tuple[str, ...] = ()

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Of a mail that was just read."""
        return cls(
            entry.sender_id,
            entry.author_id,
            entry.received,
            entry.counted,
            entry.patches,
            entry.replies,
            tuple(entry.given),
        )

    @classmethod
    def on_a_list(cls, mail: Any) -> Self:
        """Of a mail that the index has, on one more list; its tags were counted when it came."""
        subject = Subject.parse(mail.subject)
        patches = int(mail.is_patch and subject.part != 0)
        return cls(mail.sender_id, mail.author_id, mail.received, int(subject.counted), patches, int(not mail.is_patch))


class Sums:
    """Sums that are to be written."""

    def __init__(self) -> None:
        # Lists and person: mails, counted, patches, replies, and when the newest came in.
        self._contributions: dict[tuple[tuple[int, ...], int], tuple[int, int, int, int, int]] = {}
        self._given: Counter[tuple[int, str]] = Counter()

    def count(self, list_ids: tuple[int, ...], credit: Credit) -> None:
        """Count a mail for its sender and its author, on each of these lists; ALL_LISTS are all together."""
        for person_id in {credit.sender_id, credit.author_id}:
            wrote, sent = person_id == credit.author_id, person_id == credit.sender_id
            had = self._contributions.get((list_ids, person_id), (0, 0, 0, 0, 0))
            self._contributions[list_ids, person_id] = (
                had[0] + 1,
                had[1] + (credit.counted and wrote),
                had[2] + credit.patches * wrote,
                had[3] + credit.replies * sent,
                max(had[4], credit.received),
            )
        if credit.given and ALL_LISTS in list_ids:
            self._given.update((credit.sender_id, kind) for kind in credit.given)

    def write(self, connection: Connection) -> None:
        """Add them to what the tables have."""
        contributions = [
            (list_id, person_id, *what)
            for (list_ids, person_id), what in self._contributions.items()
            for list_id in list_ids
        ]
        _upsert(connection, _CONTRIBUTION, contributions)
        _upsert(connection, _GIVEN, [(*what, tags) for what, tags in self._given.items()])


def discount(connection: Connection, list_ids: Iterable[int], mail: Row[Any]) -> None:
    """Take a mail out of the sums. What was somebody's only mail leaves no sum."""
    table = tables.contribution
    subject = Subject.parse(mail.subject)
    for list_id in list_ids:
        for person_id in {mail.sender_id, mail.author_id}:
            here = and_(table.c.list_id == list_id, table.c.person_id == person_id)
            wrote, sent = person_id == mail.author_id, person_id == mail.sender_id
            less = {
                "mails": table.c.mails - 1,
                "counted": table.c.counted - int(subject.counted and wrote),
                "patches": table.c.patches - int(mail.is_patch and subject.part != 0 and wrote),
                "replies": table.c.replies - int(not mail.is_patch and sent),
            }
            connection.execute(update(table).where(here).values(less))
            connection.execute(delete(table).where(here, table.c.mails <= 0))
            newest = _newest(list_id, person_id, mail.id)
            connection.execute(update(table).where(here).values(newest=newest))
        if list_id == ALL_LISTS and not mail.is_patch:
            _take_back(connection, mail)


def _take_back(connection: Connection, mail: Row[Any]) -> None:
    """The tags that a mail gave were not given."""
    tag, given = tables.tag.c, tables.given.c
    box = connection.execute(select(tables.person.c.mailbox).where(tables.person.c.id == mail.sender_id)).scalar_one()
    for kind, value in connection.execute(select(tag.kind, tag.value).where(tag.mail_id == mail.id)).all():
        if gives(kind, value, box):
            here = and_(given.person_id == mail.sender_id, given.kind == kind)
            connection.execute(update(tables.given).where(here).values(tags=given.tags - 1))
            connection.execute(delete(tables.given).where(here, given.tags <= 0))


def _newest(list_id: int, person_id: int, without: int) -> Any:
    """When a person's newest mail but one came in, to be worked out by the database."""
    mail, seen = tables.mail.c, tables.seen.c
    theirs = and_(or_(mail.author_id == person_id, mail.sender_id == person_id), mail.id != without)
    query = select(func.coalesce(func.max(mail.received), 0)).where(theirs)
    if list_id != ALL_LISTS:
        query = query.where(exists().where(seen.mail_id == mail.id, seen.list_id == list_id))
    return query.scalar_subquery()


def _upsert(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        mark = "%s" if connection.dialect.name == "postgresql" else "?"
        connection.exec_driver_sql(statement.replace("?", mark), rows)
