"""The outbox: what each room has had, and the posts on their way.

A post is written here before it is sent, in the same transaction that moves the room's progress: no crash loses one,
and no second run plans it again. A crash while one is being sent leaves it in doubt; it is sent again with the same
key, by which a platform knows it (the terminal only within one run).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Engine, and_, delete, insert, select, update

from chatbot.chat.post import Post
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.tables import moment, seconds


class State(StrEnum):
    """`sending` is written before the platform is called: found later, it means that nobody knows."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a subscription's room has had: the list up to a row of `seen`, and the slot it was for."""

    upto: int
    slot: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post on its way to one room."""

    id: int
    key: str
    platform: str
    room: str
    post: Post
    state: State
    attempts: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post that waits: for which platform, and when it is due, or due again."""

    id: int
    platform: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Planned:
    """A post that is to be written to the outbox. The same key is written once."""

    key: str
    platform: str
    room: str
    post: Post
    list_name: str


_UNSETTLED = tables.delivery.c.state.in_((State.PENDING, State.SENDING))


class Outbox:
    """Each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def progress(self) -> dict[str, Progress]:
        """What every subscription's room has had."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(tables.progress)).all()
        return {row.subscription: Progress(row.upto, moment(row.slot)) for row in rows}

    def plan(self, subscription: str, had: Progress | None, now_had: Progress, posts: Sequence[Planned]) -> bool:
        """Write the posts and move the progress on, if it still is what the caller read; else do nothing."""
        values = {"upto": now_had.upto, "slot": seconds(now_had.slot)}
        with writing(self._engine) as connection:
            row = connection.execute(
                select(tables.progress).where(tables.progress.c.subscription == subscription)
            ).first()
            stored = Progress(row.upto, moment(row.slot)) if row else None
            if stored != had:
                return False
            if row is None:
                connection.execute(insert(tables.progress), {"subscription": subscription, **values})
            else:
                here = tables.progress.c.subscription == subscription
                connection.execute(update(tables.progress).where(here).values(values))
            for planned in posts:
                connection.execute(insert(tables.delivery), _row(planned, subscription, had, now_had))
        return True

    def waiting(self, now: datetime) -> tuple[Delivery, ...]:
        """What is to be sent, oldest first, without what must wait behind an older post to the same room."""
        table = tables.delivery
        query = select(table).where(table.c.state.in_((State.PENDING, State.SENDING))).order_by(table.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        blocked: set[tuple[str, str]] = set()
        found: list[Delivery] = []
        for row in rows:
            room = (row.platform, row.room)
            if row.next_try > seconds(now):
                blocked.add(room)
            if room not in blocked:
                post = Post(row.dialect, row.body)
                found.append(Delivery(row.id, row.key, row.platform, row.room, post, State(row.state), row.attempts))
        return tuple(found)

    def queue(self) -> tuple[Waiting, ...]:
        """All that waits, the oldest first."""
        table = tables.delivery.c
        query = select(table.id, table.platform, table.next_try).where(_UNSETTLED).order_by(table.id)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return tuple(Waiting(row.id, row.platform, moment(row.next_try)) for row in rows)

    def settled(self) -> dict[str, datetime]:
        """By subscription the slot up to which every digest has arrived, was given up, or had nothing to tell."""
        table, progress = tables.delivery.c, tables.progress.c
        waiting = select(table.subscription, table.had_slot).where(_UNSETTLED).order_by(table.id.desc())
        with reading(self._engine) as connection:
            found = {
                row.subscription: row.slot for row in connection.execute(select(progress.subscription, progress.slot))
            }
            found |= {row.subscription: row.had_slot for row in connection.execute(waiting)}
        return {key: moment(slot) for key, slot in found.items() if slot is not None}

    def sending(self, delivery: Delivery) -> bool:
        """Say that the platform is about to be called; not if the post was taken back meanwhile."""
        return self._update(delivery, state=State.SENDING, attempts=delivery.attempts + 1)

    def sent(self, delivery: Delivery, remote_id: str) -> None:
        """Say that the post arrived."""
        self._update(delivery, state=State.SENT, remote_id=remote_id, error=None)

    def later(self, delivery: Delivery, at: datetime, error: str, *, unknown: bool) -> None:
        """Say that it is to be tried again; `unknown`: it may have arrived."""
        state = State.SENDING if unknown else State.PENDING
        self._update(delivery, state=state, next_try=seconds(at), error=error)

    def dead(self, delivery: Delivery, error: str) -> None:
        """Say that it will never be sent."""
        self._update(delivery, state=State.DEAD, error=error)

    def _update(self, delivery: Delivery, **values: object) -> bool:
        with writing(self._engine) as connection:
            here = tables.delivery.c.id == delivery.id
            return bool(connection.execute(update(tables.delivery).where(here).values(**values)).rowcount)


def plan_anew(connection: Connection, list_id: int, seen_id: int) -> None:
    """Take back the posts that tell of a mail and have not gone out, and those behind them; the next tick plans them
    again, without it. One that nobody knows the fate of is among them: its key will be the same.
    """
    table, progress = tables.delivery, tables.progress
    name = select(tables.mailing_list.c.name).where(tables.mailing_list.c.id == list_id).scalar_subquery()
    waiting = and_(table.c.list_name == name, table.c.state.in_((State.PENDING, State.SENDING)))
    telling = select(table).where(waiting, table.c.upto >= seen_id).order_by(table.c.id)
    first = {row.subscription: row for row in reversed(connection.execute(telling).all())}
    for subscription, row in first.items():
        connection.execute(delete(table).where(waiting, table.c.subscription == subscription, table.c.id >= row.id))
        here = progress.c.subscription == subscription
        if row.had_upto is None:
            connection.execute(delete(progress).where(here))
        else:
            connection.execute(update(progress).where(here).values(upto=row.had_upto, slot=row.had_slot))


def _row(planned: Planned, subscription: str, had: Progress | None, now_had: Progress) -> dict[str, object]:
    return {
        "key": planned.key,
        "subscription": subscription,
        "list_name": planned.list_name,
        "upto": now_had.upto,
        "had_upto": had.upto if had else None,
        "had_slot": seconds(had.slot) if had else None,
        "platform": planned.platform,
        "room": planned.room,
        "dialect": planned.post.dialect,
        "body": planned.post.body,
        "state": State.PENDING,
        "attempts": 0,
        "next_try": seconds(now_had.slot),
    }
