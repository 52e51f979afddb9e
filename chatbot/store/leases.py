"""What each of several replicas does: leases in PostgreSQL, on its clock. On SQLite one process does everything.

Law of the file: the database grants a lease, and its holder believes in it for less long: by a clock of its own, read
before it asked. Who was stopped finds that out by itself, before anybody tells it.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Engine,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from chatbot.errors import Unavailable
from chatbot.store.database import leasing
from chatbot.store.tables import lease

# Longer than a slow answer of a database, and as long as others wait for what a replica did that was killed.
LENGTH = timedelta(seconds=30)
# So often a lease is renewed while it lasts: two attempts may fail.
_BEATS = 3
# An answer that took longer says too little about what time it is at the database. Seconds.
_SLOW = 1.0
# Begins the name of the lease by which a replica says that it is there, and shares in a group.
_REPLICA = "replica "
# So long after its end it is known of a replica that it was there.
_FORGOTTEN = timedelta(hours=1)
# Goes on while the machine sleeps, where the system has such a clock.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_NOW = func.clock_timestamp(type_=DateTime(timezone=True))


def _own_clock() -> float:
    return time.clock_gettime(_CLOCK)


class Leases:
    """Those of one process."""

    def __init__(self, engine: Engine, here: Callable[[], datetime], clock: Callable[[], float] = _own_clock) -> None:
        """The engine comes from `open_database`; `here` is this machine's time. Raises Unavailable."""
        self._engine, self._here, self._clock = engine, here, clock
        self.shared = engine.dialect.name == "postgresql"
        self.length = LENGTH if self.shared else timedelta(0)
        self._holder = f"{socket.gethostname()} {os.getpid()} {secrets.token_hex(4)}"
        self._since: dict[str, float] = {}  # when each began that is held, and when it will not be believed any more
        self._until: dict[str, float] = {}
        self._turn = threading.Lock()
        self._ahead = 0.0
        if self.shared:
            with leasing(engine) as connection:
                self._read_clock(connection, certain=True)

    def now(self) -> datetime:
        """The same for all replicas: the database's time, where it has one."""
        return datetime.fromtimestamp(self._clock() + self._ahead, UTC) if self.shared else self._here()

    def since(self, name: str) -> float | None:
        """When this lease began, which has been held ever since; None where it is not held."""
        if not self.shared:
            return 0.0
        return self._since.get(name) if self._clock() < self._until.get(name, 0.0) else None

    def term(self, name: str) -> Callable[[], bool]:
        """Says whether the lease, as it stands now, still holds; that it is renewed changes nothing."""
        until = self._until.get(name, 0.0)
        return lambda: not self.shared or self._clock() < until

    def held(self, name: str) -> ColumnElement[bool]:
        """The same as the database sees it, as part of a query."""
        mine = and_(lease.c.name == name, lease.c.holder == self._holder, lease.c.until > _NOW)
        return exists().where(mine) if self.shared else true()

    def share(self, group: str, names: Collection[str]) -> None:
        """Take as many of these as are free, up to our part of them, and give back what is more than that: not while
        anything is done that needs one. Who never shares in a group has no part of it. Raises Unavailable.
        """
        if not self.shared:
            return
        with self._turn:
            begun, present = self._clock(), f"{_REPLICA}{group} "
            mine = sorted(name for name in names if self.since(name) is not None)
            with leasing(self._engine) as connection:
                self._read_clock(connection)
                taken = self._take(connection, [f"{present}{self._holder}"])
                there = lease.c.name.startswith(present, autoescape=True), lease.c.until > _NOW
                replicas = connection.execute(select(func.count()).where(*there)).scalar_one()
                part = -(-len(names) // replicas)
                self._give_back(connection, mine[part:])
                if len(mine) < part:
                    taken += self._take(connection, sorted(set(names) - set(mine)), part - len(mine))
            self._believe(taken, begun)

    @contextmanager
    def alone(self, name: str) -> Iterator[Callable[[], bool]]:
        """While the block runs this lease is held, if it was free; says whether it is. Raises Unavailable."""
        if not self.shared:
            yield lambda: True
            return
        with self._turn:
            begun = self._clock()
            with leasing(self._engine) as connection:
                taken = self._take(connection, [name])
            self._believe(taken, begun)
        try:
            yield lambda: self.since(name) is not None
        finally:
            self._end([name])

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While the block runs a thread renews what is held; at its end everything is given back."""
        if not self.shared:
            yield
            return
        ended = threading.Event()
        beat = threading.Thread(target=self._beat, args=(ended,), daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()
            self._end(list(self._until))

    def renew(self) -> None:
        """Hold for longer what nobody else has taken. Raises Unavailable."""
        with self._turn:
            begun = self._clock()
            mine = lease.c.name.in_(list(self._until)), lease.c.holder == self._holder
            with leasing(self._engine) as connection:
                self._read_clock(connection)
                longer = update(lease).where(*mine).values(until=_NOW + self.length).returning(lease.c.name)
                kept = list(connection.execute(longer).scalars())
            self._believe(kept, begun)
            self._until = {name: self._until[name] for name in kept}

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self.length.total_seconds() / _BEATS):
            with suppress(Unavailable):  # what is not renewed ends by itself
                self.renew()

    def _take(self, connection: Connection, names: Sequence[str], most: int | None = None) -> list[str]:
        """Those of these that are free, or ours still; who is just taking one is not waited for."""
        known = set(connection.execute(select(lease.c.name).where(lease.c.name.in_(names))).scalars())
        if unknown := [name for name in names if name not in known]:
            rows = [{"name": name, "holder": "", "until": datetime.fromtimestamp(0, UTC)} for name in unknown]
            connection.execute(insert(lease).on_conflict_do_nothing(), rows)
        free = or_(lease.c.until <= _NOW, lease.c.holder == self._holder)
        query = select(lease.c.name).where(lease.c.name.in_(names), free).order_by(lease.c.name).limit(most)
        taken = list(connection.execute(query.with_for_update(skip_locked=True)).scalars())
        ours = update(lease).where(lease.c.name.in_(taken))
        connection.execute(ours.values(holder=self._holder, until=_NOW + self.length))
        return taken

    def _believe(self, names: Collection[str], begun: float) -> None:
        for name in names:
            if self.since(name) is None:
                self._since[name] = begun
            self._until[name] = begun + self.length.total_seconds()

    def _end(self, names: Collection[str]) -> None:
        with suppress(Unavailable), self._turn, leasing(self._engine) as connection:
            self._give_back(connection, names)

    def _give_back(self, connection: Connection, names: Collection[str]) -> None:
        for name in names:
            self._until.pop(name, None)  # before anybody else can have it
        connection.execute(delete(lease).where(lease.c.name.in_(names), lease.c.holder == self._holder))
        gone = lease.c.name.startswith(_REPLICA), lease.c.until < _NOW - _FORGOTTEN
        old = select(lease.c.name).where(*gone).with_for_update(skip_locked=True)
        connection.execute(delete(lease).where(lease.c.name.in_(old)))

    def _read_clock(self, connection: Connection, *, certain: bool = False) -> None:
        before = self._clock()
        there: datetime = connection.execute(select(_NOW)).scalar_one()
        after = self._clock()
        if certain or after - before < _SLOW:
            self._ahead = there.timestamp() - (before + after) / 2
