"""The terminal platform: one room, in the terminal that the bot runs in, or on its standard input and output.

The only file that imports rich and prompt_toolkit. Posts are text with ANSI styles.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime, timedelta
from typing import IO, Literal

from rich.console import Console
from rich.text import Text

from chatbot.chat.platform import Answer, Receipt, Request
from chatbot.chat.post import Post, printable
from chatbot.chat.styled import DIALECT, RESET
from chatbot.errors import Unavailable
from chatbot.finding import Finding

_LEAVE = frozenset({"exit", "quit", "/exit", "/quit"})
Color = Literal["auto", "always", "never"]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Whoever read us has gone: no error of ours."""
        raise BrokenPipeError


def console(output: IO[str] | None = None, color: Color = "auto") -> Console:
    """A console that shows posts: colours on a terminal, plain text in a pipe; lines are never broken in a pipe."""
    return _Console(
        file=output,
        force_terminal=True if color == "always" else None,
        no_color=True if color == "never" else None,
        highlight=False,
        emoji=False,
        soft_wrap=True,
    )


def show(body: str, on: Console) -> None:
    """Print a post's body, with its styles where the console has any."""
    on.print(Text.from_ansi(body))


class Terminal:
    """Shows posts and takes commands, at a prompt on a terminal, line by line from a pipe."""

    name = "terminal"
    dialect = DIALECT
    settles = timedelta(0)
    login = ""

    def __init__(self, words: Iterable[str], color: Color = "auto", person: str = "you") -> None:
        """`words` are the commands that the prompt completes, `person` is who sits there."""
        self._words = tuple(words)
        self._console = console(color=color)
        self._person = person
        self._shown: set[str] = set()

    async def listen(self, answer: Answer) -> None:
        """Until the input ends."""
        lines = self._typed() if sys.stdin.isatty() and sys.stdout.isatty() else self._piped()
        async for line in lines:
            answering = asyncio.ensure_future(answer(Request(self.name, self._person, line)))
            try:
                await asyncio.shield(answering)
            finally:  # cancelled, too: who has asked is answered
                show((await answering).body, self._console)

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:  # noqa: ARG002  # there is one room, and no thread
        """Print it. What this process has shown is not shown again. Raises Unavailable."""
        if key not in self._shown:
            try:
                show(post.body, self._console)
            except OSError as error:
                raise Unavailable(f"standard output: {error.strerror or 'nobody reads it any more'}") from error
            self._shown.add(key)
        return Receipt(key)

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002  # there is one room
        """The ledger is what this process has shown: who looks at another one's terminal has not seen it."""
        return Receipt(key) if key in self._shown else None

    async def may_manage(self, person: str, room: str) -> bool:  # noqa: ARG002  # who sits there runs the bot
        """Always."""
        return True

    async def check(self, rooms: Sequence[str]) -> Iterable[Finding]:  # noqa: ARG002  # there is one room
        """It needs nothing."""
        return (Finding("token terminal", "none is needed"),)

    async def close(self) -> None:
        """Nothing is held."""

    async def _piped(self) -> AsyncIterator[str]:
        import asyncio  # noqa: PLC0415  # a digest that is printed does without it

        # A thread of its own reads, for a read that waits must not hold up the loop, nor its end.
        lines: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def read() -> None:
            # Not sys.stdin: a thread that waits in it would hold its lock when the interpreter ends.
            with open(0, "rb", buffering=0, closefd=False) as source:  # a descriptor has no path
                for line in source:
                    loop.call_soon_threadsafe(lines.put_nowait, line.decode("utf-8", "replace"))
            loop.call_soon_threadsafe(lines.put_nowait, "")

        threading.Thread(target=read, daemon=True).start()
        while line := await lines.get():
            if text := line.strip():
                show(f"\x1b[2m> {printable(text)}{RESET}", self._console)
                yield text

    async def _typed(self) -> AsyncIterator[str]:
        from prompt_toolkit import PromptSession  # noqa: PLC0415  # a pipe does without it
        from prompt_toolkit.completion import WordCompleter  # noqa: PLC0415
        from prompt_toolkit.patch_stdout import patch_stdout  # noqa: PLC0415

        session: PromptSession[str] = PromptSession(completer=WordCompleter(list(self._words), sentence=True))
        with patch_stdout(raw=True):  # a digest that comes while somebody types goes above the prompt
            while True:
                try:
                    text = (await session.prompt_async("> ", handle_sigint=False)).strip()
                except (EOFError, KeyboardInterrupt):
                    return
                if text.lower() in _LEAVE:
                    return
                if text:
                    yield text
