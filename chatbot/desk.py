"""The desk: where answers are worked out, so many at once.

Law of the file: who asks what is still waiting here is given the same answer, so that a crowd after an announcement
costs one, and nobody's answer is older than their question.
"""

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

# Answers are worked out in threads that share one interpreter: more at once are no faster, and the platforms'
# acknowledgements, which Slack wants within three seconds, would wait for all of them in turn.
AT_ONCE = 2


class Desk(Generic[T]):
    """Works out what is asked, first come, first served."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting: dict[Hashable, asyncio.Future[T]] = {}

    async def ask(self, question: Hashable | None, work_out: Callable[[], T]) -> T:
        """What `work_out` finds, in a thread. Where it writes, or finds something else for each who asks, there is no
        `question`.
        """
        if question is None:
            return await self._served(None, work_out)
        if question not in self._waiting:
            self._waiting[question] = asyncio.ensure_future(self._served(question, work_out))
        # Whoever goes away leaves the others theirs.
        return await asyncio.shield(self._waiting[question])

    async def _served(self, question: Hashable | None, work_out: Callable[[], T]) -> T:
        async with self._places:
            self._waiting.pop(question, None)
            return await asyncio.to_thread(work_out)
