"""What Slack refuses in a message, and what it makes of one: whom it mentions, what it links, which codes become emoji.

Written from Slack's documentation and from what others have measured, and not from our own adapter: the two must not
share a mistake.
"""

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST_BLOCKS, MOST_VIEW_BLOCKS, MOST_CHARACTERS, BLOCK_WEIGHT = 50, 100, 13_200, 130
FALLBACK, UPDATE, METADATA = 40_000, 4_000, 1_000
_TEXT_STYLES = {"bold", "italic", "strike", "code"}


class Invalid(Exception):
    """Slack's error code, and where."""

    def __init__(self, code: str, where: str = "") -> None:
        super().__init__(f"{code} {where}".rstrip())
        self.code, self.where = code, where


@dataclass(frozen=True)
class Effects:
    """What a message does beside being read."""

    mentions: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    emoji: tuple[str, ...] = ()


def check_message(message: Mapping[str, Any], *, budget: bool = True) -> None:
    """Raises Invalid. A response_url takes more than chat.postMessage: there is no budget of characters."""
    blocks, text = message.get("blocks"), message.get("text")
    if not blocks and not text:
        raise Invalid("no_text")
    if text is not None and len(str(text)) > FALLBACK:
        raise Invalid("msg_too_long")
    if message.get("attachments"):
        raise Invalid("invalid_attachments", "none of ours has any")
    if metadata := message.get("metadata"):
        if set(metadata) != {"event_type", "event_payload"} or not isinstance(metadata["event_payload"], dict):
            raise Invalid("invalid_metadata_format")
        if len(json.dumps(metadata)) > METADATA:
            raise Invalid("metadata_too_large")
    if blocks is not None:
        check_blocks(blocks, MOST_BLOCKS)
        if budget and sum(map(_characters, blocks)) + BLOCK_WEIGHT * len(blocks) > MOST_CHARACTERS:
            raise Invalid("msg_blocks_too_long")


def check_blocks(blocks: Sequence[Mapping[str, Any]], most: int) -> None:
    """Raises Invalid."""
    if not isinstance(blocks, list):
        raise Invalid("invalid_blocks_format")
    if len(blocks) > most:
        raise Invalid("invalid_blocks", f"no more than {most} items allowed [json-pointer:/blocks]")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        raise Invalid("invalid_blocks", "block_id is there twice")
    if sum(block.get("type") in ("table", "data_table") for block in blocks) > 1:
        raise Invalid("invalid_attachments", "only_one_table_allowed")
    for place, block in enumerate(blocks):
        where = f"/blocks/{place}"
        kind = block.get("type")
        if kind not in _BLOCKS:
            raise Invalid("invalid_blocks", f"unsupported type: {kind} [json-pointer:{where}]")
        _length(block.get("block_id", "x"), 255, f"{where}/block_id")
        required, optional, check = _BLOCKS[kind]
        _keys(block, {"type", *required}, {"block_id", *optional}, where)
        check(block, where)


def _keys(thing: Any, required: set[str], optional: set[str], where: str) -> None:
    if not isinstance(thing, dict):
        raise Invalid("invalid_blocks", f"must be an object [json-pointer:{where}]")
    if missing := required - set(thing):
        raise Invalid("invalid_blocks", f"missing required field: {sorted(missing)} [json-pointer:{where}]")
    if more := set(thing) - required - optional:
        raise Invalid("invalid_blocks", f"no such field: {sorted(more)} [json-pointer:{where}]")


def _length(text: Any, most: int, where: str, least: int = 1) -> None:
    if not isinstance(text, str):
        raise Invalid("invalid_blocks", f"must be a string [json-pointer:{where}]")
    if any("\ud800" <= sign <= "\udfff" for sign in text):
        raise Invalid("invalid_blocks", f"is no text [json-pointer:{where}]")
    if not least <= len(html.escape(text, quote=False)) <= most:
        raise Invalid("invalid_blocks", f"must be {least} to {most} characters [json-pointer:{where}]")


def _text(thing: Any, most: int, where: str, *, plain: bool = False) -> None:
    _keys(thing, {"type", "text"}, {"emoji", "verbatim"}, where)
    if thing["type"] not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        raise Invalid("invalid_blocks", f"unsupported type: {thing['type']} [json-pointer:{where}]")
    if ("emoji" in thing and thing["type"] != "plain_text") or ("verbatim" in thing and thing["type"] != "mrkdwn"):
        raise Invalid("invalid_blocks", f"of another type [json-pointer:{where}]")
    _length(thing["text"], most, where)


