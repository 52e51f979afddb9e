"""Where an author speaks of an earlier posting: links and Message-IDs in a cover, or below a patch's `---`.

Law of the file: as in patch.py, patterns are linear in their input; a line is looked at once.
"""

import re
from dataclasses import dataclass
from urllib.parse import unquote

# A cover links its versions, its dependencies and the talk about them; more than so many is a listing.
MENTIONS = 60
# Longer lines are no lines that anybody wrote.
_LINE = 1000
_URL = re.compile(r"https?://[^\s<>\"]{1,500}")
_BARE = re.compile(r"message-id:?\s{0,3}<?([^\s<>@]{1,200}@[^\s<>@]{1,200})>?", re.IGNORECASE)
_VERSION = re.compile(r"\bv(\d{1,3})\b", re.IGNORECASE)
_FOOTNOTE = re.compile(r"\bv(\d{1,3})(?:\.\d{1,3})?[\s*(]{0,3}\[(\d{1,2})\]", re.IGNORECASE)
_FOOT = re.compile(r"\s{0,8}[-*]?\s?\[(\d{1,2})\]")
_EARLIER = re.compile(
    r"\b(?:previous|earlier|last|prior|first|original|older|rfc)\b.{0,40}\b(?:version|posting|post|series|submission|"
    r"revision|iteration|patch|rfc)\b|\brfc(?: v\d)?\s{0,2}(?:\(|:|link)|\bsupersedes\b|\blink to rfc\b",
    re.IGNORECASE,
)
# What it needs, and not what it was.
_OTHER = re.compile(r"\b(?:depend|based on|on top of|appl(?:y|ies)|prerequisite|requires?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mention:
    """A mail that the author links, the version that they give it there, and whether they call it an earlier one."""

    message_id: str
    version: int | None
    earlier: bool


def mentions_in(text: str) -> tuple[Mention, ...]:
    """The mails that a text links, in order, each once for each version that it is called."""
    if "@" not in text and "%40" not in text:
        return ()
    versions = {int(foot): int(version) for version, foot in _FOOTNOTE.findall(text)}
    found: dict[Mention, None] = {}
    before = ""
    for line in (line[:_LINE] for line in text.split("\n")):
        for message_id in _named(line) if "@" in line or "%40" in line else ():
            found[_mention(message_id, _URL.sub("", line), before, versions)] = None
        if len(found) >= MENTIONS:
            break
        before = line
    return tuple(found)


def _named(line: str) -> list[str]:
    ids = []
    for url in _URL.findall(line):
        parts = unquote(url.rstrip(").,;:]'>")).split("/")[3:]
        ids += [part.partition("#")[0].partition("?")[0] for part in parts if "@" in part][:1]
    return ids or [one.rstrip(").,;:]'") for one in _BARE.findall(line)]


def _mention(message_id: str, words: str, before: str, versions: dict[int, int]) -> Mention:
    """`words` are the line without its links, `before` is the line above, which may introduce it."""
    foot = _FOOT.match(words)
    if foot and int(foot[1]) in versions:
        return Mention(message_id, versions[int(foot[1])], earlier=True)
    if not _VERSION.search(words) and before.rstrip().endswith(":"):
        words = before + " " + words
    if _OTHER.search(words):
        return Mention(message_id, None, earlier=False)
    version = _VERSION.search(words)
    return Mention(message_id, int(version[1]) if version else None, bool(version or _EARLIER.search(words)))
