"""The bot's life: it starts, ticks and answers, takes another configuration, and ends.

Law of the file: a tick and a change of the configuration wait for each other. Who is told to stop begins nothing more,
ends what is under way, and goes in time, whatever that is.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from functools import partial

import structlog

from chatbot.chat.platform import Platform, Request
from chatbot.chat.post import Post
from chatbot.errors import BadConfig, ChatbotError
from chatbot.schedule import Clock
from chatbot.serve import Bot

log = structlog.get_logger(__name__)

# Seconds from the signal to the end: one less than the ten that were promised, for the end takes time, too.
GRACE = 9.0
# What a shell calls the end by a signal.
_SIGNALLED = 128


async def run(
    bot: Bot,
    reload: Callable[[], Bot] | None = None,
    beside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext,
) -> None:
    """Tick and answer, until nobody can ask any more or a signal says so; at SIGHUP go on as what `reload` makes.
    `beside` is open all the while.
    """
    async with beside():
        await _Life(bot, reload).run()


class _Life:
    def __init__(self, bot: Bot, reload: Callable[[], Bot] | None) -> None:
        self._bot, self._reload = bot, reload
        self._turn = asyncio.Lock()
        self._clock = Clock(bot.refresh, self._tick)
        self._changes = set[asyncio.Task[None]]()
        self._told = False

    async def run(self) -> None:
        """From the first tick to the last answer."""
        loop, serving = asyncio.get_running_loop(), asyncio.ensure_future(self._serve())
        handlers: dict[signal.Signals, Callable[[], None]] = {
            number: partial(self._stop, number, serving) for number in (signal.SIGTERM, signal.SIGINT)
        }
        if self._reload:
            handlers[signal.SIGHUP] = partial(self._hang_up, self._reload)
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            with suppress(asyncio.CancelledError):
                await serving
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)

    async def _serve(self) -> None:
        first = asyncio.create_task(self._begin())
        try:
            if await self._knows_nothing():
                await asyncio.shield(first)
            platforms = self._bot.platforms.values()
            self._bot.vitals.connected = True
            await asyncio.gather(*(platform.listen(partial(self._answer, platform)) for platform in platforms))
            await asyncio.shield(first)  # who starts it on a pipe gets what is due
        finally:
            self._bot.stopping.set()
            self._clock.stop()
            async with self._turn:  # what is under way ends first
                for platform in self._bot.platforms.values():
                    await platform.close()

    async def _knows_nothing(self) -> bool:
        """Whether no list has been read yet: who asks before the first tick would be told that there is nothing."""
        with suppress(ChatbotError):
            return not await asyncio.to_thread(self._bot.index.names)
        return True

    async def _begin(self) -> None:
        await self._tick()
        if not self._bot.stopping.is_set():
            self._clock.start()

    async def _tick(self) -> None:
        async with self._turn:
            if not self._bot.stopping.is_set():
                await self._bot.tick()

    async def _answer(self, platform: Platform, request: Request) -> Post:
        return await self._bot.answer(platform, request)

    def _stop(self, number: signal.Signals, serving: asyncio.Future[None]) -> None:
        """The first time in good order; who says it again does not want to wait."""
        if self._told:
            os._exit(_SIGNALLED + number)
        self._told = True
        log.info("told to stop", signal=number.name)
        self._bot.stopping.set()
        serving.cancel()
        # A thread cannot be ended from outside, and one may be in the middle of a long transaction: it is undone.
        last = threading.Timer(GRACE, _give_up)
        last.daemon = True
        last.start()

    def _hang_up(self, reload: Callable[[], Bot]) -> None:
        change = asyncio.ensure_future(self._change(reload))
        self._changes.add(change)
        change.add_done_callback(self._changes.discard)

    async def _change(self, reload: Callable[[], Bot]) -> None:
        async with self._turn:
            if self._bot.stopping.is_set():
                return
            try:
                self._bot = await asyncio.to_thread(reload)
            except BadConfig as problem:
                for fault in problem.faults:
                    log.error("config not taken", fault=fault)  # noqa: TRY400  # a fault of a file, not of ours
            except Exception:
                log.exception("config not taken")
            else:
                log.info("config taken", lists=len(self._bot.lists))
                self._clock.tick_every(self._bot.refresh)
        await self._tick()  # who has changed something wants to see it


def _give_up() -> None:
    log.error("ended in the middle of something", seconds=GRACE)
    os._exit(0)
