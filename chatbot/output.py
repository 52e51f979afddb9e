"""How a command speaks to who typed it: on standard output, into a file, on a terminal while it works, and its faults.

Law of the file: it imports inside its functions, as actions.py does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.errors import BadConfig, ChatbotError, Misunderstood, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

# Exit codes: what a person has to mend; and, as grep has it, that nothing was wrong, and nothing was found.
FAULT, NOTHING = 2, 1


def show_post(post: str) -> None:
    """A post, with its styles where there can be any."""
    from chatbot.chat.styled import plain_text
    from chatbot.once import print_post

    if styles():
        print_post(post)
    else:
        write(plain_text(post), None)


def mails_read() -> Callable[[int], None]:
    """Says on a terminal how many mails were read, and takes it back at 0; elsewhere it says nothing."""
    told = 0

    def tell(count: int) -> None:
        nonlocal told
        if sys.stderr.isatty() and (count or told) and count % 1000 == 0:
            told = count
            text = f"{count:,} mails read" if count else ""
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

    return tell


def styles() -> bool:
    """Whether standard output may show styles: a terminal, or what its owner says is one."""
    return sys.stdout.isatty() or not {"FORCE_COLOR", "TTY_COMPATIBLE"}.isdisjoint(os.environ)


def write(text: str, output: Path | None) -> None:
    """To a file, whole or not at all, or to standard output as UTF-8."""
    if output is None:
        if sys.stdout.isatty():
            from chatbot.chat.post import printable  # what a mail holds must not steer a terminal

            text = printable(text)
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        _replace(output.resolve(), text.encode("utf-8", "replace"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise Misunderstood(f"--output {output}", reason, "name a file that can be written") from error


def _replace(target: Path, data: bytes) -> None:
    """Put the data in the file's place at once. A device or a pipe is written to instead. Raises OSError."""
    import tempfile

    if target.exists() and not target.is_file():
        with target.open("wb") as file:
            file.write(data)
        return
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".chatbot-", delete=False) as file:
        whole = Path(file.name)
        try:
            file.write(data)
            file.close()
            umask = os.umask(0)
            os.umask(umask)
            whole.chmod(0o666 & ~umask)
            whole.replace(target)
        except OSError:
            whole.unlink(missing_ok=True)
            raise


def refuse(error: ChatbotError | OSError) -> int:
    """Say what is wrong, one line for each fault."""
    faults: tuple[object, ...] = (error,)
    if isinstance(error, BadConfig):
        faults = error.faults
    elif isinstance(error, Unavailable):
        faults = (f"{error}; nothing that was written is lost: see that its disk has room, and run this again",)
    elif isinstance(error, OSError):
        thing, remedy = error.filename or "standard output", "name a place that can be read and written"
        faults = (f"{thing}: {error.strerror or error}; {remedy}",)
    for fault in faults:
        print(f"chatbot: {fault}", file=sys.stderr)
    return FAULT
