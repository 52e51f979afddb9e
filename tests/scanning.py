"""With the compiled code of chatbot/scan.py, and without."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from chatbot import scan

OF_MAILS = ("fields", "ids", "date", "stamp", "lead", "trailers", "printable", "said", "diff")
FUNCTIONS = (*OF_MAILS, "patched")
UNCOMPILED = "nothing is compiled here, for there was no C compiler when the bot was installed"


def decline(*_: object) -> None:
    """What all functions are where nothing is compiled."""


def both(work: Callable[[], Any]) -> tuple[Any, Any]:
    """What comes of it with the compiled code, and without."""
    compiled = work()
    with patch.multiple(scan, **dict.fromkeys(FUNCTIONS, decline)):
        return compiled, work()


@contextmanager
def counted(name: str) -> Iterator[list[bool]]:
    """Whether a function declined, each time that it is called in the block."""
    function, declined = getattr(scan, name), list[bool]()

    def counts(*arguments: Any) -> Any:
        answer = function(*arguments)
        declined.append(answer is None)
        return answer

    with patch.object(scan, name, counts):
        yield declined
