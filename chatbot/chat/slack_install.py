"""The pages by which a workspace of Slack installs the bot: bolt's own OAuth flow, in our words.

Law of the file: whoever opens them is a stranger. What is not ours is escaped, and the database is asked for one of
them at a time.
"""

import asyncio
import html
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_bolt.error import BoltError
from slack_bolt.oauth.async_callback_options import AsyncCallbackOptions, AsyncFailureArgs, AsyncSuccessArgs
from slack_bolt.oauth.async_oauth_flow import AsyncOAuthFlow
from slack_bolt.oauth.async_oauth_settings import AsyncOAuthSettings
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.oauth.installation_store import Bot, Installation
from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.installation_store import InstallationStore
from slack_sdk.oauth.state_store import OAuthStateStore
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.chat.slack_entrance import Dispatch
from chatbot.chat.slack_errors import asked
from chatbot.chat.slack_manifest import INSTALL, REDIRECT
from chatbot.chat.slack_quiet import quiet
from chatbot.errors import DeliveryError

log = structlog.get_logger(__name__)

AUTHORIZE = "https://slack.com/oauth/v2/authorize"
# Seconds from the beginning to the end of an installation.
PATIENCE = 600
# Tokens that expire live for 12 hours: https://docs.slack.dev/authentication/using-token-rotation
SOON = timedelta(hours=2)
_OTHERS = "not_ours"
_REASONS = {
    "access_denied": "You did not allow it, and nothing was installed.",
    "invalid_browser": "This page belongs to an installation that was begun elsewhere, or that has ended.",
    "invalid_state": "This page was used already, or it has grown old.",
    "invalid_code": "Slack did not confirm the installation.",
    "missing_code": "Slack did not confirm the installation.",
    "storage_error": "The installation could not be kept just now.",
    _OTHERS: "This bot is for other workspaces. Nothing was installed; ask those who run it.",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 17px/1.5 system-ui, sans-serif; margin: 12vh auto 0; max-width: 32rem; padding: 0 1.5rem; }}
