"""Whose turn it is: a person's questions are answered one after the other, so that whoever asks ten thousand makes
nobody else wait.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# What a person may have under way at once.
PATIENCE = 10


class Turns:
    """Whoever is admitted takes a turn."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._waiting = Counter[str]()

    def admits(self, person: str) -> bool:
        """Whether a person may have a further turn, which then has to be taken."""
        if self._waiting[person] >= PATIENCE:
            return False
        self._waiting[person] += 1
        return True

    @asynccontextmanager
    async def of(self, person: str) -> AsyncIterator[None]:
        """The person's turn, when those before it are over."""
        try:
            async with self._locks[person]:
                yield
        finally:
            self._waiting[person] -= 1
            if not self._waiting[person]:
                del self._waiting[person], self._locks[person]
