"""What happened on a list in a stretch of it, as the index tells it: what digests are made of."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import starmap
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, func, or_, select

from chatbot.mail.chronicle import ARRIVING, FORGOTTEN_AFTER, Chronicle, Earlier, Talk
from chatbot.mail.part import Part
from chatbot.mail.people import People
from chatbot.mail.standing import Standing
from chatbot.mail.state import STALE_AFTER, business_day_before
from chatbot.mail.subject import Subject
from chatbot.mail.totals import Totals
from chatbot.store import tables
from chatbot.store.database import reading
from chatbot.store.following import look_up, rules_of
from chatbot.store.index import known_list
from chatbot.store.rows import CHUNK, SELECT_PARTS, by_ids, make_parts, persons_of
from chatbot.store.sent import sent
from chatbot.store.standings import Home, decode
from chatbot.store.stretches import Stretch, conditions
from chatbot.store.tables import moment, seconds
from chatbot.store.threads import named

# So many of those that wait are looked at, the newest: more than any digest shows.
WAITING = 100


class Chronicles:
    """Questions to the index for digests. Each call is one transaction that reads."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def of(
        self, stretch: Stretch, people: People, at: datetime, *, silent_after: int, letters: bool = False
    ) -> Chronicle:
        """What happened there, as it stood at that moment. `silent_after` so many business days without an answer a
        posting is `silent`; `letters` are for the classic text.
        """
        with reading(self._engine) as connection, _without_looking_for_garbage():
            return _Reading(connection, stretch, people, at).chronicle(silent_after, letters=letters)


class _Row(NamedTuple):
    """A mail of the stretch, by its place on the list, and where it is kept to belong. Quicker to look into than what
    SQLAlchemy makes.
    """

    place: int
    id: int
    message_id: str
    author_id: int
    received: int
    is_patch: bool
    is_reply: bool
    is_defective: bool
    head_id: int | None
    who: str | None


