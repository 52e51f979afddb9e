"""The port to a chat platform."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from chatbot.chat.post import Dialect, Post


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

    async def listen(self, answer: Answer) -> None:
        """Hand every command to `answer` and show what comes back, until nobody can ask any more. Cancelled, it takes
        no more commands, and ends when those under way have been answered.
        """
        ...

    async def send(self, room: str, post: Post, key: str) -> Receipt:
        """Show a post in a room; the same key says that it is the same post. Raises Refused, Unavailable, Unknown."""
        ...

    async def close(self) -> None:
        """Let go of everything."""
        ...
