"""The wiring: the bot is put together here, in the open, of what translate.py and connect.py make of the config. What
runs once and ends is put together in once.py, with the clock and the login of this file; these alone know everybody.

It imports inside its functions: a command loads what it is made of, and nothing else.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from chatbot.connect import platforms_of
from chatbot.translate import aliases_of, lists_of, people_of, rooms_of, subscriptions_of, subsystems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from threading import Event
    from typing import Any

    from chatbot.chat.platform import Platform
    from chatbot.reaction import Breaker
    from chatbot.readers import Readers
    from chatbot.serve import Bot
    from chatbot.settings import Config
    from chatbot.sources.source import Source
    from chatbot.store.leases import Leases
    from chatbot.store.outbox import Outbox
    from chatbot.vitals import Vitals


def utc_now() -> datetime:
    """The only clock; everything else is handed the time."""
    return datetime.now(UTC)


def login() -> str:
    """Who runs this, as the system calls them."""
    import os
    from getpass import getuser

    try:
        return getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return str(os.getuid())


def say(what: str, done: int, total: int) -> None:
    """Tells a person how far rare and long work is; not in the way of what the command prints."""
    import sys

    sys.stderr.write(f"chatbot: {what}: {done:,} of {total:,} mails\n")


def run_bot(
    config: Config, now: Callable[[], datetime] | None = None, load: Callable[[], Config] | None = None
) -> None:
    """Run the bot until its input ends, or a signal says so; `load` reads its configuration again. Raises BadConfig."""
    import asyncio

    from chatbot.run import run

    configure_log(config.log.level)
    with bots(config, now) as make:
        made = make(config)
        asyncio.run(run(made, partial(_again, load, config, make) if load else None, _beside(config.health.port, made)))


def _beside(port: int | None, made: Bot) -> Callable[[], AbstractAsyncContextManager[None]]:
    """What a supervisor asks, where a port is set."""
    from contextlib import nullcontext

    if port is None:
        return nullcontext
    from chatbot.health import open_pages, pages_of

    return partial(open_pages, port, pages_of(made.vitals, made.now))


def _again(load: Callable[[], Config], running: Config, make: Callable[[Config], Bot]) -> Bot:
    """The bot as the changed config has it; what only a start can change is named, and kept. Raises BadConfig."""
    import structlog

    from chatbot.config import settled

    config, kept = settled(load(), running)
    made = make(config)
    configure_log(config.log.level)
    for setting in kept:
        structlog.get_logger(__name__).warning("setting kept until the next start", setting=setting)
    return made


@contextmanager
def bot(
    config: Config, now: Callable[[], datetime] | None, platforms: Mapping[str, Platform] | None = None
) -> Iterator[Bot]:
    """A bot for this configuration, on its platforms, or on those that are handed in. Raises BadConfig: for the store,
    for rules about people, for subsystems, and for templates that do not compile.
    """
    with bots(config, now, platforms) as make:
        yield make(config)


@contextmanager
def bots(
    config: Config, now: Callable[[], datetime] | None, platforms: Mapping[str, Platform] | None = None
) -> Iterator[Callable[[Config], Bot]]:
    """Makes a bot for this configuration, and for others that come while it runs: all on the same store, on the same
    platforms, with the same leases and readers. Where no clock is handed in, its replicas' common one counts. To make
    one raises BadConfig, as above; so does this, for the store.
    """
    import threading
    from functools import cache

    from chatbot.readers import Readers
    from chatbot.sources.public_inbox import PublicInbox
    from chatbot.store.database import writable_database
    from chatbot.store.index import Index
    from chatbot.store.leases import Leases
    from chatbot.store.outbox import Outbox
    from chatbot.store.subscriptions import Subscriptions
    from chatbot.vitals import Vitals

    with ExitStack() as stack:
        engine = stack.enter_context(writable_database(config.store.url, _log))
        leases = Leases(engine, utc_now)
        stack.enter_context(leases.kept())
        now = now or leases.now
        names = Subscriptions(engine).names()
        if platforms is None:
            platforms = platforms_of(config, login(), utc_now, stack, engine, called=names)

        @cache
        def archive(name: str, folder: Path) -> PublicInbox:
            """Opened when it is first asked for: it may not be there yet, or not now."""
            return stack.enter_context(PublicInbox(name, folder))

        yield _Lasting(
            engine=engine,
            leases=leases,
            outbox=Outbox(engine, leases, Index(engine).newest()),
            platforms=platforms,
            readers=stack.enter_context(Readers(config.sources.jobs)),
            archive=archive,
            now=now,
            vitals=Vitals(now(), config.sources.refresh),
            stopping=threading.Event(),
            breakers={},
            names=names,
        ).bot


@dataclass(frozen=True)
class _Lasting:
    """What stays from one configuration to the next."""

    engine: Any  # SQLAlchemy's, whose door is store/
    leases: Leases
    outbox: Outbox
    platforms: Mapping[str, Platform]
    readers: Readers
    archive: Callable[[str, Path], Source]
    now: Callable[[], datetime]
    vitals: Vitals
    stopping: Event
    breakers: dict[str, Breaker]
    names: dict[tuple[str, str], str]

    def bot(self, config: Config) -> Bot:
        """The bot as this configuration has it. Raises BadConfig."""
        import structlog

        from chatbot.originals import Originals
        from chatbot.report.render import Renderer
        from chatbot.serve import Bot
        from chatbot.sift import Sifter
        from chatbot.store.chronicles import Chronicles
        from chatbot.store.corrections import Corrections
        from chatbot.store.following import Following
        from chatbot.store.index import Index
        from chatbot.store.search import Search
        from chatbot.store.stretches import Stretches
        from chatbot.store.subscriptions import Subscriptions
        from chatbot.summarize import Summarizer

        log, engine = structlog.get_logger(__name__), self.engine
        people = people_of(config)
        subsystems = subsystems_of(config, lambda remark: log.warning("line of MAINTAINERS left out", remark=remark))
        search, stretches = Search(engine), Stretches(engine)
        sources = {one.name: partial(self.archive, one.name, one.archive) for one in config.lists}
        summarizer = Summarizer(Chronicles(engine), stretches, people, config.digests.silent_after)
        originals = Originals(stretches.places, sources)
        renderer = Renderer(config.templates.folder)
        for platform in self.platforms.values():
            renderer.check(platform.dialect)
        return Bot(
            lists=lists_of(config),
            people=people,
            subsystems=subsystems,
            sources=sources,
            rooms=rooms_of(config),
            subscriptions=Subscriptions(engine, subscriptions_of(config, lambda: subsystems, self.now())),
            platforms=self.platforms,
            renderer=renderer,
            index=Index(engine),
            search=search,
            summarizer=summarizer,
            sifter=Sifter(summarizer, search, originals, people, lambda: subsystems),
            following=Following(engine),
            corrections=Corrections(engine),
            outbox=self.outbox,
            leases=self.leases,
            readers=self.readers,
            refresh=config.sources.refresh,
            now=self.now,
            vitals=self.vitals,
            stopping=self.stopping,
            breakers=self.breakers,
            names=self.names,
            unfound=aliases_of(config),
        )


def _log(what: str, done: int, total: int) -> None:
    """Tells the log how far rare and long work is."""
    import structlog

    structlog.get_logger(__name__).info(what, done=done, total=total)


@contextmanager
def demonstration() -> Iterator[tuple[Config, Callable[[], datetime]]]:
    """The embedded default: the sample archive, a database and a room in the terminal, all gone afterwards; and a
    clock that starts on the sample's last evening.
    """
    import tempfile
    from pathlib import Path

    from chatbot.config import check_config
    from chatbot.sources.sample import EVENING, write_sample

    start = utc_now()
    with tempfile.TemporaryDirectory(prefix="chatbot-demo-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        lists = [
            {"name": one, "title": one.upper(), "archive": str(path), "link": f"https://lists.sample.example/{one}/"}
            for one, path in write_sample(folder).items()
        ]
        divided = {"KVM": "virt/kvm/", "KVM ARM64": "arch/arm64/kvm/", "KVM X86": "arch/x86/kvm/"}
        settings = {
            "log": {"level": "warning"},
            "platforms": {"terminal": {}},
            "lists": lists,
            "subsystems": [{"title": title, "files": files} for title, files in divided.items()],
            "subscriptions": [{"platform": "terminal", "room": "terminal", "list": "kvm", "first": "1d"}],
        }
        yield check_config(settings, folder), lambda: EVENING + (utc_now() - start)


def configure_log(level: str) -> None:
    """Logs go to standard error: for a person on a terminal, as JSON everywhere else."""
    import sys

    import structlog

    human = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
