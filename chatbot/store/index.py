"""The index: every mail of every list, once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, ScalarSelect, bindparam, func, insert, select, update

from chatbot.chat.post import printable
from chatbot.mail.mail import Mail
from chatbot.mail.person import Person
from chatbot.sources.source import Commit, Mark, Span
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.rows import CHUNK, SELECT_MAILS, add_mail, inserted_id, load_mails, posting_key
from chatbot.store.tables import moment, seconds

_FIND_MAIL = select(tables.mail.c.id).where(tables.mail.c.message_id == bindparam("message_id"))

_FIND_SEEN = select(tables.seen.c.id).where(
    tables.seen.c.list_id == bindparam("list_id"), tables.seen.c.mail_id == bindparam("mail_id")
)
_INSERT_SEEN = insert(tables.seen)


@dataclass(frozen=True, slots=True)
class Added:
    """What an ingest brought: mails read, and how many of them were there already."""

    mails: int
    duplicates: int
    defects: int

    def plus(self, other: "Added") -> "Added":
        """Both together."""
        return Added(self.mails + other.mails, self.duplicates + other.duplicates, self.defects + other.defects)


@dataclass(frozen=True, slots=True)
class Share:
    """A stretch of a list in the index: its commits and its mails, and those `earlier` mails that were posted together
    with some of them.
    """

    spans: tuple[Span, ...]
    mails: tuple[Mail, ...]
    earlier: tuple[Mail, ...]


class Index:
    """Mails in, mails out. Each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def mark(self, list_name: str) -> Mark:
        """How far the list has been read."""
        with reading(self._engine) as connection:
            query = select(tables.mark).join(tables.mailing_list).where(tables.mailing_list.c.name == list_name)
            return {row.epoch: row.commit for row in connection.execute(query)}

    def add(self, list_name: str, mails: Sequence[tuple[Commit, Mail]]) -> Added:
        """Write the next mails of a list and move its mark to the last of them, or neither."""
        with writing(self._engine) as connection:
            list_id = _list_id(connection, list_name)
            people: dict[Person, int] = {}
            duplicates = 0
            for commit, mail in mails:
                mail_id = connection.execute(_FIND_MAIL, {"message_id": printable(mail.message_id)}).scalar()
                if mail_id is None:
                    mail_id = add_mail(connection, mail, people)
                here = {"list_id": list_id, "mail_id": mail_id}
                if connection.execute(_FIND_SEEN, here).scalar() is None:
                    connection.execute(_INSERT_SEEN, {**here, "epoch": commit.epoch, "commit": commit.id})
                else:
                    duplicates += 1
            for epoch, reached in {commit.epoch: commit.id for commit, _ in mails}.items():
                _set_mark(connection, list_id, epoch, reached)
        return Added(len(mails), duplicates, sum(bool(mail.defects) for _, mail in mails))

    def newest(self, list_name: str) -> int:
        """The row of `seen` of the list's newest mail; 0 where there is none."""
        with reading(self._engine) as connection:
            query = select(func.max(tables.seen.c.id)).where(tables.seen.c.list_id == _known_list(list_name))
            return connection.execute(query).scalar() or 0

    def newest_received(self, list_name: str) -> datetime | None:
        """When the list's newest mail came in; None where there is none."""
        with reading(self._engine) as connection:
            query = (
                select(func.max(tables.mail.c.received))
                .join(tables.seen, tables.seen.c.mail_id == tables.mail.c.id)
                .where(tables.seen.c.list_id == _known_list(list_name))
            )
            found = connection.execute(query).scalar()
        return moment(found) if found is not None else None

    def share(self, list_name: str, *, after: int, upto: int) -> Share:
        """The list's mails after one row of `seen` up to another."""
        rows = tables.seen.c
        return self._share(list_name, (rows.id > after, rows.id <= upto))

    def received_between(
        self, list_name: str, since: datetime, until: datetime | None = None, *, upto: int | None = None
    ) -> Share:
        """The list's mails that came in from `since` on, before `until`, up to a row of `seen`."""
        which = [tables.mail.c.received >= seconds(since)]
        if until is not None:
            which.append(tables.mail.c.received < seconds(until))
        if upto is not None:
            which.append(tables.seen.c.id <= upto)
        return self._share(list_name, tuple(which))

    def newest_mails(self, list_name: str, count: int) -> Share:
        """The list's newest `count` mails."""
        rows = tables.seen.c
        newest = select(rows.id).where(rows.list_id == _known_list(list_name)).order_by(rows.id.desc()).limit(count)
        return self._share(list_name, (rows.id.in_(newest),))

    def _share(self, list_name: str, which: tuple[ColumnElement[bool], ...]) -> Share:
        rows = tables.seen.c
        here = rows.list_id == _known_list(list_name)
        joined = SELECT_MAILS.join(tables.seen, rows.mail_id == tables.mail.c.id).where(here)
        ends = select(func.min(rows.id), func.max(rows.id)).join(tables.mail).where(here, *which)
        with reading(self._engine) as connection:
            first, last = connection.execute(ends).one()
            if first is None:
                return Share((), (), ())
            mails = load_mails(connection, joined.where(*which).order_by(rows.id))
            keys = sorted({posting_key(mail) for mail in mails if mail.patch and mail.subject.numbered})
            earlier: list[Mail] = []
            for start in range(0, len(keys), CHUNK):
                chunk = tables.mail.c.posting.in_(keys[start : start + CHUNK])
                earlier += load_mails(connection, joined.where(rows.id < first, chunk).order_by(rows.id))
            spans = tuple(_spans(connection, list_name, first, last))
        return Share(spans, tuple(mails), tuple(earlier))


def _known_list(name: str) -> ScalarSelect[int]:
    return select(tables.mailing_list.c.id).where(tables.mailing_list.c.name == name).scalar_subquery()


def _list_id(connection: Connection, name: str) -> int:
    found = connection.execute(select(tables.mailing_list.c.id).where(tables.mailing_list.c.name == name)).scalar()
    if found is not None:
        return int(found)
    return inserted_id(connection.execute(insert(tables.mailing_list), {"name": name}))


def _set_mark(connection: Connection, list_id: int, epoch: int, commit: str) -> None:
    here = (tables.mark.c.list_id == list_id, tables.mark.c.epoch == epoch)
    if not connection.execute(update(tables.mark).where(*here).values(commit=commit)).rowcount:
        connection.execute(insert(tables.mark), {"list_id": list_id, "epoch": epoch, "commit": commit})


def _spans(connection: Connection, list_name: str, first: int, last: int) -> Iterable[Span]:
    """The commits of each epoch that the rows of `seen` from the first to the last came from."""
    rows = tables.seen.c
    here = rows.list_id == _known_list(list_name)
    ends = select(rows.epoch, func.min(rows.id).label("first"), func.max(rows.id).label("last"))
    in_range = ends.where(here, rows.id >= first, rows.id <= last).group_by(rows.epoch).order_by(rows.epoch)
    for row in connection.execute(in_range).all():
        earlier = select(rows.commit).where(here, rows.epoch == row.epoch, rows.id < row.first)
        before = connection.execute(earlier.order_by(rows.id.desc()).limit(1)).scalar()
        yield Span(row.epoch, before, connection.execute(select(rows.commit).where(rows.id == row.last)).scalar_one())
