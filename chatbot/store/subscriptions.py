"""What rooms follow: the config's subscriptions, which stand in no table, and those that were typed.

Law of the file: a new subscription's beginning is written with it, in one transaction, so that it starts now.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, delete, func, insert, select, update

from chatbot.chat.post import Manner
from chatbot.store import recall, tables
from chatbot.store.database import reading, writing
from chatbot.store.delivery import Progress
from chatbot.store.index import known_list
from chatbot.store.tables import moment, seconds
from chatbot.subscriptions.subscription import Subscription, make_id
from chatbot.subscriptions.when import parse_when

# So many of a room's posts are looked at: those of three years of working days.
LOOKED_AT = 800
# What of a subscription stays whatever it asks.
_KEPT = frozenset({"id", "platform", "room", "owner", "created", "paused_until"})


@dataclass(frozen=True, slots=True)
class Posted:
    """A post: whose it is (a subscription's key), after which row of `seen` it begins (None: it was the first), with
    which it ends, when what is before it was due, and what became of it.
    """

    subscription: str
    had_upto: int | None
    upto: int
    had_slot: datetime | None
    state: str

    def covers(self, row: int) -> bool:
        """Whether it is about a mail at this row; of the first one nobody knows where it begins."""
        return self.had_upto is not None and self.had_upto < row <= self.upto


class Subscriptions:
    """Each call is one transaction."""

    def __init__(self, engine: Engine, of_config: Iterable[Subscription] = ()) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine
        self._of_config = tuple(of_config)

    def all(self) -> tuple[Subscription, ...]:
        """The config's first, then those that were typed, the oldest first."""
        table = tables.subscription
        with reading(self._engine) as connection:
            rows = connection.execute(select(table).order_by(table.c.created, table.c.id)).all()
            names = _names(connection)
        return (*(_placed(one, names) for one in self._of_config), *map(_subscription, rows))

    def names(self) -> dict[tuple[str, str], str]:
        """The rooms that names of the config stand for, by platform and name."""
        with reading(self._engine) as connection:
            return _names(connection)

    def name(self, platform: str, name: str, room: str) -> None:
        """From now on a name of the config stands for this room, or for what it has become. Raises Unavailable."""
        with writing(self._engine) as connection:
            _name(connection, platform, name, _gone_on(connection, platform, room))

    def of_room(self, platform: str, room: str) -> tuple[Subscription, ...]:
        """Those of one room."""
        return tuple(one for one in self.all() if (one.platform, one.room) == (platform, room))

    def add(
        self, asked: Iterable[Subscription], lists: Iterable[Iterable[str]], now: datetime
    ) -> tuple[Subscription, ...]:
        """Keep these, and have each begin now with its lists; as they are kept, each with an id of its own: that which
        it has, if no other has it. Where one of its lists was never read, it begins when it has been. Raises
        Unavailable.
        """
        table, added = tables.subscription, []
        with writing(self._engine) as connection:
            taken = {"", *connection.execute(select(table.c.id)).scalars()}
            for one, lists_of_it in zip(asked, lists, strict=True):
                said = f"{one.platform}/{one.room}/{one.asked}/{one.created.isoformat()}"
                ids = chain([one.id], (make_id(f"{said}/{number}") for number in count()))
                made = replace(one, id=next(fresh for fresh in ids if fresh not in taken))
                taken.add(made.id)
                connection.execute(insert(table), _row(made))
                if (upto := _newest(connection, lists_of_it, all_of_them=not made.series)) is not None:
                    _begin(connection, made.key, Progress(upto, now))
                added.append(made)
        return tuple(added)

    def change(self, one: Subscription, lists: Iterable[str], now: datetime, *, anew: bool) -> tuple[Subscription, ...]:
        """Have the one with its id ask what this one asks: from where it is on or, if `anew`, from now on. Nothing
        where that one is gone. Raises Unavailable.
        """
        table = tables.subscription
        asked = {column: value for column, value in _row(one).items() if column not in _KEPT}
        with writing(self._engine) as connection:
            changed = bool(connection.execute(update(table).where(table.c.id == one.id).values(asked)).rowcount)
            if changed and anew:
                _end(connection, one.key)
                if (upto := _newest(connection, lists, all_of_them=True)) is not None:
                    _begin(connection, one.key, Progress(upto, now))
            return (one,) if changed else ()

    def remove(self, ids: Collection[str]) -> None:
        """Forget these, and what their rooms have had. Raises Unavailable."""
        table, progress = tables.subscription, tables.progress
        with writing(self._engine) as connection:
            for one in sorted(ids):
                connection.execute(delete(table).where(table.c.id == one))
                connection.execute(delete(progress).where(progress.c.subscription == one))

    def pause(self, subscription_id: str, until: datetime | None) -> None:
        """Have it wait until then; with None, go on. Raises Unavailable."""
        here = tables.subscription.c.id == subscription_id
        value = seconds(until) if until else None
        with writing(self._engine) as connection:
            connection.execute(update(tables.subscription).where(here).values(paused_until=value))

    def skip(self, one: Subscription, lists: Iterable[str], now: datetime) -> None:
        """Have it begin anew now: what came before is not told. Raises Unavailable."""
        with writing(self._engine) as connection:
            if (upto := _newest(connection, lists, all_of_them=not one.series)) is not None:
                _end(connection, one.key)
                _begin(connection, one.key, Progress(upto, now))

    def move(self, platform: str, old: str, new: str) -> int:
        """A room goes on as another one: with what was typed in it, with what the config says of it, and with what it
        has certainly not got; how many typed subscriptions came along. Raises Unavailable.
        """
        table, delivery = tables.subscription, tables.delivery
        waiting = and_(delivery.c.state.in_(("pending", "parked")), delivery.c.doubt.is_(None))
        with writing(self._engine) as connection:
            new = _gone_on(connection, platform, new, old)
            there = and_(delivery.c.platform == platform, delivery.c.room == old, waiting)
            # What was told of in part is not told again.
            split = select(delivery.c.sequence).where(there).group_by(delivery.c.sequence)
            begun = connection.execute(split.having(func.min(delivery.c.part) > 0)).scalars().all()
            recall.cut_off(connection, there, delivery.c.sequence.in_(begun))
            behind = select(func.max(delivery.c.sequence)).where(
                delivery.c.platform == platform, delivery.c.room == new
            )
            sequence = delivery.c.sequence + (connection.execute(behind).scalar() or 0)
            connection.execute(update(delivery).where(there).values(room=new, state="pending", sequence=sequence))
            for name in {
                old,
                *(name for (at, name), room in _names(connection).items() if (at, room) == (platform, old)),
            }:
                _name(connection, platform, name, new)
            here = and_(table.c.platform == platform, table.c.room == old)
            return int(connection.execute(update(table).where(here).values(room=new)).rowcount)

    def posts(self, platform: str, room: str, text: str = "") -> tuple[Posted, ...]:
        """What a room has got or will get that has a text in it, the newest first, of the newest LOOKED_AT."""
        table = tables.delivery
        here = (table.c.platform == platform, table.c.room == room, table.c.body.contains(text, autoescape=True))
        newest = select(table).where(*here).order_by(table.c.id.desc()).limit(LOOKED_AT)
        with reading(self._engine) as connection:
            rows = connection.execute(newest).all()
        return tuple(
            Posted(row.subscription, row.had_upto, row.upto, moment(row.had_slot) if row.had_slot else None, row.state)
            for row in rows
        )

    def result(self, one: Subscription) -> str:
        """What became of its newest post, as the outbox calls it; empty where there was none."""
        table = tables.delivery
        newest = select(table.c.state).where(table.c.subscription == one.key).order_by(table.c.id.desc()).limit(1)
        with reading(self._engine) as connection:
            return str(connection.execute(newest).scalar() or "")


def _placed(one: Subscription, names: Mapping[tuple[str, str], str]) -> Subscription:
    """Of the config, in the room for which its name stands now."""
    room = names.get((one.platform, one.room))
    return replace(one, room=room, named=one.room) if room else one


def _names(connection: Connection) -> dict[tuple[str, str], str]:
    table = tables.room_name
    return {(row.platform, row.name): row.room for row in connection.execute(select(table))}


def _name(connection: Connection, platform: str, name: str, room: str) -> None:
    table = tables.room_name
    connection.execute(delete(table).where(table.c.platform == platform, table.c.name == name))
    if name != room:
        connection.execute(insert(table), {"platform": platform, "name": name, "room": room})


def _gone_on(connection: Connection, platform: str, room: str, old: str = "") -> str:
    """What a room has become, as far as is known; not `old`, which becomes it."""
    names, passed = _names(connection), {old}
    while (then := names.get((platform, room))) and then not in passed:
        passed.add(room)
        room = then
    return room


def _newest(connection: Connection, lists: Iterable[str], *, all_of_them: bool) -> int | None:
    """The newest mail of these lists, by its row of `seen`; None where one of them has none, if all are to have one."""
    seen, newest = tables.seen.c, 0
    for name in lists:
        found = connection.execute(select(func.max(seen.id)).where(seen.list_id == known_list(name))).scalar()
        if found is None and all_of_them:
            return None
        newest = max(newest, found or 0)
    return newest


def _end(connection: Connection, key: str) -> None:
    """Forget what its room has had; what waits goes out as it is."""
    recall.cut_off(connection, tables.delivery.c.subscription == key)
    connection.execute(delete(tables.progress).where(tables.progress.c.subscription == key))


def _begin(connection: Connection, key: str, progress: Progress) -> None:
    values = {"subscription": key, "upto": progress.upto, "slot": seconds(progress.slot)}
    connection.execute(insert(tables.progress), values)


def _row(one: Subscription) -> dict[str, object]:
    return {
        "id": one.id,
        "platform": one.platform,
        "room": one.room,
        "topic": one.topic,
        "subsystem": one.subsystem,
        "filter": one.filter,
        "due": str(one.when),
        "owner": one.owner,
        "created": seconds(one.created),
        "paused_until": seconds(one.paused_until) if one.paused_until else None,
        "manner": str(one.manner),
    }


def _subscription(row: Row[Any]) -> Subscription:
    return Subscription(
        id=row.id,
        platform=row.platform,
        room=row.room,
        topic=row.topic,
        subsystem=row.subsystem,
        filter=row.filter,
        when=parse_when(row.due),
        owner=row.owner,
        created=moment(row.created),
        paused_until=None if row.paused_until is None else moment(row.paused_until),
        manner=Manner.of(row.manner),
    )
