"""Posts, and the dialects they are written in."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# What no reader sees and a terminal or a chat client may obey: control characters (but newline and tab), bidi
# controls, zero-width characters, fillers, variation selectors and tags, surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n"))


@dataclass(frozen=True, slots=True)
class Dialect:
    """A platform's way of writing: the templates' folder, what makes a stranger's text mean only itself, and what
    to write before and after a text of a style.
    """

    name: str
    escape: Callable[[str], str]
    styles: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """A digest or an answer, rendered for one dialect: what goes out is `body`, unchanged."""

    dialect: str
    body: str


def printable(text: str) -> str:
    """The text without the characters that nobody sees; each becomes nothing."""
    if text.isascii():
        if text.isprintable():
            return text
        # A fifth of the pattern's time, which counts for a mail's whole text.
        return text.encode("ascii").translate(None, _CONTROLS).decode("ascii")
    return _UNSEEN.sub("", text)


def plain(text: str) -> str:
    """The escape of dialects in which every character means itself."""
    return text


_MARKDOWN = re.compile(
    r"([\\`*_{}\[\]<>()#+!|~&])|(?<=^)([-=])|(?<=^)(\d{1,9})(?=[.)])|(:)(?=//)|(?<=www)(\.)", re.MULTILINE
)


def markdown(text: str) -> str:
    """The escape for Markdown: text in which nothing is a link, a tag, an emphasis or a heading.

    Some readers make a mail link of whatever looks like an address; that one leads where it says.
    """
    return _MARKDOWN.sub(lambda found: f"\\{found[0]}" if not found[3] else f"{found[3]}\\", text)


# The classic mail takes every character as it came; the others leave out what nobody sees.
CLASSIC = Dialect("text", plain)
MARKDOWN = Dialect("markdown", lambda text: markdown(printable(text)))
