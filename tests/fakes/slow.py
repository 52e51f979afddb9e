"""A bot in a process of its own, on a platform that takes its time: python -m tests.fakes.slow CONFIG LEDGER SECONDS GRACE.

It writes "begun" into the ledger when it is asked to send a post, and "arrived" so many seconds later.
"""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import chatbot.run
from chatbot.app import bot, utc_now
from chatbot.chat.platform import Answer, Receipt
from chatbot.chat.post import Post
from chatbot.config import load_config
from tests.fakes.platform import Ledger


@dataclass
class Slow(Ledger):
    ledger: Path = Path()
    seconds: float = 0

    async def listen(self, answer: Answer) -> None:  # noqa: ARG002  # nobody asks anything
        await asyncio.Event().wait()

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        self._note("begun")
        await asyncio.sleep(self.seconds)
        self._note("arrived")
        return await super().send(room, post, key, under)

    def _note(self, what: str) -> None:
        with self.ledger.open("a") as file:
            file.write(f"{what}\n")


def main() -> None:
    config, ledger, seconds, grace = sys.argv[1:]
    chatbot.run.GRACE = float(grace)
    slow = Slow(ledger=Path(ledger), seconds=float(seconds))
    with bot(load_config(Path(config)), utc_now, {"terminal": slow}) as made:
        asyncio.run(chatbot.run.run(made))


if __name__ == "__main__":
    main()
