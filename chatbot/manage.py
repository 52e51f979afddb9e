"""`chatbot subscriptions`: what rooms follow, from the command line. Who can read the config may manage every room.

What the commands of a room do, they do here; a bot that runs sees it at its next tick.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chatbot.commands.command import Context
    from chatbot.settings import Config
    from chatbot.subscriptions.room import Room
    from chatbot.subscriptions.subscription import Subscription
    from chatbot.subscriptions.subsystem import Subsystems

# A sign that TOML wants written as its number, and JSON does not.
_DELETE = chr(127)
_UNPLACED = "no room is known by this alias yet; name the room's id, or let the bot find it first"
# What they are called in a room.
COMMANDS = {"add": "subscribe", "remove": "unsubscribe", "pause": "pause", "resume": "resume"}


class Desk:
    """A question's Context, and all rooms that there are something to say of."""

    def __init__(self, context: Context, config: Config) -> None:
        from chatbot.subscriptions.room import placed
        from chatbot.translate import rooms_of

        self._context = context
        self._config = config
        self._names = context.subscriptions.names()
        self._said = placed(rooms_of(config), self._names)

    def rooms(self) -> tuple[Room, ...]:
        """The config's, and those that follow something."""
        from chatbot.subscriptions.room import Room

        following = {
            (one.platform, one.room): Room(one.platform, one.room) for one in self._context.subscriptions.all()
        }
        return tuple({**following, **self._said}.values())

    def room(self, name: str | None, ids: Iterable[str] = ()) -> Room:
        """The one of this name (`terminal/room`, or its own alone); else that which follows one of these ids; else the
        only one. Raises Misunderstood.
        """
        from chatbot.errors import Misunderstood
        from chatbot.subscriptions.room import Room

        rooms = self.rooms()
        if name is not None:
            now = {alias: room for (_, alias), room in self._names.items()}
            now |= {f"{at}/{alias}": f"{at}/{room}" for (at, alias), room in self._names.items()}
            name = now.get(name, name)
            found = [one for one in rooms if name in (one.name, f"{one.platform}/{one.name}")]
            platform, _, own = name.partition("/")
            if not found and own and getattr(self._config.platforms, platform, None) is not None:
                return Room(platform, own)
        else:
            following = {one.id: (one.platform, one.room) for one in self._context.subscriptions.all()}
            meant = {following[one] for one in ids if one in following}
            found = [one for one in rooms if (one.platform, one.name) in meant] if meant else list(rooms)
        if len(found) != 1:
            names = ", ".join(f"{one.platform}/{one.name}" for one in found or rooms)
            remedy = f"name one with --room: {names}" if names else "name it with --room, as terminal/terminal"
            raise Misunderstood(f"--room {name or ''}".rstrip(), "it is not clear which room is meant", remedy)
        return found[0]

    def say(self, command: str, room: Room) -> str:
        """The answer to a command in a room, with styles. Raises Misunderstood."""
        from chatbot.answer import look_up
        from chatbot.chat.styled import DIALECT
        from chatbot.errors import Misunderstood
        from chatbot.report.render import Renderer
        from chatbot.subscriptions.subscription import is_alias

        if is_alias(room.name) and command.startswith("/subscribe "):
            raise Misunderstood(f"--room {room.platform}/{room.name}", *_UNPLACED.split("; "))
        facts = look_up(command, replace(self._context, room=room, manager=True))
        return Renderer().render(DIALECT, facts.template, **facts.values)

    def export(self, room: Room | None) -> str:
        """What was typed in a room, or in all, as TOML that a config and `take` can read."""
        every = self._context.subscriptions.all()
        here = (one for one in every if room is None or (one.platform, one.room) == (room.platform, room.name))
        return "\n".join("\n".join(_table(one)) for one in here if not one.of_config)

    def take(self, text: str, subsystems: Callable[[], Subsystems]) -> tuple[int, int]:
        """Add what was exported, all or nothing: how many were added, and how many were there already. Raises
        BadConfig.
        """
        from chatbot.config import read_exported
        from chatbot.errors import BadConfig
        from chatbot.sift import topic_of
        from chatbot.subscriptions.subscription import Subscription
        from chatbot.translate import followed_by

        context, faults = self._context, list[str]()
        found = [
            Subscription(
                id=one.id.casefold(),
                platform=one.platform,
                room=one.room,
                **followed_by(one, place, subsystems, faults)._asdict(),
                owner=one.owner or context.asker,
                created=(one.created or context.now).astimezone(UTC).replace(microsecond=0),
                paused_until=one.paused_until and one.paused_until.astimezone(UTC),
            )
            for place, one in enumerate(read_exported(text, self._config), 1)
        ]
        found = [replace(one, room=self._names.get((one.platform, one.room), one.room)) for one in found]
        faults += [
            f"[[subscriptions]] {place} room: {one.room!r}: {_UNPLACED}"
            for place, one in enumerate(found, 1)
            if not one.placed
        ]
        if faults:
            raise BadConfig(tuple(faults))
        there = {(one.platform, one.room, one.told) for one in context.subscriptions.all()}
        new = {key: one for one in found if (key := (one.platform, one.room, one.told)) not in there}
        lists = [topic_of(one, context.lists, subsystems).names for one in new.values()]
        context.subscriptions.add(new.values(), lists, context.now)
        return len(new), len(found) - len(new)


def _table(one: Subscription) -> Iterator[str]:
    """Texts as JSON has them are TOML's, too."""
    values = {
        "id": one.id,
        "platform": one.platform,
        "room": one.room,
        "subsystem" if one.subsystem else "series" if one.series else "list": one.topic,
        "filter": one.filter,
        "when": str(one.when),
        "owner": one.owner,
    }
    yield "[[subscriptions]]"
    for key, value in values.items():
        text = json.dumps(value, ensure_ascii=False).replace(_DELETE, f"\\u{ord(_DELETE):04x}")
        yield f"{key} = {text}"
    yield f"created = {one.created.isoformat()}"
    for word in str(one.manner).split():
        yield f"{word} = true"
    if one.paused_until:
        yield f"paused_until = {one.paused_until.isoformat()}"
    yield ""
