"""Several workspaces of Slack, by one app that each of them installs: a `Slack` for each, and one way in for all.

A room's name is WORKSPACE/CHANNEL, a person's WORKSPACE/USER; where a whole organisation (Enterprise Grid) has
installed the app, its id stands in the place of the workspace's.

Law of the file: what is wrong with one workspace is said of its rooms, never of the platform: the others go on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store import Bot, Installation

from chatbot.chat.platform import Answer, Receipt, Request
from chatbot.chat.post import Dialect, Post, printable
from chatbot.chat.slack import Slack
from chatbot.chat.slack_entrance import Entrance, Requests
from chatbot.chat.slack_install import Install
from chatbot.chat.slack_manifest import INSTALL
from chatbot.errors import Closed, DeliveryError, Unauthorized, Unavailable, Unknown
from chatbot.finding import Finding

log = structlog.get_logger(__name__)

# By these Slack says that a token may be gone: https://docs.slack.dev/reference/events/app_uninstalled
_GOING = {"app_uninstalled", "tokens_revoked"}

_T = TypeVar("_T")


class Installed(Protocol):
    """What is remembered of those who have installed the app; it may take a while. Raises DeliveryError."""

    @property
    def login(self) -> str:
        """What stands for the keys that its tokens are read with."""
        ...

    def workspace(self, name: str) -> Bot | None:
        """The one of this name."""
        ...

    def workspaces(self) -> Sequence[Bot]:
        """All of them."""
        ...

    def name_of(self, one: Bot | Installation) -> str:
        """What stands before the slash of its rooms."""
        ...

    def save_bot(self, bot: Bot) -> None:
        """Remember its new token."""
        ...

    def drop(self, bot: Bot) -> None:
        """Forget this one, and not one that came after it."""
        ...


class _Desk:
    """Where what one workspace asks is taken: the door that all share brings it here."""

    def __init__(self) -> None:
        self.app: asyncio.Future[AsyncApp] = asyncio.get_running_loop().create_future()

    async def let_in(self, app: AsyncApp, now: Callable[[], datetime]) -> None:  # noqa: ARG002  # the door looks at signatures
        """Until it is cancelled."""
        self.app.set_result(app)
        await asyncio.Event().wait()


@dataclass
class _Workspace:
    """One as it is installed now."""

    token: str
    slack: Slack
    desk: _Desk
    listening: asyncio.Task[None] | None = None


class Workspaces:
    """The platform of all of them."""

    name = "slack"

    def __init__(
        self,
        installed: Installed,
        requests: Requests,
        install: Install,
        make: Callable[[str, str, Entrance], Slack],
        now: Callable[[], datetime],
        *,
        url: str,
        dialect: Dialect,
        settles: timedelta,
        back: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`make` makes the Slack of a workspace's name and token; `url` is where people reach us; `back` is told,
        beside the loop, of each workspace that has installed the app.
        """
        self.dialect, self.settles, self.login = dialect, settles, installed.login
        self._installed, self._requests, self._install = installed, requests, install
        self._make, self._now, self._back = make, now, back
        self._page = f"{url}{INSTALL}"
        self._known: dict[str, _Workspace] = {}
        # By the token before: those that the database has not taken yet.
        self._unsaved: dict[str, Bot] = {}
        self._answer: Answer | None = None
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._tasks = set[asyncio.Task[None]]()

    # What comes in

    async def listen(self, answer: Answer) -> None:
        """As the port says, for all."""
        self._answer = answer
        try:
            await self._requests.serve(self._dispatch, self._now, self._install.pages(self._came))
        finally:
            for name in list(self._known):
                self._leave(name)
            while self._tasks:
                await asyncio.wait(self._tasks)

    async def _dispatch(self, request: AsyncBoltRequest) -> BoltResponse:
        """To the workspace that it comes from; Slack asks again where we do not know yet."""
        body = request.body
        if body.get("type") == "url_verification":
            return BoltResponse(status=200, body={"challenge": str(body.get("challenge", ""))})
        name = _name_of(request.context)
        if body.get("event", {}).get("type") in _GOING:
            self._spawn(self._see_gone(name))
            return BoltResponse(status=200)
        try:
            workspace = await self._workspace(name)
        except Closed:
            log.warning("asked by a workspace that has not installed us", workspace=printable(name))
            said = {"text": f"I am not installed here any more. {self._page} installs me."}
            return BoltResponse(status=200, body=said if "command" in body else "")
        except DeliveryError as error:
            log.warning("command not taken", workspace=name, reason=str(error))
            return BoltResponse(status=503)
        if workspace.listening is None:
            workspace.listening = self._spawn(workspace.slack.listen(self._answers(name)))
        app = workspace.desk.app
        await asyncio.wait((app, workspace.listening), return_when=asyncio.FIRST_COMPLETED)
        return await app.result().async_dispatch(request) if app.done() else BoltResponse(status=503)

    def _answers(self, name: str) -> Answer:
        """With whole names; a button may have its room's already."""

        async def answered(request: Request) -> Post:
            assert self._answer  # noqa: S101  # `listen` came first
            whole = f"{name}/"
            room = f"{whole}{request.room.removeprefix(whole)}"
            return await self._answer(replace(request, room=room, person=f"{whole}{request.person}"))

        return answered

    def _spawn(self, work: Awaitable[None]) -> asyncio.Task[None]:
        async def logged() -> None:
            try:
                await work
            except DeliveryError as error:
                log.warning("workspace not asked", reason=str(error))
            except Exception:
                log.exception("workspace failed")

        task = asyncio.ensure_future(logged())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Who is there

    async def _came(self, installation: Installation) -> None:
        name = self._installed.name_of(installation)
        log.info("workspace installed", workspace=name)
        await asyncio.to_thread(self._back, name)

    async def _see_gone(self, name: str) -> None:
        """Slack's words may be late, or of one person's token: the token itself is asked."""
        bot = await asyncio.to_thread(self._installed.workspace, name)
        if bot is None:
            return
        (found,) = await (await self._workspace(name)).slack.check(())
        if not found.well:
            await asyncio.to_thread(self._installed.drop, bot)
            self._leave(name)
            log.warning("workspace gone", workspace=name, remedy=f"what waits is kept; install again: {self._page}")

    def _leave(self, name: str) -> None:
        """Who has asked by then is answered."""
        known = self._known.pop(name, None)
        if known and known.listening:
            known.listening.cancel()

    async def _workspace(self, name: str) -> _Workspace:
        """As the database has it now: another replica may have installed it, or seen it go. Raises DeliveryError."""
        bot = await asyncio.to_thread(self._installed.workspace, name)
        if bot is None:
            self._leave(name)
            raise Closed(f"{name} has not installed the bot; install it there: {self._page}")
        if bot.bot_token_expires_at is not None:
            bot = await self._renewed(name, bot)
        known = self._known.get(name)
        if known and known.token == bot.bot_token:
            return known
        self._leave(name)
        desk = _Desk()
        made = self._known[name] = _Workspace(bot.bot_token, self._make(name, bot.bot_token, desk), desk)
        made.slack.name, made.slack.remedy = f"{self.name}/{name}", f"install it again: {self._page}"
        return made

    async def _renewed(self, name: str, bot: Bot) -> Bot:
        """With another token in time. Where that fails the old one lasts a while, and a replica may have a new. Slack
        gives a new one once: until it is saved, it is kept here. Raises DeliveryError.
        """
        async with self._turns[name]:
            newest = await asyncio.to_thread(self._installed.workspace, name)
            bot = newest or bot
            new = self._unsaved.get(bot.bot_token)
            try:
                new = new or await self._install.renewed(bot, self._now())
                if new:
                    self._unsaved[bot.bot_token] = new
                    await asyncio.to_thread(self._installed.save_bot, new)
                    del self._unsaved[bot.bot_token]
            except DeliveryError as error:
                log.warning("token not renewed", workspace=name, reason=str(error))
                if isinstance(error, Unavailable | Unknown) and new is None and _expired(bot, self._now()):
                    raise Unavailable(f"the token of {name} is not renewed yet: {error}") from error
            return new or bot

    # What goes out

    def service(self, room: str) -> str:
        """The room's workspace."""
        return f"{self.name}/{room.partition('/')[0]}"

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        """By the room's workspace."""
        return await self._by(room, lambda slack, channel: slack.send(channel, post, key, under))

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:
        """In the room's workspace."""
        return await self._by(room, lambda slack, channel: slack.find(channel, key, since, under))

    async def may_manage(self, person: str, room: str) -> bool:
        """By the rights of the workspace that both are of."""
        workspace, _, user = person.partition("/")
        if workspace != room.partition("/")[0]:
            return False
        return await self._by(room, lambda slack, channel: slack.may_manage(user, channel))

    async def tell(self, person: str, post: Post) -> None:
        """In the person's workspace."""
        await self._by(person, lambda slack, user: slack.tell(user, post))

    async def _by(self, whole: str, call: Callable[[Slack, str], Awaitable[_T]]) -> _T:
        name, _, own = whole.partition("/")
        workspace = await self._workspace(name)
        with self._of_one(name):
            return await call(workspace.slack, own)

    @contextmanager
    def _of_one(self, name: str) -> Iterator[None]:
        """A token that is not taken closes the rooms of its workspace."""
        try:
            yield
        except Unauthorized as error:
            raise Closed(f"{error}; install the bot in {name} again: {self._page}") from error

    async def check(self, rooms: Sequence[str]) -> list[Finding]:
        """As the port says; and of each workspace, how it is with its token."""
        bots = await asyncio.to_thread(self._installed.workspaces)
        names = [self._installed.name_of(bot) for bot in bots]
        what = f"token {self.name}"
        if not names:
            return [Finding(what, f"no workspace has installed the bot yet; install it: {self._page}", well=False)]
        found = [Finding(what, f"installed in {', '.join(names)}")]
        for name in names:
            own = [room.partition("/")[2] for room in rooms if room.partition("/")[0] == name]
            try:
                found += await (await self._workspace(name)).slack.check(own)
            except DeliveryError as error:
                found.append(Finding(f"{what}/{name}", f"{error}; ask again", well=False))
        remedy = f"has not installed the bot; install it there: {self._page}"
        others = ((room, room.partition("/")[0]) for room in rooms)
        return found + [
            Finding(f"room {self.name}/{room}", f"{name} {remedy}", well=False)
            for room, name in others
            if name not in names
        ]

    async def close(self) -> None:
        """Nothing is held."""


def _name_of(context: AsyncBoltContext) -> str:
    """As bolt reads a request: of the organisation that has installed the app, or else of the workspace."""
    return str((context.enterprise_id if context.is_enterprise_install else context.team_id) or "")


def _expired(bot: Bot, now: datetime) -> bool:
    return (bot.bot_token_expires_at or 0) <= now.timestamp()
