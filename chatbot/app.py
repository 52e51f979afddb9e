"""The wiring: the bot is put together here, in the open. What runs once and ends is put together in once.py, with the
clock, the login, the lists and the people of this file; these two alone know everybody.

It imports inside its functions: a command loads what it is made of, and nothing else.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from chatbot.chat.platform import Platform
    from chatbot.chat.slack import Slack
    from chatbot.config import Config, Exported
    from chatbot.config import Matrix as MatrixTable
    from chatbot.config import Slack as SlackTable
    from chatbot.config import Subscription as Table
    from chatbot.mail.people import People
    from chatbot.report.digest import MailingList
    from chatbot.serve import Bot
    from chatbot.store.subscriptions import Subscriptions
    from chatbot.subscriptions.room import Room
    from chatbot.subscriptions.subscription import Subscription
    from chatbot.subscriptions.subsystem import Subsystem, Subsystems
    from chatbot.subscriptions.when import When


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

    import structlog

    from chatbot.originals import Originals
    from chatbot.reaction import Breaker
    from chatbot.readers import Readers
    from chatbot.report.render import Renderer
    from chatbot.serve import Bot
    from chatbot.sift import Sifter
    from chatbot.sources.public_inbox import PublicInbox
    from chatbot.store.chronicles import Chronicles
    from chatbot.store.corrections import Corrections
    from chatbot.store.database import writable_database
    from chatbot.store.following import Following
    from chatbot.store.index import Index
    from chatbot.store.leases import Leases
    from chatbot.store.outbox import Outbox
    from chatbot.store.search import Search
    from chatbot.store.stretches import Stretches
    from chatbot.store.subscriptions import Subscriptions
    from chatbot.summarize import Summarizer
    from chatbot.vitals import Vitals

    log = structlog.get_logger(__name__)
    with ExitStack() as stack:
        engine = stack.enter_context(writable_database(config.store.url, _log))
        leases, index = Leases(engine, utc_now), Index(engine)
        stack.enter_context(leases.kept())
        now = now or leases.now
        outbox = Outbox(engine, leases, index.newest())
        platforms = platforms_of(config, stack, Subscriptions(engine)) if platforms is None else platforms
        readers = stack.enter_context(Readers(config.sources.jobs))
        stopping, vitals = threading.Event(), Vitals(now(), config.sources.refresh)
        breakers: dict[str, Breaker] = {}

        @cache
        def archive(name: str, folder: Path) -> PublicInbox:
            """Opened when it is first asked for: it may not be there yet, or not now."""
            return stack.enter_context(PublicInbox(name, folder))

        def make(config: Config) -> Bot:
            lists, people = lists_of(config), people_of(config)
            subsystems = subsystems_of(
                config, lambda remark: log.warning("line of MAINTAINERS left out", remark=remark)
            )
            subscriptions = subscriptions_of(config, lambda: subsystems, now())
            search, stretches = Search(engine), Stretches(engine)
            sources = {one.name: partial(archive, one.name, one.archive) for one in config.lists}
            summarizer = Summarizer(Chronicles(engine), stretches, people, config.digests.silent_after)
            originals = Originals(stretches.places, sources)
            renderer = Renderer(config.templates.folder)
            for platform in platforms.values():
                renderer.check(platform.dialect)
            return Bot(
                lists=lists,
                people=people,
                subsystems=subsystems,
                sources=sources,
                rooms=rooms_of(config),
                subscriptions=Subscriptions(engine, subscriptions),
                platforms=platforms,
                renderer=renderer,
                index=index,
                search=search,
                summarizer=summarizer,
                sifter=Sifter(summarizer, search, originals, people, lambda: subsystems),
                following=Following(engine),
                corrections=Corrections(engine),
                outbox=outbox,
                leases=leases,
                readers=readers,
                refresh=config.sources.refresh,
                now=now,
                vitals=vitals,
                stopping=stopping,
                breakers=breakers,
            )

        yield make


def lists_of(config: Config) -> dict[str, MailingList]:
    """The lists as digests name them and link to them, by their names in the index."""
    from chatbot.report.digest import MailingList

    return {one.name: MailingList(one.name, one.title or one.name, one.link) for one in config.lists}


def people_of(config: Config) -> People:
    """Who is who, by the built-in rules and those of the team. Raises BadConfig."""
    from chatbot.people import read_people

    files = config.people
    return read_people(files.mailmap, files.organisations, files.bots)


def subsystems_of(config: Config, tell: Callable[[str], None]) -> Subsystems:
    """The team's own subsystems, and after them those of MAINTAINERS that have other titles; `tell` is told what was
    left out of that file, each line by its number. Raises BadConfig.
    """
    from chatbot.errors import BadConfig
    from chatbot.subscriptions.maintainers import read_maintainers
    from chatbot.subscriptions.subsystem import Subsystems

    own = _own_subsystems(config)
    file = config.maintainers.file
    if file is None:
        return Subsystems(own)
    sections, left_out = read_maintainers(file.read_bytes())
    if not sections:
        raise BadConfig((f"[maintainers] file: {file} has no sections; name the kernel's MAINTAINERS",))
    for one in left_out:
        tell(f"{file}:{one.line}: {one.reason}")
    titles = {one.title.casefold() for one in own}
    return Subsystems((*own, *(one for one in sections if one.title.casefold() not in titles)))


def _own_subsystems(config: Config) -> tuple[Subsystem, ...]:
    from chatbot.errors import BadConfig
    from chatbot.mail.person import Person
    from chatbot.subscriptions.maintainers import entry_fault
    from chatbot.subscriptions.pattern import with_blanks
    from chatbot.subscriptions.subsystem import Subsystem

    kinds = {"files": "F", "excluded": "X", "names": "N", "contents": "K", "lists": "L", "maintainers": "M"}
    faults = [
        f"[[subsystems]] {place} {key}: {fault}"
        for place, one in enumerate(config.subsystems, 1)
        for key, kind in kinds.items()
        for text in getattr(one, key)
        if (fault := entry_fault(kind, with_blanks(text) if kind in "NK" else text))
    ]
    if faults:
        raise BadConfig(tuple(faults))
    return tuple(
        Subsystem(
            title=one.title,
            maintainers=tuple(map(Person.parse, one.maintainers)),
            lists=one.lists,
            files=one.files,
            excluded=one.excluded,
            names=tuple(map(with_blanks, one.names)),
            contents=tuple(map(with_blanks, one.contents)),
        )
        for one in config.subsystems
    )


def rooms_of(config: Config) -> dict[tuple[str, str], Room]:
    """What is said of each room, by its platform and name."""
    from chatbot.subscriptions.room import Room

    return {
        (one.platform, one.room): Room(
            one.platform, one.room, one.zone, frozenset(one.managers), one.quiet, one.weekends, one.holidays
        )
        for one in config.rooms
    }


def subscriptions_of(config: Config, subsystems: Callable[[], Subsystems], now: datetime) -> tuple[Subscription, ...]:
    """Those of the config; subsystems are asked for where one is followed. Raises BadConfig."""
    from chatbot.errors import BadConfig
    from chatbot.subscriptions.subscription import CONFIG_LETTERS, Origin, Subscription, config_key, make_id

    found: dict[str, Subscription] = {}
    faults: list[str] = []
    for place, one in enumerate(config.subscriptions, 1):
        followed = followed_by(one, place, subsystems, faults)
        key = config_key(one.platform, one.room, followed.topic, followed.filter)
        if key in found:
            faults.append(
                f"[[subscriptions]] {place}: this room follows {followed.topic!r} so already; keep one of them"
            )
        found[key] = Subscription(
            id=make_id(key, CONFIG_LETTERS),
            platform=one.platform,
            room=one.room,
            **followed._asdict(),
            owner="config",
            created=now,
            origin=Origin.CONFIG,
            first=one.first,
            even_empty=one.even_empty,
        )
    if faults:
        raise BadConfig(tuple(faults))
    return tuple(found.values())


class Followed(NamedTuple):
    """What a table of subscriptions says, as a Subscription has it."""

    topic: str
    subsystem: bool
    filter: str
    when: When


def followed_by(one: Table | Exported, place: int, subsystems: Callable[[], Subsystems], faults: list[str]) -> Followed:
    """Of the table at a place; what is wrong with it is added to the faults."""
    from dataclasses import replace

    from chatbot.errors import Misunderstood
    from chatbot.subscriptions.filter import parse_filter
    from chatbot.subscriptions.finding import named
    from chatbot.subscriptions.when import When

    topic, wanted = one.list or one.subsystem or one.series or "", ""
    if one.subsystem is not None:
        if known := named(subsystems(), one.subsystem):
            topic = known.title
        else:
            remedy = "ask `chatbot subsystems`"
            faults.append(f"[[subscriptions]] {place} subsystem: there is not one {one.subsystem!r}; {remedy}")
    try:
        wanted = str(parse_filter(one.filter))
    except Misunderstood as problem:
        faults.append(f"[[subscriptions]] {place} filter: {problem}")
    when = replace(one.when, zone=one.when.zone or one.zone) if one.when.rhythm else one.when
    if one.series and "when" not in one.model_fields_set:
        when = When()
    return Followed(topic, one.subsystem is not None, wanted, when)


def platforms_of(
    config: Config, stack: ExitStack | None = None, subscriptions: Subscriptions | None = None
) -> dict[str, Platform]:
    """The platforms that are set up: one row each. Without a stack nothing is held: they can be looked at, and no more.
    Raises Problem.
    """
    found: dict[str, Platform] = {}
    if config.platforms.terminal:
        from chatbot.chat.terminal import Terminal
        from chatbot.commands import names

        found["terminal"] = Terminal(names(), config.platforms.terminal.color, login())
    if config.platforms.matrix:
        found["matrix"] = _matrix(config.platforms.matrix, stack, subscriptions)
    if config.platforms.slack:
        found["slack"] = _slack(config.platforms.slack)
    return found


def _slack(config: SlackTable) -> Slack:
    """Raises BadConfig: for tokens that are missing, or in each other's places."""
    from chatbot.chat.slack import Slack
    from chatbot.chat.slack_listener import Requests, Sockets
    from chatbot.errors import BadConfig

    faults: list[str] = []
    bot = _secret("bot_token", config.bot_token_file, "SLACK_BOT_TOKEN", "xoxb-", faults)
    entrance: Requests | Sockets
    if config.mode == "http":
        secret = _secret("signing_secret", config.signing_secret_file, "SLACK_SIGNING_SECRET", "", faults)
        entrance = Requests(secret, config.host, config.port)
    else:
        entrance = Sockets(_secret("app_token", config.app_token_file, "SLACK_APP_TOKEN", "xapp-", faults))
    if faults:
        raise BadConfig(tuple(faults))
    return Slack(bot, entrance, utc_now, files=config.files, unreadable=config.unreadable_history)


