"""A Slack of our own: the Web API, response URLs, file uploads, and commands over Socket Mode or signed HTTP.

It refuses what Slack refuses (slack_rules.py), keeps all that was posted, and fails by seed as tests/fakes/wire.py does.
"""

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.fakes.slack_rules import (
    MOST_BLOCKS,
    UPDATE,
    Effects,
    Invalid,
    check_blocks,
    check_message,
    effects,
    read,
)
from tests.fakes.slack_views import Views

BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-1-of-the-bot", "xapp-1-of-the-app", "the signing secret"
TEAM, BOT, BOT_ID, APP = "T0TEAM", "U0BOT", "B0BOT", "A0APP"
MINIMAL = frozenset({"chat:write", "commands", "channels:read", "channels:history"})
# How long the kill loop's adapter waits for an answer, how late a post may be accepted, and how old a history may be.
PATIENCE = LATE = STALE = 0.1
# Of 100 posts; with the rest it behaves.
FAULTS = {
    "message_limit_exceeded": 4,
    "too many": 6,
    "500 before": 4,
    "500 after": 4,
    "no JSON after": 3,
    "503 and a code after": 3,
    "text after": 3,
    "fatal_error after": 4,
    "accepts, resets": 8,
    "accepts, hangs": 3,
    "accepts late": 6,
}
NOT_ACCEPTED = {"too many", "500 before", "accepts late"}
STALE_HISTORIES, BAD_HISTORIES = 0.3, 0.1
# Uses of a response URL.
USES = 5
# So many messages in a tenth of a minute; and of each method, so many a minute in a workspace.
MESSAGES = 30
TIERS = {
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "chat.update": 50,
    "chat.postEphemeral": 100,
    "users.info": 100,
    "files.getUploadURLExternal": 100,
    "files.completeUploadExternal": 100,
    "chat.unfurl": 50,
    "views.open": 100,
    "views.publish": 100,
    "views.update": 100,
}


@dataclass
class Channel:
    """A room; `members` are those who may see what is in it."""

    id: str
    name: str = "kernel"
    creator: str = "U0CREATOR"
    private: bool = False
    direct: bool = False
    archived: bool = False
    members: set[str] = field(default_factory=lambda: {BOT, "U0MIA"})


@dataclass(frozen=True)
class Message:
    """What was posted, and by which way: post, ephemeral, response, file."""

    way: str
    channel: str
    ts: str
    body: Mapping[str, Any]
    user: str | None = None
    at: float = 0.0

    @property
    def under(self) -> str | None:
        return self.body.get("thread_ts")

    @property
    def broadcast(self) -> bool:
        """Whether the channel sees it, too, though it is in a thread."""
        return self.under is not None and _true(self.body.get("reply_broadcast"))

    @property
    def blocks(self) -> list[dict[str, Any]]:
        return list(self.body.get("blocks") or [])

    @property
    def effects(self) -> Effects:
        return effects(self.body)

    @property
    def words(self) -> str:
        """All that is read in it, without form."""
        return " ".join(read(self.blocks)) if self.blocks else str(self.body.get("text", ""))

    def buttons(self) -> dict[str, dict[str, Any]]:
        """By their labels."""
        actions = (block["elements"] for block in self.blocks if block["type"] == "actions")
        return {one["text"]["text"]: one for elements in actions for one in elements}


