"""What people say in Matrix rooms, and what they are answered, by a sync loop of our own.

Law of the file: each event is answered once, whatever happens between, because an answer's transaction id is made from
the event's, and the place in the stream is kept when what came before it has been answered.
"""

import asyncio
import json
from collections import deque
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from chatbot.chat import rich
from chatbot.chat.matrix_device import write_private
from chatbot.chat.matrix_events import Manners, asked, root_of, threaded
from chatbot.chat.matrix_http import Homeserver
from chatbot.chat.matrix_keys import Keys
from chatbot.chat.matrix_patience import TRIES, Patience, Unanswered, pause
from chatbot.chat.matrix_rooms import Journeys
from chatbot.chat.matrix_sender import DIALECT, Sender
from chatbot.chat.platform import Answer, Request
from chatbot.chat.post import File, Post, plainer
from chatbot.errors import DeliveryError, Refused, Unauthorized, Unavailable, Unknown

log = structlog.get_logger(__name__)

# Milliseconds. What was asked longer ago, while the bot was down, nobody waits for any more.
_STALE = 10 * 60 * 1000
# Seconds: how long /sync waits for something to happen; how long its answer may take beyond that; how long an answer
# may take until the bot says that it is at it; how long a key may come after what it opens.
_POLL, _PATIENCE, _QUICK, _KEY_COMES = 30, 30.0, 1.0, 10
_EVENTS = 50
_FILTER: dict[str, Any] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {"ephemeral": {"types": []}, "account_data": {"types": []}, "timeline": {"limit": _EVENTS}},
}
# What was said before the bot was there is not for it.
_FIRST = {**_FILTER, "room": {**_FILTER["room"], "timeline": {"limit": 0}}}
_ALONE = "<p>This is for you alone: ask me in a room where nobody else is.</p>"
_UNREADABLE = (
    "<p>I cannot read this message: its key has not reached me. Please send it again; if that does not help, "
    "log out of your client and in again, or ask me in a room without encryption.</p>"
)


class Place:
    """How far the stream has been read; kept when all before it is answered, for what is not kept comes again."""

    def __init__(self, path: Path) -> None:
        self._path, self._open = path, deque[tuple[str, list[asyncio.Task[None]]]]()
        with suppress(OSError, ValueError, KeyError, TypeError):
            self.upto = str(json.loads(path.read_text())["upto"])
            return
        self.upto = ""

    def reach(self, upto: str, tasks: list[asyncio.Task[None]]) -> None:
        """It was read up to here, and this follows."""
        self.upto = upto
        self._open.append((upto, tasks))
        self.settle()

    def settle(self) -> None:
        """Keep how far all is done."""
        done = ""
        while self._open and all(map(_answered, self._open[0][1])):
            done, _ = self._open.popleft()
        if done:
            write_private(self._path, json.dumps({"upto": done}))

    def forget(self) -> None:
        """Begin anew."""
        self.upto = ""


