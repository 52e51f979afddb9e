"""Stretches of a list: which of its mails a digest is about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ColumnElement, Connection, Engine, and_, exists, func, insert, literal_column, select

from chatbot.sources.source import Span
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.index import known_list
from chatbot.store.rows import chunks
from chatbot.store.tables import moment, seconds
from chatbot.store.threads import named, rows_named


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some mails of a list: by their rows of `seen`, from the first to the last, none up to `behind`, and by when they
    came in: from `since` on, before `until`. `spans` are the commits that hold them, `newest` is when the last of them
    came in.
    """

    list_name: str
    first: int = 0
    last: int = -1
    since: datetime | None = None
    until: datetime | None = None
    spans: tuple[Span, ...] = ()
    newest: datetime | None = None
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail is: on which list, at which row of `seen`, in which commit of which epoch; and when it came in."""

    message_id: str
    list_name: str
    row: int
    epoch: int
    commit: str
    received: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A digest that was shown: its id, what it was about, and how it stood at which moment."""

    id: str
    stretch: Stretch
    at: datetime


class Stretches:
    """Each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def after(self, list_name: str, row: int, upto: int) -> Stretch:
        """The list's mails after one row of `seen` up to another."""
        seen = tables.seen.c
        return self._stretch(Stretch(list_name, row + 1, upto), (seen.id > row, seen.id <= upto))

    def between(
        self,
        list_name: str,
        since: datetime | None,
        until: datetime | None = None,
        *,
        behind: int = 0,
        upto: int | None = None,
    ) -> Stretch:
        """The list's mails that came in from `since` on, before `until`, behind one row of `seen` up to another."""
        since, until = since and since.replace(microsecond=0), until and until.replace(microsecond=0)
        which = []
        if since is not None:
            which.append(tables.seen.c.received >= seconds(since))
        if until is not None:
            which.append(tables.seen.c.received < seconds(until))
        if upto is not None:
            which.append(tables.seen.c.id <= upto)
        if behind:
            which.append(tables.seen.c.id > behind)
        return self._stretch(Stretch(list_name, since=since, until=until, behind=behind), which)

    def count_before(self, list_name: str, since: datetime, behind: int, upto: int) -> int:
        """How many of the list's mails behind one row of `seen` up to another came in before a time."""
        rows = tables.seen.c
        which = (rows.id > behind, rows.id <= upto, rows.received < seconds(since))
        with reading(self._engine) as connection:
            query = select(func.count()).where(rows.list_id == known_list(list_name), *which)
            return connection.execute(query).scalar_one()

    def count_after(self, list_name: str, row: int) -> int:
        """How many of the list's mails are behind a row of `seen`."""
        rows = tables.seen.c
        with reading(self._engine) as connection:
            query = select(func.count()).where(rows.list_id == known_list(list_name), rows.id > row)
            return connection.execute(query).scalar_one()

    def settled(self, list_name: str, before: datetime) -> int:
        """The newest row of `seen` that came in before a time; 0 where there is none."""
        rows = tables.seen.c
        with reading(self._engine) as connection:
            query = select(func.max(rows.id)).where(
                rows.list_id == known_list(list_name), rows.received < seconds(before)
            )
            return connection.execute(query).scalar() or 0

    def times(self, list_name: str, since: datetime, until: datetime) -> tuple[datetime, ...]:
        """When the list's mails of this time came in."""
        rows = tables.seen.c
        which = (rows.received >= seconds(since), rows.received < seconds(until))
        with reading(self._engine) as connection:
            query = select(rows.received).where(rows.list_id == known_list(list_name), *which).order_by(rows.received)
            return tuple(map(moment, connection.execute(query).scalars()))

    def mails_by(self, step: timedelta, count: int, list_name: str, until: datetime) -> tuple[int, ...]:
        """How many of the list's mails came in during each of the last so many steps before a time, oldest first."""
        with reading(self._engine) as connection:
            ago, which = _by(step, count, list_name, until)
            rows = connection.execute(select(ago, func.count()).where(*which).group_by(ago)).all()
        found = {number: amount for number, amount in rows}  # noqa: C416
        return tuple(found.get(number, 0) for number in reversed(range(count)))

    def postings_by(
        self, step: timedelta, count: int, list_name: str, until: datetime
    ) -> tuple[tuple[int, ...], tuple[int, ...], datetime | None]:
        """The same of series that humans began, and of later versions; and since when they are counted, if at all."""
        seen, standing = tables.seen.c, tables.standing.c
        with reading(self._engine) as connection:
            ago, which = _by(step, count, list_name, until)
            later = standing.later.is_not(None)
            query = select(ago, later, func.count()).join_from(
                tables.standing, tables.seen, standing.head_id == seen.mail_id
            )
            since = connection.execute(select(tables.tracking.c.since)).scalar()
            # Of what came before, some were put together by chance.
            counted = (*which, ~standing.bot, seen.received >= (0 if since is None else since))
            rows = connection.execute(query.where(*counted).group_by(ago, later)).all()
        found = {(number, bool(is_later)): amount for number, is_later, amount in rows}
        new, versions = (
            tuple(found.get((number, which), 0) for number in reversed(range(count))) for which in (False, True)
        )
        return new, versions, None if since is None else moment(since)

    def newest(self, list_name: str, count: int) -> Stretch:
        """The list's newest `count` mails."""
        rows = tables.seen.c
        newest = select(rows.id).where(rows.list_id == known_list(list_name)).order_by(rows.id.desc()).limit(count)
        return self._stretch(Stretch(list_name), (rows.id.in_(newest),))

    def places(self, message_ids: Iterable[str]) -> tuple[Place, ...]:
        """Where these mails are, in the order in which they came."""
        seen, mail, lists = tables.seen.c, tables.mail.c, tables.mailing_list.c
        query = (
            select(mail.message_id, lists.name, seen.id, seen.epoch, seen.commit, seen.received)
            .join_from(tables.seen, tables.mail, mail.id == seen.mail_id)
            .join(tables.mailing_list, lists.id == seen.list_id)
        )
        found: list[Place] = []
        with reading(self._engine) as connection:
            for few in chunks(sorted(set(message_ids)), 2):
                for mail_id, name, row, epoch, commit, received in connection.execute(query.where(*named(few))):
                    found.append(Place(mail_id, name, row, epoch, commit, moment(received)))
        return tuple(sorted(found, key=lambda one: one.row))

    def of_lineage(self, message_id: str, row: int) -> tuple[tuple[str, ...], int]:
        """The mails that were first seen after a row of `seen` and belong to the series with a mail, to any version, as
        far as that is kept: it is of what has come lately. In the order in which they came; and the row of the last.
        """
        seen, mail, belongs, standing = tables.seen.c, tables.mail.c, tables.belongs.c, tables.standing.c
        first = tables.seen.alias().c  # one mail is seen on many lists, and on some of them later
        with reading(self._engine) as connection:
            rows = rows_named(connection, [message_id]).values()
            head = select(belongs.head_id).where(belongs.mail_id.in_(rows)).scalar_subquery()
            lineage = select(standing.lineage_id).where(standing.head_id == head).scalar_subquery()
            versions = select(standing.head_id).where(standing.lineage_id == lineage)
            query = (
                select(mail.message_id, func.min(seen.id).label("row"))
                .join_from(tables.belongs, tables.seen, seen.mail_id == belongs.mail_id)
                .join(tables.mail, mail.id == belongs.mail_id)
                .where(belongs.head_id.in_(versions), seen.id > row)
                .where(~exists().where(first.mail_id == mail.id, first.id <= row))
                .group_by(mail.message_id)
                .order_by("row")
            )
            found = connection.execute(query).all()
        return tuple(one.message_id for one in found), max((one.row for one in found), default=row)

    def _stretch(self, asked: Stretch, which: Iterable[ColumnElement[bool]]) -> Stretch:
        rows, name = tables.seen.c, asked.list_name
        # The number is not asked for, but without it PostgreSQL walks from the newest mail down to the last of these.
        ends = select(func.min(rows.id), func.max(rows.id), func.max(rows.received), func.count())
        with reading(self._engine) as connection:
            query = ends.where(rows.list_id == known_list(name), *which)
            first, last, newest, _ = connection.execute(query).one()
            if first is None:
                return asked
            spans = tuple(_spans(connection, name, first, last))
            return replace(asked, first=first, last=last, spans=spans, newest=moment(newest))

    def remember(self, shown: Shown) -> None:
        """Keep what a digest was about, so that it can be shown again; what is kept takes no lock. Raises
        Unavailable.
        """
        stretch, table = shown.stretch, tables.digest
        known = select(table.c.id).where(table.c.id == shown.id)
        with reading(self._engine) as connection:
            if connection.execute(known).first():
                return
        values = {
            "id": shown.id,
            "list_name": stretch.list_name,
            "first": stretch.first,
            "last": stretch.last,
            "since": seconds(stretch.since) if stretch.since else None,
            "until": seconds(stretch.until) if stretch.until else None,
            "at": seconds(shown.at),
        }
        with writing(self._engine) as connection:
            if connection.execute(known).first() is None:
                connection.execute(insert(table), values)

    def remembered(self, digest_id: str) -> Shown | None:
        """The digest of this id, as far as there is still something of it; the id may be cut short, if it fits one."""
        table = tables.digest
        query = select(table).where(table.c.id.startswith(digest_id, autoescape=True)).limit(2)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        if len(rows) != 1:
            return None
        row = rows[0]
        since, until = (moment(time) if time is not None else None for time in (row.since, row.until))
        asked = Stretch(row.list_name, row.first, row.last, since, until)
        # A mail before the first may have got another time since.
        which = (tables.seen.c.id >= row.first, *conditions(asked))
        return Shown(row.id, self._stretch(asked, which), moment(row.at))


