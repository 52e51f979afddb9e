r"""What stands in the body of a patch: its author, its log, its tags, its change-id; diff.py has its diff.

Law of the file: patterns that look for a line begin with a literal newline (and are searched in `"\n" + text`):
ten times as fast as `(?m)^` on long bodies.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot import scan
from chatbot.mail.diff import FILE, Diff, Diffstat, read_diff
from chatbot.mail.memory import remembered
from chatbot.mail.person import Person
from chatbot.mail.words import before_line, before_signature

# A long one may be folded, as fields are.
_IN_BODY_FROM = re.compile(r"From:[ \t]*(\S[^\r\n]*(?:\n[ \t]+[^\r\n]*<[^\r\n]*)?)", re.IGNORECASE)
_TOTAL = re.compile(
    r"\n (\d{1,7}) files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?(?=[,\n]|\Z)[^\n]*"
)
_TAG = re.compile(r"\n([A-Za-z]{2,20}+(?:-[A-Za-z]{1,20}+){0,5}+):[ \t]{1,9}(\S[^\n]{0,500})")
# The rest of a commit's title, or an address, on a line of its own.
_WRAPPED = re.compile(
    r"(\n[Ff]ixes:[ \t][^\n(]{1,100}\([^\n)]{1,300}(?=\n[^\n)]{1,300}\))"
    r"|\n[A-Za-z-]{3,80}-by:[ \t][^\n@<]{1,100}(?=\n[ \t]{0,9}<[^\s<>]{1,200}>))\n[ \t]{0,9}"
)
# Tags that say who made a patch, not who looked at it.
AUTHORSHIP = frozenset({"Signed-off-by", "Co-developed-by"})
# Tags that say that somebody has looked at a patch, the weightiest first.
REVIEWS = ("Reviewed-by", "Acked-by", "Tested-by", "Nacked-by")
_CHANGE_ID = "\nchange-id: "
# b4 cuts titles; a person who writes one by hand has no reason to write more.
LONGEST_ID = 200
# What b4 and a signature take below the last hunk.
TAIL = 1000
_REMARKS = "---\n"
_PLAIN_TAGS = frozenset({"fixes", "closes", "link"})
# How the names of all tags end, in lower case; no line is broken within them.
_NAMES = ("-by:", *(f"{name}:" for name in _PLAIN_TAGS))


@dataclass(frozen=True, slots=True)
class Tag:
    """A trailer: `kind` as kernel people spell it (`Reviewed-by`), `value` as written."""

    kind: str
    value: str

    @property
    def person(self) -> Person:
        """Whom the tag names, for the tags that name somebody."""
        return Person.parse(self.value)


@dataclass(frozen=True, slots=True)
class Patch:
    """`log` is the body up to the diffstat's total line, without the in-body From line.

    `stated` is the diffstat that the mail itself gives (a cover letter has no diff to count). `content` is the key of
    the diff (see `read_diff`), `change_id` the name that b4 gives to a series, the same in each version.
    """

    author: Person
    log: str
    diff: Diff
    stated: Diffstat | None
    content: str = ""
    change_id: str = ""


def read_patch(body: str, attached: Iterable[str], sender: Person) -> Patch:
    """The patch in a body; `sender` is the author unless the body's first line says otherwise."""
    author, rest = split_author(body)
    text = before_line(rest, FILE)
    head, stated = _head(text)
    diff, content = read_diff((body, *attached))
    # With a diff, it stands below the last hunk.
    return Patch(author or sender, head, diff, stated, content, _change_id(body[-TAIL:] if diff.text else text))


def split_author(body: str) -> tuple[Person | None, str]:
    """The in-body author, if the first line that is not blank is `From: …`, and the body without that line."""
    start = len(body) - len(body.lstrip())
    start = body.rfind("\n", 0, start) + 1
    match = _IN_BODY_FROM.match(body, start)
    if match is None:
        return None, body
    author = Person.parse(" ".join(line.strip() for line in match[1].split("\n")))
    if not author.address:
        return None, body  # a sentence that begins with "From:"
    return author, body[:start] + body[match.end() + 1 :]


def _head(text: str) -> tuple[str, Diffstat | None]:
    """Of a text before its diff: up to the diffstat's total line (or the signature), and that line's numbers."""
    total = _TOTAL.search("\n" + text)
    if total:
        stated = Diffstat(int(total[1]), int(total[2] or 0), int(total[3] or 0))
        return text[: total.end() - 1], stated
    return _without_blank_end(before_signature(text)), None


def _change_id(text: str) -> str:
    at = text.find(_CHANGE_ID)
    if at < 0:
        return ""
    line = text[at + len(_CHANGE_ID) :].partition("\n")[0].split()
    return line[0][:LONGEST_ID] if line else ""


def _without_blank_end(text: str) -> str:
    """The text without the blank lines at its end."""
    end = len(text.rstrip())
    line_end = text.find("\n", end) if end else 0
    return text if line_end < 0 else text[:line_end]


def read_tags(body: str, *, flowed: bool, patch: bool = False) -> tuple[Tag, ...]:
    """The tags that the sender gives, in order: not quoted, not below the signature; in a patch, not in the diff nor
    above it below the line `---`, where the author's remarks are. A reply may end with tags below a diff.
    """
    text = before_line(body, FILE) if patch else body
    if len(text) < len(body):
        text = before_line(text, _REMARKS)
    if flowed:
        lower = text.lower()  # to put the lines together takes long, and most mails have no tag
        named = any(name in lower for name in _NAMES)
        return _find_tags(_unflow(before_signature(text))) if named else ()
    tags = _find_tags(text)
    # Most mails give none, and need no look for the signature; in the others it is seldom below one.
    return _find_tags(own) if tags and len(own := before_signature(text)) < len(text) else tags


def _find_tags(text: str, *, mended: bool = False) -> tuple[Tag, ...]:
    tags: list[Tag] = []
    trailers = scan.trailers(text)
    for written, value in _TAG.findall("\n" + text) if trailers is None else trailers:
        if kind := _tag_kind(written):
            if "@" not in value and not mended and _unfinished(kind, value):
                return _find_tags(_WRAPPED.sub(r"\1 ", "\n" + text)[1:], mended=True)
            tags.append(Tag(kind, value.strip()))
    return tuple(tags)


def _unfinished(kind: str, value: str) -> bool:
    """Whether a mail program may have broken the line: a title that does not end, a name without its address."""
    return "(" in value and ")" not in value if kind == "Fixes" else kind.endswith("-by")


@remembered
def _tag_kind(written: str) -> str:
    """As kernel people spell it; empty for what is no tag."""
    lower = written.lower()
    return written.capitalize() if lower.endswith("-by") or lower in _PLAIN_TAGS else ""


def _unflow(text: str) -> str:
    """RFC 3676: a line that ends in a blank goes on in the next, if both or neither are quoted; one blank before a line
    is stuffing.
    """
    lines = [line.removeprefix(" ") for line in text.split("\n")]
    return "".join(
        line if line.endswith(" ") and line != "-- " and line[:1] != ">" != after[:1] else line + "\n"
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )
