import asyncio
import io

import pytest

from chatbot.chat.post import Post
from chatbot.chat.terminal import Terminal
from chatbot.errors import Unavailable


class Gone(io.StringIO):
    """A standard output that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(f"nobody reads {len(text)} characters")


def test_one_key_is_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal(["/help"])
    for key in ("one", "one", "two"):
        receipt = asyncio.run(terminal.send("room", Post("terminal", f"\x1b[1mpost {key}\x1b[0m"), key))
        assert receipt.remote_id == key
    assert capsys.readouterr().out == "post one\npost two\n"


@pytest.mark.parametrize(
    ("color", "shown"), [("always", "\x1b[1mpost\x1b[0m\n"), ("never", "post\n"), ("auto", "post\n")]
)
def test_colours_are_shown_where_they_are_wanted(capsys: pytest.CaptureFixture[str], color: str, shown: str) -> None:
    terminal = Terminal([], color)  # type: ignore[arg-type]
    asyncio.run(terminal.send("room", Post("terminal", "\x1b[1mpost\x1b[0m"), "key"))
    assert capsys.readouterr().out == shown


def test_a_post_that_nobody_reads_is_to_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal([])
    monkeypatch.setattr("sys.stdout", Gone())
    with pytest.raises(Unavailable):
        asyncio.run(terminal.send("room", Post("terminal", "post"), "key"))
