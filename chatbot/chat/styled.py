"""What the terminal platform writes: text with ANSI styles. To write into a pipe or a file takes no more than this."""

import re

from chatbot.chat.post import Dialect, printable

_STYLE = re.compile(r"\x1b\[[\d;]*m")


def plain_text(body: str) -> str:
    """A post's body without its styles."""
    return _STYLE.sub("", body).rstrip("\n") + "\n"


# Styles are escape sequences: `printable` takes the escape character out of a stranger's text, so no mail can make one.
RESET = "\x1b[0m"
DIALECT = Dialect(
    "terminal",
    printable,
    {
        "heading": ("\x1b[1;36m", RESET),
        "strong": ("\x1b[1m", RESET),
        "faint": ("\x1b[2m", RESET),
        "good": ("\x1b[32m", RESET),
        "bad": ("\x1b[31m", RESET),
    },
    plain_text,
)
