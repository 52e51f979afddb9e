"""What the sender of a mail says, without what others said before.

Law of the file: as in patch.py, patterns begin with a literal newline and are linear in their input.
"""

import re

from chatbot import scan

# As much as anyone reads; beyond are logs and listings.
SAID_LIMIT = 32_768
_QUOTE = re.compile(r"\n[ \t]*+>.*+(?:\n[ \t]*+>.*+)*+")
_ATTRIBUTION = re.compile(r"\nOn [^\n]{1,300}(?:\n[^\n]{1,300})?wrote:[ \t]{0,9}\n?\n>")
_BLANK_LINES = re.compile(r"\n\s*\n\s*\n")


def before_line(text: str, beginning: str) -> str:
    """The text before the first line that begins so, or all of it."""
    if text.startswith(beginning):
        return ""
    at = text.find("\n" + beginning)
    return text if at < 0 else text[: at + 1]


def before_signature(text: str) -> str:
    """The text before the line `-- `, with which a signature begins."""
    text = before_line(text, "-- \n")
    return text[:-3] if text.endswith("\n-- ") or text == "-- " else text


def read_words(body: str) -> tuple[str, str]:
    """The body without what it quotes, see below, and the sender's own words in it."""
    if scanned := scan.said(body, SAID_LIMIT):
        return scanned
    unquoted = without_quotes(body)
    return unquoted, own_words(unquoted)


def without_quotes(body: str) -> str:
    """The body with each run of quoted lines made one line, a lone `>`."""
    return _QUOTE.sub("\n>", "\n" + body)[1:] if ">" in body else body


def own_words(unquoted: str) -> str:
    """What is left of such a body without attributions, diff and signature."""
    text = "\n" + before_signature(before_line(unquoted, "diff --git "))
    if ">" in text:
        text = _ATTRIBUTION.sub("\n>", text).replace("\n>", "\n")
    return _BLANK_LINES.sub("\n\n", text).strip()[:SAID_LIMIT]
