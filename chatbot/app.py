"""The wiring: the only file that knows everybody. What the bot is made of, put together once, in the open."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog

from chatbot.answer import answer
from chatbot.chat.platform import Platform, Request
from chatbot.chat.post import Post
from chatbot.chat.terminal import Terminal
from chatbot.commands import names
from chatbot.commands.command import Context
from chatbot.config import Config, check_config
from chatbot.deliver import deliver
from chatbot.errors import Unreadable
from chatbot.ingest import ingest
from chatbot.publish import Subscription, publish
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.schedule import Clock, Timetable, due
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import write_sample
from chatbot.store.database import open_database
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.search import Search

log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The only clock; everything below is handed the time."""
    return datetime.now(UTC)


def platforms_of(config: Config) -> dict[str, Platform]:
    """The platforms that are set up: one row each."""
    found: dict[str, Platform] = {}
    if config.platforms.terminal:
        found["terminal"] = Terminal(names(), config.platforms.terminal.color)
    return found


@dataclass
class Bot:
    """Everything a running bot holds."""

    config: Config
    lists: Mapping[str, MailingList]
    archives: Mapping[str, Path]
    subscriptions: Mapping[str, Subscription]
    timetables: tuple[Timetable, ...]
    platforms: Mapping[str, Platform]
    renderer: Renderer
    index: Index
    search: Search
    outbox: Outbox
    now: Callable[[], datetime] = utc_now
    sources: dict[str, PublicInbox] = field(default_factory=dict)

    async def run(self) -> None:
        """Tick, answer commands, and tick again, until nobody can ask any more."""
        await self.tick()
        clock = Clock(self.config.sources.refresh, self.tick)
        clock.start()
        try:
            await asyncio.gather(*(platform.listen(self.answer) for platform in self.platforms.values()))
        finally:
            clock.stop()
            for platform in self.platforms.values():
                await platform.close()

    async def tick(self) -> None:
        """Read what is new, build what is due, send what is waiting."""
        await asyncio.to_thread(self._refresh)
        await asyncio.to_thread(self._publish)
        await deliver(self.outbox, self.platforms, self.now)

    async def answer(self, request: Request) -> Post:
        """The answer to a command, worked out beside the loop, so that nobody waits for it."""
        dialect = self.platforms["terminal"].dialect
        context = Context(self.index, self.search, self.lists, self.now())
        return await asyncio.to_thread(answer, request.text, context, self.renderer, dialect)

    def close(self) -> None:
        """Let go of the archives."""
        for source in self.sources.values():
            source.close()

    def _refresh(self) -> None:
        for name, folder in self.archives.items():
            try:
                if name not in self.sources:
                    self.sources[name] = PublicInbox(name, folder)
                added = ingest(self.sources[name], self.index)
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
            digest = publish(subscription, one.slot, self.index, self.outbox, self.renderer, dialect)
            if digest:
                log.info("digest planned", room=subscription.room, list=subscription.mailing_list.name, mails=digest.mails)


@contextmanager
def bot(config: Config, now: Callable[[], datetime] = utc_now) -> Iterator[Bot]:
    """A bot for this configuration. Raises BadConfig: for the store, and for templates that do not compile."""
    lists = {one.name: MailingList(one.name, one.title or one.name, one.link) for one in config.lists}
    platforms = platforms_of(config)
    renderer = Renderer(config.templates.folder)
    for platform in platforms.values():
        renderer.check(platform.dialect)
    engine = open_database(config.store.url)
    subscriptions: dict[str, Subscription] = {}
    timetables: list[Timetable] = []
    for room in config.rooms:
        for digest in room.digests:
            key = f"{room.platform}/{room.room}/{digest.list}"
            subscriptions[key] = Subscription(
                key, room.platform, room.room, lists[digest.list], digest.first, digest.even_empty
            )
            timetables.append(Timetable(key, digest.schedule, digest.zone))
    made = Bot(
        config=config,
        lists=lists,
        archives={one.name: one.archive for one in config.lists},
        subscriptions=subscriptions,
        timetables=tuple(timetables),
        platforms=platforms,
        renderer=renderer,
        index=Index(engine),
        search=Search(engine),
        outbox=Outbox(engine),
        now=now,
    )
    try:
        yield made
    finally:
        made.close()
        engine.dispose()


@contextmanager
def demonstration() -> Iterator[Config]:
    """The embedded default: the sample archive, a database, and a room in the terminal, all gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chatbot-demo-"))
    try:
        archives = write_sample(folder)
        link = "https://lore.kernel.org/all/"
        yield check_config(
            {
                "log": {"level": "warning"},
                "platforms": {"terminal": {}},
                "lists": [
                    {"name": name, "title": name.upper(), "archive": str(archive), "link": link}
                    for name, archive in archives.items()
                ],
                "rooms": [
                    {
                        "platform": "terminal",
                        "room": "terminal",
                        "digests": [{"list": "kvm", "schedule": "daily at 09:00", "first": "1d"}],
                    }
                ],
            },
            folder,
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def configure_log(level: str) -> None:
    """Logs go to standard error: for a person on a terminal, as JSON everywhere else."""
    human = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def run_bot(config: Config) -> None:
    """Run the bot until its input ends. Raises BadConfig."""
    configure_log(config.log.level)
    with ExitStack() as stack:
        made = stack.enter_context(bot(config))
        asyncio.run(made.run())
