"""The Matrix platform: one account with one device in any number of rooms, plain and encrypted. What it sends is in
matrix_sender, what it hears in matrix_listener, how it is with rooms in matrix_rooms.

Law of the file: retrying a post is the outbox's; the homeserver shows a transaction id once.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from chatbot.chat import matrix_device
from chatbot.chat.matrix_device import Device
from chatbot.chat.matrix_events import KEY, Manners, threaded
from chatbot.chat.matrix_http import Homeserver
from chatbot.chat.matrix_keys import Keys
from chatbot.chat.matrix_listener import Listener, Place
from chatbot.chat.matrix_patience import Patience
from chatbot.chat.matrix_rooms import Journeys, Moved, Rooms
from chatbot.chat.matrix_sender import DIALECT, Sender
from chatbot.chat.platform import Answer, Receipt
from chatbot.chat.post import Post
from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unknown
from chatbot.finding import Finding

log = structlog.get_logger(__name__)

# A homeserver forgets transaction ids after a day.
_PROTECTED = timedelta(hours=20)


async def _nowhere(_old: str, _new: str) -> None:
    """Nothing follows a room."""


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
        self._words, self._manners = tuple(words), manners
        self._moved, self._now = moved, now
        self._device, self._folder = device, folder
        self._server = Homeserver(device.homeserver, device.token)
        self._rooms = Rooms(self._server, device.user)
        self._place = Place(folder / "place.json")

    @property
    def login(self) -> str:
        """Another token, another login."""
        return self._device.login

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        """One attempt. Raises DeliveryError."""
        thread = threaded(under) if under and not post.manner.aloud else {}
        if post.file:
            return Receipt(await self._sender.bring(room, post.file, post.body, key, thread))
        return Receipt(await self._sender.send(room, post.body, key, thread, badge=post.manner.badge))

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

    async def room_of(self, name: str) -> str:
        """By the homeserver's directory. Raises DeliveryError."""
        return await self._rooms.named(name) if name.startswith("#") else name

    async def may_manage(self, person: str, room: str) -> bool:
        """By the room's state as it is now."""
        try:
            return await self._rooms.power_of(person, room) >= self._manners.level
        except DeliveryError as error:
            log.warning("power not known", room=room, error=str(error))
            return False

    async def listen(self, answer: Answer) -> None:
        """Until it is cancelled; with a token that is not taken it is silent, and the other platforms go on."""
        patience, user = Patience(), self._device.user
        listener = Listener(
            answer,
            server=self._server,
            user=user,
            keys=self._keys,
            sender=self._sender,
            journeys=Journeys(self._server, user, patience, inviters=self._manners.inviters, moved=self._moved),
            patience=patience,
            place=self._place,
            manners=self._manners,
            words=self._words,
        )
        try:
            await listener.run()
        except Unauthorized as error:
            log.error("not let in", platform=self.name, error=str(error), remedy="run `chatbot matrix-login --again`")  # noqa: TRY400  # an operator's matter
            await asyncio.Event().wait()

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
        for name in rooms:
            said, well = f"we are not in it; /invite {user} there", False
            try:
                if (room := await self.room_of(name)) in joined:
                    well = await self._rooms.take_ours(room)
                    said = (
                        "we may post there" if well else "we may not post there; give us the power that messages need"
                    )
            except Closed:
                said = "no room has this alias; see that it is spelt as in the room's settings"
            except (Refused, Unknown) as error:
                said = f"it cannot be asked for: {error}"
            found.append(Finding(f"room matrix/{name}", said, well))
        return found

    @cached_property
    def _keys(self) -> Keys:
        return Keys(self._device, self._server, self._folder)

    @cached_property
    def _sender(self) -> Sender:
        return Sender(
            self._server,
            self._keys,
            self._rooms,
            prefix=self._device.prefix,
            manners=self._manners,
            words=self._words,
        )

    def take_hold(self) -> None:
        """Of the keys. Raises Problem."""
        assert self._keys  # noqa: S101  # they are read when they are first asked for

    def let_go(self) -> None:
        """Of the files."""
        if "_keys" in vars(self):
            self._keys.close()

    def _is(self, event: Mapping[str, Any], room: str, key: str) -> bool:
        """Whether it is our post with this key, whichever device sent it."""
        if event.get("sender") != self._device.user:
            return False
        if event.get("unsigned", {}).get("transaction_id") == self._sender.transaction(key):
            return True
        opened = self._keys.read(room, dict(event)) if event.get("type") == "m.room.encrypted" else event
        return bool(opened and opened.get("content", {}).get(KEY) == key)
