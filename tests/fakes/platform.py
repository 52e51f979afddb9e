"""A platform that keeps a ledger of what it was sent, and fails as it is told."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatbot.chat.platform import Answer, Receipt, Request
from chatbot.chat.post import Dialect, Post
from chatbot.chat.styled import DIALECT
from chatbot.errors import Unknown


class Lost(Unknown):
    """The post was accepted, and the answer lost."""


@dataclass
class Ledger:
    """`failures` are raised one by one, before anything is accepted, but for Lost; a None among them accepts. Those of
    `silences` are raised when it is asked what it has, or who may manage.
    """

    failures: list[Exception | None] = field(default_factory=list)
    silences: list[Exception | None] = field(default_factory=list)
    asks: Iterable[str] = ()
    posts: list[tuple[str, str]] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    threads: list[str | None] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    closed: bool = False
    managers: set[str] = field(default_factory=lambda: {"person"})
    name: str = "terminal"
    dialect: Dialect = DIALECT
    settles: timedelta = timedelta(minutes=2)
    login: str = "first"

    async def listen(self, answer: Answer) -> None:
        for text in self.asks:
            self.answers.append((await answer(Request("room", "person", text))).body)

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        await asyncio.sleep(0)
        failure = self.failures.pop(0) if self.failures else None
        if failure and not isinstance(failure, Lost):
            raise failure
        self.posts.append((room, post.body))
        self.keys.append((room, key))
        self.threads.append(under)
        if failure:
            raise failure
        return Receipt(key)

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002
        assert since.tzinfo
        await asyncio.sleep(0)
        if silence := self.silences.pop(0) if self.silences else None:
            raise silence
        return Receipt(key) if (room, key) in self.keys else None

    async def may_manage(self, person: str, room: str) -> bool:  # noqa: ARG002
        if silence := self.silences.pop(0) if self.silences else None:
            raise silence
        return person in self.managers

    async def close(self) -> None:
        self.closed = True
