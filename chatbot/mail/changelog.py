"""What the author says has changed: the part of a cover, or of a patch's remarks, that is about the last version."""

import re
from collections.abc import Iterator

from chatbot.mail.mail import Mail
from chatbot.mail.series import Series

# As much as anybody reads.
CHANGELOG_LIMIT = 8000
_LINE = 300
# `v3:`, `V3 changes:`, `Changes since v2 [1]:`, `Changes in v3`, `v2 -> v3:`, `Changelog v2..v3:`, `- v3:`
_VERSION = r"(?:patch |rfc )?v\d{1,3}(?:\.\d{1,3})?(?: resend)?"
_HEADING = re.compile(
    r"[\s*#=-]{0,8}(?:(?:change ?-?(?:s|log)?|diff(?:erences)?|history|since|from|what'?s new|updates?)\b[\s:]{0,3}"
    r"(?:\b(?:in|since|for|from|to|between|on|of|the|this|last|previous|version|rfc|patch|w\.r\.t\.?)\b[\s:]{0,3}){0,5})?"
    rf"[\[(]?(?P<first>{_VERSION}|rfc)(?:[\s\])*]{{0,3}}(?:\[\d{{1,2}}\])?)"
    rf"(?P<more>(?:\s{{0,3}}(?:<?-{{0,2}}>|<-{{0,2}}|=>|→|\.\.\.?|to|and)\s{{0,3}}{_VERSION}(?:\s?\[\d{{1,2}}\])?){{0,4}})"
    r"(?:\s{0,3}(?:changes?|updates?|changelog))?\s{0,3}(?P<end>[:)]|$|\()(?P<text>.*)",
    re.IGNORECASE,
)
_SINCE = re.compile(r"\b(?:since|from)\b", re.IGNORECASE)
_NUMBER = re.compile(r"v(\d{1,3})", re.IGNORECASE)
_ENDS = ("---", "-- ", "diff --git ")
_DIFFSTAT = re.compile(r" \S.{0,200} \|\s{1,9}(?:\d{1,7} [+-]{0,90}|Bin )|\s\d{1,6} files? changed")
# git-shortlog's and the signature's beginnings, which end a cover's own words.
_AFTER = re.compile(
    r"\S.{0,80} \(\d{1,3}\):$|base-commit: |change-id: |(?:best|kind) regards|signed-off-by: ", re.IGNORECASE
)


def changelog(text: str, version: int) -> str:
    """The text's part about this version, else about all since an earlier one; without its heading, empty where there
    is none.
    """
    parts: dict[int, list[str]] = {}
    since: set[int] = set()
    inside: list[str] | None = None
    for line in text.split("\n"):
        heading = _HEADING.match(line[:_LINE])
        if heading and _is_heading(heading):
            about = _about(heading)
            inside = parts.setdefault(about, [])
            if _since(heading):
                since.add(about)
            # What stands in brackets is still about the version.
            text = heading["text"].partition(")")[2] if heading["end"] == "(" else heading["text"]
            inside += filter(None, [text.strip(" :")])
        elif inside is not None and (line.startswith(_ENDS) or _DIFFSTAT.match(line) or _AFTER.match(line)):
            inside = None
        elif inside is not None:
            inside.append(line)
    best = max((about for about in parts if about == version or (about in since and about < version)), default=version)
    return "\n".join(parts.get(best, ())).strip("\n")[:CHANGELOG_LIMIT].rstrip()


def changelogs(series: Series[Mail]) -> Iterator[tuple[str, str]]:
    """What a series says of its last change: the Message-ID of the cover or patch, and its text."""
    for mail in (*filter(None, (series.cover,)), *series.patches):
        text = changelog(mail.patch.log if mail.patch else mail.said, series.version[0])
        if text:
            yield mail.message_id, text


def _is_heading(heading: re.Match[str]) -> bool:
    """`v3 [1]` alone or with a colon is one, also with text behind the colon; a sentence or a link that begins with v3
    is none.
    """
    if heading["end"] == "(":
        return heading[0].rstrip().endswith((":", ")")) and _names_changes(heading)
    link = heading["text"].lstrip().startswith("http")
    return heading["end"] != ")" and not (link and not _names_changes(heading))


def _names_changes(heading: re.Match[str]) -> bool:
    """Whether a word such as `Changes` stands before the version."""
    return any(letter.isalpha() for letter in heading[0][: heading.start("first")])


def _since(heading: re.Match[str]) -> bool:
    return not heading["more"] and bool(_SINCE.search(heading[0][: heading.start("first")]))


def _about(heading: re.Match[str]) -> int:
    """Which version the text below it brought: the last one named; one after that which it says it is `since`."""
    numbers = [int(number) for number in _NUMBER.findall(heading["first"] + heading["more"])]
    last = max(numbers, default=0)
    return last + 1 if _since(heading) else last
