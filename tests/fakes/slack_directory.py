"""All of Slack, as far as an app sees it that many workspaces install: who has installed it, and whose token is whose.

Each workspace is a fake of its own, with a token of its own; this hands each call to the one whose token it brings.
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import web

from tests.fakes.slack import APP, BOT, MINIMAL, Slack

CLIENT, CLIENT_SECRET = "12.34", "the client secret"


class Directory:
    """`workspaces` are by their ids; that of an organisation begins with E, and has no workspace of its own."""

    def __init__(self, *names: str, expires: int | None = None) -> None:
        self.workspaces = {name: Slack(team=name, token="") for name in names}
        self.scopes = MINIMAL
        self.expires = expires
        self.down = False  # where tokens are made
        self.names: dict[str, str] = {}
        self.url = ""
        self.granted: list[str] = []
        self.calls: list[str] = []
        self._codes: dict[str, tuple[str, str]] = {}
        self._refresh: dict[str, str] = {}
        self._numbers = count(1)

    def allow(self, address: str, name: str) -> tuple[str, str]:
        """Somebody of a workspace follows the link of the page to Slack, and allows it: the path that their browser is
        sent back to, with its question, and the scopes.
        """
        asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT
        code = f"code{next(self._numbers)}"
        self._codes[code] = name, asked["redirect_uri"]
        return f"/slack/oauth_redirect?{urlencode({'code': code, 'state': asked['state']})}", asked["scope"]

    async def api(self, request: web.Request) -> web.StreamResponse:
        """One method of the Web API."""
        method, header = request.match_info["method"], request.headers.get("Authorization", "")
        self.calls.append(method)
        if method == "oauth.v2.access" and self.down:
            return web.Response(status=500, text="something went wrong")
        if method == "oauth.v2.access":
            return web.json_response(self._access(header, dict(await request.post())))
        token = header.removeprefix("Bearer ")
        slack = next((one for one in self.workspaces.values() if token and one.token == token), None)
        if slack is None:
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if method == "auth.revoke":
            slack.token = ""
            return web.json_response({"ok": True, "revoked": True})
        return await slack.api(request)

    def _access(self, header: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        if header != f"Basic {b64encode(f'{CLIENT}:{CLIENT_SECRET}'.encode()).decode()}":
            return {"ok": False, "error": "bad_client_secret"}
        if asked.get("grant_type") == "refresh_token":
            name = self._refresh.pop(str(asked.get("refresh_token")), None)
            return self._token(name) if name else {"ok": False, "error": "invalid_refresh_token"}
        name, redirect = self._codes.pop(str(asked.get("code")), (None, ""))
        if name is None or asked.get("redirect_uri") != redirect:
            return {"ok": False, "error": "invalid_code" if name is None else "bad_redirect_uri"}
        of_all = name.startswith("E")
        called = {"id": name, "name": self.names.get(name, name)}
        return self._token(name) | {
            "app_id": APP,
            "bot_user_id": BOT,
            "scope": ",".join(sorted(self.scopes)),
            "authed_user": {"id": "U0MIA"},
            "team": None if of_all else called,
            "enterprise": called if of_all else None,
            "is_enterprise_install": of_all,
        }

    def _token(self, name: str) -> dict[str, Any]:
        number = next(self._numbers)
        token = self.workspaces[name].token = f"xoxb-{number}-secret-of-{name}"
        self.workspaces[name].revoked = ""
        self.granted.append(token)
        found = {"ok": True, "access_token": token, "token_type": "bot"}
        if self.expires is not None:
            refresh = f"xoxe-{number}-secret-of-{name}"
            self._refresh[refresh] = name
            self.granted.append(refresh)
            found |= {"refresh_token": refresh, "expires_in": self.expires}
        return found

    def uninstall(self, name: str) -> None:
        """Its token is worth nothing from now on; the events about it are another thing."""
        self.workspaces[name].token = ""


@asynccontextmanager
async def serving(directory: Directory) -> AsyncIterator[Directory]:
    """On a port of the loopback; each workspace's response URLs are below its name."""
    app = web.Application(client_max_size=4 << 20)
    app.router.add_route("*", "/api/{method}", directory.api)
    for name, slack in directory.workspaces.items():
        app.add_subapp(f"/{name}", slack.app())
    runner = web.AppRunner(app, handler_cancellation=False, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    directory.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    for name, slack in directory.workspaces.items():
        slack.url = f"{directory.url}/{name}"
    try:
        yield directory
    finally:
        await runner.cleanup()
