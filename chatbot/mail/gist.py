"""The gist of a letter: the first sentence that says something.

Law of the file: as in patch.py, patterns are linear in their input.
"""

import re

# Longer sentences end between two words.
LONGEST = 240
# As much of a text as can begin with other things: greetings, a link to the last version, what it is based on.
_READ = 6_000
# So few letters are a heading, or a greeting.
_SHORT = 25
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|greetings|all|everyone|folks|team|maintainers?)\b"
    r"[^.]{0,60}$",
    re.IGNORECASE,
)
# What is no prose: quotes, lists, tags, links, tables, headings, what is said of other postings.
_NO_PROSE = re.compile(
    r"[>|#=*~+\[$-]|\d{1,3}[.)]\s|https?:|[A-Za-z-]{3,60}-by:"
    r"|(?:fixes|closes|link|cc|from|subject|date|change-id|base-commit|based|history|v\d{1,3}|changelog"
    r"|changes? (?:since|in|from|log)|changes?\b.{0,20}\bv?\d"
    r"|this (?:patch|series|patchset|patch set) (?:is based|applies|depends))\b",
    re.IGNORECASE,
)
# Not after what people shorten.
_END = re.compile(r"(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bvs)(?<!\bcf)[.!?](?:[\"')\]]{0,2})(?=\s+[A-Z\"'(\[]|\s*$)")


def gist(text: str) -> str:
    """The first sentence of prose, on one line; empty where there is none."""
    for paragraph in re.split(r"\n\s*\n", text[:_READ]):
        if paragraph.startswith(("---\n", "diff --git ")) or paragraph.lstrip().startswith("---\n"):
            break
        lines = [line.strip() for line in paragraph.split("\n")]
        while lines and (not lines[0] or _GREETING.match(lines[0])):
            lines.pop(0)
        if not lines or _NO_PROSE.match(lines[0]) or lines[0].endswith(":"):
            continue
        prose = " ".join(" ".join(lines).split())
        end = _END.search(prose)
        sentence = prose[: end.end()] if end else prose
        if len(sentence) >= _SHORT and " " in sentence:
            return _cut(sentence)
    return ""


def _cut(sentence: str) -> str:
    """Never in a word."""
    if len(sentence) <= LONGEST:
        return sentence
    return sentence[:LONGEST].rpartition(" ")[0].rstrip(" ,;:(") + " …"