def _section(block: Any, where: str) -> None:
    if "text" not in block and "fields" not in block:
        raise Invalid("invalid_blocks", f"missing required field: text [json-pointer:{where}]")
    if "text" in block:
        _text(block["text"], 3_000, f"{where}/text")
    fields = block.get("fields", [])
    if len(fields) > 10:
        raise Invalid("invalid_blocks", f"no more than 10 items allowed [json-pointer:{where}/fields]")
    for one in fields:
        _text(one, 2_000, f"{where}/fields")
    if "accessory" in block:
        _element(block["accessory"], f"{where}/accessory")


def _header(block: Any, where: str) -> None:
    _text(block["text"], 150, f"{where}/text", plain=True)


def _context(block: Any, where: str) -> None:
    if not 1 <= len(block["elements"]) <= 10:
        raise Invalid("invalid_blocks", f"1 to 10 items allowed [json-pointer:{where}/elements]")
    for element in block["elements"]:
        _text(element, 3_000, f"{where}/elements")


def _actions(block: Any, where: str) -> None:
    if not 1 <= len(block["elements"]) <= 25:
        raise Invalid("invalid_blocks", f"1 to 25 items allowed [json-pointer:{where}/elements]")
    for element in block["elements"]:
        _element(element, f"{where}/elements")
    ids = [element["action_id"] for element in block["elements"] if "action_id" in element]
    if len(ids) != len(set(ids)):
        raise Invalid("invalid_blocks", f"action_id is there twice [json-pointer:{where}]")


def _input(block: Any, where: str) -> None:
    _text(block["label"], 2_000, f"{where}/label", plain=True)
    if "hint" in block:
        _text(block["hint"], 2_000, f"{where}/hint", plain=True)
    element = block["element"]
    optional = {"action_id", "placeholder", "focus_on_load"}
    if element.get("type") == "plain_text_input":
        optional |= {"initial_value", "multiline", "min_length", "max_length", "dispatch_action_config"}
        if not 1 <= element.get("max_length", 1) <= 3_000:
            raise Invalid("invalid_blocks", f"max_length [json-pointer:{where}/element]")
        _length(element.get("initial_value", "x"), element.get("max_length", 3_000), f"{where}/element/initial_value")
    elif element.get("type") == "conversations_select":
        optional |= {"initial_conversation", "default_to_current_conversation", "filter", "confirm"}
        if not set(element.get("filter", {}).get("include", ())) <= {"im", "mpim", "private", "public"}:
            raise Invalid("invalid_blocks", f"no such filter [json-pointer:{where}/element]")
    else:
        raise Invalid("invalid_blocks", f"unsupported type: {element.get('type')} [json-pointer:{where}/element]")
    _keys(element, {"type"}, optional, f"{where}/element")
    if "placeholder" in element:
        _text(element["placeholder"], 150, f"{where}/element/placeholder", plain=True)
    _length(element.get("action_id", "x"), 255, f"{where}/element/action_id")


def _confirm(dialog: Any, where: str) -> None:
    _keys(dialog, {"title", "text", "confirm", "deny"}, {"style"}, where)
    for key, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        _text(dialog[key], most, f"{where}/{key}", plain=key != "text")


def _element(element: Any, where: str) -> None:
    kind = element.get("type")
    if "confirm" in element:
        _confirm(element["confirm"], f"{where}/confirm")
    if kind == "button":
        _keys(
            element, {"type", "text"}, {"action_id", "value", "url", "style", "confirm", "accessibility_label"}, where
        )
        _text(element["text"], 75, f"{where}/text", plain=True)
        _length(element.get("value", "x"), 2_000, f"{where}/value")
        _length(element.get("url", "x"), 3_000, f"{where}/url")
        if element.get("style", "primary") not in ("primary", "danger"):
            raise Invalid("invalid_blocks", f"no such style [json-pointer:{where}/style]")
    elif kind == "static_select":
        _keys(element, {"type", "options"}, {"action_id", "placeholder", "initial_option", "confirm"}, where)
        if not 1 <= len(element["options"]) <= 100:
            raise Invalid("invalid_blocks", f"1 to 100 items allowed [json-pointer:{where}/options]")
        for option in element["options"]:
            _keys(option, {"text", "value"}, {"description"}, where)
            _text(option["text"], 75, f"{where}/text", plain=True)
            _length(option["value"], 150, f"{where}/value")
    else:
        raise Invalid("invalid_blocks", f"unsupported type: {kind} [json-pointer:{where}]")
    _length(element.get("action_id", "x"), 255, f"{where}/action_id")


