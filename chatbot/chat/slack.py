"""The Slack platform: posts go out by the Web API; commands come in as slack_listener has it.

Law of the file: one call is one attempt. The SDK would send again what it has no answer of, and so post twice; here the
outbox asks first.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from chatbot.chat.platform import Answer, Receipt, still_ours
from chatbot.chat.post import File, Post, printable
from chatbot.chat.rich import dialect
from chatbot.chat.sealed import Seal
from chatbot.chat.slack_blocks import check, fits, message
from chatbot.chat.slack_entrance import Entrance, Sockets
from chatbot.chat.slack_errors import Unscoped, asked
from chatbot.chat.slack_listener import Listener
from chatbot.chat.slack_pace import MINUTE, PACE, Pace
from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unknown
from chatbot.finding import Finding

log = structlog.get_logger(__name__)

API = "https://slack.com/api/"
# Seconds for an answer.
PATIENCE = 30
# Longer than an answer and the pace: what came in late is in the history by then.
SETTLES = timedelta(minutes=2)
# The history may be behind by a little: what is not there is looked for once more, so many seconds later.
APART = 5.0
# By how much Slack's clock may be behind ours.
SKEW = timedelta(minutes=5)
# What the key of a post stands under in its metadata.
EVENT = "digest_chatbot_post"
_PAGE = 200

DIALECT = dialect("slack", fits)


class Slack:
    """One workspace, by the tokens of an app of its own."""

    name = "slack"
    # For a token that is not taken.
    remedy = "take both tokens from the app's pages again"

    def __init__(
        self,
        token: str,
        entrance: Entrance,
        now: Callable[[], datetime],
        *,
        seal: Seal | None = None,
        files: bool = False,
        unreadable: Literal["hold", "resend"] = "hold",
        unfurl: bool = False,
        api: str = API,
        pace: float = PACE,
        minute: float = MINUTE,
        patience: float = PATIENCE,
        settles: timedelta = SETTLES,
        apart: float = APART,
    ) -> None:
        """`seal`: what buttons are sealed with, where they outlive the token. `files`: whether the app may upload any.
        `unreadable`: what becomes of a post in doubt where the channel's history cannot be read. `unfurl`: whether
        links to mails get a card.
        """
        self.dialect = replace(DIALECT, files=files)
        # Slack takes back no token that is in a log: what stands for it is a digest.
        self.login = hashlib.sha256(token.encode()).hexdigest()[:12]
        self.settles = settles
        self._entrance, self._now = entrance, now
        self._seal = seal or Seal(token)
        self._client = AsyncWebClient(token, api, timeout=patience, retry_handlers=[])  # type: ignore[arg-type]
        self._unreadable, self._unfurl = unreadable, unfurl
        self._pace, self._apart = Pace(pace, minute), apart

    async def listen(self, answer: Answer) -> None:
        """Until it is cancelled: no socket and no server ends by itself."""
        listener = Listener(
            answer,
            client=self._client,
            dialect=self.dialect,
            seal=self._seal,
            entrance=self._entrance,
            now=self._now,
            unfurl=self._unfurl,
            pace=self._pace,
        )
        await listener.run()

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        """By chat.postMessage, with the key in its metadata."""
        made = {
            **message(post.body, self._seal.close),
            "metadata": {"event_type": EVENT, "event_payload": {"key": key}},
        }
        check(made)
        await self._pace.message(room)
        still_ours.get()()
        if under:
            made |= {"thread_ts": under, "reply_broadcast": post.manner.aloud}
        said = await asked(self._client.chat_postMessage(channel=room, **made))
        if post.file:
            await self._bring(post.file, room, under or str(said["ts"]))
        return Receipt(str(said["ts"]))

    async def _bring(self, file: File, room: str, under: str) -> None:
        """A picture, once: it has no key to be found by, and what stands above it says the same."""
        upload = self._client.files_upload_v2(channel=room, filename=file.name, content=file.data, thread_ts=under)
        try:
            await asked(upload)
        except DeliveryError as error:
            log.warning("picture not shown", room=room, reason=str(error))

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:
        """By the key, in the history of the room or of the thread, twice."""
        try:
            for seconds in (0, self._apart):
                await asyncio.sleep(seconds)
                if found := await self._found(room, key, since, under):
                    return Receipt(found)
        except Unscoped as error:
            if self._unreadable == "resend":
                return None
            remedy = "look there: if the post is missing, set unreadable_history to resend, else drop it"
            raise Closed(f"its history cannot be read ({error}); {remedy}") from error
        except Refused as error:  # of a question it says nothing about the post
            raise Unknown(str(error)) from error
        return None

    async def _found(self, room: str, key: str, since: datetime, under: str | None) -> str | None:
        ask: dict[str, Any] = {
            "channel": room,
            "oldest": f"{(since - SKEW).astimezone(UTC).timestamp():.6f}",
            "inclusive": True,
            "include_all_metadata": True,
            "limit": _PAGE,
        }
        while True:
            if under:
                await self._pace.call("conversations.replies")
                said = await asked(self._client.conversations_replies(ts=under, **ask))
            else:
                await self._pace.call("conversations.history")
                said = await asked(self._client.conversations_history(**ask))
            for one in said["messages"]:
                metadata = one.get("metadata", {})
                if metadata.get("event_type") == EVENT and metadata.get("event_payload", {}).get("key") == key:
                    return str(one["ts"])
            ask["cursor"] = said.get("response_metadata", {}).get("next_cursor")
            if not ask["cursor"]:
                return None

    async def may_manage(self, person: str, room: str) -> bool:
        """Who made the channel may, and who talks to the bot alone; and the workspace's admins, where the app may know
        them.
        """
        if room.startswith("D"):
            return True
        try:
            channel = await self._info(room)
            if channel.get("creator") == person:
                return True
            await self._pace.call("users.info")
            user = (await asked(self._client.users_info(user=person)))["user"]
            return bool(user.get("is_admin") or user.get("is_owner"))
        except (Closed, Refused, Unscoped):
            return False

    async def tell(self, person: str, post: Post) -> None:
        """In the bot's own room with this person, which needs no further scope."""
        for body in self.dialect.parts(post.body):
            await self._pace.message(person)
            await asked(self._client.chat_postMessage(channel=person, **message(body, self._seal.close)))

    async def check(self, rooms: Sequence[str]) -> list[Finding]:
        """As the port says; whether posts in doubt can be looked for is told of each room, too."""
        what = f"token {self.name}"
        try:
            us = await asked(self._client.auth_test())
            if isinstance(self._entrance, Sockets):
                await asked(self._client.apps_connections_open(app_token=self._entrance.token))
        except Unauthorized as error:
            return [Finding(what, f"{error}; {self.remedy}", well=False)]
        found = [Finding(what, f"{us.get('user')} in {us.get('team')}")]
        return found + [await self._checked(room) for room in rooms]

    async def _checked(self, room: str) -> Finding:
        what = f"room {self.name}/{room}"
        try:
            channel = await self._info(room)
            name = printable(str(channel.get("name") or room))
            if channel.get("is_archived"):
                return Finding(what, f"#{name} is archived; unarchive it", well=False)
            if not channel.get("is_member") and not channel.get("is_im"):
                return Finding(what, f"we are not in #{name}; type /invite with the bot's name there", well=False)
        except (Closed, Refused, Unauthorized) as error:
            return Finding(what, str(error), well=False)
        try:
            await self._pace.call("conversations.history")
            await asked(self._client.conversations_history(channel=room, limit=1))
        except Unscoped:
            return Finding(what, f"we are in #{name}, and may not read its history: a post in doubt is for a person")
        return Finding(what, f"we are in #{name}")

    async def close(self) -> None:
        """Nothing is held: every call has a connection of its own."""

    async def _info(self, room: str) -> dict[str, Any]:
        """What Slack says of a channel. Raises DeliveryError."""
        await self._pace.call("conversations.info")
        return dict((await asked(self._client.conversations_info(channel=room)))["channel"])
