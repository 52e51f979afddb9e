"""What happened on a list in a stretch of it, as the index tells it: what digests are made of."""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import datetime
from itertools import starmap

from sqlalchemy import ColumnElement, Connection, Engine, and_, exists, func, or_, select

from chatbot.mail.chronicle import ARRIVING, FORGOTTEN_AFTER, LIVELY, Chronicle, Earlier, Talk, oldest_first, overdue
from chatbot.mail.deferred import Deferred
from chatbot.mail.part import Part
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.ranking import Sent
from chatbot.mail.standing import Standing
from chatbot.mail.state import STALE_AFTER, business_day_before
from chatbot.mail.subject import Subject
from chatbot.mail.totals import Totals
from chatbot.store import tables
from chatbot.store.database import reading
from chatbot.store.following import look_up, rules_of
from chatbot.store.index import known_list
from chatbot.store.rows import SELECT_PARTS, TOGETHER, by_ids, load_parts, persons_of
from chatbot.store.sent import Kind, Sum, sent, sums_of
from chatbot.store.shares import Share, kept_shares, placed, shares_of
from chatbot.store.spent import spent
from chatbot.store.standings import Home, Kept, load
from chatbot.store.stretches import Stretch, conditions
from chatbot.store.tables import moment, seconds
from chatbot.store.words import key_of

# So many of those that wait are looked at, the newest: more than people do.
WAITING = 25
_ARRIVING = int(ARRIVING.total_seconds())


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


