"""What Slack and Matrix have in common: a body in a few of HTML's tags, which each of them says in its own way.

Law of the file: whatever tags a body has, what comes out of `blocks` and `write` has ours alone, and links to the web.
A block is a heading, a paragraph, an item of a list, a quote, lines as they are, a rule, or a button. The items of an
`<ol>` have numbers, which `start` and `value` set, as everywhere in HTML. The rule stands between what can be read
alone and its details. A `<room>` is the name of one, by which the platform knows it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from html import escape as escaped
from html.parser import HTMLParser
from itertools import groupby

from chatbot.chat.post import Dialect, printable


class Kind(StrEnum):
    """What a block is, by its tag."""

    HEADING = "h3"
    SUBHEADING = "h4"
    PARAGRAPH = "p"
    ITEM = "li"
    LINES = "pre"
    QUOTE = "blockquote"
    BUTTON = "button"
    RULE = "hr"


_KINDS = {kind.value: kind for kind in Kind}
_HEADINGS = (Kind.HEADING, Kind.SUBHEADING)
# Of an item's number: no list is so long, and no platform says what it does of a longer one.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of text in one style; a line break in it is a newline."""

    text: str
    link: str | None = None
    strong: bool = False
    em: bool = False
    code: bool = False
    room: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """What stands on lines of its own. `command` is what a button asks, `number` that of an item which has one.

    A command may name the room that it is for: `C0KERNEL /pause k7mq`. One of several lines is a form's, with a line
    for each field. `confirm` is what is said before it is asked.
    """

    kind: Kind
    spans: tuple[Span, ...] = ()
    command: str = ""
    number: int | None = None
    confirm: str = ""

    @property
    def text(self) -> str:
        """What it says, without links."""
        return "".join(span.text for span in self.spans)


def escape(text: str) -> str:
    """A stranger's text as a value: nothing in it is a tag or a character that nobody sees."""
    return escaped(printable(text))


def addressed(command: str, here: str) -> tuple[str, str]:
    """The room that a button asks in, which is the one where it stands if it names none; and what it asks."""
    if command.startswith("/"):
        return here, command
    room, _, asked = command.partition(" /")
    return room or here, f"/{asked}"


# A body is asked whether it fits, cut, drawn and told in plain text: it is read once for all of them.
@lru_cache(maxsize=64)
def blocks(body: str) -> tuple[Block, ...]:
    """The body, read. Of a tag that is none of ours the text is kept."""
    reader = _Reader()
    reader.feed(body)
    reader.close()
    return reader.ended()


def write(those: Iterable[Block]) -> str:
    """The body of these blocks."""
    return "".join(
        "".join(map(_list, lists(group))) if listed else "".join(map(_written, group))
        for listed, group in groupby(those, lambda block: block.kind is Kind.ITEM)
    )


def lists(items: Iterable[Block]) -> Iterator[list[Block]]:
    """Items that follow one another, in lists: each has numbers without a gap, or none."""
    for _, group in groupby(enumerate(items), lambda one: None if one[1].number is None else one[1].number - one[0]):
        yield [item for _, item in group]


def plain(body: str) -> str:
    """All that a body says, as text; what a button would ask is left out, for the text above it says so too."""
    lines: list[str] = []
    for block in blocks(body):
        text = "".join(map(_plain, block.spans))
        match block.kind:
            case Kind.HEADING | Kind.SUBHEADING:
                lines += ["", text] if lines else [text]
            case Kind.ITEM:
                mark = "-" if block.number is None else f"{block.number}."
                lines.append(f"{mark} {text}".replace("\n", "\n  "))
            case Kind.QUOTE:
                lines.append(f"> {text}".replace("\n", "\n> "))
            case Kind.PARAGRAPH | Kind.LINES:
                lines.append(text)
            case Kind.BUTTON | Kind.RULE:
                pass
    return "".join(f"{line}\n" for line in lines)


