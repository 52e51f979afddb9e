"""What a body is in Slack: one block of rich text, its buttons, and a plain text for notifications. Pure.

Law of the file: a stranger's text is a leaf of rich text, where nothing is a mention, a link or an emoji, or stands
escaped in the fallback, which goes out with `parse="none"`. Nothing here writes Slack's markup.
"""

import html
import json
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import quote

from chatbot.chat.post import printable
from chatbot.chat.rich import Block, Kind, Span, blocks, lists, plain
from chatbot.errors import Refused

Json = dict[str, Any]
# What the action of a button begins with that opens a form.
FORM = "form"
# What stands for a command in a button.
Seal = Callable[[str], str]

# Slack takes 50 blocks, and of all of them 13,200 characters, where each block counts for some 130 (both measured; the
# second is in no document: slackapi/bolt-js#2509 and #2867). What we add to a body must still go in.
MOST_BLOCKS, MOST_CHARACTERS, BLOCK_WEIGHT, ROOM = 45, 12_000, 130, 500
# Of the fallback, in bytes: chat.update refuses 4,000.
MOST_FALLBACK = 3_800
# https://docs.slack.dev/reference/block-kit/block-elements/button-element and ../blocks/actions-block
MOST_LABEL, MOST_VALUE, MOST_LINK, MOST_BUTTONS = 75, 2_000, 3_000, 25
# https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
MOST_CONFIRM, MOST_ANSWER = 300, 30
# No number is published; https://docs.slack.dev/messaging/message-metadata
MOST_METADATA = 1_000
_HEADINGS = (Kind.HEADING, Kind.SUBHEADING)
_RUNNING = (*_HEADINGS, Kind.PARAGRAPH)
# What a room's name is where clients show it as one.
_CHANNEL = re.compile(r"[CG][A-Z0-9]+")
# Where a body names our /help, as text: Slack keeps that word to itself. A quote that is not escaped is a tag's.
_HELP = re.compile(r'(?<![\w/.:&;"-])/(?=help(?![\w/-]|\.\w))')
_FRAMES = {Kind.LINES: "rich_text_preformatted", Kind.QUOTE: "rich_text_quote"}


