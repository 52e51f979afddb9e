"""The Matrix platform: one account with one device in any number of rooms, plain and encrypted.

Law of the file: each event is answered once, whatever happens between, because an answer's transaction id is made from
the event's, and the place in the stream is kept when what came before it has been answered. Retrying a post is the
outbox's; the homeserver shows a transaction id once.
"""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cached_property, partial
from pathlib import Path
from random import random
from typing import Any
from urllib.parse import quote

import structlog

from chatbot.chat import matrix_device, rich
from chatbot.chat.matrix_device import Device
from chatbot.chat.matrix_events import KEY, asked, fits, message, number, power, root_of, seen, threaded, typed_here
from chatbot.chat.matrix_http import Homeserver
from chatbot.chat.matrix_keys import Keys
from chatbot.chat.platform import Answer, Receipt, Request, still_ours
from chatbot.chat.post import Post, plainer
from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unavailable, Unknown
from chatbot.finding import Finding

log = structlog.get_logger(__name__)

DIALECT = rich.dialect("matrix", fits)
# A homeserver forgets transaction ids after a day.
_PROTECTED = timedelta(hours=20)
# Milliseconds. What was asked longer ago, while the bot was down, nobody waits for any more.
_STALE = 10 * 60 * 1000
# Seconds: how long /sync waits for something to happen; how long its answer may take beyond that; the longest pause
# after a failure; how long an answer may take until the bot says that it is at it; how long a key may come after what
# it opens.
_POLL, _PATIENCE, _LONGEST, _QUICK, _KEY_COMES = 30, 30.0, 60.0, 1.0, 10
# How often an answer is tried, and a welcome: who asked can ask again.
_TRIES = 8
_EVENTS = 50
# What Synapse takes at once, where nobody changed it.
_BURST = 10.0
_FILTER: dict[str, Any] = {
    "presence": {"types": []},
    "account_data": {"types": []},
    "room": {"ephemeral": {"types": []}, "account_data": {"types": []}, "timeline": {"limit": _EVENTS}},
}
# What was said before the bot was there is not for it.
_FIRST = {**_FILTER, "room": {**_FILTER["room"], "timeline": {"limit": 0}}}
_UNREADABLE = (
    "<p>I cannot read this message: its key has not reached me. Please send it again; if that does not help, "
    "log out of your client and in again, or ask me in a room without encryption.</p>"
)

# Told that a room goes on as another one.
Moved = Callable[[str, str], Awaitable[None]]


async def _nowhere(_old: str, _new: str) -> None:
    """Nothing follows a room."""


@dataclass(frozen=True, slots=True)
class Manners:
    """What commands begin with, and in which rooms with something else; who may invite (patterns of user ids; without
    any, who has an account on the same homeserver); what power lets one manage a room; in which rooms posts count as
    unread; in which ones answers stand beside what was asked, and not in a thread.
    """

    prefix: str = "!"
    prefixes: Mapping[str, str] = field(default_factory=dict)
    inviters: tuple[str, ...] = ()
    level: int = 50
    badges: frozenset[str] = frozenset()
    unthreaded: frozenset[str] = frozenset()


@contextmanager
def opened(
    folder: Path,
    words: Iterable[str],
    manners: Manners | None = None,
    *,
    now: Callable[[], datetime],
    moved: Moved = _nowhere,
) -> Iterator["Matrix"]:
    """The platform, on the device in a folder, which no other process can have meanwhile. Raises Problem."""
    with matrix_device.held(folder) as device:
        made = Matrix(device, folder, words, manners or Manners(), moved=moved, now=now)
        try:
            made.take_hold()
            yield made
        finally:
            made.let_go()


def seen_from_outside(folder: Path, words: Iterable[str], now: Callable[[], datetime]) -> "Matrix":
    """The same, to be asked how it is, and no more: another process may have the device. Raises Problem."""
    return Matrix(matrix_device.load(folder), folder, words, Manners(), moved=_nowhere, now=now)


