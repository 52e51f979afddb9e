import io
import subprocess
import sys

from chatbot.chat.styled import DIALECT, RESET, plain_text
from chatbot.chat.terminal import console, show


def test_plain_text_is_what_a_console_without_colours_shows() -> None:
    body = "\n".join(f"{before}a style{RESET} of {name}, ünd more" for name, (before, _) in DIALECT.styles.items())
    shown = io.StringIO()
    show(body, console(shown))
    assert plain_text(body) == plain_text(f"{body}\n\n") == shown.getvalue()


def test_plain_text_is_made_without_the_libraries_of_the_terminal() -> None:
    program = "import sys, chatbot.chat.styled; print({'rich', 'asyncio'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"set()\n"
