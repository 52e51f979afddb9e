"""The port to a chat platform."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from chatbot.chat.post import Dialect, Post
from chatbot.finding import Finding


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked, in which room: `text` is the whole command, `/series tdx-connect`."""

    room: str
    person: str
    text: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a post arrived; `remote_id` is the platform's own name for it."""

    remote_id: str


# Of several replicas one may send. An adapter calls this right before it writes a post to the network: it raises
# Unavailable where the sender has been stopped for so long that another one may have taken over.
still_ours: ContextVar[Callable[[], None]] = ContextVar("still_ours", default=lambda: None)

Answer = Callable[[Request], Awaitable[Post]]


class Platform(Protocol):
    """A place with rooms: posts go out, commands come in."""

    @property
    def name(self) -> str:
        """Its name in the config."""
        ...

    @property
    def dialect(self) -> Dialect:
        """How posts for it are written."""
        ...

    @property
    def settles(self) -> timedelta:
        """How long after an answer was lost its post may still appear."""
        ...

    @property
    def login(self) -> str:
        """What stands for the token in use, and is not it: another one says that there is a new token."""
        ...

    async def listen(self, answer: Answer) -> None:
        """Hand every command to `answer` and show what comes back, until nobody can ask any more. Cancelled, it takes
        no more commands, and ends when those under way have been answered.
        """
        ...

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        """Show a post in a room, in the thread of the one with the remote id `under`; the same key says that it is the
        same post. One attempt. Raises the five kinds of DeliveryError.
        """
        ...

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:
        """The post with this key, first sent at `since` or later, in the thread of `under` if it was. None: it
        is not there, or sending it again with its key shows it only once. Raises DeliveryError where that cannot be
        told now.
        """
        ...

    async def may_manage(self, person: str, room: str) -> bool:
        """Whether a person may manage a room by the platform's own rights, now."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...


@runtime_checkable
class Tells(Protocol):
    """What a platform may have beside: it can speak to one person alone."""

    async def tell(self, person: str, post: Post) -> None:
        """Show a post to a person, as `Request.person` names them, and to nobody else. One attempt, for what is worth
        one: it may come twice, or never. Raises DeliveryError.
        """
        ...


@runtime_checkable
class Divided(Protocol):
    """What a platform may have beside: several services, of which one may be down alone."""

    def service(self, room: str) -> str:
        """The name of the one that a room is of."""
        ...


@runtime_checkable
class Finds(Protocol):
    """What a platform may have beside: rooms have names that do not last, and it knows which room has one now."""

    async def room_of(self, name: str) -> str:
        """The room that a name stands for now. Raises DeliveryError."""
        ...


@runtime_checkable
class Checks(Protocol):
    """What a platform may have beside: it can tell before the first post whether all is well."""

    async def check(self, rooms: Sequence[str]) -> Iterable[Finding]:
        """How it is with the token and with each of these rooms, as the config names them. `chatbot check --online`
        shows it, in this order:

        - one Finding of `token NAME` (NAME is the platform's in the config): as whom the platform knows us, or that it
          does not take the token. Where it does not, there is nothing more to tell.
        - one Finding of `room NAME/ROOM` for each room: that it is there and that we may post in it, or which of the
          two is not so. One room's fault hides no other's.

        What is not `well` says in one line what is wrong and the remedy: `we are not in it; /invite @digest there`. It
        asks, and neither posts, nor joins, nor makes anything; no token is in what it says. It is called without
        `listen`, at most once, and `close` follows. Raises DeliveryError where the platform cannot be asked now.
        """
        ...