class Matrix:
    """Made by `opened`."""

    name = "matrix"
    dialect = DIALECT
    # What is in doubt can be sent again at once: its transaction id is shown once.
    settles = timedelta(0)

    def __init__(
        self,
        device: Device,
        folder: Path,
        words: Iterable[str],
        manners: Manners,
        *,
        moved: Moved,
        now: Callable[[], datetime],
    ) -> None:
        self._device, self._words, self._manners = device, tuple(words), manners
        self._moved, self._now = moved, now
        self._server = Homeserver(device.homeserver, device.token)
        self._folder = folder
        self._place = _Place(folder / "place.json")
        self._pace = _Pace()
        self._tasks: set[asyncio.Task[None]] = set()
        self._unreadable: set[tuple[str, str]] = set()
        self._ending = asyncio.Event()
        self._name, self._published = "", False

    @property
    def login(self) -> str:
        """Another token, another login."""
        return self._device.login

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        """One attempt. Raises DeliveryError."""
        content = self._message(room, post.body, key, badge=room in self._manners.badges)
        below = threaded(under) if under and not post.manner.aloud else {}
        return Receipt(await self._put(room, content | below, key))

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002  # a room's history has its threads
        """While the homeserver remembers the transaction id, sending again is asking; later its history is read."""
        made = datetime.fromtimestamp(self._device.made, UTC)
        if self._now() - since < _PROTECTED and since >= made:
            return None
        until = (since - timedelta(hours=1)).timestamp() * 1000
        query = {"dir": "b", "limit": "100", "filter": json.dumps({"senders": [self._device.user]})}
        while True:
            page = await self._server.call("GET", f"rooms/{quote(room)}/messages", query=query)
            for event in page.get("chunk", ()):
                if self._is(event, room, key):
                    return Receipt(str(event["event_id"]))
            times = [event["origin_server_ts"] for event in page.get("chunk", ())]
            if "end" not in page or (times and min(times) < until):
                return None
            query["from"] = str(page["end"])

    async def may_manage(self, person: str, room: str) -> bool:
        """By the room's state as it is now, which nio would read wrongly where creators have endless power."""
        try:
            create, levels = await self._power(room)
        except DeliveryError as error:
            log.warning("power not known", room=room, error=str(error))
            return False
        return power(person, create, levels) >= self._manners.level

    async def _power(self, room: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What `power` asks for. Raises DeliveryError."""
        here = f"rooms/{quote(room)}/state"
        create = await self._server.call("GET", f"{here}/m.room.create/", query={"format": "event"})
        levels = await self._server.ask("GET", f"{here}/m.room.power_levels/")
        if levels.code == "M_NOT_FOUND":
            return create, None
        if error := levels.error():
            raise error
        return create, levels.body

    async def listen(self, answer: Answer) -> None:
        """Until it is cancelled; with a token that is not taken it is silent, and the other platforms go on."""
        try:
            await self._follow(answer)
        except Unauthorized as error:
            log.error("not let in", platform=self.name, error=str(error), remedy="run `chatbot matrix-login --again`")  # noqa: TRY400  # an operator's matter
            await asyncio.Event().wait()
        finally:
            self._ending.set()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._place.settle()

    async def close(self) -> None:
        """Its device stays, for a homeserver forgets with it what it was sent."""
        await self._server.close()

    async def check(self, rooms: Sequence[str]) -> Iterable[Finding]:
        """Raises DeliveryError."""
        user = self._device.user
        try:
            await self._server.call("GET", "account/whoami")
        except Unauthorized as error:
            return (Finding("token matrix", f"{error}; run `chatbot matrix-login --again`", well=False),)
        joined = (await self._server.call("GET", "joined_rooms"))["joined_rooms"]
        found = [Finding("token matrix", user)]
        for room in rooms:
            said, well = f"we are not in it; /invite {user} there", False
            if room in joined:
                well = await self._may_post(room)
                said = "we may post there" if well else "we may not post there; give us the power that messages need"
            found.append(Finding(f"room matrix/{room}", said, well))
        return found

    async def _may_post(self, room: str) -> bool:
        """Raises DeliveryError."""
        create, levels = await self._power(room)
        kind = "m.room.encrypted" if await self._is_encrypted(room) else "m.room.message"
        needed = levels.get("events", {}).get(kind, levels.get("events_default", 0)) if levels else 0
        return power(self._device.user, create, levels) >= number(needed)

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self._device, self._server, self._folder)

    def take_hold(self) -> None:
        """Of the keys. Raises Problem."""
        assert self._keys  # noqa: S101  # they are read when they are first asked for

    def let_go(self) -> None:
        """Of the files."""
        if "_keys" in vars(self):
            self._keys.close()

    async def _follow(self, answer: Answer) -> None:
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
                await asyncio.sleep(_pause(error, failures))
                continue
            failures = 0
            try:
                self._keys.take(sync)
            except Exception:  # nio's parser, of whatever people may send: the next batch is another one
                log.exception("keys not taken", platform=self.name)
            self._place.reach(str(sync.get("next_batch", "")), self._handle(sync, answer))
            await self._look_after()

    async def _look_after(self) -> None:
        """Of the keys; where that fails, plain rooms go on. Raises Unauthorized."""
        try:
            if not self._published:
                said = await self._server.ask("GET", f"profile/{quote(self._device.user)}/displayname")
                self._name = str(said.body.get("displayname", ""))
                await self._keys.publish()
                self._published = True
            await self._keys.look_after()
        except Unauthorized:
            raise
        except DeliveryError as error:
            log.warning("keys not looked after", platform=self.name, error=str(error))
            await asyncio.sleep(_pause(error, 1))
        except Exception:  # as above
            log.exception("keys not looked after", platform=self.name)
            self._published = True

    async def _sync(self) -> dict[str, Any]:
        query = {"filter": json.dumps(_FILTER if self._place.upto else _FIRST)}
        if self._place.upto:
            query |= {"since": self._place.upto, "timeout": str(_POLL * 1000)}
        return await self._server.call("GET", "sync", query=query, patience=_POLL + _PATIENCE)

    def _handle(self, sync: Mapping[str, Any], answer: Answer) -> list[asyncio.Task[None]]:
        """Begin all that follows from it."""
        rooms = sync.get("rooms", {})
        doing: list[Coroutine[Any, Any, None]] = []
        for room, info in rooms.get("invite", {}).items():
            doing.append(self._invited(room, info.get("invite_state", {}).get("events", ()), sync["next_batch"]))
        for room, info in rooms.get("join", {}).items():
            events = info.get("timeline", {}).get("events", [])
            for event in _since_joined(events, self._device.user):
                if _age(event) > _STALE or event.get("sender") == self._device.user:
                    continue
                if event.get("type") == "m.room.message":
                    doing.append(self._heard(room, event, answer))
                elif event.get("type") == "m.room.encrypted":
                    doing.append(self._open(room, event, answer))
            state = (*info.get("state", {}).get("events", ()), *events)
            doing += [self._follow_to(room, event) for event in state if event.get("type") == "m.room.tombstone"]
        return [self._start(one) for one in doing]

    def _start(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(_logged(doing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._place.settle())
        return task

    async def _heard(self, room: str, event: Mapping[str, Any], answer: Answer) -> None:
        """Answer it, if it is a command."""
        prefix = self._manners.prefixes.get(room, self._manners.prefix)
        text = asked(event, self._device.user, self._name, prefix, self._words)
        if text is None:
            return
        asking = asyncio.ensure_future(answer(Request(room, event["sender"], text)))
        if not (await asyncio.wait({asking}, timeout=_QUICK))[0]:
            with suppress(DeliveryError):  # the answer says it better
                await self._react(room, event["event_id"])
        await self._reply(room, event, (await asking).body)

    async def _open(self, room: str, event: Mapping[str, Any], answer: Answer) -> None:
        """Read it, as soon as its key is there; say so where none comes."""
        self._keys.remember_encrypted(room)
        for _ in range(_KEY_COMES):
            if opened := self._keys.read(room, dict(event)):
                if opened["type"] == "m.room.message":
                    await self._heard(room, opened, answer)
                return
            await self._rest(1)
        session = (room, str(event.get("content", {}).get("session_id")))
        if session not in self._unreadable:  # the next ones have the same key, or none
            self._unreadable.add(session)
            log.warning("message not readable", room=room, id=event["event_id"])
            await self._reply(room, event, _UNREADABLE)

    async def _reply(self, room: str, event: Mapping[str, Any], body: str) -> None:
        """In the thread below it, in as many parts as it takes."""
        root, last = root_of(event), event["event_id"]
        for place, part in enumerate(self.dialect.parts(body)):
            content = {} if room in self._manners.unthreaded else threaded(root, last)
            await self._say(room, part, f"{event['event_id']}-{place}", content)

    async def _say(self, room: str, body: str, key: str, more: Mapping[str, Any]) -> None:
        """What nobody keeps in an outbox: tried for a while, at last plainer."""
        plainly = 0
        for failures in range(1, _TRIES + 1):
            try:
                post = plainer(Post(self.dialect.name, body), self.dialect, plainly)
                await self._put(room, {**self._message(room, post.body), **more}, key)
            except Refused as error:
                log.warning("answer not taken", room=room, error=str(error))
                plainly += 1
            except (Unavailable, Unknown) as error:
                log.warning("answer not taken", room=room, error=str(error))
                await self._rest(_pause(error, failures))
            else:
                return

    async def _insist(self, doing: Callable[[], Awaitable[object]]) -> None:
        """Try it for a while. Raises DeliveryError."""
        for failures in range(1, _TRIES):
            try:
                await doing()
            except (Unavailable, Unknown) as error:
                await self._rest(_pause(error, failures))
            else:
                return
        await doing()

    async def _rest(self, seconds: float) -> None:
        """Raises _Unanswered where the bot is told to stop: it is answered after the next start."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)
            raise _Unanswered

    async def _react(self, room: str, event_id: str) -> None:
        """In clear even where it is encrypted, as all reactions are; it says nothing but that somebody looks."""
        path = f"rooms/{quote(room)}/send/m.reaction/{self._txn(f'{event_id}-seen')}"
        await self._server.ask("PUT", path, seen(event_id))  # that it is there already is no error

    async def _invited(self, room: str, state: Iterable[Mapping[str, Any]], at: str) -> None:
        """Come where one may ask us to, and say what we are for; go otherwise."""
        user = self._device.user
        invites = (one for one in state if one.get("type") == "m.room.member" and one.get("state_key") == user)
        inviter = str(next(invites, {}).get("sender", ""))
        welcome = self._lets_invite(inviter)
        log.info("invited", room=room, by=inviter, accepted=welcome)
        try:
            path = f"rooms/{quote(room)}/{'join' if welcome else 'leave'}"
            await self._insist(lambda: self._server.call("POST", path, {}))
        except Closed:
            return  # it was taken back
        if welcome:
            await self._succeed(room)
            await self._say(room, self._welcome(room), f"welcome-{room}-{at}", {})

    def _lets_invite(self, person: str) -> bool:
        own = f"@*:{self._device.user.partition(':')[2]}"
        return any(fnmatchcase(person, pattern) for pattern in self._manners.inviters or (own,))

    def _welcome(self, room: str) -> str:
        prefix = self._manners.prefixes.get(room, self._manners.prefix)
        those = ", ".join(f"<code>{rich.escape(prefix + word.removeprefix('/'))}</code>" for word in self._words)
        return f"<p>Hello! I post digests of mailing lists, and answer {those}.</p>"

    async def _follow_to(self, room: str, tombstone: Mapping[str, Any]) -> None:
        """A room that was upgraded goes on in another one."""
        new = tombstone.get("content", {}).get("replacement_room")
        if not isinstance(new, str):
            return
        via = str(tombstone.get("sender", "")).partition(":")[2]
        join = partial(self._server.call, "POST", f"join/{quote(new)}", {}, query={"via": via} if via else None)
        try:
            await self._insist(join)
        except DeliveryError as error:
            log.warning("not let into the room that goes on; invite us", room=room, new=new, error=str(error))
            return
        await self._go_on(room, new)

    async def _succeed(self, room: str) -> None:
        """Where we are invited to what another room of ours has become, all goes on there; the old room has to say so,
        too, for anybody can claim to be its successor.
        """
        create = await self._server.ask("GET", f"rooms/{quote(room)}/state/m.room.create/")
        predecessor = create.body.get("predecessor")
        old = predecessor.get("room_id") if isinstance(predecessor, dict) else None
        if isinstance(old, str):
            tombstone = await self._server.ask("GET", f"rooms/{quote(old)}/state/m.room.tombstone/")
            if tombstone.body.get("replacement_room") == room:
                await self._go_on(old, room)

    async def _go_on(self, old: str, new: str) -> None:
        log.info("room goes on as another", room=old, new=new)
        await self._insist(lambda: self._moved(old, new))

    def _message(self, room: str, body: str, key: str = "", *, badge: bool = False) -> dict[str, Any]:
        prefix = self._manners.prefixes.get(room, self._manners.prefix)
        return message(typed_here(body, rich.escape(prefix), self._words), key, badge=badge)

    async def _put(self, room: str, content: dict[str, Any], key: str) -> str:
        """The event's id. Raises DeliveryError."""
        await self._pace.turn()
        kind = "m.room.message"
        if await self._encrypted(room):
            relation = {name: content[name] for name in ("m.relates_to",) if name in content}
            kind, content = "m.room.encrypted", await self._keys.seal(room, kind, content) | relation
        try:
            still_ours.get()()
            said = await self._server.call("PUT", f"rooms/{quote(room)}/send/{kind}/{self._txn(key)}", content)
        except Unavailable as error:
            self._pace.slow_down(error.after)
            raise
        self._pace.went()
        return str(said["event_id"])

    async def _encrypted(self, room: str) -> bool:
        """Asked each time until it is: once encrypted, always encrypted."""
        if self._keys.knows_encrypted(room):
            return True
        if await self._is_encrypted(room):
            self._keys.remember_encrypted(room)
            return True
        return False

    async def _is_encrypted(self, room: str) -> bool:
        """Raises DeliveryError."""
        reply = await self._server.ask("GET", f"rooms/{quote(room)}/state/m.room.encryption/")
        if reply.code == "M_NOT_FOUND":
            return False
        if error := reply.error():
            raise error
        return True

    def _txn(self, key: str) -> str:
        return quote(f"{self._device.prefix}-{key}", safe="")

    def _is(self, event: Mapping[str, Any], room: str, key: str) -> bool:
        """Whether it is our post with this key, whichever device sent it."""
        if event.get("sender") != self._device.user:
            return False
        if event.get("unsigned", {}).get("transaction_id") == f"{self._device.prefix}-{key}":
            return True
        opened = self._keys.read(room, dict(event)) if event.get("type") == "m.room.encrypted" else event
        return bool(opened and opened.get("content", {}).get(KEY) == key)


class _Place:
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
            matrix_device.write_private(self._path, json.dumps({"upto": done}))

    def forget(self) -> None:
        """Begin anew."""
        self.upto = ""


class _Pace:
    """How fast a homeserver lets us send. It tells when that was too fast: from then on there is one in so many
    seconds, and after a pause some at once, as it is with Synapse.
    """

    def __init__(self) -> None:
        self._every, self._burst = 0.0, _BURST
        self._left, self._at = 0.0, 0.0

    async def turn(self) -> None:
        """Wait until one may be sent."""
        self._refill()
        if self._every and self._left < 1:
            await asyncio.sleep((1 - self._left) * self._every)
            self._refill()

    def went(self) -> None:
        """One was taken."""
        self._left -= 1

    def slow_down(self, after: float) -> None:
        """One was too many; the next may come after so many seconds."""
        if self._every and self._left >= 1:
            self._burst = max(1.0, self._burst / 2)
        self._every += after  # it came so much too early
        self._left, self._at = 1 - after / self._every if self._every else 0.0, asyncio.get_running_loop().time()

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._every:
            self._left = min(self._burst, self._left + (now - self._at) / self._every)
        self._at = now


class _Unanswered(Exception):
    """What was asked waits for the next start."""


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


def _pause(error: DeliveryError, failures: int) -> float:
    """Any time up to twice as long as before, so that not all come back at once; no less than the homeserver wants."""
    after = error.after if isinstance(error, Unavailable) else 0.0
    return max(after, min(_LONGEST, 0.5 * 2.0**failures) * random())  # noqa: S311  # no secret


async def _logged(doing: Coroutine[Any, Any, None]) -> None:
    """What fails in one event's answer leaves the others alone."""
    try:
        await doing
    except _Unanswered:
        raise
    except DeliveryError as error:
        log.warning("event not answered", error=str(error))
    except Exception:
        log.exception("event not answered")
