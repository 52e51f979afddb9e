"""A platform that keeps a ledger of what it was sent, and fails as it is told."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from chatbot.chat.platform import Answer, Receipt, Request
from chatbot.chat.post import Dialect, Post
from chatbot.chat.styled import DIALECT


@dataclass
class Ledger:
    """`failures` are raised one by one, before anything is accepted; a None among them accepts."""

    failures: list[Exception | None] = field(default_factory=list)
    asks: Iterable[str] = ()
    posts: list[tuple[str, str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    closed: bool = False
    managers: set[str] = field(default_factory=lambda: {"person"})
    name: str = "terminal"
    dialect: Dialect = DIALECT

    async def listen(self, answer: Answer) -> None:
        for text in self.asks:
            self.answers.append((await answer(Request("room", "person", text))).body)

    async def send(self, room: str, post: Post, key: str) -> Receipt:
        await asyncio.sleep(0)
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        self.posts.append((room, post.body))
        return Receipt(key)

    async def may_manage(self, person: str, room: str) -> bool:  # noqa: ARG002
        return person in self.managers

    async def close(self) -> None:
        self.closed = True