def headline(body: str) -> str:
    """What a notification says: the first heading, and the first paragraph below it."""
    said = [block for block in blocks(body) if block.kind in (*_HEADINGS, Kind.PARAGRAPH)][:2]
    return ": ".join(block.text for block in said if block.kind is not Kind.HEADING or block is said[0])


def parts(body: str, fits: Callable[[str], bool]) -> tuple[str, ...]:
    """The body in bodies that fit: what stands above the rule, then the rest, cut between blocks; a heading stays with
    what it is of. Only a block that does not fit alone is cut short. A body that says nothing has no parts.
    """
    those = blocks(body)
    rule = next((place for place, block in enumerate(those) if block.kind is Kind.RULE), len(those))
    sections = (those[:rule], tuple(block for block in those[rule:] if block.kind is not Kind.RULE))
    return tuple(write(one) for section in sections for one in _cut(section, lambda some: fits(write(some))))


def _cut(section: Sequence[Block], fits: Callable[[Sequence[Block]], bool]) -> Iterator[list[Block]]:
    taken: list[Block] = []
    for group in _groups(section):
        if taken and not fits([*taken, *group]):
            yield taken
            taken = []
        *whole, last = (some if fits(some) else _shortened(some, fits) for some in _by_lines(group, fits))
        yield from whole
        taken += last
    if taken:
        yield taken


def _groups(section: Sequence[Block]) -> Iterator[list[Block]]:
    """Each block, below the headings that are of it; buttons stay with what is above them."""
    group: list[Block] = []
    for place, block in enumerate(section):
        group.append(block)
        after = section[place + 1 : place + 2]
        if block.kind not in _HEADINGS and not (after and after[0].kind is Kind.BUTTON):
            yield group
            group = []
    if group:
        yield group


def _by_lines(group: Sequence[Block], fits: Callable[[Sequence[Block]], bool]) -> list[list[Block]]:
    """Lines as they are that are too many, in as many blocks as it takes; what stands above them stays with the first;
    of all else the group itself.
    """
    *above, lines = group
    text = lines.text.splitlines(keepends=True)
    if lines.kind is not Kind.LINES or len(text) <= 1 or fits(group):
        return [list(group)]
    half = len(text) // 2
    first, rest = (replace(lines, spans=(Span("".join(some)),)) for some in (text[:half], text[half:]))
    return [*_by_lines([*above, first], fits), *_by_lines([rest], fits)]


def _shortened(group: Sequence[Block], fits: Callable[[Sequence[Block]], bool]) -> list[Block]:
    """With half of every text, and half of that, until it fits."""
    length = max(len(span.text) for block in group for span in block.spans)
    while length > 1:
        length //= 2
        found = [replace(block, spans=tuple(_short(span, length) for span in block.spans)) for block in group]
        if fits(found):
            return found
    return [Block(Kind.PARAGRAPH, (Span("…"),))]


def _short(span: Span, length: int) -> Span:
    return span if len(span.text) <= length else replace(span, text=f"{span.text[: length - 1]}…")


def _plain(span: Span) -> str:
    return span.text if span.link in (None, span.text) else f"{span.text} <{span.link}>"


def _list(items: Sequence[Block]) -> str:
    number = items[0].number
    begin, end = ("<ul>", "</ul>") if number is None else (f'<ol start="{number}">', "</ol>")
    return f"{begin}\n{''.join(map(_written, items))}{end}\n"


def _written(block: Block) -> str:
    if block.kind is Kind.RULE:
        return "<hr>\n"
    said = {"value": block.command, "title": block.confirm}
    of = "".join(f' {name}="{escaped(text)}"' for name, text in said.items() if text)
    lines = block.kind is Kind.LINES
    return f"<{block.kind}{of}>{''.join(_marked(span, lines=lines) for span in block.spans)}</{block.kind}>\n"


def _marked(span: Span, *, lines: bool) -> str:
    text = escaped(span.text)
    text = text if lines else text.replace("\n", "<br>")
    for tag, on in (("room", span.room), ("code", span.code), ("em", span.em), ("strong", span.strong)):
        text = f"<{tag}>{text}</{tag}>" if on else text
    return f'<a href="{escaped(span.link)}">{text}</a>' if span.link else text


