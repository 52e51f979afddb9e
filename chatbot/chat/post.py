"""Posts, and the dialects they are written in."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import accumulate

from chatbot import scan

# What no reader sees and a terminal or a chat client may obey: control characters (but newline and tab), bidi
# controls, zero-width characters, fillers, variation selectors and tags, surrogates.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_CONTROLS = bytes({*range(0x20), 0x7F} - set(b"\t\n"))


def plain(text: str) -> str:
    """The escape of dialects in which every character means itself."""
    return text


def _whole(body: str) -> tuple[str, ...]:
    return (body,)


@dataclass(frozen=True, slots=True)
class Dialect:
    """A platform's way of writing: its name, which is the templates' folder, what makes a stranger's text mean only
    itself, what to write before and after a text of a style, and what is left of a body as text.

    `base` is the folder of what is not in its own; `line` stands before and after a line, `frame` around a text whose
    blanks and lines count; `parts` cuts a body into bodies that the platform takes, the first of which can be read
    alone; `files` says whether a post may be a file.
    """

    name: str
    escape: Callable[[str], str]
    styles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unstyled: Callable[[str], str] = plain
    base: str | None = None
    line: tuple[str, str] = ("", "\n")
    frame: tuple[str, str] = ("", "")
    parts: Callable[[str], tuple[str, ...]] = _whole
    files: bool = False

    @property
    def folders(self) -> tuple[str, ...]:
        """Where its templates are looked for, one after the other."""
        return (self.name, self.base) if self.base else (self.name,)

    def lines(self, texts: Iterable[str]) -> str:
        """A body of these texts, a line each."""
        return "".join(f"{self.line[0]}{self.escape(text)}{self.line[1]}" for text in texts)

    def as_it_is(self, text: str) -> str:
        """A body of this text, every blank and line of it."""
        return f"{self.frame[0]}{self.escape(text)}{self.frame[1]}"


@dataclass(frozen=True, slots=True)
class File:
    """What is not to be read in a message, and its name: a long text, or a picture of so many pixels."""

    name: str
    data: bytes
    media: str = "text/plain"
    size: tuple[int, int] | None = None

    @classmethod
    def of_png(cls, name: str, data: bytes) -> "File":
        """A picture, of as many pixels as it says in its beginning. https://www.w3.org/TR/png-3/#11IHDR"""
        width, height = (int.from_bytes(data[at : at + 4]) for at in (16, 20))
        return cls(name, data, "image/png", (width, height))

    @classmethod
    def of_text(cls, name: str, text: str) -> "File":
        """A text as it came, but for what no charset has."""
        return cls(name, text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Manner:
    """How posts are shown: `aloud`, each part in the room, and not in a thread alone; with a `badge`, so that clients
    count them as unread where they would not; digests with a `chart` of what their list had lately. As `str` it is such
    words, and `of` reads them.
    """

    aloud: bool = False
    badge: bool = False
    chart: bool = False

    @classmethod
    def of(cls, words: str) -> "Manner":
        """Other words mean nothing."""
        said = words.casefold().split()
        return cls(**{one.name: one.name in said for one in fields(cls)})

    def __str__(self) -> str:
        return " ".join(one.name for one in fields(self) if getattr(self, one.name))


AS_USUAL = Manner()


@dataclass(frozen=True, slots=True)
class Post:
    """A digest or an answer, rendered for one dialect: what goes out is `body`, unchanged; where the dialect has files
    there may be one, a text in its place or a picture beside it. `aside` is what is of no use to anybody but who asked;
    `fault` is what it says to be wrong, as text, and `part` of which part of what was asked it says so, if that is
    known.
    """

    dialect: str
    body: str
    file: File | None = None
    aside: bool = False
    manner: Manner = AS_USUAL
    fault: str = ""
    part: str = ""


# Characters, in whole lines. Every platform that we know takes so many in one post.
SHORT = 2_000


def plainer(post: Post, dialect: Dialect, times: int) -> Post:
    """What to try where a platform does not take a post: first without styles, then cut short, then one line."""
    if times == 0:
        return post
    lines = dialect.unstyled(post.body).splitlines()
    if times > 1:
        lengths = accumulate(len(line) + 1 for line in lines)
        fitting = sum(length <= SHORT for length in lengths) if times == 2 else 1  # noqa: PLR2004  # the second time
        lines = [line[:SHORT] for line in lines[: max(1, fitting)]]
    return Post(post.dialect, dialect.lines(lines), manner=post.manner)


def printable(text: str) -> str:
    """The text without the characters that nobody sees; each becomes nothing."""
    if scan.printable(text):
        return text
    if text.isascii():
        if text.isprintable():
            return text
        # A fifth of the pattern's time, which counts for a mail's whole text.
        return text.encode("ascii").translate(None, _CONTROLS).decode("ascii")
    return _UNSEEN.sub("", text)


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
