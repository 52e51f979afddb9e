"""How long the bot tries what nobody keeps in an outbox: answers, welcomes, and coming into rooms."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import random
from typing import TypeVar

from chatbot.errors import DeliveryError, Unavailable, Unknown

# Who asked can ask again.
TRIES = 8
# Seconds: the longest pause after a failure.
_LONGEST = 60.0

_T = TypeVar("_T")


class Unanswered(Exception):
    """The bot is told to stop: what was asked waits for the next start."""


class Patience:
    """It ends when the bot does."""

    def __init__(self) -> None:
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Nothing is waited for any more."""
        self._ending.set()

    async def rest(self, seconds: float) -> None:
        """Raises Unanswered."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
            raise Unanswered

    async def insist(self, doing: Callable[[], Awaitable[_T]]) -> _T:
        """Try it for a while. Raises DeliveryError, and Unanswered."""
        for failures in range(1, TRIES):
            try:
                return await doing()
            except (Unavailable, Unknown) as error:
                await self.rest(pause(error, failures))
        return await doing()


def pause(error: DeliveryError, failures: int) -> float:
    """Any time up to twice as long as before, so that not all come back at once; no less than the homeserver wants."""
    after = error.after if isinstance(error, Unavailable) else 0.0
    return max(after, min(_LONGEST, 0.5 * 2.0**failures) * random())  # noqa: S311  # no secret
