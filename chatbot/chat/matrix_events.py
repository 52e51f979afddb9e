"""What Matrix's events say, and how ours are written. Pure.

Law of the file: nothing of ours pings anybody, and no event of a program is a command.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from chatbot.chat import rich
from chatbot.chat.post import File

# An event may have 65,536 bytes with all that is around it; encrypted, a third more than in clear.
# https://spec.matrix.org/latest/client-server-api/#size-limits
LARGEST = 40_000
# What is found in our own messages again, whatever device sent them.
KEY = "chatbot.delivery"
# Rooms of this version and later have creators, whose power has no end. https://spec.matrix.org/latest/rooms/v12/
_CREATORS = 12
_ENDLESS = 1 << 60
# Until a room says otherwise, who made it has this power.
_CREATOR = 100


def _itself(room: str) -> tuple[str, ...]:
    return (room,)


@dataclass(frozen=True, slots=True)
class Manners:
    """What commands begin with, and in which rooms with something else; who may invite (patterns of user ids; without
    any, who has an account on the same homeserver); what power lets one manage a room; in which rooms answers
    stand beside what was asked, and not in a thread. `names_of` a room are what these may call it.
    """

    prefix: str = "!"
    prefixes: Mapping[str, str] = field(default_factory=dict)
    inviters: tuple[str, ...] = ()
    level: int = 50
    unthreaded: frozenset[str] = frozenset()
    names_of: Callable[[str], Iterable[str]] = _itself

    def prefix_in(self, room: str) -> str:
        """What commands begin with there."""
        return next((self.prefixes[name] for name in self.names_of(room) if name in self.prefixes), self.prefix)

    def threads(self, room: str) -> bool:
        """Whether answers stand in a thread there."""
        return self.unthreaded.isdisjoint(self.names_of(room))


def message(body: str, key: str = "", *, badge: bool = False) -> dict[str, Any]:
    """A body as a message's content: a notice, which no client counts as unread, or a text, which it does."""
    read = (block for block in rich.blocks(body) if block.kind not in (rich.Kind.BUTTON, rich.Kind.RULE))
    shown = [replace(block, spans=tuple(map(_linked, block.spans))) for block in read]
    content: dict[str, Any] = {
        "msgtype": "m.text" if badge else "m.notice",
        "body": rich.plain(body).rstrip("\n"),
        "format": "org.matrix.custom.html",
        "formatted_body": rich.write(shown).rstrip("\n"),
        # Without it, a client looks for names in the text, and rings.
        "m.mentions": {},
        "uk.half-shot.unstable.show_url_previews": False,
    }
    return content | ({KEY: key} if key else {})


def attached(file: File, where: str | Mapping[str, Any], body: str, key: str) -> dict[str, Any]:
    """A file's content, by its address, or by what opens it where it is sealed; the body is said with it."""
    said = message(body, key)
    if said["body"] == file.name:  # its name is no caption
        del said["format"], said["formatted_body"]
    info: dict[str, Any] = {"mimetype": file.media, "size": len(file.data)}
    if file.size:
        info["w"], info["h"] = file.size
    return said | {
        "msgtype": "m.image" if file.size else "m.file",
        "filename": file.name,
        "info": info,
        "url" if isinstance(where, str) else "file": where,
    }


def fits(body: str) -> bool:
    """Whether it goes into one event."""
    return len(json.dumps(message(body, "0" * 64), ensure_ascii=False).encode("utf-8", "replace")) <= LARGEST


def threaded(root: str, last: str | None = None) -> dict[str, Any]:
    """What puts a message into the thread below an event, for clients without threads as an answer to the last."""
    relation = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
    return {"m.relates_to": relation | {"m.in_reply_to": {"event_id": last or root}}}


def root_of(event: Mapping[str, Any]) -> str:
    """The event that an answer's thread hangs on: that of the thread it was asked in, or the event itself."""
    relation = _relation(event)
    root = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
    return str(root or event["event_id"])