def message(body: str, seal: Seal = str) -> Json:
    """What chat.postMessage takes of a body, and what no message of ours goes without. Raises Refused."""
    made = {
        "blocks": slack_blocks(body, seal),
        "text": fallback(body),
        "parse": "none",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    check(made)
    return made


def slack_blocks(body: str, seal: Seal = str) -> list[Json]:
    """Its text as rich text, its buttons below that."""
    return [made for kind, group in groupby(blocks(body), _row) for made in _rows(kind, list(group), seal)]


def typed_here(body: str) -> str:
    """The body with commands as they are typed in Slack."""
    return _HELP.sub("/lore-", body)


def fallback(body: str) -> str:
    """What a notification and a screen reader say: the beginning of the text, escaped."""
    text = printable(plain(body)).strip() or "…"
    return _escaped(_begin(text, lambda some: len(_escaped(some).encode()) <= MOST_FALLBACK))


def fits(body: str) -> bool:
    """Whether Slack takes this body in one message, with what we add."""
    # Tags are longer than what they become, so that most bodies need not be read.
    apart = body.count("<button") + body.count("<hr")
    if apart < MOST_BLOCKS // 2 and len(body) + BLOCK_WEIGHT * (2 * apart + 1) <= MOST_CHARACTERS - ROOM:
        return True
    those = slack_blocks(body)
    return len(those) < MOST_BLOCKS and weight(those) <= MOST_CHARACTERS - ROOM


def weight(those: Sequence[Json]) -> int:
    """As Slack counts, as far as that is known."""
    return sum(len(_escaped(text)) for text in _texts(those)) + BLOCK_WEIGHT * len(those)


def check(message: Mapping[str, Any]) -> None:
    """Raises Refused for what Slack would refuse, and perhaps in words that say less."""
    those, text = message["blocks"], message["text"]
    faults = [
        ("no blocks", not those),
        (f"{len(those)} blocks", len(those) > MOST_BLOCKS),
        (f"{weight(those)} characters", weight(those) > MOST_CHARACTERS),
        (f"{len(text.encode())} bytes of fallback", not 0 < len(text.encode()) <= MOST_FALLBACK),
        ("metadata", len(json.dumps(message.get("metadata", {}))) > MOST_METADATA),
        ("an empty text", not all(_texts(those))),
        *(_button_fault(one) for block in those if block["type"] == "actions" for one in block["elements"]),
    ]
    if found := [fault for fault, is_there in faults if is_there]:
        raise Refused(f"Slack would refuse this: {', '.join(found)}")


def button(label: str, action: str, value: str, confirm: str = "") -> Json:
    """A button, which may have to be confirmed."""
    made = {"type": "button", "action_id": action, "text": words(label, MOST_LABEL), "value": value}
    if not confirm:
        return made
    asking = {
        "title": words("Are you sure?", MOST_LABEL),
        "text": words(confirm, MOST_CONFIRM),
        "confirm": words(label, MOST_ANSWER),
        "deny": words("Cancel", MOST_ANSWER),
        "style": "danger",
    }
    return {**made, "confirm": asking}


def words(text: str, most: int) -> Json:
    """A text without form, of so many characters at most; codes in it are no emoji."""
    short = _begin(text, lambda some: len(_escaped(some)) <= most)
    return {"type": "plain_text", "text": short, "emoji": False}


def _begin(text: str, fits: Callable[[str], bool]) -> str:
    """As much of it as fits, with an ellipsis where it is cut."""
    if fits(text):
        return text
    length = bisect(range(len(text)), 0, key=lambda length: not fits(f"{text[:length]}…"))
    return f"{text[: length - 1]}…"


def _escaped(text: str) -> str:
    """The three characters that are Slack's own: https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return html.escape(text, quote=False)


def _button_fault(one: Json) -> tuple[str, bool]:
    return "a button's value", not 0 < len(one["value"]) <= MOST_VALUE


def _row(block: Block) -> Kind:
    """What goes into one block of Slack's: all that is read, or buttons."""
    return block.kind if block.kind in (Kind.BUTTON, Kind.RULE) else Kind.PARAGRAPH


def _rows(kind: Kind, group: list[Block], seal: Seal) -> Iterator[Json]:
    if kind is Kind.RULE:
        yield {"type": "divider"}
    elif kind is Kind.BUTTON:
        buttons = [
            button(
                label,
                f"{FORM if _is_form(block) else 'ask'}{place}",
                seal(block.command),
                printable(block.confirm).strip(),
            )
            for place, block in enumerate(group)
            if (label := printable(block.text).strip()) and 0 < len(seal(block.command)) <= MOST_VALUE
        ]
        for start in range(0, len(buttons), MOST_BUTTONS):
            yield {"type": "actions", "elements": buttons[start : start + MOST_BUTTONS]}
    elif elements := list(_elements(group)):
        yield {"type": "rich_text", "elements": elements}


def _is_form(block: Block) -> bool:
    return "\n" in block.command


def _elements(group: Iterable[Block]) -> Iterator[Json]:
    begun = False
    for kind, those in groupby(group, lambda block: Kind.PARAGRAPH if block.kind in _RUNNING else block.kind):
        if kind is Kind.PARAGRAPH:
            made = [_section(list(_running(those, begun=begun)))]
        elif kind is Kind.ITEM:
            made = list(map(_list, lists(block for block in those if _leaves(block.spans))))
        else:
            made = [
                {"type": _FRAMES[kind], "elements": _leaves(block.spans, styled=kind is Kind.QUOTE)} for block in those
            ]
        yield from (found := [one for one in made if one["elements"]])
        begun = begun or bool(found)


def _running(those: Iterable[Block], *, begun: bool) -> Iterator[Json]:
    """Headings and paragraphs, with a blank line between them but below a heading, as a client writes them."""
    breaks = "\n" * begun
    for block in those:
        heading = block.kind in _HEADINGS
        if leaves := _leaves(block.spans, strong=heading):
            yield from [{"type": "text", "text": breaks}] if breaks else []
            yield from leaves
            breaks = "\n" if heading else "\n\n"


def _list(items: Sequence[Block]) -> Json:
    """With numbers, or without; an offset is the number before the first."""
    number = items[0].number
    style = {"style": "bullet"} if number is None else {"style": "ordered", "offset": max(0, number - 1)}
    return {"type": "rich_text_list", **style, "elements": [_section(_leaves(one.spans)) for one in items]}


def _section(leaves: list[Json]) -> Json:
    return {"type": "rich_text_section", "elements": leaves}


def _leaves(spans: Iterable[Span], *, strong: bool = False, styled: bool = True) -> list[Json]:
    found: list[Json] = []
    for span in spans:
        if (text := printable(span.text)) and span.room:
            found.append(_room(text, {"style": {"bold": True}} if strong else {}))
        elif text:
            link = _address(span.link) if span.link else ""
            on = {"bold": strong or span.strong, "italic": span.em, "code": span.code}
            style = {name: True for name, is_on in on.items() if is_on and styled}
            leaf = {"type": "link", "url": link} if link else {"type": "text"}
            found.append({**leaf, "text": text, **({"style": style} if style else {})})
    return found


def _room(whole: str, style: Json) -> Json:
    """Of one of several workspaces it is its own room's name that people there know."""
    name = whole.rpartition("/")[2]
    if _CHANNEL.fullmatch(name):
        return {"type": "channel", "channel_id": name, **style}
    return {"type": "text", "text": "Here, between you and me" if name.startswith("D") else name, **style}


def _address(link: str) -> str:
    """A link that ends where it should; none where it is longer than Slack takes."""
    made = quote(link, safe=":/?&=@.-_~+$%#,;!*'()[]")
    return made if len(made) <= MOST_LINK else ""


def _texts(thing: Any) -> Iterator[str]:
    """All that is shown, and where links lead."""
    if isinstance(thing, Mapping):
        for key, inner in thing.items():
            if key in ("text", "url") and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(thing, list):
        for inner in thing:
            yield from _texts(inner)
