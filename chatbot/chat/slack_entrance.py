"""Where people come in: the sockets that Slack lets us call it by, or the requests that it sends.

Law of the file: nothing of a request is looked at before its signature, and nothing of it is logged.
"""

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from chatbot.chat.slack_errors import asked
from chatbot.errors import BadConfig, DeliveryError, Unauthorized

log = structlog.get_logger(__name__)

# Seconds between looks at the socket, and how many in a row may find it gone: the SDK connects anew by itself, but with
# an address that it was given once.
WATCH, MISSES = 5.0, 4
LONGEST_WAIT = 300.0
# Slack's own patience with a signature: https://docs.slack.dev/authentication/verifying-requests-from-slack
STALE = 300
MOST_BYTES = 1 << 20
# Of pages: nothing is loaded, framed, kept, or told to where one goes next.
_ALONE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Dispatch = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]


class Entrance(Protocol):
    """A way in."""

    async def let_in(self, app: AsyncApp, now: Callable[[], datetime]) -> None:
        """Hand all that comes to the app, until it is cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Sockets:
    """Socket Mode: the bot calls Slack, and needs no address."""

    token: str

    async def let_in(self, app: AsyncApp, now: Callable[[], datetime]) -> None:  # noqa: ARG002  # no signatures
        """By a socket, and another one where it is gone for good."""
        wait = WATCH
        while True:
            try:
                address = (await asked(app.client.apps_connections_open(app_token=self.token)))["url"]
            except DeliveryError as error:
                wait = LONGEST_WAIT if isinstance(error, Unauthorized) else min(2 * wait, LONGEST_WAIT)
                log.error("no commands from Slack", reason=str(error), again=wait)  # noqa: TRY400  # not ours
            else:
                wait = WATCH
                await self._watched(app, address)
            await asyncio.sleep(wait)

    async def _watched(self, app: AsyncApp, address: str) -> None:
        handler = AsyncSocketModeHandler(app, self.token, logger=app.logger)
        handler.client.wss_uri = address
        connecting = asyncio.ensure_future(handler.connect_async())  # type: ignore[no-untyped-call]
        misses = 0
        try:
            while misses < MISSES:
                await asyncio.sleep(WATCH)
                misses = 0 if await handler.client.is_connected() else misses + 1
            log.warning("the socket to Slack is gone")
        finally:
            connecting.cancel()
            await handler.close_async()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Requests:
    """Slack calls the bot, at /slack/events of this host and port, behind whatever speaks TLS."""

    secret: str
    host: str
    port: int

    async def let_in(self, app: AsyncApp, now: Callable[[], datetime]) -> None:
        """By a server of our own."""
        await self.serve(app.async_dispatch, now)

    async def serve(
        self, dispatch: Dispatch, now: Callable[[], datetime], pages: Mapping[str, Dispatch] | None = None
    ) -> None:
        """Hand all that Slack sends to `dispatch`, and show these pages to whoever asks, until it is cancelled."""
        server = web.Application(client_max_size=MOST_BYTES)
        server.router.add_post("/slack/events", _Door(dispatch, Signatures(self.secret, now)).request)
        for path, page in (pages or {}).items():
            server.router.add_get(path, _Page(page).request)
        runner = web.AppRunner(server, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, self.host, self.port).start()
            except OSError as error:
                fault = f"{self.host}:{self.port} cannot be listened on: {error.strerror}; name another"
                raise BadConfig((f"[platforms.slack] port: {fault}",)) from error
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


@dataclass(frozen=True, slots=True)
class _Door:
    """Lets Slack's requests in to the app, and nobody else's."""

    dispatch: Dispatch
    signatures: "Signatures"

    async def request(self, request: web.Request) -> web.Response:
        """What Slack sends, once."""
        body = await request.read()
        if not (self.signatures.genuine(request.headers, body) and _well_formed(body, request.content_type)):
            return web.Response(status=web.HTTPUnauthorized.status_code)
        said = await self.dispatch(
            AsyncBoltRequest(body=body.decode(), query=request.query_string, headers=dict(request.headers))
        )
        return web.Response(
            status=said.status,
            body=said.body,
            content_type=said.first_headers_without_set_cookie().get("content-type", "text/plain").partition(";")[0],
        )


@dataclass(frozen=True, slots=True)
class _Page:
    """A page for people; its address may have in it what nobody else is to know."""

    show: Dispatch

    async def request(self, request: web.Request) -> web.Response:
        """As bolt has it, for this browser alone."""
        response = await to_aiohttp_response(await self.show(await to_bolt_request(request)))
        response.headers.update(_ALONE)
        return response


@dataclass(slots=True)
class Signatures:
    """What Slack signs its requests with; each counts once."""

    secret: str
    now: Callable[[], datetime]
    seen: dict[str, float] = field(default_factory=dict)

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Signed by Slack, a short while ago, and not seen before."""
        stamp, signature = headers.get("X-Slack-Request-Timestamp", ""), headers.get("X-Slack-Signature", "")
        now = self.now().timestamp()
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12 and abs(now - int(stamp)) <= STALE):  # noqa: PLR2004  # the year 5138
            return False
        made = hmac.digest(self.secret.encode(), b"v0:%s:%s" % (stamp.encode(), body), "sha256").hex()
        if not hmac.compare_digest(f"v0={made}".encode(), signature.encode("utf-8", "replace")):
            return False
        # The oldest stands first.
        while self.seen and now - self.seen[oldest := next(iter(self.seen))] > 2 * STALE:
            del self.seen[oldest]
        if signature in self.seen:
            return False
        self.seen[signature] = now
        return True


def _well_formed(body: bytes, content_type: str) -> bool:
    """Whether it is something that Slack sends: an object, or a form with one or with a command."""
    try:
        text = body.decode()
        if content_type == "application/json":
            return _event(json.loads(text))
        form = {key: values[0] for key, values in parse_qs(text, strict_parsing=True).items()}
        return _interaction(json.loads(form["payload"])) if "payload" in form else _command(form)
    except (ValueError, KeyError, RecursionError):
        return False


def _event(body: Any) -> bool:
    return isinstance(body, dict) and (body.get("type") == "url_verification" or isinstance(body.get("event"), dict))


def _interaction(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("user"), dict)


def _command(form: Mapping[str, str]) -> bool:
    return {"command", "user_id", "channel_id", "response_url"} <= set(form)
