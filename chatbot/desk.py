"""The desk: where answers are worked out, so many at once.

Law of the file: who asks what waits here, or was answered a moment ago, is given the same answer, so that a crowd after
an announcement costs one; and nobody's answer is of before what the bot has read from the lists, or was corrected.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")

# Answers are worked out in threads that share one interpreter: more at once are no faster, and the platforms'
# acknowledgements, which Slack wants within three seconds, would wait for all of them in turn.
AT_ONCE = 2
# So many seconds an answer is good for, unless the bot reads or writes something: what other processes write is late by
# as much as what comes to the lists is. And so many are kept: one has some ten thousand characters.
MOMENT, KEPT = 60.0, 200


class Desk(Generic[T]):
    """Works out what is asked, first come, first served."""

    def __init__(self, small: Callable[[T], bool] = lambda _: True) -> None:
        """Nobody waits yet. Only what is `small` is kept."""
        self._small = small
        self._places = asyncio.Semaphore(AT_ONCE)
        self._asked: OrderedDict[Hashable, asyncio.Task[T]] = OrderedDict()

    async def ask(self, question: Hashable | None, work_out: Callable[[], T]) -> T:
        """What `work_out` finds, in a thread. Where it writes, or finds something else for each who asks, there is no
        `question`.
        """
        if question is None:
            return await self._worked_out(work_out)
        task = self._asked.get(question)
        if task is None:
            task = self._asked[question] = asyncio.ensure_future(self._worked_out(work_out))
            task.add_done_callback(lambda done: self._keep(question, done))
        # Whoever goes away leaves the others theirs.
        return await asyncio.shield(task)

    def forget(self) -> None:
        """What was found until now: whoever asks from now on is told what is there now."""
        self._asked.clear()

    async def _worked_out(self, work_out: Callable[[], T]) -> T:
        async with self._places:
            return await asyncio.to_thread(work_out)

    def _keep(self, question: Hashable, done: asyncio.Task[T]) -> None:
        """For a moment; not what failed or is large, and not too many."""
        if done.cancelled() or done.exception() or not self._small(done.result()):
            self._drop(question, done)
            return
        done.get_loop().call_later(MOMENT, self._drop, question, done)
        while len(self._asked) > KEPT:
            self._asked.popitem(last=False)

    def _drop(self, question: Hashable, done: asyncio.Task[T]) -> None:
        if self._asked.get(question) is done:
            del self._asked[question]
