"""Matrix rooms: what one says of itself, asked afresh each time; how the bot comes into one, and goes on into another.

Law of the file: nobody but the room itself says what it is, who may do what there, and where it goes on.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog

from chatbot.chat.matrix_events import number, power
from chatbot.chat.matrix_http import Homeserver
from chatbot.chat.matrix_patience import Patience
from chatbot.errors import Closed, DeliveryError

log = structlog.get_logger(__name__)

# Told that a room goes on as another one.
Moved = Callable[[str, str], Awaitable[None]]


class Rooms:
    """As one account finds them."""

    def __init__(self, server: Homeserver, user: str) -> None:
        self._server, self._user = server, user

    async def power_of(self, person: str, room: str) -> int:
        """By the room's state, which nio would read wrongly where creators have endless power. Raises DeliveryError."""
        create, levels = await self._levels(room)
        return power(person, create, levels)

    async def take_ours(self, room: str) -> bool:
        """Whether we may post there. Raises DeliveryError."""
        create, levels = await self._levels(room)
        kind = "m.room.encrypted" if await self.are_encrypted(room) else "m.room.message"
        needed = levels.get("events", {}).get(kind, levels.get("events_default", 0)) if levels else 0
        return power(self._user, create, levels) >= number(needed)

    async def are_encrypted(self, room: str) -> bool:
        """Whether this one says so. Raises DeliveryError."""
        reply = await self._server.ask("GET", f"rooms/{quote(room)}/state/m.room.encryption/")
        if reply.code == "M_NOT_FOUND":
            return False
        if error := reply.error():
            raise error
        return True

    async def named(self, name: str) -> str:
        """The room that has an alias now. Raises DeliveryError."""
        return str((await self._server.call("GET", f"directory/room/{quote(name, safe='')}"))["room_id"])

    async def _levels(self, room: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """What `power` asks for. Raises DeliveryError."""
        here = f"rooms/{quote(room)}/state"
        create = await self._server.call("GET", f"{here}/m.room.create/", query={"format": "event"})
        levels = await self._server.ask("GET", f"{here}/m.room.power_levels/")
        if levels.code == "M_NOT_FOUND":
            return create, None
        if error := levels.error():
            raise error
        return create, levels.body


class Journeys:
    """The bot comes where it is invited, and goes along where a room goes on as another one."""

    def __init__(
        self,
        server: Homeserver,
        user: str,
        patience: Patience,
        *,
        inviters: Iterable[str],
        moved: Moved,
    ) -> None:
        """`inviters` are patterns of user ids; without any, who has an account on the same homeserver may invite."""
        self._server, self._user, self._patience = server, user, patience
        self._inviters = tuple(inviters) or (f"@*:{user.partition(':')[2]}",)
        self._moved = moved

    async def invited(self, room: str, state: Iterable[Mapping[str, Any]]) -> bool:
        """Come where one may ask us to, and go otherwise; whether we came."""
        invites = (one for one in state if one.get("type") == "m.room.member" and one.get("state_key") == self._user)
        inviter = str(next(invites, {}).get("sender", ""))
        welcome = any(fnmatchcase(inviter, pattern) for pattern in self._inviters)
        log.info("invited", room=room, by=inviter, accepted=welcome)
        path = f"rooms/{quote(room)}/{'join' if welcome else 'leave'}"
        try:
            await self._patience.insist(lambda: self._server.call("POST", path, {}))
        except Closed:
            return False  # it was taken back
        if welcome:
            await self._succeed(room)
        return welcome

    async def follow(self, room: str, tombstone: Mapping[str, Any]) -> None:
        """A room that was upgraded goes on in another one, if that says so, too."""
        new = tombstone.get("content", {}).get("replacement_room")
        if not isinstance(new, str):
            return
        via = str(tombstone.get("sender", "")).partition(":")[2]
        join = partial(self._server.call, "POST", f"join/{quote(new)}", {}, query={"via": via} if via else None)
        try:
            there = await self._patience.insist(lambda: self._server.call("GET", "joined_rooms"))
            await self._patience.insist(join)
            old = await self._predecessor(new)
        except DeliveryError as error:
            log.warning("not let into the room that goes on; invite us", room=room, new=new, error=str(error))
            return
        if old == room:
            await self._go_on(room, new)
            return
        log.warning("room does not go on as this one, which knows nothing of it", room=room, new=new)
        if new not in there["joined_rooms"]:
            await self._patience.insist(lambda: self._server.call("POST", f"rooms/{quote(new)}/leave", {}))

    async def _succeed(self, room: str) -> None:
        """Where we are invited to what another room of ours has become, all goes on there; the old room has to say so,
        too, for anybody can claim to be its successor.
        """
        old = await self._predecessor(room)
        if old and (await self._state(old, "m.room.tombstone")).get("replacement_room") == room:
            await self._go_on(old, room)

    async def _predecessor(self, room: str) -> str:
        """The room that this one says it goes on from, or none. Raises DeliveryError."""
        said = (await self._state(room, "m.room.create")).get("predecessor")
        return str(said.get("room_id", "")) if isinstance(said, dict) else ""

    async def _state(self, room: str, kind: str) -> dict[str, Any]:
        """Empty where there is none, or none for us. Raises DeliveryError."""
        try:
            return await self._patience.insist(lambda: self._server.call("GET", f"rooms/{quote(room)}/state/{kind}/"))
        except Closed:
            return {}

    async def _go_on(self, old: str, new: str) -> None:
        log.info("room goes on as another", room=old, new=new)
        await self._patience.insist(lambda: self._moved(old, new))