def _rich_text(block: Any, where: str) -> None:
    if not block["elements"]:
        raise Invalid("invalid_blocks", f"must not be empty [json-pointer:{where}/elements]")
    for place, element in enumerate(block["elements"]):
        _rich_element(element, f"{where}/elements/{place}")


def _rich_element(element: Any, where: str) -> None:
    kind = element.get("type")
    if kind == "rich_text_list":
        _keys(element, {"type", "style", "elements"}, {"indent", "offset", "border"}, where)
        if element["style"] not in ("bullet", "ordered") or not 0 <= element.get("indent", 0) <= 8:
            raise Invalid("invalid_blocks", f"no such list [json-pointer:{where}]")
        for item in element["elements"]:
            if item.get("type") != "rich_text_section":
                raise Invalid("invalid_blocks", f"unsupported type: {item.get('type')} [json-pointer:{where}]")
            _rich_element(item, where)
    elif kind in ("rich_text_section", "rich_text_quote", "rich_text_preformatted"):
        _keys(element, {"type", "elements"}, {"border"} if kind != "rich_text_section" else set(), where)
        for leaf in element["elements"]:
            _leaf(leaf, where, plain=kind == "rich_text_preformatted")
    else:
        raise Invalid("invalid_blocks", f"unsupported type: {kind} [json-pointer:{where}]")
    if not element["elements"]:
        raise Invalid("invalid_blocks", f"must not be empty [json-pointer:{where}/elements]")


_LEAVES = {
    "text": "text",
    "link": "url",
    "emoji": "name",
    "user": "user_id",
    "channel": "channel_id",
    "usergroup": "usergroup_id",
    "broadcast": "range",
}


def _leaf(leaf: Any, where: str, *, plain: bool) -> None:
    kind = leaf.get("type")
    if kind not in _LEAVES or (plain and kind not in ("text", "link")):
        raise Invalid("invalid_blocks", f"unsupported type: {kind} [json-pointer:{where}]")
    _keys(leaf, {"type", _LEAVES[kind]}, {"style", "text"} if kind == "link" else {"style"}, where)
    _length(leaf[_LEAVES[kind]], 12_000, where)
    _length(leaf.get("text", "x"), 12_000, where)
    if not set(leaf.get("style", {})) <= _TEXT_STYLES or (plain and "style" in leaf):
        raise Invalid("invalid_blocks", f"no such style [json-pointer:{where}]")
    if kind == "link":
        _length(leaf["url"], 3_000, where)
        if not re.match(r"(https?|mailto):", leaf["url"]):
            raise Invalid("invalid_blocks", f"invalid url [json-pointer:{where}]")


def _table(block: Any, where: str) -> None:
    rows = block["rows"]
    if not 1 <= len(rows) <= 100 or not all(1 <= len(row) <= 20 for row in rows):
        raise Invalid("invalid_blocks", f"1 to 100 rows of 1 to 20 cells [json-pointer:{where}/rows]")
    if len(block.get("column_settings", [])) > 20:
        raise Invalid("invalid_blocks", f"no more than 20 items allowed [json-pointer:{where}/column_settings]")
    for row in rows:
        for cell in row:
            if cell.get("type") == "rich_text":
                _rich_text(cell, where)
            elif cell.get("type") == "raw_text":
                _length(cell.get("text"), 10_000, where)
            else:
                raise Invalid("invalid_blocks", f"unsupported type [json-pointer:{where}/rows]")
    if _characters(block) > 10_000:
        raise Invalid("invalid_blocks", f"no more than 10000 characters [json-pointer:{where}]")


def _markdown(block: Any, where: str) -> None:
    _length(block["text"], 12_000, where)


def _image(block: Any, where: str) -> None:
    _length(block["alt_text"], 2_000, where)
    _length(block["image_url"], 3_000, where)


def _nothing(_: Any, __: str) -> None:
    """There is nothing more to check."""