class _Reading:
    """One chronicle on its way."""

    def __init__(self, connection: Connection, stretch: Stretch, people: People, at: datetime) -> None:
        self._connection = connection
        self._people = people
        self._at = at
        seen = tables.seen.c
        self._here = seen.list_id == known_list(stretch.list_name)
        # What is to be read again is nobody's.
        self._which = (self._here, seen.author_id != 0, *conditions(stretch))
        self._stretch = stretch
        # Since when all postings are followed; None where none are, or by other rules.
        row = connection.execute(select(tables.tracking)).first()
        self._tracked = moment(row.since) if row and row.rules == rules_of(people) else None
        # Who has been asked for, by their rows: most who write in a week wrote in the week before.
        self._persons: dict[int, Person] = {}
        # Where mails belong that are put together now, by their rows.
        self._homes: Mapping[int, Home] = {}

    def chronicle(self, silent_after: int, *, letters: bool) -> Chronicle:
        sums = sums_of(self._connection, self._which)
        if not sums:
            return Chronicle()
        written = self._sent(self._which, sums)
        totals = _totals(sums.values(), len({one.author.address.lower() for one in written}))
        first, last = totals.first or self._at, totals.last or self._at
        shares, known = self._kept(sums.values()) if self._tracked else self._put_together()
        begun = self._begun(shares, known)
        since = min(self._stretch.since or first, self._at)
        left_off = min(self._stretch.since or self._behind(self._stretch.first - 1) or first, self._at)
        end = min(self._stretch.until or self._behind(self._stretch.last) or last, self._at)
        horizon = business_day_before(self._at, silent_after + FORGOTTEN_AFTER)
        reviewed, silent, more = self._waiting(horizon, silent_after) if self._tracked else ((), (), 0)
        oldest = self._oldest()
        earlier, wrote_earlier = self._earlier(min(first, left_off), oldest)
        return Chronicle(
            totals=totals,
            sent=written,
            series=self._standings([one for one in begun if not self._later(one)]),
            versions=self._standings([one for one in begun if self._later(one)]),
            turned=oldest_first(
                self._standing(known[share.head_id]) for share in shares if share.turning and share.head_id in known
            ),
            turning=frozenset(mail for share in shares for mail in share.turning),
            incomplete=overdue(self._lacking(shares, known, left_off), left_off, end),
            reviewed=reviewed,
            silent=silent,
            more_silent=more,
            talks=tuple(self._talks(shares)),
            newcomers=self._newcomers(_wrote(sums), wrote_earlier, since) if oldest <= since - STALE_AFTER else None,
            earlier=earlier,
            heads=self._heads() if letters else (),
            uncovered=tuple(self._uncovered(horizon)),
        )

    def _sent(self, which: Sequence[ColumnElement[bool]], sums: Mapping[Kind, Sum]) -> tuple[Sent, ...]:
        fresh = {one for kind in sums for one in kind[:2]} - self._persons.keys()
        self._persons |= persons_of(self._connection, fresh)
        return sent(self._connection, which, sums, self._persons, self._people)

    def _uncovered(self, horizon: datetime) -> Iterator[str]:
        if not self._tracked:
            yield "what has long been waiting: it is not followed yet"
        elif self._tracked > horizon:
            yield f"what has been waiting since before {self._tracked:%Y-%m-%d}"
        if self._tracked and spent(self._connection, 1):
            yield "what has long been waiting, as far as it was corrected or taken out just now"

    def _kept(self, sums: Collection[Sum]) -> tuple[Sequence[Share], dict[int, Kept]]:
        """What the stretch has of each posting and talk, and those postings that began or turned in it."""
        between = min(one.lowest for one in sums), max(one.highest for one in sums)
        shares = kept_shares(self._connection, self._which, between)
        if shares is None:
            return self._put_together()
        return shares, load(self._connection, [share.head_id for share in shares if share.own or share.turning])

    def _put_together(self) -> tuple[Sequence[Share], dict[int, Kept]]:
        """The same where not all is kept."""
        mails = placed(self._connection, self._which)
        self._homes, known = look_up(self._connection, {mail.id: mail.message_id for mail in mails}, self._people)
        return tuple(shares_of(mails, self._homes)), known

    def _begun(self, shares: Iterable[Share], known: Mapping[int, Kept]) -> list[Kept]:
        """The postings of humans that began in the stretch, the newest first: none of their mails came before it."""
        began = sorted((share.began, share.own, share.head_id) for share in shares if share.began)
        begun = [(known[head_id], own) for _, own, head_id in reversed(began) if head_id in known]
        # Those that have all their mails in the stretch had none before it.
        straddling = {kept.head_id: self._standing(kept).own for kept, own in begun if own != kept.own}
        before = self._before(set().union(*straddling.values()))
        there = (kept for kept, _ in begun if before.isdisjoint(straddling.get(kept.head_id, ())))
        return [kept for kept in there if not kept.bot]

    def _before(self, message_ids: AbstractSet[str]) -> set[str]:
        """Which of these mails came before the stretch: what follows one another are either places or times."""
        mail, seen, since = tables.mail.c, tables.seen.c, self._stretch.since
        before = seen.received < seconds(since) if since else seen.id < self._stretch.first
        query = select(mail.message_id).where(exists().where(seen.mail_id == mail.id, self._here, before))
        found = by_ids(self._connection, query, mail.key, sorted(map(key_of, message_ids)))
        return {one for (one,) in found if one in message_ids}

    def _later(self, kept: Kept) -> bool:
        """Whether it was known to be a later version."""
        return kept.later is not None and kept.later <= max(kept.received, seconds(self._at))

    def _lacking(self, shares: Iterable[Share], known: Mapping[int, Kept], since: datetime) -> list[Standing]:
        """Those of the stretch, and of the days before it, that had not all their parts in time."""
        recent = {one.head_id: one for one in (self._days_before(since) if self._tracked else ())}
        own = {share.head_id for share in shares if share.own}
        recent |= {head_id: kept for head_id, kept in known.items() if head_id in own or head_id in recent}
        those = (one for one in recent.values() if one.complete is None or one.complete > one.received + _ARRIVING)
        return list(map(self._standing, those))

    def _days_before(self, since: datetime) -> Iterator[Kept]:
        """Those that began in them without all their parts: these may come, or stay away, in the stretch."""
        standing, seen = tables.standing.c, tables.seen.c
        on_list = exists().where(seen.mail_id == standing.head_id, self._here)
        days = standing.received.between(seconds(since) - TOGETHER, seconds(since) - 1)
        lacking = or_(standing.complete.is_(None), standing.complete > standing.received + _ARRIVING)
        known = standing.document.is_not(None)
        rows = self._connection.execute(select(tables.standing).where(days, on_list, lacking, known))
        # One whose cover came last was kept by a patch that heads nothing any more.
        return (one for one in starmap(Kept, rows) if self._homes.get(one.head_id, one).head_id == one.head_id)

    def _standing(self, kept: Kept) -> Standing:
        return kept.standing.at(self._at)

    def _standings(self, those: Sequence[Kept]) -> Sequence[Standing]:
        return Deferred(len(those), lambda place: self._standing(those[place]))

    def _talks(self, shares: Iterable[Share]) -> Iterator[Talk]:
        lively = {share.head_id: share for share in shares if share.people >= LIVELY}
        mail = tables.mail.c
        query = select(mail.id, mail.message_id, mail.subject, mail.lead)
        for head_id, message_id, subject, lead in by_ids(self._connection, query, mail.id, sorted(lively)):
            yield Talk(message_id, Subject.split(subject, lead), lively[head_id].people, lively[head_id].mails)

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
                select(tables.standing)
                .where(which, on_list, standing.document.is_not(None))
                .order_by(newest.desc(), standing.head_id)
            )
            rows = self._connection.execute(query.limit(WAITING))
            found.append(tuple(self._standing(Kept(*row)) for row in rows))
        total = self._connection.execute(
            select(func.count()).select_from(tables.standing).where(silent, on_list, standing.document.is_not(None))
        ).scalar_one()
        reviewed, unanswered = found
        return reviewed, unanswered, total - len(unanswered)

    def _behind(self, place: int) -> datetime | None:
        """Where a stretch ends and the next one begins to which nobody gave times: behind the mail at this place or
        before it, whatever times the others have. What claims to come from the future does not count.
        """
        seen = tables.seen.c
        there = select(seen.received).where(self._here, seen.id <= place, seen.received <= seconds(self._at))
        received = self._connection.execute(there.order_by(seen.id.desc()).limit(1)).scalar()
        return None if received is None else moment(received + 1)

    def _oldest(self) -> datetime:
        """When the list's oldest mail came in."""
        seen = tables.seen.c
        return moment(self._connection.execute(select(func.min(seen.received)).where(self._here)).scalar_one())

    def _earlier(self, since: datetime, oldest: datetime) -> tuple[Earlier | None, AbstractSet[int]]:
        """The stretch before, of the same length, and the rows of those who wrote patches in it; nothing where the list
        does not go back so far.
        """
        seen = tables.seen.c
        before = since - (self._at - since)
        if before >= since or oldest > before:
            return None, frozenset()
        which = (self._here, seen.received >= seconds(before), seen.received < seconds(since))
        sums = sums_of(self._connection, which)
        earlier = self._sent(which, sums)
        return Earlier(sum(one.mails for one in sums.values()), earlier), _wrote(sums)

    def _newcomers(self, author_ids: Iterable[int], known_ids: Iterable[int], since: datetime) -> frozenset[str]:
        """Who of these have their first patch in the stretch; of the others it is known that they wrote before it."""
        mail, person = tables.mail.c, tables.person.c
        wrote = {self._people.identity(self._persons[one]) for one in known_ids}
        boxes: dict[str, str] = {}
        for author in map(self._persons.__getitem__, author_ids):
            identity = self._people.identity(author)
            if identity not in wrote:
                for box in {author.address.lower(), *self._people.mailmap.addresses_of(author)}:
                    boxes[box] = identity
        earlier = exists().where(mail.author_id == person.id, mail.received < seconds(since), mail.is_patch)
        query = select(person.mailbox).where(earlier)
        known = {boxes[box] for (box,) in by_ids(self._connection, query, person.mailbox, sorted(boxes))}
        return frozenset(boxes.values()) - known

    def _heads(self) -> tuple[Part, ...]:
        """The mails that speak for a posting, in the order of the list."""
        mail = tables.mail.c
        query = SELECT_PARTS.join(tables.seen, tables.seen.c.mail_id == mail.id).where(mail.speaks, *self._which)
        return tuple(load_parts(self._connection, query.order_by(tables.seen.c.id)))


@contextmanager
def _without_looking_for_garbage() -> Iterator[None]:
    """Thousands of values are made that are all kept, and have no cycles: to look at them again and again takes a tenth
    of a busy week's time. Threads may do this at once: the first that began ends it.
    """
    looks = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looks:
            gc.enable()


def _wrote(sums: Mapping[Kind, Sum]) -> set[int]:
    """The rows of those who wrote patches."""
    return {kind.author_id for kind, one in sums.items() if one.patches}


def _totals(sums: Collection[Sum], people: int) -> Totals:
    return Totals(
        mails=sum(one.mails for one in sums),
        replies=sum(one.replies for one in sums),
        people=people,
        defects=sum(one.defects for one in sums),
        first=moment(min(one.first for one in sums)),
        last=moment(max(one.last for one in sums)),
    )