class _Reading:
    """One chronicle on its way."""

    def __init__(self, connection: Connection, stretch: Stretch, people: People, at: datetime) -> None:
        self._connection = connection
        self._people = people
        self._at = at
        seen = tables.seen.c
        self._here = seen.list_id == known_list(stretch.list_name)
        self._which = (self._here, *conditions(stretch))
        self._stretch = stretch
        self._rows = self._mails()
        self._ids = frozenset(row.message_id for row in self._rows)
        self._authors = persons_of(connection, {row.author_id for row in self._rows})

    def chronicle(self, silent_after: int, *, letters: bool) -> Chronicle:
        totals = self._totals()
        if not self._rows or totals.first is None:
            return Chronicle(totals)
        tracked = self._tracked()
        homes, known = self._known()
        posted, spoken_of = self._posted(homes, known), self._spoken_of(homes, known)
        since = min(self._stretch.since or totals.first, self._at)
        left_off = min(self._stretch.since or self._left_off(totals.first), self._at)
        horizon = business_day_before(self._at, silent_after + FORGOTTEN_AFTER)
        reviewed, silent, more = self._waiting(horizon, silent_after) if tracked else ((), (), 0)
        uncovered = []
        if not tracked:
            uncovered.append("what has long been waiting: it is not followed yet")
        elif tracked > horizon:
            uncovered.append(f"what has been waiting since before {tracked:%Y-%m-%d}")
        return Chronicle(
            totals=totals,
            ids=self._ids,
            sent=sent(self._connection, self._which, self._people),
            posted=posted,
            spoken_of=spoken_of,
            arriving=self._arriving(left_off) if tracked else (),
            reviewed=reviewed,
            silent=silent,
            more_silent=more,
            talks=tuple(self._talks(homes)),
            newcomers=self._newcomers(since),
            earlier=self._earlier(left_off),
            heads=self._heads() if letters else (),
            uncovered=tuple(uncovered),
        )

    def _mails(self) -> list["_Row"]:
        """The mails, in the order of the list; those that are to be read again left out."""
        seen, mail, belongs = tables.seen.c, tables.mail.c, tables.belongs
        query = (
            select(
                *(seen.id, mail.id, mail.message_id, mail.author_id, mail.received, mail.is_patch),
                *(seen.is_reply, seen.is_defective, belongs.c.head_id, belongs.c.who),
            )
            .join_from(tables.seen, tables.mail, seen.mail_id == mail.id)
            .outerjoin(belongs, belongs.c.mail_id == mail.id)
            .where(mail.blob != "", *self._which)
        )
        return sorted(starmap(_Row, self._connection.execute(query)))

    def _totals(self) -> Totals:
        if not self._rows:
            return Totals()
        times = [row.received for row in self._rows]
        return Totals(
            len(self._rows),
            sum(row.is_reply for row in self._rows),
            len({author.address.lower() for author in self._authors.values()}),
            sum(row.is_defective for row in self._rows),
            moment(min(times)),
            moment(max(times)),
        )

    def _known(self) -> tuple[dict[int, Home], dict[int, Standing]]:
        """Where the mails belong, and how those postings stood then."""
        mails = {row.id: row.message_id for row in self._rows}
        kept = {row.id: Home(row.head_id, row.who) for row in self._rows if row.head_id is not None}
        found = look_up(self._connection, mails, self._people, kept)
        return found.homes, {head_id: standing.at(self._at) for head_id, standing in found.standings.items()}

    def _posted(self, homes: Mapping[int, Home], known: Mapping[int, Standing]) -> tuple[Standing, ...]:
        """The postings that began in the stretch, in the order of the list: none of their mails came before it."""
        heads = dict.fromkeys(
            homes[row.id].head_id for row in self._rows if row.is_patch or homes[row.id].head_id == row.id
        )
        standings = [known[head_id] for head_id in heads if head_id in known]
        own = {one.mail: {one.mail, *(piece.mail for piece in one.pieces)} - self._ids for one in standings}
        elsewhere, mail, seen = sorted(set().union(*own.values())), tables.mail.c, tables.seen.c
        before: set[str] = set()
        for start in range(0, len(elsewhere), CHUNK // 2):
            earlier = exists().where(seen.mail_id == mail.id, self._here, seen.id < self._stretch.first)
            query = select(mail.message_id).where(*named(elsewhere[start : start + CHUNK // 2]), earlier)
            before.update(self._connection.execute(query).scalars())
        return tuple(one for one in standings if not own[one.mail] & before)

    def _spoken_of(self, homes: Mapping[int, Home], known: Mapping[int, Standing]) -> tuple[Standing, ...]:
        heads = dict.fromkeys(homes[row.id].head_id for row in self._rows if not row.is_patch)
        found = (known[head_id] for head_id in heads if head_id in known)
        return tuple(one for one in found if any(remark.mail in self._ids for remark in one.remarks))

    def _talks(self, homes: Mapping[int, Home]) -> Iterator[Talk]:
        said: dict[int, list[str]] = {}
        for row in self._rows:
            home = homes[row.id]
            if home.who is not None and home.head_id != row.id:
                said.setdefault(home.head_id, []).append(home.who)
        lively = {head_id: who for head_id, who in said.items() if len(set(who)) > 1}
        mail = tables.mail.c
        query = select(mail.id, mail.message_id, mail.subject, mail.lead)
        for head_id, message_id, subject, lead in by_ids(self._connection, query, mail.id, sorted(lively)):
            who = lively[head_id]
            yield Talk(message_id, Subject.split(subject, lead), len(set(who)), len(who))

    def _tracked(self) -> datetime | None:
        """Since when all postings are followed; None where none are, or by other rules."""
        row = self._connection.execute(select(tables.tracking)).first()
        return moment(row.since) if row and row.rules == rules_of(self._people) else None

    def _waiting(self, horizon: datetime, silent_after: int) -> tuple[tuple[Standing, ...], tuple[Standing, ...], int]:
        """The newest postings whose reviews are complete, the newest that nobody answered, and how many more of these
        there are.
        """
        standing, at = tables.standing.c, seconds(self._at)

        def not_yet(column: ColumnElement[int]) -> ColumnElement[bool]:
            return or_(column.is_(None), column > at)

        seen = tables.seen.c
        on_list = exists().where(seen.mail_id == standing.head_id, self._here)
        opened = and_(standing.received >= seconds(horizon), not_yet(standing.closed), not_yet(standing.applied))
        silent = and_(
            opened,
            standing.received <= seconds(business_day_before(self._at, silent_after)),
            not_yet(standing.answered),
        )
        approved = and_(
            not_yet(standing.closed),
            not_yet(standing.applied),
            standing.received >= seconds(self._at - STALE_AFTER),
            standing.reviewed.between(seconds(business_day_before(self._at, FORGOTTEN_AFTER)), at),
        )
        found = []
        for which, newest in ((approved, standing.reviewed), (silent, standing.received)):
            query = (
                select(standing.document)
                .where(which, on_list, standing.document != "")
                .order_by(newest.desc(), standing.head_id)
            )
            documents = self._connection.execute(query.limit(WAITING)).scalars()
            found.append(tuple(decode(document).at(self._at) for document in documents))
        total = self._connection.execute(
            select(func.count()).select_from(tables.standing).where(silent, on_list, standing.document != "")
        ).scalar_one()
        reviewed, unanswered = found
        return reviewed, unanswered, total - len(unanswered)

    def _arriving(self, since: datetime) -> tuple[Standing, ...]:
        """The postings of the hours before of which parts could still come."""
        standing, seen = tables.standing.c, tables.seen.c
        on_list = exists().where(seen.mail_id == standing.head_id, self._here)
        hours = standing.received.between(seconds(since - ARRIVING), seconds(since) - 1)
        query = select(standing.document).where(hours, on_list, standing.document != "").order_by(standing.head_id)
        found = (decode(document).at(self._at) for document in self._connection.execute(query).scalars())
        return tuple(one for one in found if one.newest + ARRIVING >= since)

    def _left_off(self, first: datetime) -> datetime:
        """Where the stretch begins that nobody gave a time: behind the mail before it, so that a silence counts."""
        seen = tables.seen.c
        rows = select(seen.received).where(self._here, seen.id < self._stretch.first).order_by(seen.id.desc())
        received = self._connection.execute(rows.limit(1)).scalar()
        return first if received is None else min(first, moment(received + 1))

    def _earlier(self, since: datetime) -> Earlier | None:
        """The stretch before, of the same length; None where the list does not go back so far."""
        seen = tables.seen.c
        before = since - (self._at - since)
        oldest = select(func.min(seen.received)).where(self._here)
        if before >= since or (self._connection.execute(oldest).scalar() or 0) > seconds(before):
            return None
        which = (self._here, seen.received >= seconds(before), seen.received < seconds(since))
        earlier = sent(self._connection, which, self._people)
        return Earlier(sum(one.mails for one in earlier), earlier)

    def _newcomers(self, since: datetime) -> frozenset[str] | None:
        """Whose first patch is in the stretch; None where what came before is too little to tell."""
        mail, person, seen = tables.mail.c, tables.person.c, tables.seen.c
        oldest = self._connection.execute(select(func.min(seen.received)).where(self._here)).scalar()
        if oldest is None or oldest > seconds(since - STALE_AFTER):
            return None
        boxes: dict[str, str] = {}
        for author in map(self._authors.__getitem__, {row.author_id for row in self._rows if row.is_patch}):
            identity = self._people.identity(author)
            for box in {author.address.lower(), *self._people.mailmap.addresses_of(author)}:
                boxes[box] = identity
        earlier = exists().where(mail.author_id == person.id, mail.received < seconds(since), mail.is_patch)
        query = select(person.mailbox).where(earlier)
        known = {boxes[box] for (box,) in by_ids(self._connection, query, person.mailbox, sorted(boxes))}
        return frozenset(boxes.values()) - known

    def _heads(self) -> tuple[Part, ...]:
        """The mails that speak for a posting, in the order of the list."""
        mail = tables.mail.c
        speaking = [row.id for row in self._rows if row.is_patch]
        query = SELECT_PARTS.where(mail.speaks).add_columns(mail.id)
        places = {row.id: row.place for row in self._rows}
        rows = sorted(by_ids(self._connection, query, mail.id, sorted(speaking)), key=lambda row: places[row[-1]])
        return tuple(make_parts(self._connection, rows))


@contextmanager
def _without_looking_for_garbage() -> Iterator[None]:
    """Thousands of values are made that are all kept, and have no cycles: to look at them again and again would take a
    fifth of a digest's time. Threads may do this at once: the first that began ends it.
    """
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()
