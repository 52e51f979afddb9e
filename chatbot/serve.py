"""The bot as one configuration has it: it ticks, and it answers."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import structlog

from chatbot.answer import answer, known_word
from chatbot.chat.platform import Platform, Request
from chatbot.chat.post import Post
from chatbot.commands.command import Context
from chatbot.deliver import deliver
from chatbot.errors import ChatbotError, Shrunk
from chatbot.ingest import ingest
from chatbot.ledger import TOLERANCE, missing
from chatbot.mail.people import People
from chatbot.publish import Subscription, publish
from chatbot.readers import Readers
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.schedule import Timetable, due
from chatbot.sources.source import Source
from chatbot.store.corrections import Corrections
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.search import Search
from chatbot.store.writer import Added
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.summarize import Summarizer
from chatbot.vitals import PATIENCE, Vitals

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Bot:
    """Everything a bot holds. `sources` opens a list's archive, and may raise Unreadable; while `stopping` is set,
    nothing is begun.
    """

    lists: Mapping[str, MailingList]
    people: People
    subsystems: Subsystems
    sources: Mapping[str, Callable[[], Source]]
    subscriptions: Mapping[str, Subscription]
    timetables: tuple[Timetable, ...]
    platforms: Mapping[str, Platform]
    renderer: Renderer
    index: Index
    search: Search
    summarizer: Summarizer
    corrections: Corrections
    following: Following
    outbox: Outbox
    readers: Readers
    refresh: timedelta
    now: Callable[[], datetime]
    vitals: Vitals
    stopping: threading.Event = field(default_factory=threading.Event)

    async def tick(self) -> None:
        """Read what is new, build what is due, send what is waiting. What fails leaves the rest alone."""
        begin = self._beat()
        with _logged("tick failed"):
            read = await asyncio.to_thread(self._refresh)
            await asyncio.to_thread(self._publish, read)
        with _logged("tick failed"):
            await deliver(self.outbox, self.platforms, self.now, stopped=self.stopping.is_set, told=self._count)
        if not self.stopping.is_set():
            with _logged("tick failed"):
                await asyncio.to_thread(self._look_back)
            self.vitals.ticked = self._beat()
            self.vitals.took = self.vitals.ticked - begin

    async def answer(self, platform: Platform, request: Request) -> Post:
        """The answer to a command, worked out beside the loop, so that nobody waits for it."""
        context = Context(
            self.index,
            self.search,
            self.summarizer,
            self.corrections,
            self.following,
            self.lists,
            self.people,
            lambda: self.subsystems,
            self.now(),
            request.person,
        )
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            return await asyncio.to_thread(answer, request.text, context, self.renderer, platform.dialect)
        except Exception:
            # Whatever is wrong with one answer, the others are still owed.
            log.exception("command failed", room=request.room, command=request.text)
            return Post(platform.dialect.name, self.renderer.render(platform.dialect, "failed"))
        finally:
            self.vitals.answered(known_word(request.text), loop.time() - begin)

    def _refresh(self) -> set[str]:
        """Read every list; the names of those that were read to their end."""
        read: set[str] = set()
        self.vitals.read = {name: self.vitals.read.get(name, self.now()) for name in self.lists}
        for name, opened in self.sources.items():
            with _logged("list not read", list=name):
                source = opened()
                if not self.index.mark(name):
                    log.info("reading a list for the first time", list=name)
                came = ingest(source, self.index, self.readers, told=self._beat_on, stopped=self.stopping.is_set)
                for problem in came.skipped:
                    log.warning("epoch not read", list=name, problem=str(problem))
                if self.stopping.is_set():
                    break
                read.add(name)
                self.vitals.read[name] = self._beat()
                if came.added != Added():
                    log.info("list read", list=name, **asdict(came.added))
        for name in read:
            # What one list's archive purged may have to be read again from another's, before a digest passes it by.
            if self.index.unread(name):
                with _logged("list not read again", list=name):
                    ingest(self.sources[name](), self.index, self.readers, stopped=self.stopping.is_set)
        with _logged("series not followed"):
            self.following.keep_up(self.people, self.now(), told=self._tell_followed, stopped=self.stopping.is_set)
        return read

    def _publish(self, read: set[str]) -> None:
        """Plan what is due. A room's beginning waits until its list has been read, or all of it would be new."""
        had = {key: progress.slot for key, progress in self.outbox.progress().items()}
        for one in due(self.timetables, had, self.now()):
            if self.stopping.is_set():
                break
            self._beat()
            subscription = self.subscriptions[one.key]
            name = subscription.mailing_list.name
            if one.key not in had and name not in read:
                continue
            with _logged("digest not planned", room=subscription.room, list=name):
                digest = publish(
                    subscription,
                    one.slot,
                    index=self.index,
                    summarizer=self.summarizer,
                    outbox=self.outbox,
                    renderer=self.renderer,
                    dialect=self.platforms[subscription.platform].dialect,
                )
                if digest:
                    log.info("digest planned", room=subscription.room, list=name, mails=digest.mails)

    def _look_back(self) -> None:
        """Note what waits, and sound the alarm for what should have gone out: once for each slot."""
        now = self.now()
        self.vitals.wait(self.outbox.queue(), now)
        # Where the archives are looked at once an hour, an hour late is in time.
        gone = missing(self.timetables, self.outbox.settled(), now, max(TOLERANCE, PATIENCE * self.refresh))
        for one in gone:
            if one not in self.vitals.missing:
                log.error("digest missing", subscription=one.key, slot=one.slot.isoformat())
        self.vitals.missing = gone

    def _beat(self) -> datetime:
        """Give a sign of life; when that was."""
        self.vitals.moved, self.vitals.refresh = self.now(), self.refresh
        return self.vitals.moved

    def _beat_on(self, _read: int, _total: int) -> None:
        self._beat()

    def _tell_followed(self, mails: int) -> None:
        self._beat()
        log.info("following series", mails=mails)

    def _count(self, platform: str, result: str) -> None:
        self._beat()
        self.vitals.sends[platform, result] += 1


@contextmanager
def _logged(event: str, **facts: str) -> Iterator[None]:
    """What fails inside is told to the log, and goes no further: the next tick tries again."""
    try:
        yield
    except Shrunk as problem:
        log.critical(event, problem=str(problem), **facts)  # a person has to look
    except ChatbotError as problem:
        log.warning(event, problem=str(problem), **facts)
    except Exception:
        log.exception(event, **facts)
