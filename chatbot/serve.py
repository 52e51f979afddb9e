"""The running bot: it ticks, and it answers."""

import asyncio
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from chatbot.answer import answer
from chatbot.chat.platform import Platform, Request
from chatbot.chat.post import Post
from chatbot.commands.command import Context
from chatbot.deliver import deliver
from chatbot.errors import Unreadable
from chatbot.ingest import ingest
from chatbot.publish import Subscription, publish
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.schedule import Clock, Timetable, due
from chatbot.sources.source import Source
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.search import Search

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Bot:
    """Everything a running bot holds. `sources` opens a list's archive, and may raise Unreadable."""

    lists: Mapping[str, MailingList]
    sources: Mapping[str, Callable[[], Source]]
    subscriptions: Mapping[str, Subscription]
    timetables: tuple[Timetable, ...]
    platforms: Mapping[str, Platform]
    renderer: Renderer
    index: Index
    search: Search
    outbox: Outbox
    refresh: timedelta
    now: Callable[[], datetime]

    async def run(self) -> None:
        """Tick, answer commands, and tick again, until nobody can ask any more."""
        await self.tick()
        clock = Clock(self.refresh, self.tick)
        clock.start()
        loop, here = asyncio.get_running_loop(), asyncio.current_task()
        if here:
            loop.add_signal_handler(signal.SIGTERM, here.cancel)
        try:
            await asyncio.gather(
                *(platform.listen(partial(self.answer, platform)) for platform in self.platforms.values())
            )
        except asyncio.CancelledError:
            log.info("told to stop")
        finally:
            loop.remove_signal_handler(signal.SIGTERM)
            clock.stop()
            for platform in self.platforms.values():
                await platform.close()

    async def tick(self) -> None:
        """Read what is new, build what is due, send what is waiting."""
        try:
            await asyncio.to_thread(self._refresh)
            await asyncio.to_thread(self._publish)
            await deliver(self.outbox, self.platforms, self.now)
        except Exception:
            log.exception("tick failed")  # the next one goes on from what is written down

    async def answer(self, platform: Platform, request: Request) -> Post:
        """The answer to a command, worked out beside the loop, so that nobody waits for it."""
        context = Context(self.index, self.search, self.lists, self.now())
        try:
            return await asyncio.to_thread(answer, request.text, context, self.renderer, platform.dialect)
        except Exception:
            # Whatever is wrong with one answer, the others are still owed.
            log.exception("command failed", room=request.room, command=request.text)
            return Post(platform.dialect.name, self.renderer.render(platform.dialect, "failed"))

    def _refresh(self) -> None:
        for name, opened in self.sources.items():
            try:
                added = ingest(opened(), self.index)
            except Unreadable as problem:
                log.warning("list not read", list=name, problem=str(problem))
                continue
            if added.mails:
                log.info("list read", list=name, mails=added.mails, duplicates=added.duplicates, defects=added.defects)

    def _publish(self) -> None:
        had = {key: progress.slot for key, progress in self.outbox.progress().items()}
        for one in due(self.timetables, had, self.now()):
            subscription = self.subscriptions[one.key]
            dialect = self.platforms[subscription.platform].dialect
            digest = publish(
                subscription, one.slot, index=self.index, outbox=self.outbox, renderer=self.renderer, dialect=dialect
            )
            if digest:
                log.info(
                    "digest planned", room=subscription.room, list=subscription.mailing_list.name, mails=digest.mails
                )