_BLOCKS: dict[str, tuple[set[str], set[str], Callable[[Any, str], None]]] = {
    "section": (set(), {"text", "fields", "accessory", "expand"}, _section),
    "header": ({"text"}, set(), _header),
    "context": ({"elements"}, set(), _context),
    "actions": ({"elements"}, set(), _actions),
    "divider": (set(), set(), _nothing),
    "rich_text": ({"elements"}, set(), _rich_text),
    "table": ({"rows"}, {"column_settings"}, _table),
    "markdown": ({"text"}, set(), _markdown),
    "image": ({"image_url", "alt_text"}, {"title"}, _image),
    "input": ({"label", "element"}, {"hint", "optional", "dispatch_action"}, _input),
}


def _characters(thing: Any) -> int:
    """Of all that is shown, as Slack stores it: escaped."""
    return sum(len(html.escape(text, quote=False)) for text in _shown(thing))


def _shown(thing: Any) -> Iterator[str]:
    if isinstance(thing, Mapping):
        for key, inner in thing.items():
            if key in ("text", "url") and isinstance(inner, str):
                yield inner
            else:
                yield from _shown(inner)
    elif isinstance(thing, (list, tuple)):
        for inner in thing:
            yield from _shown(inner)


def read(thing: Any) -> Iterator[str]:
    """All that a person reads, without form."""
    if isinstance(thing, (list, tuple)):
        for inner in thing:
            yield from read(inner)
    elif isinstance(thing, Mapping):
        if isinstance(thing.get("text"), str):
            yield thing["text"]
        elif thing.get("type") == "link":
            yield thing["url"]
        elif thing.get("type") == "channel":
            yield f"#{thing['channel_id']}"
        for key, inner in thing.items():
            if key != "text" or not isinstance(inner, str):
                yield from read(inner)


_TOKEN = re.compile(r"<([^<>]+)>")
_NAME = re.compile(r"(?<![\w&])@(?:here|channel|everyone)\b|(?<![\w&])#\w[\w-]*", re.IGNORECASE)
_URL = re.compile(r"\bhttps?://[^\s<>|]+", re.IGNORECASE)
_EMOJI = re.compile(r":[a-z0-9_+'-]+:", re.IGNORECASE)


def effects(message: Mapping[str, Any]) -> Effects:
    """Of the text that notifications show, and of the blocks."""
    reader = _Reader()
    if text := message.get("text"):
        parse = message.get("parse", "client")
        names = parse == "full" or bool(message.get("link_names"))
        reader.markup(str(text), names=names, urls=parse != "none")
        if message.get("mrkdwn", True) and not message.get("blocks"):
            reader.emoji += _EMOJI.findall(str(text))
    reader.walk(message.get("blocks") or [])
    return Effects(tuple(reader.mentions), tuple(reader.links), tuple(reader.emoji))


@dataclass
class _Reader:
    mentions: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    emoji: list[str] = field(default_factory=list)

    def markup(self, text: str, *, names: bool, urls: bool) -> None:
        for token in _TOKEN.findall(text):
            (self.mentions if token[0] in "!@#" else self.links).append(token.partition("|")[0])
        bare = _TOKEN.sub(" ", text)
        self.mentions += _NAME.findall(bare) if names else []
        self.links += _URL.findall(bare) if urls else []

    def walk(self, thing: Any) -> None:
        if isinstance(thing, (list, tuple)):
            for inner in thing:
                self.walk(inner)
        elif isinstance(thing, Mapping):
            self._look(thing, thing.get("type"), thing.get("text"))
            for key, inner in thing.items():
                if not (key == "text" and isinstance(inner, str)):
                    self.walk(inner)

    def _look(self, thing: Mapping[str, Any], kind: Any, text: Any) -> None:
        if kind in ("mrkdwn", "markdown") and isinstance(text, str):
            live = kind == "markdown" or not thing.get("verbatim", False)
            self.markup(text, names=live, urls=live)
            self.emoji += _EMOJI.findall(text)
        elif kind == "plain_text":
            self.emoji += _EMOJI.findall(str(text)) if thing.get("emoji", True) else []
        elif kind == "raw_text":  # whether tokens are live there is not known
            self.markup(str(text), names=True, urls=True)
        elif kind == "link":
            self.links.append(thing["url"])
        elif kind == "emoji":
            self.emoji.append(f":{thing['name']}:")
        elif kind in _LEAVES and kind != "text":
            self.mentions.append(str(thing[_LEAVES[kind]]))
