"""All that the bot needs, looked at before it runs: nothing is made, nothing changed, nothing posted.

The wiring of `chatbot check`; it imports inside its functions, as app.py does. What is found is a value of finding.py.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from chatbot.app import login, utc_now
from chatbot.connect import platforms_of
from chatbot.errors import BadConfig, ChatbotError
from chatbot.finding import Finding, each_once, look
from chatbot.translate import lists_of, people_of, subscriptions_of, subsystems_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from chatbot.chat.platform import Platform
    from chatbot.chat.post import Dialect
    from chatbot.report.digest import Digest
    from chatbot.report.render import Renderer
    from chatbot.settings import Config
    from chatbot.subscriptions.subscription import Subscription
    from chatbot.subscriptions.subsystem import Subsystems

# Seconds that a platform gets to say how it is: it is asked for each room, and may want us to wait in between.
PATIENCE = 60.0


def check(
    path: Path, now: datetime, *, online: bool, platforms: Mapping[str, Platform] | None = None
) -> tuple[Finding, ...]:
    """All that there is to find by this config, every fault; `online` has its platforms asked, or those that are
    handed in, and the addresses of archives.
    """
    from chatbot.config import load_config

    try:
        config = load_config(path)
    except BadConfig as error:
        return tuple(Finding("config", fault, well=False) for fault in error.faults)
    said = f"{path}: {_number(len(config.lists), 'list')}, {_number(len(config.subscriptions), 'subscription')}"
    with ExitStack() as stack:
        return (Finding("config", said), *_reader(), *_Look(config, now, platforms, stack).findings(online=online))


def _reader() -> Iterator[Finding]:
    """What reads mails, where that could be faster."""
    from chatbot.scan import COMPILED

    if not COMPILED:
        remedy = "to halve it, install a C compiler and Python's header files, and then the bot anew"
        yield Finding("reader of mails", f"Python alone, which takes twice the time; {remedy}")


def _number(number: int, word: str) -> str:
    return f"{number:,} {word if number == 1 else word + 's'}"


@dataclass
class _Look:
    """`followed` are the subscriptions that were found to be right so far."""

    config: Config
    now: datetime
    handed_in: Mapping[str, Platform] | None
    stack: ExitStack
    followed: list[Subscription] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def findings(self, *, online: bool) -> Iterator[Finding]:
        config = self.config
        for one in config.lists:
            yield from look(
                f"archive {one.name}", partial(self._archive, one.name, one.archive, mirrored=bool(one.url))
            )
        yield from look("people", self._people)
        yield from each_once(chain(look("subsystems", self._subsystems), look("subscriptions", self._subscriptions)))
        yield from self._store()
        yield from look("platforms", lambda: ", ".join(self._platforms))
        try:
            platforms = self._platforms
        except ChatbotError:  # it has been told
            platforms = {}
        yield from self._templates(platforms)
        if online:
            yield from self._asked(platforms)
            for one in config.lists:
                if one.url:
                    yield from look(f"url {one.name}", partial(self._published, one.url))

    @cached_property
    def _divided(self) -> Subsystems:
        return subsystems_of(self.config, self.left_out.append)

    @cached_property
    def _platforms(self) -> Mapping[str, Platform]:
        if self.handed_in is not None:
            return self.handed_in
        engine, slack = None, self.config.platforms.slack
        if slack and slack.install:
            from chatbot.store.database import open_database

            engine = open_database(self.config.store.url, make=False, migrate=False)
            self.stack.callback(engine.dispose)
        return platforms_of(self.config, login(), utc_now, engine=engine)

    def _archive(self, name: str, folder: Path, *, mirrored: bool) -> str:
        """Raises Unreadable."""
        from chatbot.errors import Unreadable
        from chatbot.sources.public_inbox import PublicInbox

        if mirrored and not folder.is_dir():
            raise Unreadable(str(folder), "there is no such folder", f"clone it with chatbot mirror {name}")
        with PublicInbox(name, folder) as archive:
            for number, epoch in archive.epochs.items():
                if epoch.tip is None:
                    raise Unreadable(str(folder), f"epoch {number} has no mail", "fetch it again, or remove it")
            newest = [next(epoch.history()).time for epoch in archive.epochs.values()]
        return f"{_number(len(newest), 'epoch')}, the newest mail of {max(newest):%Y-%m-%d %H:%M}"

    def _published(self, url: str) -> str:
        """Raises Misunderstood, Unreadable."""
        from chatbot.sources.mirror import see_published

        see_published(url)
        return "an archive is published there"

    def _people(self) -> str:
        """Raises BadConfig, OSError."""
        people_of(self.config)
        return ", ".join(key for key, path in self.config.people if path) or "the rules that are built in"

    def _subsystems(self) -> str:
        """Raises BadConfig, OSError."""
        known = len(self._divided)
        return f"{known:,} known" + (f", {_number(len(self.left_out), 'line')} left out" if self.left_out else "")

    def _subscriptions(self) -> str:
        """Raises BadConfig."""
        self.followed += subscriptions_of(self.config, lambda: self._divided, self.now)
        return f"{len(self.followed):,} of the config"

    def _store(self) -> Iterator[Finding]:
        """The index, the rooms that are parked, and what people have typed: what that follows may be gone since."""
        from chatbot.store.database import name_of, open_database
        from chatbot.store.delivery import State
        from chatbot.store.subscriptions import Subscriptions
        from chatbot.store.undelivered import SHOWN, Undelivered

        try:
            engine = open_database(self.config.store.url, make=False, migrate=False)
        except BadConfig as error:
            yield from (Finding("store", fault, well=False) for fault in error.faults)
            return
        try:
            subscriptions = Subscriptions(engine)
            posts, typed, self.names = Undelivered(engine).all(), subscriptions.all(), subscriptions.names()
            dead = sum(one.state is State.DEAD for one in posts)
            yield Finding("store", f"{name_of(engine)}: {_number(len(posts) - dead, 'post')} to be sent")
        except ChatbotError as error:
            yield Finding("store", str(error), well=False)
            return
        finally:
            engine.dispose()
        for post in posts:
            if post.state is State.PARKED:
                said = f"it is parked: {post.error}; mend that, then chatbot outbox retry {post.key[:SHOWN]}"
                yield Finding(f"room {post.platform}/{post.room}", said, well=False)
        yield from self._typed(typed)

    def _typed(self, typed: tuple[Subscription, ...]) -> Iterator[Finding]:
        from chatbot.errors import Misunderstood
        from chatbot.sift import topic_of

        lists = lists_of(self.config)
        for one in typed:
            what = f"subscription {one.id}"
            if getattr(self.config.platforms, one.platform, None) is None:
                remedy = f"add [platforms.{one.platform}], or chatbot subscriptions remove {one.id}"
                yield Finding(what, f"{one.platform!r} is not set up; {remedy}", well=False)
                continue
            try:
                topic_of(one, lists, lambda: self._divided)
            except Misunderstood as problem:
                yield Finding(what, str(problem), well=False)
            except BadConfig:  # the subsystems are told by themselves
                pass
            else:
                self.followed.append(one)
        if typed:
            yield Finding("subscriptions", f"{len(typed):,} of people")

    def _templates(self, platforms: Mapping[str, Platform]) -> Iterator[Finding]:
        """All are compiled, and a digest of the sample is made by them."""
        from chatbot.report.render import Renderer

        renderer = Renderer(self.config.templates.folder)
        for dialect in {platform.dialect.name: platform.dialect for platform in platforms.values()}.values():
            yield from look(f"templates {dialect.name}", partial(self._rendered, renderer, dialect))

    def _rendered(self, renderer: Renderer, dialect: Dialect) -> str:
        """Raises BadConfig."""
        renderer.check(dialect)
        try:
            body = renderer.render(dialect, "digest", digest=self._sample)
            parts = dialect.parts(body)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # what a template may do wrong
            fault = f"templates: {dialect.name}/digest.j2: {error}; mend it, or take it out of the folder"
            raise BadConfig((fault,)) from error
        if not body.strip():
            raise BadConfig(
                (f"templates: {dialect.name}/digest.j2 says nothing; mend it, or take it out of the folder",)
            )
        return f"a digest of {_number(len(body.splitlines()), 'line')} in {_number(len(parts), 'post')}"

    @cached_property
    def _sample(self) -> Digest:
        """A week of the demonstration."""
        import tempfile
        from pathlib import Path

        from chatbot.once import archive_digest
        from chatbot.report.digest import MailingList
        from chatbot.report.links import LORE
        from chatbot.report.window import Choice
        from chatbot.sources.sample import EVENING, write_sample

        with tempfile.TemporaryDirectory(prefix="chatbot-check-", ignore_cleanup_errors=True) as folder:
            name, archive = next(iter(write_sample(Path(folder)).items()))
            choice = Choice(None, "7d", None, None)
            return archive_digest(
                archive, MailingList(name, name, LORE), choice, EVENING, lambda _: None, classic=False
            )

    def _asked(self, platforms: Mapping[str, Platform]) -> Iterator[Finding]:
        """What the platforms say of their tokens, of the rooms, and of our rights there."""
        import asyncio

        from chatbot.subscriptions.subscription import is_alias

        for name, platform in platforms.items():
            rooms = {one.room for one in self.config.rooms if one.platform == name}
            rooms |= {one.room for one in self.followed if one.platform == name}
            # An alias is asked for anew; what was upgraded goes on as another room.
            now = {room if is_alias(room) else self.names.get((name, room), room) for room in rooms}
            yield from asyncio.run(_ask(platform, sorted(now)))


async def _ask(platform: Platform, rooms: list[str]) -> tuple[Finding, ...]:
    import asyncio

    from chatbot.chat.platform import Checks

    what = f"platform {platform.name}"
    try:
        if not isinstance(platform, Checks):
            return (Finding(what, "there is nothing to ask it"),)
        async with asyncio.timeout(PATIENCE):
            return tuple(await platform.check(rooms))
    except ChatbotError as error:
        return (Finding(what, f"{error}; see that it can be reached, and try again", well=False),)
    except TimeoutError:
        return (Finding(what, f"it has not answered in {PATIENCE:.0f} s; try again later", well=False),)
    except Exception as error:  # noqa: BLE001  # what the platform did not foresee; its words may have a token in them
        return (Finding(what, f"it failed by {type(error).__name__}; tell those who write its adapter", well=False),)
    finally:
        await platform.close()