class Listener:
    """Takes what people ask to `answer`, and what that says back to them."""

    def __init__(
        self,
        answer: Answer,
        *,
        server: Homeserver,
        user: str,
        keys: Keys,
        sender: Sender,
        journeys: Journeys,
        patience: Patience,
        place: Place,
        manners: Manners,
        words: Iterable[str],
    ) -> None:
        self._answer, self._server, self._user, self._keys, self._sender = answer, server, user, keys, sender
        self._journeys, self._patience, self._place = journeys, patience, place
        self._manners, self._words = manners, tuple(words)
        self._tasks: set[asyncio.Task[None]] = set()
        self._unreadable: set[tuple[str, str]] = set()
        self._name, self._published = "", False

    async def run(self) -> None:
        """Until it is cancelled; who has asked by then is answered. Raises Unauthorized."""
        try:
            await self._follow()
        finally:
            self._patience.end()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._place.settle()

    async def _follow(self) -> None:
        failures = 0
        while True:
            try:
                sync = await self._sync()
            except Unauthorized:
                raise
            except DeliveryError as error:
                if isinstance(error, Refused) and self._place.upto:
                    self._place.forget()  # a homeserver that does not know it any more
                failures += 1
                await asyncio.sleep(pause(error, failures))
                continue
            failures = 0
            try:
                self._keys.take(sync)
            except Exception:  # nio's parser, of whatever people may send: the next batch is another one
                log.exception("keys not taken", platform=DIALECT.name)
            self._place.reach(str(sync.get("next_batch", "")), self._handle(sync))
            await self._look_after()

    async def _look_after(self) -> None:
        """Of the keys; where that fails, plain rooms go on. Raises Unauthorized."""
        try:
            if not self._published:
                said = await self._server.ask("GET", f"profile/{quote(self._user)}/displayname")
                self._name = str(said.body.get("displayname", ""))
                await self._keys.publish()
                self._published = True
            await self._keys.look_after()
        except Unauthorized:
            raise
        except DeliveryError as error:
            log.warning("keys not looked after", platform=DIALECT.name, error=str(error))
            await asyncio.sleep(pause(error, 1))
        except Exception:  # as above
            log.exception("keys not looked after", platform=DIALECT.name)
            self._published = True

    async def _sync(self) -> dict[str, Any]:
        query = {"filter": json.dumps(_FILTER if self._place.upto else _FIRST)}
        if self._place.upto:
            query |= {"since": self._place.upto, "timeout": str(_POLL * 1000)}
        return await self._server.call("GET", "sync", query=query, patience=_POLL + _PATIENCE)

    def _handle(self, sync: Mapping[str, Any]) -> list[asyncio.Task[None]]:
        """Begin all that follows from it."""
        rooms = sync.get("rooms", {})
        doing: list[Coroutine[Any, Any, None]] = []
        for room, info in rooms.get("invite", {}).items():
            doing.append(self._invited(room, info.get("invite_state", {}).get("events", ()), sync["next_batch"]))
        for room, info in rooms.get("join", {}).items():
            events = info.get("timeline", {}).get("events", [])
            for event in _since_joined(events, self._user):
                if _age(event) > _STALE or event.get("sender") == self._user:
                    continue
                if event.get("type") == "m.room.message":
                    doing.append(self._heard(room, event))
                elif event.get("type") == "m.room.encrypted":
                    doing.append(self._open(room, event))
            state = (*info.get("state", {}).get("events", ()), *events)
            doing += [
                self._journeys.follow(room, event)
                for event in state
                if (event.get("type"), event.get("state_key")) == ("m.room.tombstone", "")
            ]
        return [self._start(one) for one in doing]

    def _start(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(_logged(doing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._place.settle())
        return task

    async def _heard(self, room: str, event: Mapping[str, Any]) -> None:
        """Answer it, if it is a command."""
        prefix = self._manners.prefix_in(room)
        text = asked(event, self._user, self._name, prefix, self._words)
        if text is None:
            return
        asking = asyncio.ensure_future(self._answer(Request(room, event["sender"], text)))
        if not (await asyncio.wait({asking}, timeout=_QUICK))[0]:
            with suppress(DeliveryError):  # the answer says it better
                await self._sender.react(room, event["event_id"])
        await self._reply(room, event, await asking)

    async def _open(self, room: str, event: Mapping[str, Any]) -> None:
        """Read it, as soon as its key is there; say so where none comes."""
        self._keys.remember_encrypted(room)
        for _ in range(_KEY_COMES):
            if opened := self._keys.read(room, dict(event)):
                if opened["type"] == "m.room.message":
                    await self._heard(room, opened)
                return
            await self._patience.rest(1)
        session = (room, str(event.get("content", {}).get("session_id")))
        if session not in self._unreadable:  # the next ones have the same key, or none
            self._unreadable.add(session)
            log.warning("message not readable", room=room, id=event["event_id"])
            await self._reply(room, event, Post(DIALECT.name, _UNREADABLE))

    async def _reply(self, room: str, event: Mapping[str, Any], post: Post) -> None:
        """In the thread below it, in as many parts as it takes; what is for one person alone, not among others."""
        if post.aside and not post.fault and await self._others(room):
            post = Post(DIALECT.name, _ALONE)
        last = event["event_id"]
        more = threaded(root_of(event), last) if self._manners.threads(room) else {}
        if post.file:
            await self._bring(room, post.file, post.body, last, more)
            return
        for place, part in enumerate(DIALECT.parts(post.body)):
            await self._say(room, part, f"{last}-{place}", more)

    async def _others(self, room: str) -> bool:
        """Whether more are there than one person and we."""
        path = f"rooms/{quote(room)}/joined_members"
        members = await self._patience.insist(lambda: self._server.call("GET", path))
        return len(members["joined"]) > 2  # noqa: PLR2004

    async def _bring(self, room: str, file: File, body: str, key: str, more: Mapping[str, Any]) -> None:
        """A file, with what is said of it. It is uploaded once, however often its message has to be tried."""
        try:
            content = await self._patience.insist(lambda: self._sender.upload(room, file, body, f"{key}-file"))
            await self._patience.insist(lambda: self._sender.put(room, {**content, **more}, f"{key}-file"))
        except Refused as error:
            log.warning("file not taken", room=room, error=str(error))
            said = DIALECT.lines([f"{file.name} cannot be uploaded: {error}"])
            await self._say(room, said if file.size is None else body, f"{key}-0", more)

    async def _say(self, room: str, body: str, key: str, more: Mapping[str, Any]) -> None:
        """What nobody keeps in an outbox: tried for a while, at last plainer."""
        plainly = 0
        for failures in range(1, TRIES + 1):
            try:
                post = plainer(Post(DIALECT.name, body), DIALECT, plainly)
                await self._sender.send(room, post.body, key, more)
            except Refused as error:
                log.warning("answer not taken", room=room, error=str(error))
                plainly += 1
            except (Unavailable, Unknown) as error:
                log.warning("answer not taken", room=room, error=str(error))
                await self._patience.rest(pause(error, failures))
            else:
                return

    async def _invited(self, room: str, state: Iterable[Mapping[str, Any]], at: str) -> None:
        """Say what we are for, where we come."""
        if await self._journeys.invited(room, state):
            prefix = self._manners.prefix_in(room)
            those = ", ".join(f"<code>{rich.escape(prefix + word.removeprefix('/'))}</code>" for word in self._words)
            body = f"<p>Hello! I post digests of mailing lists, and answer {those}.</p>"
            await self._say(room, body, f"welcome-{room}-{at}", {})


def _answered(task: asyncio.Task[None]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _age(event: Mapping[str, Any]) -> int:
    """In milliseconds, by the homeserver's clock."""
    age = event.get("unsigned", {}).get("age")
    return age if isinstance(age, int) else 0


def _since_joined(events: list[dict[str, Any]], user: str) -> list[dict[str, Any]]:
    """What was said before we came is not for us."""
    came = [
        place
        for place, event in enumerate(events)
        if event.get("type") == "m.room.member"
        and event.get("state_key") == user
        and event.get("content", {}).get("membership") == "join"
        and event.get("unsigned", {}).get("prev_content", {}).get("membership") != "join"
    ]
    return events[came[-1] + 1 :] if came else events


async def _logged(doing: Coroutine[Any, Any, None]) -> None:
    """What fails in one event's answer leaves the others alone."""
    try:
        await doing
    except Unanswered:
        raise
    except DeliveryError as error:
        log.warning("event not answered", error=str(error))
    except Exception:
        log.exception("event not answered")
