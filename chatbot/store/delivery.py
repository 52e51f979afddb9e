"""A post on its way to a room: what is planned, what waits, what became of it; see outbox.py."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chatbot.chat.post import Dialect, Post
from chatbot.subscriptions.subscription import Subscription


class State(StrEnum):
    """Of `sending` nobody knows whether it arrived; `parked` holds up its room until a person says otherwise."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    PARKED = "parked"
    DEAD = "dead"


WAITING = (State.PENDING, State.SENDING, State.PARKED)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a subscription's room has had: the list up to a row of `seen`, and the slot it was for."""

    upto: int
    slot: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One post on its way to one room. `subscription` is the key of what it was planned for; `doubt`: since when it may
    be there; `under`: the remote id of its digest's first part; `plainer`: how often it was made plainer.
    """

    id: int
    key: str
    subscription: str
    platform: str
    room: str
    post: Post
    state: State
    attempts: int
    plainer: int
    doubt: datetime | None
    under: str | None

    @property
    def withdrawn(self) -> bool:
        """Its text was taken back, and is gone."""
        return not self.post.body


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post that waits: for which platform, when it is due, or due again, and whether its room is parked with it."""

    id: int
    platform: str
    due: datetime
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A post that is to be written to the outbox. The same key is written once."""

    key: str
    platform: str
    room: str
    post: Post
    list_name: str
    kind: str = "digest"


def delivery_key(subscription: str, start: int, slot: datetime | None, part: int = 0) -> str:
    """One name for one post, the same whoever plans it: by where its window starts, and an empty one by its slot."""
    return hashlib.sha256(f"{subscription}\n{start}\n{slot and slot.isoformat()}\n{part}".encode()).hexdigest()


def planned(
    one: Subscription,
    dialect: Dialect,
    body: str,
    list_name: str,
    *,
    start: int,
    slot: datetime | None = None,
    kind: str = "digest",
    chart: Post | None = None,
) -> tuple[Planned, ...]:
    """The posts of a body for a subscription's room, as many as its parts, and behind them its chart; `start` and
    `slot` as in `delivery_key`.
    """
    posts = [Post(dialect.name, text) for text in dialect.parts(body)]
    return tuple(
        Planned(
            delivery_key(one.key, start, slot, part),
            one.platform,
            one.room,
            replace(post, manner=one.manner),
            list_name,
            kind,
        )
        for part, post in enumerate([*posts, chart] if chart else posts)
    )