class Slack:
    """One workspace. `faults` are taken one by one by chat.postMessage; `silences` by what is asked of the history; so
    many answers of response URLs are lost as `resets` says. Its tiers count in a `minute` of so many seconds.
    """

    def __init__(
        self,
        *,
        scopes: Iterable[str] = MINIMAL,
        ledger: Path | None = None,
        seed: int | None = None,
        team: str = TEAM,
        token: str = BOT_TOKEN,
        minute: float = 60,
    ) -> None:
        self.scopes = set(scopes)
        self.team, self.token = team, token
        self.channels = {one.id: one for one in (Channel("C0KERNEL"), Channel("C0OTHER", "other"))}
        self.admins: set[str] = set()
        self.messages: list[Message] = []
        self.updates: list[dict[str, Any]] = []
        self.files: list[dict[str, Any]] = []
        self.views = Views(self._interacted)
        self.cards: dict[str, Message] = {}
        self.acks: dict[str, tuple[float, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.refusals: list[str] = []
        self.faults: list[str] = []
        self.silences: list[str] = []
        self.resets: int = 0
        self.deleted: list[str] = []
        self.revoked = ""
        self.request_url = ""
        self.url = ""
        self.paced = False
        self.connected = asyncio.Event()
        self.minute, self.too_many = minute, Counter[str]()
        self._ledger, self._chance = ledger, random.Random(seed) if seed is not None else None
        self._sockets: list[web.WebSocketResponse] = []
        self._tickets: set[str] = set()
        self._uses: dict[str, tuple[str, str, int]] = {}
        self._uploads: dict[str, dict[str, Any]] = {}
        self._shared: dict[str, tuple[str, ...]] = {}
        self._numbers, self._last = count(1), 0.0
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._asked: dict[str, deque[float]] = defaultdict(deque)
        self._late: set[asyncio.Task[None]] = set()

    # The Web API

    async def api(self, request: web.Request) -> web.StreamResponse:
        """One method of it."""
        method = request.match_info["method"]
        self.calls[method] += 1
        arguments = await _arguments(request)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or arguments.pop("token", "")
        try:
            return await self._call(method, arguments, token, request)
        except Invalid as problem:
            self.refusals.append(f"{method}: {problem}")
            answer: dict[str, Any] = {"ok": False, "error": problem.code}
            if problem.code == "missing_scope":
                answer |= {"needed": problem.where, "provided": ",".join(sorted(self.scopes))}
            elif problem.where:
                answer |= {"errors": [problem.where], "response_metadata": {"messages": [f"[ERROR] {problem.where}"]}}
            return web.json_response(answer)

    async def _call(
        self, method: str, arguments: dict[str, Any], token: str, request: web.Request
    ) -> web.StreamResponse:
        if method == "apps.connections.open":
            if token != APP_TOKEN:
                raise Invalid("invalid_auth" if token else "not_authed")
            ticket = f"t{next(self._numbers)}"
            self._tickets.add(ticket)
            return web.json_response({"ok": True, "url": f"{self.url.replace('http', 'ws', 1)}/link?ticket={ticket}"})
        if self.revoked:
            raise Invalid(self.revoked)
        if token != self.token:
            raise Invalid("invalid_auth" if token else "not_authed")
        if (after := self._too_many(method)) is not None:
            return _ratelimited(after)
        known: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "auth.test": lambda _: {
                "user_id": BOT,
                "bot_id": BOT_ID,
                "team_id": self.team,
                "user": "digest",
                "team": "Kernel",
                "url": "https://t.slack.com/",
            },
            "conversations.info": self._info,
            "users.info": self._user,
            "chat.postEphemeral": self._ephemeral,
            "chat.update": self._update,
            "files.getUploadURLExternal": self._upload_url,
            "files.completeUploadExternal": self._complete,
            "chat.unfurl": self._unfurl,
            "views.open": self.views.open,
            "views.publish": self.views.publish,
            "views.update": self.views.update,
        }
        if method == "chat.postMessage":
            return await self._post(arguments, request)
        if method in ("conversations.history", "conversations.replies"):
            return await self._history(arguments, replies=method.endswith("replies"))
        if method not in known:
            raise Invalid("unknown_method")
        return web.json_response({"ok": True, **known[method](arguments)})

    def _too_many(self, method: str) -> int | None:
        asked, now = self._asked[method], time.monotonic()
        messages = method == "chat.postMessage"
        while asked and asked[0] < now - (self.minute / 10 if messages else self.minute):
            asked.popleft()
        asked.append(now)
        if self._chance is not None or len(asked) <= (MESSAGES if messages else TIERS.get(method, 1_000_000)):
            return None
        self.too_many[method] += 1
        return 60

    def _needs(self, scope: str) -> None:
        if scope not in self.scopes:
            raise Invalid("missing_scope", scope)

    def _channel(self, name: Any, scope: str | None = None) -> Channel:
        """Raises Invalid: a private channel is only there for its members."""
        if str(name).startswith("U"):  # a person's room with the bot
            name = f"D{str(name)[1:]}"
            self.channels.setdefault(name, Channel(name, direct=True))
        channel = self.channels.get(str(name))
        if channel is None and self._chance is not None:
            channel = self.channels[str(name)] = Channel(str(name))
        if channel is None or (channel.private and BOT not in channel.members):
            raise Invalid("channel_not_found")
        if scope:
            self._needs(f"{'im' if channel.direct else 'groups' if channel.private else 'channels'}:{scope}")
        return channel

    def _info(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(arguments.get("channel"), "read")
        return {
            "channel": {
                "id": channel.id,
                "name": channel.name,
                "creator": channel.creator,
                "is_member": BOT in channel.members,
                "is_archived": channel.archived,
                "is_private": channel.private,
                "is_im": channel.direct,
            }
        }

    def _user(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._needs("users:read")
        person = str(arguments.get("user"))
        return {"user": {"id": person, "is_admin": person in self.admins, "is_owner": False}}

    def _writable(self, arguments: Mapping[str, Any]) -> Channel:
        self._needs("chat:write")
        channel = self._channel(arguments.get("channel"))
        if channel.archived:
            raise Invalid("is_archived")
        if BOT not in channel.members:
            raise Invalid("not_in_channel")
        return channel

    async def _post(self, arguments: dict[str, Any], request: web.Request) -> web.StreamResponse:
        channel = self._writable(arguments)
        check_message(arguments)
        under = arguments.get("thread_ts")
        if under and not any(one.ts == under and one.channel == channel.id for one in self.messages):
            raise Invalid("thread_not_found")
        if self.paced:
            last = max((one.at for one in self.messages if one.channel == channel.id), default=-1e9)
            if time.monotonic() - last < 1:
                return _ratelimited(1)

        def accept() -> web.StreamResponse:
            made = self._keep("post", channel.id, arguments)
            return web.json_response({"ok": True, "channel": channel.id, "ts": made.ts, "message": {"ts": made.ts}})

        return await self._misbehave(self._fault(), accept, request)

    async def _misbehave(
        self, fault: str, accept: Callable[[], web.StreamResponse], request: web.Request
    ) -> web.StreamResponse:
        if fault not in (*FAULTS, "behaves") or fault == "message_limit_exceeded":
            raise Invalid(fault)
        if fault == "accepts late":
            task = asyncio.ensure_future(self._accept_late(accept))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        said = accept() if fault not in NOT_ACCEPTED else web.Response(status=500, text="something went wrong")
        if fault in ("accepts late", "accepts, resets") and request.transport:
            request.transport.abort()
        if fault == "accepts, hangs":
            await asyncio.sleep(2 * PATIENCE)
        instead = {
            "too many": _ratelimited(1),
            "500 after": web.Response(status=500, text="something went wrong"),
            "no JSON after": web.Response(text="<html>something went wrong</html>", content_type="application/json"),
            "text after": web.Response(text="ok"),
            "503 and a code after": web.json_response({"ok": False, "error": "invalid_blocks"}, status=503),
            "fatal_error after": web.json_response({"ok": False, "error": "fatal_error"}),
        }
        return instead.get(fault, said)

    async def _accept_late(self, accept: Callable[[], web.StreamResponse]) -> None:
        await asyncio.sleep(random.uniform(0, LATE))
        accept()

    def _fault(self) -> str:
        if self.faults:
            return self.faults.pop(0)
        if self._chance is None:
            return "behaves"
        (found,) = self._chance.choices([*FAULTS, "behaves"], [*FAULTS.values(), 100 - sum(FAULTS.values())])
        return found

    async def _history(self, arguments: dict[str, Any], *, replies: bool) -> web.StreamResponse:
        channel = self._channel(arguments.get("channel"), "history")
        if BOT not in channel.members:
            raise Invalid("not_in_channel")
        stale, silence = 0.0, self.silences.pop(0) if self.silences else ""
        if self._chance is not None:
            stale = STALE if self._chance.random() < STALE_HISTORIES else 0.0
            silence = "500" if self._chance.random() < BAD_HISTORIES else ""
        if silence == "500":
            return web.Response(status=500, text="something went wrong")
        if silence == "too many":
            return _ratelimited(3)
        if silence == "stale":
            stale = 1e9
        elif silence:
            raise Invalid(silence)
        oldest, limit = float(arguments.get("oldest", 0)), int(arguments.get("limit", 100))
        if not 1 <= limit <= 999:
            raise Invalid("invalid_limit")
        until, parent = time.monotonic() - stale, arguments.get("ts")
        if replies and not any(one.ts == parent for one in self.messages):
            raise Invalid("thread_not_found")
        found = [
            one
            for one in self.messages
            if one.channel == channel.id
            and one.way in ("post", "response")
            and one.user is None
            and one.at <= until
            and (parent in (one.ts, one.under) if replies else one.under is None)
            and (float(one.ts) >= oldest or (replies and one.ts == parent))
        ]
        found.sort(key=lambda one: float(one.ts), reverse=not replies)
        start = int(arguments.get("cursor") or 0)
        page = [_shown(one, metadata=_true(arguments.get("include_all_metadata"))) for one in found[start:][:limit]]
        more = len(found) > start + limit
        cursor = {"response_metadata": {"next_cursor": str(start + limit)}} if more else {}
        return web.json_response({"ok": True, "messages": page, "has_more": more, **cursor})

    def _ephemeral(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel, person = self._writable(arguments), arguments.get("user")
        if person not in channel.members:
            raise Invalid("user_not_in_channel")
        if arguments.get("metadata"):
            raise Invalid("invalid_arguments", "metadata")
        check_message(arguments)
        return {"message_ts": self._keep("ephemeral", channel.id, arguments, str(person)).ts}

    def _update(self, arguments: dict[str, Any]) -> dict[str, Any]:
        channel, ts = self._writable(arguments), arguments.get("ts")
        check_message(arguments)
        if len(str(arguments.get("text", "")).encode()) > UPDATE:
            raise Invalid("msg_too_long")
        for place, one in enumerate(self.messages):
            if one.ts == ts and one.channel == channel.id and one.way == "post":
                if "rich_text" in {block["type"] for block in one.blocks} and not any(
                    block["type"] == "rich_text" for block in arguments.get("blocks") or []
                ):
                    raise Invalid("block_mismatch")
                self.messages[place] = Message("post", one.channel, one.ts, {**one.body, **arguments}, at=one.at)
                self.updates.append(arguments)
                return {"channel": channel.id, "ts": ts}
        raise Invalid("message_not_found")

    def _unfurl(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Each link of a message once, with blocks or nothing."""
        self._needs("links:write")
        channel, ts = self._channel(arguments.get("channel")), arguments.get("ts")
        if BOT not in channel.members or ts not in self._shared:
            raise Invalid("cannot_find_message")
        unfurls = arguments.get("unfurls")
        if not isinstance(unfurls, dict) or not unfurls:
            raise Invalid("missing_unfurls")
        for url, shown in unfurls.items():
            if url not in self._shared[ts] or set(shown) != {"blocks"}:
                raise Invalid("cannot_unfurl_url", url)
            check_blocks(shown["blocks"], MOST_BLOCKS)
            self.cards[url] = Message("card", channel.id, str(ts), shown)
        return {}

    def _upload_url(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._needs("files:write")
        if not arguments.get("filename") or int(arguments.get("length") or 0) < 1:
            raise Invalid("invalid_arguments", "filename, length")
        if arguments.get("snippet_type") and int(arguments["length"]) > 1_000_000:
            raise Invalid("snippet_too_large")
        name = f"F{next(self._numbers)}"
        self._uploads[name] = dict(arguments)
        return {"file_id": name, "upload_url": f"{self.url}/upload/{name}"}

    async def upload(self, request: web.Request) -> web.Response:
        """The bytes of a file."""
        data = await request.read()
        upload = self._uploads[request.match_info["name"]]
        if len(data) != int(upload["length"]):
            return web.Response(status=400, text="length mismatch")
        upload["data"] = data
        return web.Response(text=f"OK - {len(data)}")

    def _complete(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self._needs("files:write")
        named = arguments.get("files") or []
        if not named or any("data" not in self._uploads.get(one.get("id"), {}) for one in named):
            raise Invalid("invalid_arguments", "files")
        if arguments.get("channel_id"):
            channel = self._channel(arguments["channel_id"])
            if BOT not in channel.members:
                raise Invalid("not_in_channel")
            self._keep("file", channel.id, arguments)
        self.files += [{**self._uploads.pop(one["id"]), **one, **arguments} for one in named]
        return {"files": named}

    def _keep(self, way: str, channel: str, body: Mapping[str, Any], user: str | None = None) -> Message:
        # Slack's timestamps are unique in a channel, and grow.
        self._last = max(self._last + 0.000001, time.time())
        message = Message(way, channel, f"{self._last:.6f}", body, user, time.monotonic())
        self.messages.append(message)
        if self._ledger:
            key = (body.get("metadata") or {}).get("event_payload", {}).get("key")
            line = {"room": channel, "key": key, "body": message.words, "under": message.under, "ts": message.ts}
            with self._ledger.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return message

    # What people do

    async def respond(self, request: web.Request) -> web.Response:
        """A response URL: five uses, and it shows to one person unless it is told otherwise."""
        name, body = request.match_info["name"], await request.json()
        if name not in self._uses:
            return web.Response(status=404, text="expired_url")
        channel, person, uses = self._uses[name]
        if uses >= USES:
            return web.Response(status=404, text="used_url")
        self._uses[name] = (channel, person, uses + 1)
        if body.get("delete_original"):
            self.deleted.append(person)
            return web.Response(text="ok")
        try:
            check_message(body, budget=False)
        except Invalid as problem:
            self.refusals.append(f"response_url: {problem}")
            return web.Response(status=400, text=problem.code)
        self._keep("response", channel, body, None if body.get("response_type") == "in_channel" else person)
        if self.resets and request.transport:
            self.resets -= 1
            request.transport.abort()
        return web.Response(text="ok")

    def response_url(self, channel: str, person: str) -> str:
        """A new one."""
        name = f"r{next(self._numbers)}"
        self._uses[name] = (channel, person, 0)
        return f"{self.url}/respond/{name}"

    async def command(
        self, command: str, text: str = "", *, channel: str = "C0KERNEL", person: str = "U0MIA", **more: Any
    ) -> Any:
        """Somebody types a slash command; how it was acknowledged."""
        payload = {
            "command": command,
            "text": text,
            "channel_id": channel,
            "channel_name": "x",
            "user_id": person,
            "user_name": "x",
            "team_id": self.team,
            "api_app_id": APP,
            "token": "x",
            "trigger_id": self.views.trigger(person, channel),
            "response_url": self.response_url(channel, person),
            **more,
        }
        return await self.deliver("slash_commands", payload)

    async def click(self, message: Message, label: str, *, person: str = "U0MIA", **more: Any) -> Any:
        """Somebody clicks the button with this label."""
        button = message.buttons()[label]
        payload = {
            "type": "block_actions",
            "team": {"id": self.team},
            "user": {"id": person, "team_id": self.team},
            "api_app_id": APP,
            "token": "x",
            "trigger_id": self.views.trigger(person, message.channel),
            "channel": {"id": message.channel},
            "container": {
                "type": "message",
                "channel_id": message.channel,
                "message_ts": message.ts,
                "is_ephemeral": message.user is not None,
            },
            "message": {"ts": message.ts},
            "response_url": self.response_url(message.channel, person),
            "actions": [{**button, "block_id": "b", "action_ts": "1.0"}],
            **more,
        }
        return await self.deliver("interactive", payload)

    async def share(
        self,
        *links: str,
        channel: str = "C0KERNEL",
        person: str = "U0MIA",
        member: bool = True,
        source: str = "conversations_history",
    ) -> Any:
        """Somebody posts links to hosts of the manifest, or is about to: the `source` is then the composer."""
        ts = f"{next(self._numbers)}.5"
        self._shared[ts] = links
        shared = [{"domain": link.split("/")[2], "url": link} for link in links]
        return await self.event(
            {
                "type": "link_shared",
                "channel": channel,
                "user": person,
                "message_ts": ts,
                "links": shared,
                "is_bot_user_member": member,
                "source": source,
                "unfurl_id": f"{channel}.{ts}",
            }
        )

    async def shortcut(self, text: str, *, channel: str = "C0KERNEL", person: str = "U0MIA", **more: Any) -> Any:
        """Somebody asks what a message is about."""
        payload = {
            "type": "message_action",
            "callback_id": "look_up",
            "team": {"id": TEAM},
            "user": {"id": person, "team_id": TEAM},
            "api_app_id": APP,
            "token": "x",
            "trigger_id": f"trigger{next(self._numbers)}",
            "action_ts": "1.0",
            "message_ts": "1.0",
            "channel": {"id": channel, "name": "x"},
            "message": {"type": "message", "user": "U0OTHER", "ts": "1.0", "text": text},
            "response_url": self.response_url(channel, person),
            **more,
        }
        return await self.deliver("interactive", payload)

    async def _interacted(self, person: str, payload: dict[str, Any]) -> Any:
        about = {"team": {"id": TEAM}, "user": {"id": person, "team_id": TEAM}, "api_app_id": APP, "token": "x"}
        await self.deliver("interactive", {**payload, **about})
        return self.acks[payload["trigger_id"]][1]

    async def event(self, event: Mapping[str, Any], **more: Any) -> Any:
        """Something has happened, such as a mention."""
        number = next(self._numbers)
        payload = {
            "type": "event_callback",
            "team_id": self.team,
            "api_app_id": APP,
            "token": "x",
            "event_id": f"Ev{number}",
            "event_time": int(time.time()),
            "event": {"event_ts": f"{number}.0", "ts": f"{number}.0", **event},
            "authorizations": [{"team_id": self.team, "user_id": BOT, "is_bot": True}],
            **more,
        }
        return await self.deliver("events_api", payload)

    async def deliver(self, kind: str, payload: Mapping[str, Any]) -> Any:
        """Over the newest socket, or to the address for requests; the answer."""
        begin = time.monotonic()
        if self.request_url:
            status, said = await self.request(kind, payload)
            self.acks[str(payload.get("trigger_id"))] = time.monotonic() - begin, said
            return status
        envelope = f"e{next(self._numbers)}"
        answered = self._waiting[envelope] = asyncio.get_running_loop().create_future()
        accepts = kind != "events_api"
        await self._sockets[-1].send_json(
            {"envelope_id": envelope, "type": kind, "payload": payload, "accepts_response_payload": accepts}
        )
        said = await asyncio.wait_for(answered, 60)
        self.acks[str(payload.get("trigger_id"))] = time.monotonic() - begin, said
        return said

    async def request(
        self,
        kind: str,
        payload: Mapping[str, Any] | bytes,
        *,
        stamp: str | None = None,
        signature: str | None = None,
        secret: str = SECRET,
    ) -> tuple[int, str]:
        """As Slack calls an address for requests; the status and what was said."""
        if isinstance(payload, bytes):
            body = payload
        elif kind == "events_api":
            body = json.dumps(payload).encode()
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body = urlencode(fields).encode()
        stamp = str(int(time.time())) if stamp is None else stamp
        made = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
        form = "application/json" if kind == "events_api" else "application/x-www-form-urlencoded"
        headers = {
            "Content-Type": form,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": f"v0={made}" if signature is None else signature,
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.request_url, data=body, headers={k: v for k, v in headers.items() if v}) as response,
        ):
            return response.status, await response.text()

    async def link(self, request: web.Request) -> web.StreamResponse:
        """A socket of Socket Mode; a ticket opens one, once."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401)
        self._tickets.remove(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": len(self._sockets) + 1})
        self._sockets.append(socket)
        self.connected.set()
        try:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    said = json.loads(message.data)
                    waiting = self._waiting.pop(said.get("envelope_id"), None)
                    if waiting and not waiting.done():
                        waiting.set_result(said.get("payload"))
        finally:
            self._sockets.remove(socket)
            if not self._sockets:
                self.connected.clear()
        return socket

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Slack has every client connect anew, every few hours."""
        self.connected.clear()
        for socket in list(self._sockets):
            await socket.send_json({"type": "disconnect", "reason": reason})

    async def drop(self) -> None:
        """The sockets are gone without a word."""
        self.connected.clear()
        for socket in list(self._sockets):
            await socket.close()

    def app(self) -> web.Application:
        """The server."""
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/api/{method}", self.api)
        app.router.add_post("/upload/{name}", self.upload)
        app.router.add_post("/respond/{name}", self.respond)
        app.router.add_get("/link", self.link)
        return app

    async def close(self) -> None:
        """What was to be accepted late is."""
        await self.drop()
        await asyncio.gather(*self._late)


def _shown(message: Message, *, metadata: bool) -> dict[str, Any]:
    """As the history has it; the payload of metadata only where it was asked for."""
    shown = {"type": "message", "ts": message.ts, "bot_id": BOT_ID, "text": message.body.get("text", "")}
    if message.under:
        shown["thread_ts"] = message.under
    if (found := message.body.get("metadata")) is not None:
        shown["metadata"] = found if metadata else {"event_type": found["event_type"]}
    return shown


async def _arguments(request: web.Request) -> dict[str, Any]:
    found: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        found |= await request.json()
    elif request.method == "POST":
        found |= dict(await request.post())
    for key in ("blocks", "metadata", "files", "view", "unfurls"):
        if isinstance(found.get(key), str):
            with suppress(ValueError):
                found[key] = json.loads(found[key])
    return found


def _true(value: Any) -> bool:
    return value in (True, 1, "1", "true", "True")


def _ratelimited(after: int) -> web.Response:
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(after)})


@asynccontextmanager
async def serving(slack: Slack) -> AsyncIterator[Slack]:
    """On a port of the loopback."""
    runner = web.AppRunner(slack.app(), handler_cancellation=False, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    slack.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield slack
    finally:
        await slack.close()
        await runner.cleanup()


async def serve(ledger: Path, seed: int, tell: Callable[[str], object]) -> None:
    """Until it is killed, with chance in it; what arrives is kept in a file that only grows."""
    async with serving(Slack(ledger=ledger, seed=seed)) as slack:
        tell(slack.url)
        await asyncio.Event().wait()
