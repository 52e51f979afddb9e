"""The outbox as a person looks at it: what has not arrived, and what is to become of it."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, select, update

from chatbot.errors import Misunderstood
from chatbot.store import tables
from chatbot.store.database import reading, writing
from chatbot.store.delivery import WAITING, State
from chatbot.store.tables import moment, seconds

# Characters of a key that are shown, and enough to name a post.
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Post:
    """One that has not arrived, or of which nobody knows since `doubt`; `again` is when it is tried next."""

    key: str
    subscription: str
    platform: str
    room: str
    state: State
    attempts: int
    again: datetime
    doubt: datetime | None
    error: str
    body: str


class Undelivered:
    """Each call is one transaction."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def all(self) -> tuple[Post, ...]:
        """In the order in which rooms get them."""
        table = tables.delivery.c
        query = select(tables.delivery).where(table.state.in_((*WAITING, State.DEAD)))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(table.platform, table.room, table.sequence, table.part))
            return tuple(map(_post, rows))

    def named(self, key: str) -> Post:
        """The one whose key begins so. Raises Misunderstood."""
        found = [one for one in self.all() if key and one.key.startswith(key.lower())]
        if len(found) != 1:
            reason = "several posts have such a key" if found else "no post that has not arrived has such a key"
            raise Misunderstood(repr(key), reason, "take it from chatbot outbox list")
        return found[0]

    def retry(self, one: Post, now: datetime) -> None:
        """Send it now, as it was planned; one in doubt is asked about first."""
        state = State.SENDING if one.doubt else State.PENDING
        self._update(one, state=state, next_try=seconds(now), attempts=0, plainer=0, error=None)

    def release(self, platform: str, beginning: str) -> None:
        """The same of all that are parked in rooms whose names begin so; they have been due since then."""
        for one in self.all():
            if one.state is State.PARKED and one.platform == platform and one.room.startswith(beginning):
                with suppress(Misunderstood):  # it has been settled meanwhile
                    self.retry(one, one.again)

    def drop(self, one: Post) -> None:
        """Never send it; what stands behind it goes on."""
        self._update(one, state=State.DEAD, error="dropped by hand")

    def _update(self, one: Post, **values: object) -> None:
        table = tables.delivery
        # Not what has arrived meanwhile.
        here = (table.c.key == one.key, table.c.state != State.SENT)
        with writing(self._engine) as connection:
            if not connection.execute(update(table).where(*here).values(**values)).rowcount:
                raise Misunderstood(repr(one.key[:SHOWN]), "it has arrived meanwhile", "leave it")


def _post(row: Row[Any]) -> Post:
    return Post(
        key=row.key,
        subscription=row.subscription,
        platform=row.platform,
        room=row.room,
        state=State(row.state),
        attempts=row.attempts,
        again=moment(row.next_try),
        doubt=None if row.doubt is None else moment(row.doubt),
        error=row.error or "",
        body=row.body,
    )