def dialect(name: str, fits: Callable[[str], bool]) -> Dialect:
    """The dialect of a platform that takes these bodies, as long as they fit."""
    return Dialect(
        name,
        escape,
        {"strong": ("<strong>", "</strong>"), "room": ("<room>", "</room>")},
        plain,
        base="rich",
        line=("<p>", "</p>\n"),
        frame=("<pre>", "</pre>\n"),
        parts=lambda body: parts(body, fits),
    )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[Block] = []
        self._open: Block | None = None
        self._spans: list[Span] = []
        self._styles = dict.fromkeys(("strong", "em", "code", "room"), 0)
        self._link: str | None = None
        # Of the next item of the list that is open.
        self._number: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Of the attributes these count: where a link leads, what a button asks, and an item's number."""
        if kind := _KINDS.get(tag):
            self._close()
            value = dict(attrs).get("value") or ""
            self._open = Block(kind)
            if kind is Kind.BUTTON:
                self._open = replace(self._open, command=value, confirm=dict(attrs).get("title") or "")
            if kind is Kind.ITEM and self._number is not None:
                number = _number(value, self._number)
                self._open, self._number = replace(self._open, number=number), number + 1
            if kind is Kind.RULE:
                self._close()
        elif tag in ("ul", "ol"):
            self._close()
            self._number = _number(dict(attrs).get("start") or "", 1) if tag == "ol" else None
        elif tag == "br":
            self._say("\n")
        elif tag == "a":
            link = dict(attrs).get("href") or ""
            self._link = link if link.startswith(("https://", "http://")) else None
        elif tag in self._styles:
            self._styles[tag] += 1

    def handle_endtag(self, tag: str) -> None:
        """Whatever is open ends with its block."""
        if tag in _KINDS:
            self._close()
        elif tag in ("ul", "ol"):
            self._close()
            self._number = None
        elif tag == "a":
            self._link = None
        elif self._styles.get(tag):
            self._styles[tag] -= 1

    def handle_data(self, data: str) -> None:
        """Blanks and line breaks are one blank, as everywhere in HTML."""
        if self._open is not None and self._open.kind is Kind.LINES:
            self._say(data)
        elif data.strip():
            before, after = data[:1].isspace(), data[-1:].isspace()
            self._say(f"{' ' * before}{' '.join(data.split())}{' ' * after}")
        elif self._spans:
            self._say(" ")

    def ended(self) -> tuple[Block, ...]:
        """All of it."""
        self._close()
        return tuple(self._blocks)

    def _say(self, text: str) -> None:
        self._open = self._open or Block(Kind.PARAGRAPH)
        styles = {name: count > 0 for name, count in self._styles.items()}
        self._spans.append(Span(text, self._link, **styles))

    def _close(self) -> None:
        if self._open is not None:
            spans = self._spans if self._open.kind is Kind.LINES else _tidied(self._spans)
            if spans or self._open.kind is Kind.RULE:
                self._blocks.append(replace(self._open, spans=tuple(spans)))
        self._open, self._spans, self._link = None, [], None
        self._styles = dict.fromkeys(self._styles, 0)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= _DIGITS else otherwise


def _tidied(spans: Iterable[Span]) -> list[Span]:
    """Spans of one style become one; no blank stands at a line's begin or end, and none beside another."""
    found: list[Span] = []
    for span in spans:
        text = span.text
        if not found or found[-1].text.endswith(("\n", " ")):
            text = text.lstrip(" ")
        if text.startswith("\n") and found:
            found[-1] = replace(found[-1], text=found[-1].text.rstrip(" "))
        if found and replace(found[-1], text=text) == replace(span, text=text):
            found[-1] = replace(span, text=found[-1].text + text)
        elif text:
            found.append(replace(span, text=text))
    while found and not found[-1].text.strip():
        found.pop()
    if found:
        found[-1] = replace(found[-1], text=found[-1].text.rstrip())
    return [span for span in found if span.text]
