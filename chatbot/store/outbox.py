"""The outbox: what each room has had, and the posts on their way.

A post is written here before it is sent, in the same transaction that moves the room's progress: no crash loses one,
and no second run plans it again. Its text is frozen then. That it is being sent is written before the platform is
called: found later, it means that nobody knows, and the platform is asked before it is sent again.

A room has one post on its way at a time, in the order of `sequence`, which counts its digests, and `part`. Of several
replicas the one that has the room's lease sends it, and nobody else writes down what became of it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, delete, func, insert, select, true, update

from chatbot.chat.post import File, Manner, Post
from chatbot.store import recall, tables
from chatbot.store.database import reading, writing
from chatbot.store.delivery import WAITING, Delivery, Planned, Progress, State, Waiting
from chatbot.store.leases import Leases
from chatbot.store.tables import moment, seconds


class Outbox:
    """Each call is one transaction."""

    def __init__(self, engine: Engine, leases: Leases | None = None, known: int | None = None) -> None:
        """The engine comes from `open_database`; without leases everything is ours. `known` is the newest row of `seen`
        when this process began.
        """
        self._engine, self._leases, self._known = engine, leases, known
        # Since when we have had the rooms of which we are certain that nothing is there which we do not know of.
        self._certain: dict[str, float] = {}
        # What was planned here for the others.
        self._fresh = set[str]()

    def share(self, platform: str, rooms: Iterable[str]) -> None:
        """Take our part of a platform's rooms: of these, and of those for which something waits."""
        if self._leases and self._leases.shared:
            table = tables.delivery.c
            query = select(table.room).where(table.platform == platform, table.state.in_(WAITING)).distinct()
            with reading(self._engine) as connection:
                waiting = connection.execute(query).scalars().all()
            self._leases.share(platform, {_lease(platform, room) for room in (*rooms, *waiting)})

    def ours(self, platform: str, room: str) -> bool:
        """Whether the room is ours now."""
        return self._leases is None or self._leases.since(_lease(platform, room)) is not None

    def term(self, delivery: Delivery) -> Callable[[], bool]:
        """Says whether its room is ours still, by what we know now."""
        return self._leases.term(_lease(delivery.platform, delivery.room)) if self._leases else lambda: True

    def uncertain(self, delivery: Delivery) -> bool:
        """Whether the room may have this post though nobody here has sent it: where the database is an older one, out
        of a backup. It may until the room has lacked one, which is asked for anew whenever it has become ours.
        """
        return self._uncertain(_lease(delivery.platform, delivery.room))

    def be_certain(self, delivery: Delivery) -> None:
        """Say that the room lacks this post, and all behind it."""
        name = _lease(delivery.platform, delivery.room)
        if (since := self._since(name)) is not None:
            self._certain[name] = since

    def _uncertain(self, name: str) -> bool:
        return name not in self._certain or self._certain[name] != self._since(name)

    def _held(self, delivery: Delivery) -> ColumnElement[bool]:
        return self._leases.held(_lease(delivery.platform, delivery.room)) if self._leases else true()

    def _since(self, name: str) -> float | None:
        return self._leases.since(name) if self._leases else 0.0

    def progress(self) -> dict[str, Progress]:
        """What every subscription's room has had."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(tables.progress)).all()
        return {row.subscription: Progress(row.upto, moment(row.slot)) for row in rows}

    def replaceable(self, subscription: str) -> Progress | None:
        """The progress before the subscription's newest digest, if that waits and certainly nothing of it has gone out:
        the next one takes its place, and tells what both would. None of its very first: no progress is before that.
        """
        with reading(self._engine) as connection:
            rows = _replaceable(connection, subscription)
        return _had(rows[0]) if rows else None

    def plan(
        self,
        subscription: str,
        had: Progress | None,
        now_had: Progress,
        posts: Sequence[Planned],
        *,
        instead: Progress | None = None,
    ) -> bool:
        """Write the posts of a digest, its parts in order, and move the progress on, if it still is what the caller
        read; else do nothing. They take the place of the digest before which the progress was `instead`.
        """
        values = {"upto": now_had.upto, "slot": seconds(now_had.slot)}
        with writing(self._engine) as connection:
            here = tables.progress.c.subscription == subscription
            row = connection.execute(select(tables.progress).where(here)).first()
            stored = Progress(row.upto, moment(row.slot)) if row else None
            if stored != had:
                return False
            replaced = _replaceable(connection, subscription) if instead and posts else []
            if instead and posts and (not replaced or _had(replaced[0]) != instead):
                return False
            if row is None:
                connection.execute(insert(tables.progress), {"subscription": subscription, **values})
            else:
                connection.execute(update(tables.progress).where(here).values(values))
            for old in replaced:
                connection.execute(delete(tables.delivery).where(tables.delivery.c.id == old.id))
            _write(connection, posts, _origin(subscription, instead or had, now_had), replaced)
        self._fresh |= {one.key for one in posts if self._uncertain(_lease(one.platform, one.room))}
        return True

    def waiting(self, now: datetime) -> tuple[Delivery, ...]:
        """The first of each room's posts, where it is time for it and the room is not parked; oldest first."""
        table, above = tables.delivery, tables.delivery.alias()
        # What was given up heads no thread.
        of_it = (above.c.platform == table.c.platform, above.c.room == table.c.room, above.c.part < table.c.part)
        there = select(above.c.remote_id).where(
            *of_it, above.c.sequence == table.c.sequence, above.c.remote_id.is_not(None)
        )
        under = there.order_by(above.c.part).limit(1).scalar_subquery()
        # Texts are read of those alone: a room may have hundreds of posts that wait.
        place = func.row_number().over(
            partition_by=(table.c.platform, table.c.room), order_by=(table.c.sequence, table.c.part)
        )
        queue = select(table.c.id, place.label("place")).where(table.c.state.in_(WAITING)).subquery()
        query = (
            select(table, under.label("under"))
            .join(queue, and_(queue.c.id == table.c.id, queue.c.place == 1))
            .where(table.c.state != State.PARKED, table.c.next_try <= seconds(now))
            .order_by(table.c.id)
        )
        with reading(self._engine) as connection:
            return tuple(map(_delivery, connection.execute(query)))

    def queue(self) -> tuple[Waiting, ...]:
        """All that waits, the oldest first."""
        table = tables.delivery.c
        query = (
            select(table.id, table.platform, table.next_try, table.state)
            .where(table.state.in_(WAITING))
            .order_by(table.id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return tuple(Waiting(row.id, row.platform, moment(row.next_try), row.state == State.PARKED) for row in rows)

    def settled(self) -> dict[str, datetime]:
        """By subscription the slot up to which every digest has arrived, was given up, or had nothing to tell."""
        table, progress = tables.delivery.c, tables.progress.c
        waiting = select(table.subscription, table.had_slot).where(table.state.in_(WAITING)).order_by(table.id.desc())
        with reading(self._engine) as connection:
            found = {
                row.subscription: row.slot for row in connection.execute(select(progress.subscription, progress.slot))
            }
            found |= {row.subscription: row.had_slot for row in connection.execute(waiting)}
        return {key: moment(slot) for key, slot in found.items() if slot is not None}

    def sending(self, delivery: Delivery, now: datetime, settles: timedelta) -> bool:
        """Say that the platform is about to be called; not if the post was taken back or replaced meanwhile, or called
        for by somebody else. Until the platform has settled nobody asks it, for its answer would mean nothing; it
        settles from when our lease ends, which we do not outlive.
        """
        table = tables.delivery.c
        still = and_(
            table.room == delivery.room,  # which may go on as another one
            table.state == delivery.state,
            table.attempts == delivery.attempts,
            table.body == delivery.post.body,
        )
        if self._leases:
            settles += self._leases.length
        return self._update(
            delivery,
            still,
            self._held(delivery),
            state=State.SENDING,
            attempts=delivery.attempts + 1,
            doubt=seconds(delivery.doubt or now),
            next_try=_no_sooner(now + settles),
        )

    def sent(self, delivery: Delivery, remote_id: str) -> None:
        """Say that the post arrived, which is so whoever has the room now."""
        self._update(delivery, state=State.SENT, remote_id=remote_id, doubt=None, error=None)

    def adopt(self, delivery: Delivery) -> None:
        """Note that the post was there before anybody has sent it. If it was planned anew, nobody knows where its
        window ended: what has come in since this process began is told again, rather than not at all. Not where
        another replica has sent it meanwhile.
        """
        table = tables.delivery.c
        untouched = table.id == delivery.id, table.state == delivery.state, table.attempts == delivery.attempts
        with writing(self._engine) as connection:
            there = connection.execute(select(table.id).where(*untouched, self._held(delivery))).scalar()
            if there and delivery.key in self._fresh and self._known is not None:
                recall.tell_again(connection, delivery.id, self._known)
        self._fresh.discard(delivery.key)

    def ask(self, delivery: Delivery, at: datetime, error: str) -> None:
        """Say that nobody knows whether it arrived, and when to ask."""
        self._update(
            delivery, self._held(delivery), next_try=_no_sooner(at), attempts=delivery.attempts + 1, error=error
        )

    def again(self, delivery: Delivery, at: datetime, error: str, *, plainer: bool = False) -> None:
        """Say that this attempt did not arrive, and when to try again; what was in doubt before it still is."""
        state = State.SENDING if delivery.doubt else State.PENDING
        self._not_there(delivery, state, error, next_try=_no_sooner(at), plainer=delivery.plainer + plainer)

    def park(self, delivery: Delivery, error: str) -> None:
        """Say that its room takes nothing until a person says otherwise."""
        self._not_there(delivery, State.PARKED, error)

    def dead(self, delivery: Delivery, error: str) -> None:
        """Say that it will never be sent."""
        self._not_there(delivery, State.DEAD, error)

    def taken_back(self, delivery: Delivery) -> bool:
        """Of a withdrawn post that is certainly not there: have what it was to tell planned anew; not where more of its
        digest is out already, for that would be told twice.
        """
        with writing(self._engine) as connection:
            return recall.give_back(connection, delivery.id)

    def _not_there(self, delivery: Delivery, state: State, error: str, **values: object) -> None:
        doubt = seconds(delivery.doubt) if delivery.doubt else None
        values |= {"state": state, "doubt": doubt, "attempts": delivery.attempts + 1, "error": error}
        self._update(delivery, self._held(delivery), **values)

    def _update(self, delivery: Delivery, *where: Any, **values: object) -> bool:
        with writing(self._engine) as connection:
            changed = update(tables.delivery).where(tables.delivery.c.id == delivery.id, *where)
            return bool(connection.execute(changed.values(**values)).rowcount)


def _picture(row: Row[Any]) -> File | None:
    """The chart; not of what was taken back."""
    return File.of_png("activity.png", row.picture) if row.picture and row.body else None


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        key=row.key,
        subscription=row.subscription,
        platform=row.platform,
        room=row.room,
        post=Post(row.dialect, row.body, _picture(row), manner=Manner.of(row.manner)),
        state=State(row.state),
        attempts=row.attempts,
        plainer=row.plainer,
        doubt=None if row.doubt is None else moment(row.doubt),
        under=row.under,
    )


def _lease(platform: str, room: str) -> str:
    return f"room {platform} {room}"


def _no_sooner(at: datetime) -> int:
    """Whole seconds in which nothing of the wait is lost."""
    return ceil(at.timestamp())


def _had(row: Row[Any]) -> Progress:
    return Progress(row.had_upto, moment(row.had_slot))


def _replaceable(connection: Connection, subscription: str) -> Sequence[Row[Any]]:
    """The parts of the subscription's newest digest, if all of them are pending or parked and none is in doubt."""
    table = tables.delivery
    own = select(table).where(table.c.subscription == subscription)
    newest = connection.execute(own.order_by(table.c.id.desc()).limit(1)).first()
    if newest is None or newest.had_slot is None:
        return []
    digest = own.where(table.c.room == newest.room, table.c.sequence == newest.sequence).order_by(table.c.part)
    parts = connection.execute(digest).all()
    certain = all(row.state in (State.PENDING, State.PARKED) and row.doubt is None and row.body for row in parts)
    return parts if certain else []


def _origin(subscription: str, had: Progress | None, now_had: Progress) -> dict[str, object]:
    """What a digest was planned from, and when."""
    return {
        "subscription": subscription,
        "upto": now_had.upto,
        "had_upto": had.upto if had else None,
        "had_slot": seconds(had.slot) if had else None,
        "next_try": seconds(now_had.slot),
    }


def _write(
    connection: Connection, posts: Sequence[Planned], origin: dict[str, object], replaced: Sequence[Row[Any]]
) -> None:
    """Each room's parts, behind all that it has, or in the place of what is replaced, as often as that has failed."""
    table = tables.delivery.c
    parts: dict[tuple[str, str], int] = {}
    places = {(row.platform, row.room): row for row in reversed(replaced)}  # the first part's is left
    sequences: dict[tuple[str, str], int] = {}
    for planned in posts:
        room = (planned.platform, planned.room)
        old, part = places.get(room), parts.get(room, 0)
        parts[room] = part + 1
        if part == 0:
            here = and_(table.platform == planned.platform, table.room == planned.room)
            last = connection.execute(select(func.max(table.sequence)).where(here)).scalar()
            sequences[room] = old.sequence if old else (last or 0) + 1
        row = origin | {
            "key": planned.key,
            "kind": planned.kind,
            "list_name": planned.list_name,
            "platform": planned.platform,
            "room": planned.room,
            "sequence": sequences[room],
            "part": part,
            "dialect": planned.post.dialect,
            "body": planned.post.body,
            "picture": planned.post.file and planned.post.file.data,
            "manner": str(planned.post.manner),
            "state": State.PENDING,
            "attempts": 0,
            "plainer": 0,
        }
        if old and part == 0:
            row |= {"state": old.state, "attempts": old.attempts, "next_try": old.next_try, "error": old.error}
        connection.execute(insert(tables.delivery), row)
