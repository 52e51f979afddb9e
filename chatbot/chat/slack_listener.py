"""What people ask in Slack, and what they are told: slash commands, mentions, direct messages and buttons.

Law of the file: a handler acknowledges and returns; what takes time is a task of its own, in the person's turn.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import lru_cache
from secrets import token_urlsafe
from typing import Any, Protocol, TypeVar

import structlog
from aiohttp import ClientError, web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from chatbot.chat.platform import Answer, Request
from chatbot.chat.post import Dialect, File
from chatbot.chat.sealed import Seal
from chatbot.chat.slack_blocks import MOST_BUTTONS, Json, button, check, message, typed_here
from chatbot.chat.slack_cards import LOOK_UP, Cards
from chatbot.chat.slack_entrance import Entrance
from chatbot.chat.slack_errors import asked
from chatbot.chat.slack_home import Home, in_room
from chatbot.chat.slack_pace import Pace
from chatbot.chat.slack_quiet import quiet
from chatbot.chat.turns import PATIENCE, Turns
from chatbot.errors import DeliveryError, Unknown

log = structlog.get_logger(__name__)

# Uses of a response URL: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
MOST_PARTS = 5
# https://docs.slack.dev/reference/methods/files.getUploadURLExternal#errors: snippet_too_large
MOST_SNIPPET = 1_000_000
# What is remembered, so that it is answered once; and of answers, so that they can be shown to the channel.
REMEMBERED, SHOWABLE = 10_000, 500
# Bytes of what stands for messages that can be shown.
_TOKEN = 12
SHOW, OLD = "Show to the channel", "This button has grown old: type the command again."
SHOW_FIRST = "A file is for the whole channel: show this to the channel, and ask below what is there."
PRIVATE = "private"
NOTHING = "<p>There is nothing to say.</p>"
BUSY = f"You have asked {PATIENCE} things at once: wait for their answers."

# Slack writes people's own < as &lt;.
_WRAPPED = re.compile(r"<(mailto:|(?=https?://))([^|<>\s]*)(?:\|[^<>]*)?>")
Done = TypeVar("Done")
_MENTION = re.compile(r"^\s*<@[UW][A-Z0-9]+(?:\|[^>]*)?>[\s:,]*")


def unwrapped(text: str) -> str:
    """What a person typed, without what Slack makes of addresses and links, and of its own three characters."""
    bare = _WRAPPED.sub(lambda found: found[2], text)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def command_of(command: str, text: str) -> str:
    """As the table of commands has it: `/lore series x` and `/series x` are one, `/lore-help` is `/help`."""
    words = unwrapped(text)
    if command == "/lore":
        return f"/{words.removeprefix('/')}" if words else "/help"
    return f"/{command.removeprefix('/').removeprefix('lore-')} {words}".rstrip()


class Say(Protocol):
    """Tells who asked, with a button that shows it to the channel, or without."""

    async def __call__(self, messages: list[Json], *, showable: bool) -> None:  # noqa: D102
        ...


class Listener:
    """Takes what people ask to `answer`, and what that says back to them."""

    def __init__(
        self,
        answer: Answer,
        *,
        client: AsyncWebClient,
        dialect: Dialect,
        seal: Seal,
        entrance: Entrance,
        now: Callable[[], datetime],
        pace: Pace,
        unfurl: bool = False,
    ) -> None:
        self._answer, self._client, self._dialect, self._seal = answer, client, dialect, seal
        self._entrance, self._now, self._unfurls = entrance, now, unfurl
        self._pace = pace
        self._cards = Cards(answer, client, pace, dialect)
        self._tasks = set[asyncio.Task[Any]]()
        self._turns = Turns()
        # Whoever asks the same at the same time is given the same post.
        self._messages = lru_cache(maxsize=64)(self._made)
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._showable: OrderedDict[str, list[Json]] = OrderedDict()
        self._app = AsyncApp(
            client=client, logger=quiet(), name="chatbot", ssl_check_enabled=False, request_verification_enabled=False
        )
        Home(answer, seal, dialect, self._turns, pace, first=self._first, spawn=self._spawn).register(self._app)
        everything = re.compile(".*")
        self._app.command(everything)(self._commanded)
        self._app.action(everything)(self._clicked)
        self._app.event(everything)(self._happened)
        self._app.shortcut(LOOK_UP)(self._looked_up)

    async def run(self) -> None:
        """Until it is cancelled; who has asked by then is answered."""
        try:
            await self._entrance.let_in(self._app, self._now)
        finally:
            while self._tasks:
                await asyncio.wait(self._tasks)

    # What comes in

    async def _commanded(self, ack: Any, body: Json) -> None:
        request = Request(body["channel_id"], body["user_id"], command_of(body["command"], body.get("text", "")))
        taken = not self._first(body.get("trigger_id")) or self._take(request, self._by_url(body["response_url"]))
        await ack() if taken else await ack(BUSY)

    async def _clicked(self, ack: Any, body: Json) -> None:
        await ack()
        action, room, person = body["actions"][0], body["container"].get("channel_id", ""), body["user"]["id"]
        if not self._first(body.get("trigger_id")):
            return
        say = self._by_url(body["response_url"], replace=bool(body["container"].get("is_ephemeral")))
        command = self._seal.open(action.get("value", ""))
        if action["action_id"] == "show":
            self._spawn(self._show(action.get("value", ""), body["response_url"]))
        elif command is None:
            self._spawn(self._hook(body["response_url"], {"text": OLD, "replace_original": False}))
        elif not self._take(in_room(command, room, person), say, _place(body["container"])):
            self._spawn(self._hook(body["response_url"], {"text": BUSY, "replace_original": False}))

    async def _happened(self, ack: Any, body: Json) -> None:
        await ack()
        event = body["event"]
        if event["type"] == "link_shared":
            posted = event.get("is_bot_user_member") and event.get("source") != "composer"
            if self._unfurls and posted and self._first(body.get("event_id")):
                self._queue(event["user"], lambda: self._cards.unfurl(event))
            return
        if event.get("bot_id") or event.get("subtype") or not event.get("user") or not event.get("text"):
            return
        direct = event["type"] == "message" and event.get("channel_type") == "im"
        place = f"{event.get('channel')} {event.get('ts')}"  # an edited mention is the same one
        if (direct or event["type"] == "app_mention") and self._first(body.get("event_id")) and self._first(place):
            request = Request(event["channel"], event["user"], command_of("/lore", _MENTION.sub("", event["text"])))
            self._take(request, self._by_api(event, direct=direct), event.get("thread_ts"))

    async def _looked_up(self, ack: Any, body: Json) -> None:
        """By the shortcut on a message."""
        await ack()
        text = unwrapped(str(body["message"].get("text") or ""))
        request = Request(body["channel"]["id"], body["user"]["id"], text)
        say = self._by_url(body["response_url"])

        async def look() -> None:
            bodies = await self._cards.of(request)
            await say([message(one, self._seal.close) for one in bodies], showable=False)

        if self._first(body.get("trigger_id")) and not self._queue(request.person, look):
            self._spawn(self._hook(body["response_url"], {"text": BUSY, "replace_original": False}))

    def _first(self, name: str | None) -> bool:
        """Whether this was not delivered before; what has no name counts as new."""
        if name is None:
            return True
        if name in self._seen:
            return False
        self._seen[name] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return True

    def _take(self, request: Request, say: Say, under: str | None = None) -> bool:
        """Whether it is answered: not where the person has too much under way."""
        return self._queue(request.person, lambda: self._answered(request, say, under))

    def _queue(self, person: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether it is done, behind all else that the person has asked for."""
        if not self._turns.admits(person):
            return False
        self._spawn(self._in_turn(person, work))
        return True

    async def _in_turn(self, person: str, work: Callable[[], Awaitable[None]]) -> None:
        async with self._turns.of(person):
            await work()

    def _spawn(self, work: Awaitable[Done]) -> asyncio.Task[Done | None]:
        """What fails is told to the log, and has done nothing."""

        async def logged() -> Done | None:
            try:
                return await work
            except DeliveryError as error:
                log.warning("answer not shown", reason=str(error))
            except Exception:
                log.exception("answer not shown")
            return None

        task = asyncio.ensure_future(logged())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What is told

    async def _answered(self, request: Request, say: Say, under: str | None) -> None:
        post = await self._answer(request)
        messages = await asyncio.to_thread(self._messages, post.body)
        if post.file is None or post.file.size:
            await say(messages, showable=not post.aside)
        if post.file:
            await self._attach(post.file, request.room, under, say)

    async def _attach(self, file: File, room: str, under: str | None, say: Say) -> None:
        """Into the room, or the thread: a file cannot be for one person alone. Once: it has no key to be found by."""
        if under == PRIVATE:
            await say([message(self._dialect.lines([SHOW_FIRST]), self._seal.close)], showable=False)
            return
        snippet = not file.size and len(file.data) <= MOST_SNIPPET
        upload = self._client.files_upload_v2(
            channel=room,
            filename=file.name,
            title=file.name,
            content=file.data,
            snippet_type="text" if snippet else None,
            thread_ts=under,
        )
        try:
            await asked(upload)
        except DeliveryError as error:
            await say([message(self._dialect.lines([f"{file.name}: {error}"]), self._seal.close)], showable=False)

    def _made(self, body: str) -> list[Json]:
        """What a body is for one person. Raises Refused."""
        bodies = (self._dialect.parts(typed_here(body)) or self._dialect.parts(NOTHING))[:MOST_PARTS]
        messages = [message(body, self._seal.close) for body in bodies]
        check(_showable(messages[-1], token_urlsafe(_TOKEN)))
        return messages

    def _with_button(self, messages: list[Json]) -> list[Json]:
        """The same, with what shows it to the channel at its end."""
        token = token_urlsafe(_TOKEN)
        self._showable[token] = messages
        if len(self._showable) > SHOWABLE:
            self._showable.popitem(last=False)
        *before, last = messages
        return [*before, _showable(last, token)]

    def _by_url(self, url: str, *, replace: bool = False) -> Say:
        async def say(messages: list[Json], *, showable: bool) -> None:
            for place, one in enumerate(self._with_button(messages) if showable else messages):
                await self._hook(url, {**one, "replace_original": replace and place == 0})

        return say

    def _by_api(self, event: Json, *, direct: bool) -> Say:
        """A mention is answered where it stands, to its author alone; a direct message in its room."""
        room, under = event["channel"], event.get("thread_ts")

        async def say(messages: list[Json], *, showable: bool) -> None:
            for one in self._with_button(messages) if showable and not direct else messages:
                await (self._pace.message(room) if direct else self._pace.call("chat.postEphemeral"))
                calling = (
                    self._client.chat_postMessage(channel=room, thread_ts=under, **one)
                    if direct
                    else self._client.chat_postEphemeral(
                        channel=room, user=event["user"], thread_ts=under, **_ephemeral(one)
                    )
                )
                await asked(calling)

        return say

    async def _show(self, token: str, url: str) -> None:
        """What one person saw, for all; and that person's is taken away."""
        messages = self._showable.pop(token, None)
        if messages is None:
            await self._hook(url, {"text": OLD, "replace_original": False})
            return
        for one in messages[: MOST_PARTS - 1]:
            await self._hook(url, {**one, "response_type": "in_channel", "replace_original": False})
        await self._hook(url, {"delete_original": True})

    async def _hook(self, url: str, body: Json) -> None:
        """To a response URL, which says by its status alone that it did not take it."""
        hook = AsyncWebhookClient(url, retry_handlers=[], logger=self._app.logger)
        try:
            said = await hook.send_dict({"response_type": "ephemeral", **body})
        except (ClientError, OSError) as error:
            raise Unknown(f"Slack's answer was lost: {type(error).__name__}") from error
        if said.status_code != web.HTTPOk.status_code:
            log.warning("answer not shown", status=said.status_code, reason=str(said.body)[:100])


def _place(container: Json) -> str | None:
    """The thread of what belongs to a message; PRIVATE of what only one person sees."""
    return PRIVATE if container.get("is_ephemeral") else container.get("thread_ts") or container.get("message_ts")


def _showable(message: Json, token: str) -> Json:
    """The same, with what shows it to the channel among its last buttons."""
    show = button(SHOW, "show", token)
    *above, lowest = message["blocks"]
    if lowest["type"] == "actions" and len(lowest["elements"]) < MOST_BUTTONS:
        return {**message, "blocks": [*above, {**lowest, "elements": [*lowest["elements"], show]}]}
    return {**message, "blocks": [*message["blocks"], {"type": "actions", "elements": [show]}]}


def _ephemeral(message: Json) -> Json:
    """What chat.postEphemeral knows of it: it unfurls nothing."""
    return {key: message[key] for key in ("blocks", "text", "parse")}