h1 {{ font-size: 1.5rem; line-height: 1.25; }}
code {{ background: #8882; border-radius: 4px; padding: .1em .35em; }}
a.button {{ background: #4a154b; border-radius: 6px; color: #fff; display: inline-block; font-weight: 600;
  margin-top: .5rem; padding: .6rem 1.2rem; text-decoration: none; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


class Install:
    """What is at /slack/install, and where Slack sends people back to."""

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        url: str,
        scopes: Sequence[str],
        installations: InstallationStore,
        states: OAuthStateStore,
        allowed: Collection[str] = (),
        api: str,
        authorize: str = AUTHORIZE,
    ) -> None:
        """`url` is ours, as people reach it; `allowed` are the workspaces and organisations that may install the bot,
        without any all may.
        """
        self._saved: Callable[[Installation], Awaitable[None]] | None = None
        settings = AsyncOAuthSettings(
            client_id=client_id,
            client_secret=client_secret,
            scopes=list(scopes),
            user_scopes=[],
            redirect_uri=f"{url}{REDIRECT}",
            callback_options=AsyncCallbackOptions(self._succeeded, self._failed),
            authorization_url=authorize,
            installation_store=_Installations(installations),
            state_store=_States(states),
            state_expiration_seconds=PATIENCE,
            logger=quiet(),
        )
        self._client = AsyncWebClient(base_url=api, retry_handlers=[])
        self._flow = _Flow(self._client, quiet(), settings, allowed)

    def pages(self, saved: Callable[[Installation], Awaitable[None]]) -> dict[str, Dispatch]:
        """By their paths; `saved` is told of each installation."""
        self._saved = saved
        return {INSTALL: self._shown(self._flow.handle_installation), REDIRECT: self._shown(self._flow.handle_callback)}

    async def renewed(self, bot: Bot, now: datetime) -> Bot | None:
        """The same with a new token, where the app's tokens expire and this one does soon. Raises DeliveryError."""
        expires = bot.bot_token_expires_at
        if expires is None or expires > (now + SOON).timestamp():
            return None
        said = await asked(
            self._client.oauth_v2_access(
                client_id=self._flow.settings.client_id,
                client_secret=self._flow.settings.client_secret,
                grant_type="refresh_token",
                refresh_token=bot.bot_refresh_token,
            )
        )
        new = {
            "bot_token": said["access_token"],
            "bot_refresh_token": said["refresh_token"],
            "bot_token_expires_at": int(now.timestamp()) + int(said["expires_in"]),
        }
        return Bot(**{**bot.to_dict_for_copying(), **new})

    def _shown(self, page: Dispatch) -> Dispatch:
        async def show(request: AsyncBoltRequest) -> BoltResponse:
            try:
                return await page(request)
            except Exception as error:  # noqa: BLE001  # whatever it is, a stranger is told no more than this
                log.warning("installation failed", reason=type(error).__name__)
                return _page(503, "Not now", "<p>Something does not answer. Please try again in a minute.</p>")

        return show

    async def _succeeded(self, args: AsyncSuccessArgs) -> BoltResponse:
        one = args.installation
        if self._saved:
            await self._saved(one)
        name = html.escape(str(one.team_name or one.enterprise_name or "your workspace"))
        body = f"""<p>The bot is in <b>{name}</b>. What to do next:</p>
<ol><li>In a channel, type <code>/invite</code> with the bot's name.</li>
<li>There, try <code>/lore-help</code>, and subscribe the channel with <code>/subscribe</code>.</li></ol>
<p>In the bot's config, its rooms begin with <code>{html.escape(str(one.team_id or one.enterprise_id))}/</code>.</p>"""
        return _page(200, "Installed", body, args.settings.state_utils.build_set_cookie_for_deletion())

    async def _failed(self, args: AsyncFailureArgs) -> BoltResponse:
        code = _OTHERS if isinstance(args.error, _NotOursError) else args.reason
        log.warning("installation failed", reason=code if code in _REASONS else "another")
        reason = html.escape(_REASONS.get(code, f"Slack says: {code[:100]}"))
        again = "" if code == _OTHERS else '<p><a class="button" href="install">Begin anew</a></p>'
        cookie = args.settings.state_utils.build_set_cookie_for_deletion()
        status = 403 if code == _OTHERS else args.suggested_status_code
        return _page(status, "Not installed", f"<p>{reason}</p>{again}", cookie)


class _NotOursError(BoltError):
    """The workspace is not one of those that may install the bot."""


class _Flow(AsyncOAuthFlow):
    """Bolt's, for some workspaces only, and with our page."""

    def __init__(
        self, client: AsyncWebClient, logger: logging.Logger, settings: AsyncOAuthSettings, allowed: Collection[str]
    ) -> None:
        super().__init__(client=client, logger=logger, settings=settings)
        self._allowed = allowed

    async def build_install_page_html(self, url: str, request: AsyncBoltRequest) -> str:  # noqa: ARG002
        """With the link to Slack, which asks whether to allow it."""
        body = f"""<p>This bot posts digests of mailing lists to the channels that you invite it to,
and answers questions about series and people.</p>
<p><a class="button" href="{html.escape(url)}">Add to Slack</a></p>"""
        return _html("Add the bot to your workspace", body)

    async def store_installation(self, request: AsyncBoltRequest, installation: Installation) -> None:
        """Of others, the token is given back. Raises BoltError."""
        if self._allowed and not {installation.team_id, installation.enterprise_id} & set(self._allowed):
            try:
                await asked(self.client.auth_revoke(token=installation.bot_token))
            except DeliveryError as error:
                log.warning("token not given back", reason=str(error))
            raise _NotOursError
        await super().store_installation(request, installation)


def _html(title: str, body: str) -> str:
    return _PAGE.format(title=html.escape(title), body=body)


def _page(status: int, title: str, body: str, cookie: str | None = None) -> BoltResponse:
    headers: dict[str, Any] = {"Content-Type": "text/html; charset=utf-8"}
    if cookie:
        headers["Set-Cookie"] = [cookie]
    return BoltResponse(status=status, body=_html(title, body), headers=headers)


class _Installations(AsyncInstallationStore):
    """The store, beside the loop."""

    def __init__(self, store: InstallationStore) -> None:
        self._store = store

    async def async_save(self, installation: Installation) -> None:
        await asyncio.to_thread(self._store.save, installation)


class _States(AsyncOAuthStateStore):
    """The store, beside the loop: one at a time, so that strangers take no thread from those who ask commands."""

    def __init__(self, store: OAuthStateStore) -> None:
        self._store, self._turn = store, asyncio.Lock()

    async def async_issue(self, *args: Any, **kwargs: Any) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._store.issue, *args, **kwargs)

    async def async_consume(self, state: str) -> bool:
        async with self._turn:
            return await asyncio.to_thread(self._store.consume, state)