def _secret(key: str, file: Path | None, variable: str, begin: str, faults: list[str]) -> str:
    """What a file or the environment says; it is shown nowhere."""
    import os

    found = (file.read_text("utf-8-sig") if file else os.environ.get(variable, "")).strip()
    where = f"[platforms.slack] {key}_file"
    if not found:
        faults.append(f"{where}: there is no such secret; set {variable}, or name a file that has it")
    elif not found.startswith(begin):
        faults.append(f"{where}: {file or variable} has something else; it begins with {begin}")
    return found


def _matrix(config: MatrixTable, stack: ExitStack | None, subscriptions: Subscriptions | None) -> Platform:
    import asyncio

    import structlog

    from chatbot.chat.matrix import Manners, opened, seen_from_outside
    from chatbot.commands import names

    async def moved(old: str, new: str) -> None:
        came = await asyncio.to_thread(subscriptions.move, "matrix", old, new) if subscriptions else 0
        structlog.get_logger(__name__).info("room moved", room=old, new=new, subscriptions=came)

    manners = Manners(
        prefix=config.prefix,
        prefixes=config.prefixes,
        inviters=config.inviters,
        level=config.level,
        badges=frozenset(config.badges),
        unthreaded=frozenset(config.unthreaded),
    )
    if stack is None:
        return seen_from_outside(config.device, names())
    return stack.enter_context(opened(config.device, names(), manners, moved=moved))


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