def conditions(stretch: Stretch) -> tuple[ColumnElement[bool], ...]:
    """Which rows of `seen` of its list these are."""
    seen = tables.seen.c
    within = [seen.id <= stretch.last]
    if stretch.behind:
        within.append(seen.id > stretch.behind)
    if stretch.since is not None:
        within.append(seen.received >= seconds(stretch.since))
    if stretch.until is not None:
        within.append(seen.received < seconds(stretch.until))
    # No mail before the first has these times; to say so, too, would have PostgreSQL expect a hundredth of the mails.
    return tuple(within) if len(within) > 1 else (seen.id >= stretch.first, *within)


def _by(
    step: timedelta, count: int, list_name: str, until: datetime
) -> tuple[ColumnElement[int], tuple[ColumnElement[bool], ...]]:
    """How many whole steps before `until` a row of `seen` came in; and those of a list in the last so many."""
    seen, end, each = tables.seen.c, seconds(until), int(step.total_seconds())
    which = (seen.list_id == known_list(list_name), seen.received >= end - count * each, seen.received < end)
    # Literally, so that what is grouped by is what is asked for.
    ago = (literal_column(str(end - 1), BigInteger) - seen.received) // literal_column(str(each), BigInteger)
    return ago, which


def _spans(connection: Connection, list_name: str, first: int, last: int) -> Iterable[Span]:
    """The commits of each epoch that the rows of `seen` from the first to the last came from."""
    rows = tables.seen.c
    here = rows.list_id == known_list(list_name)
    within = and_(here, rows.id >= first, rows.id <= last)
    marks = select(tables.mark.c.epoch).where(tables.mark.c.list_id == known_list(list_name))
    epochs: Sequence[int] = connection.execute(marks).scalars().all()
    if len(epochs) != 1:  # most lists have but one
        epochs = tuple(connection.execute(select(func.min(rows.epoch), func.max(rows.epoch)).where(within)).one())
    ends = [(epochs[0], first, last)]
    if epochs[0] != epochs[-1]:  # to sort the rows into epochs takes five times as long as to see that there is but one
        each = select(rows.epoch, func.min(rows.id), func.max(rows.id)).where(within)
        ends = list(map(tuple, connection.execute(each.group_by(rows.epoch).order_by(rows.epoch))))
    for epoch, begin, end in ends:
        earlier = select(rows.commit).where(here, rows.epoch == epoch, rows.id < begin)
        before = connection.execute(earlier.order_by(rows.id.desc()).limit(1)).scalar()
        yield Span(epoch, before, connection.execute(select(rows.commit).where(rows.id == end)).scalar_one())
