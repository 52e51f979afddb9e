"""What goes out to Matrix rooms: messages in clear or sealed, as fast as the homeserver takes them.

Law of the file: one call is one attempt, under a transaction id that its key makes, and the homeserver shows it once.
Nothing goes out in clear to a room that was ever encrypted.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from chatbot.chat import rich
from chatbot.chat.matrix_events import Manners, attached, fits, message, seen, typed_here
from chatbot.chat.matrix_http import Homeserver
from chatbot.chat.matrix_keys import Keys, seal_file
from chatbot.chat.matrix_pace import Pace
from chatbot.chat.matrix_rooms import Rooms
from chatbot.chat.platform import still_ours
from chatbot.chat.post import File
from chatbot.errors import Unavailable

DIALECT = replace(rich.dialect("matrix", fits), files=True)
# So many files are known that were uploaded and not sent yet; of older ones a second copy is made.
_UPLOADED = 100


class Sender:
    """One device's way out; `prefix` begins its transaction ids."""

    def __init__(
        self, server: Homeserver, keys: Keys, rooms: Rooms, *, prefix: str, manners: Manners, words: Iterable[str]
    ) -> None:
        self._server, self._keys, self._rooms = server, keys, rooms
        self._prefix, self._manners, self._words = prefix, manners, tuple(words)
        self._pace = Pace()
        self._uploaded: dict[tuple[str, str], dict[str, Any]] = {}

    async def send(
        self, room: str, body: str, key: str, more: Mapping[str, Any] | None = None, *, badge: bool = False
    ) -> str:
        """A body as a message; the event's id. Raises DeliveryError."""
        return await self.put(room, {**message(self._typed(room, body), key, badge=badge), **(more or {})}, key)

    async def bring(self, room: str, file: File, body: str, key: str, more: Mapping[str, Any]) -> str:
        """A file as a message, uploaded once however often this is tried; the event's id. Raises DeliveryError."""
        content = self._uploaded.pop((room, key), None) or await self.upload(room, file, body, key)
        self._uploaded[room, key] = content
        if len(self._uploaded) > _UPLOADED:
            del self._uploaded[next(iter(self._uploaded))]
        event = await self.put(room, {**content, **more}, key)
        self._uploaded.pop((room, key), None)
        return event

    async def upload(self, room: str, file: File, body: str, key: str) -> dict[str, Any]:
        """A file; the content of the message that brings it into the room. Where that is encrypted, the homeserver gets
        neither the file nor its name. Raises DeliveryError.
        """
        if await self._encrypted(room):
            sealed, opening = seal_file(file.data)
            where: str | dict[str, Any] = opening | {
                "url": await self._server.upload(sealed, "application/octet-stream")
            }
        else:
            where = await self._server.upload(file.data, file.media, file.name)
        return attached(file, where, self._typed(room, body), key)

    async def react(self, room: str, event_id: str) -> None:
        """In clear even where it is encrypted, as all reactions are; it says nothing but that somebody looks. Raises
        DeliveryError.
        """
        path = f"rooms/{quote(room)}/send/m.reaction/{quote(self.transaction(f'{event_id}-seen'), safe='')}"
        await self._server.ask("PUT", path, seen(event_id))  # that it is there already is no error

    def transaction(self, key: str) -> str:
        """The id under which the homeserver knows what was sent with a key."""
        return f"{self._prefix}-{key}"

    def _typed(self, room: str, body: str) -> str:
        return typed_here(body, rich.escape(self._manners.prefix_in(room)), self._words)

    async def put(self, room: str, content: dict[str, Any], key: str) -> str:
        """A message's content; the event's id. Raises DeliveryError."""
        began = await self._pace.turn()
        kind = "m.room.message"
        if await self._encrypted(room):
            relation = {name: content[name] for name in ("m.relates_to",) if name in content}
            kind, content = "m.room.encrypted", await self._keys.seal(room, kind, content) | relation
        path = f"rooms/{quote(room)}/send/{kind}/{quote(self.transaction(key), safe='')}"
        try:
            still_ours.get()()
            said = await self._server.call("PUT", path, content)
        except Unavailable as error:
            if error.after:  # else it was not reached
                self._pace.slow_down(began, error.after)
            raise
        self._pace.went()
        return str(said["event_id"])

    async def _encrypted(self, room: str) -> bool:
        """Asked each time until it is: once encrypted, always encrypted."""
        if self._keys.knows_encrypted(room):
            return True
        if await self._rooms.are_encrypted(room):
            self._keys.remember_encrypted(room)
            return True
        return False