def seen(event_id: str) -> dict[str, Any]:
    """A reaction: somebody is at it."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event_id, "key": "👀"}}


def asked(event: Mapping[str, Any], user: str, name: str, prefix: str, words: Iterable[str]) -> str | None:
    """What a message asks of us, as `/series x`: `!series x`, `!lore series x`, or our name and `series x`. None where
    nothing is asked: it is no text of a person, or words for another bot.
    """
    content = event["content"]
    text = content.get("body") if isinstance(content, dict) else None
    if event["sender"] == user or not isinstance(text, str) or content.get("msgtype") != "m.text":
        return None
    relation = _relation(event)
    if relation.get("rel_type") == "m.replace":
        return None
    if "m.in_reply_to" in relation:
        text = re.sub(r"\A(?:> .*\n)+\n?", "", text)
    text = text.strip()
    known = tuple(word.removeprefix("/") for word in words)
    if (said := _addressed(text, content, user, name)) is not None:
        said = said.removeprefix(prefix).removeprefix("/")
        return f"/{said}" if said else "/help"
    if not text.startswith(prefix) or not (said := text[len(prefix) :].strip()):
        return None
    word, *rest = said.split(None, 1)
    if word.lower() == "lore":
        return f"/{''.join(rest)}" if rest else "/help"
    # What is near to a word of ours was meant for us; other bots have words of their own.
    near = difflib.get_close_matches(word.lower(), known, n=1)
    return f"/{said}" if near and not text[len(prefix)].isspace() else None


def typed_here(body: str, prefix: str, words: Iterable[str]) -> str:
    """The body with commands as they are typed in a room: `/series` is `!series` there."""
    return _commands(tuple(words)).sub(lambda found: f"{prefix}{found[1]}", body)


def power(person: str, create: Mapping[str, Any], levels: Mapping[str, Any] | None) -> int:
    """A person's power in a room, by its event m.room.create and the content of its m.room.power_levels, if there is
    one.
    """
    made = create.get("content", {})
    version = str(made.get("room_version", "1"))
    creators = [create.get("sender"), *made.get("additional_creators", ())]
    if version.isdigit() and int(version) >= _CREATORS and person in creators:
        return _ENDLESS
    if levels is None:
        return _CREATOR if person == create.get("sender") else 0
    return number(levels.get("users", {}).get(person, levels.get("users_default", 0)))


def number(level: object) -> int:
    """Old rooms may have it as text."""
    try:
        return int(level)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return 0


def _linked(span: rich.Span) -> rich.Span:
    """A room as clients show one: https://spec.matrix.org/latest/appendices/#matrixto-navigation"""
    return replace(span, room=False, link=f"https://matrix.to/#/{quote(span.text)}") if span.room else span


def _relation(event: Mapping[str, Any]) -> Mapping[str, Any]:
    content = event["content"]
    relation = content.get("m.relates_to") if isinstance(content, dict) else None
    return relation if isinstance(relation, dict) else {}


def _addressed(text: str, content: Mapping[str, Any], user: str, name: str) -> str | None:
    """What is said to us by name, behind it; None where our name does not begin it."""
    local = user.removeprefix("@").partition(":")[0]
    mentions = content.get("m.mentions")
    named = mentions.get("user_ids") if isinstance(mentions, dict) else None
    mentioned = isinstance(named, list) and user in named
    for called in sorted({user, local, name} - {""}, key=len, reverse=True):
        found = re.match(rf"@?{re.escape(called)}(?:[:,]\s*|\s+|$)", text, re.IGNORECASE)
        if found and (mentioned or found[0].rstrip().endswith((":", ",")) or called == user):
            return text[found.end() :].strip()
    return None


@cache
def _commands(words: tuple[str, ...]) -> re.Pattern[str]:
    """Where a command stands, and neither a link nor a path."""
    those = "|".join(re.escape(word.removeprefix("/")) for word in words)
    return re.compile(rf"(?<![\w/.:&;-])/({those})(?![\w/-]|\.\w)")
