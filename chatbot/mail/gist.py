"""The gist of a letter: the first sentence that says something.

Law of the file: as in patch.py, patterns are linear in their input.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import dropwhile

from chatbot.mail.words import before_line

# Longer sentences end between two words.
LONGEST = 240
# As much of a text as can begin with other things: greetings, a link to the last version, what it is based on.
_READ = 6_000
# So few letters are a heading, or a greeting.
_SHORT = 25
_HELLO = r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|greetings)\b"
# A line that is a greeting, and one at the beginning of a sentence.
_GREETING = re.compile(
    rf"{_HELLO}(?:(?:\s{{1,9}}[^\s.,]{{1,40}}){{0,4}}\s?[,!:;-]?|[^.]{{0,60}}[,!:;-])$"
    r"|(?:all|everyone|folks|team|maintainers?)\s?[,!:;-]?$",
    re.IGNORECASE,
)
_GREETED = re.compile(rf"\A{_HELLO}[^.,!]{{0,40}}[,!] (?=\w)", re.IGNORECASE)
# What is no prose: quotes, lists, tags, links, tables, headings, what is said of other postings.
_NO_PROSE = re.compile(
    r"[>|#=*~+\[$-]|\d{1,3}[.)]\s|https?:|[A-Za-z-]{3,60}-by:|[^:]{1,80} \(\d{1,4}\):$"
    r"|(?:fixes|closes|link|cc|from|subject|date|change-id|base-commit|history)\s?:|rfc\s?(?:v\d{1,3}\s?)?[-=]{1,2}>"
    r"|(?:based|v\d{1,3}|(?:full )?changelog|note"
    r"|changes? (?:since|in|from|log)|changes?\b.{0,20}\bv?\d"
    r"|this (?:patch|series|patchset|patch set) (?:is based|applies|depends))\b",
    re.IGNORECASE,
)
# What no sentence has: rules of tables and headings, code.
_TABLE = re.compile(r"={4}|-{4}|\+{4}|; (?:do|then|done|fi)\b|\(\) \{| \| {1,9}\d{1,6} [+-]")
# The line below a heading.
_RULE = re.compile(r"\s{0,9}[=~^*#-]{3,200}$")
# Not after what people shorten.
_END = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bcf)[.!?](?:[\"')\]]{0,2})(?=\s+(?:[A-Z\"'(\[]|\w{1,60}[_(])|\s*$)"
)


def gist(text: str) -> str:
    """The first sentence of prose, on one line; empty where there is none."""
    unfinished = ""
    if len(text) > _READ:
        text = text[:_READ].rpartition("\n\n")[0] or text[:_READ]
    for paragraph in re.split(r"\n[ \t]{0,9}\n", before_line(text, "---\n")):
        lines = _begun(line for line in paragraph.split("\n") if line.strip())
        if not lines or _NO_PROSE.match(lines[0].strip()) or all(line[:1] in " \t" for line in lines):
            continue
        prose = _GREETED.sub("", " ".join(" ".join(lines).split()), count=1)
        end = _END.search(prose)
        sentence = prose[: end.end()] if end else prose.rstrip(" :")
        if len(sentence) < _SHORT or _TABLE.search(sentence) or " " not in sentence[:LONGEST] != sentence:
            continue
        if end or prose.endswith(":"):
            return _cut(sentence)
        unfinished = unfinished or sentence
    return _cut(unfinished)


def _begun(lines: Iterable[str]) -> Sequence[str]:
    """Without greetings and a heading."""
    lines = list(dropwhile(lambda line: _GREETING.match(line.strip()), lines))
    return lines[2:] if len(lines) > 1 and _RULE.match(lines[1]) else lines


def _cut(sentence: str) -> str:
    """Never in a word."""
    if len(sentence) <= LONGEST:
        return sentence
    return sentence[:LONGEST].rpartition(" ")[0].rstrip(" ,;:(") + " …"
