"""Draws the README's pictures; run by `make picture`.

The terminal's is drawn here. Of Slack's and Matrix' it makes in `build/pictures` what a browser draws at twice the size:
`slack.json` is a digest's messages as npm's `slack-blocks-to-jsx` shows them, the first one in a channel and the others
in its thread; `matrix.html` is a room and a thread as Element shows them, 1000 pixels wide:

    chromium --headless --force-device-scale-factor=2 --window-size=1000,870 --screenshot=docs/matrix.png \
        build/pictures/matrix.html

The README's have the clients' fonts, faces and frames around that, are trimmed, and left with 96 colours.
"""

import asyncio
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape

from rich.text import Text

from chatbot.app import bot, configure_log, demonstration
from chatbot.chat import matrix, slack, slack_blocks, styled
from chatbot.chat.matrix_events import message, typed_here
from chatbot.chat.post import Dialect
from chatbot.chat.terminal import console
from chatbot.commands import names
from chatbot.run import run
from tests.conftest import TESTS
from tests.fakes.platform import Ledger

ROOT = TESTS.parent
MADE = ROOT / "build" / "pictures"
ASKED = "/series dirty pages"

# As Element has it: a notice is fainter than what people say.
PAGE = """<!doctype html><meta charset="utf-8"><title>Matrix</title><style>
body { margin: 0; font: 15px/22px Inter, sans-serif; color: #1b1d22; display: flex }
main, aside { box-sizing: border-box; padding: 8px 16px } main { width: 530px } aside { width: 470px; border-left: 1px solid #e1e6ec }
header { font-weight: 600; color: #0467dd; margin-top: 12px } header.you { color: #a73b9e }
article { overflow-wrap: anywhere } article.notice { opacity: .6 }
p, ul, ol, pre { margin: 0 0 16px } ul, ol { padding-left: 2em } li + li { margin-top: 4px }
h3, h4 { margin: 24px 0 16px; line-height: 1.25; font-weight: 600 } h3 { font-size: 18.75px; margin-top: 0 } h4 { font-size: 15px }
a { color: #0467dd; text-decoration: none } code, pre { font: 13px/18px monospace; background: #f0f2f5; border-radius: 4px; padding: 2px 4px }
</style><main>%s</main><aside>%s</aside>
"""


def told(dialect: Dialect, *asks: str) -> tuple[list[str], list[str]]:
    """What the demonstration posts in a dialect, and answers."""
    ledger = Ledger(asks=asks, dialect=dialect)
    with demonstration() as (config, now), bot(config, now, {"terminal": ledger}) as made:
        asyncio.run(run(made))
    return [body for _, body in ledger.posts], ledger.answers


def terminal(digest: str) -> str:
    """A picture of it."""
    page, text = console(io.StringIO(), "always"), Text.from_ansi(digest)
    page.record, page.width = True, max(line.cell_len for line in text.split())
    page.print(text)
    picture = page.export_svg(title="chatbot")
    # The reader's own fonts will do: nothing is fetched to look at a page.
    return re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)


def room(posts: Sequence[str], answers: Sequence[str]) -> str:
    """A page with a digest and what somebody asks, and the answer in its thread."""
    head, *below = (message(typed_here(body, "!", names()))["formatted_body"] for body in (posts[0], *answers))
    you = f'<header class="you">mia</header><article>{escape(typed_here(ASKED, "!", names()))}</article>'
    bots = '<header>digests</header><article class="notice">{}</article>'
    return PAGE % (bots.format(head) + you, you + "".join(map(bots.format, below)))


def main() -> None:
    configure_log("error")
    MADE.mkdir(parents=True, exist_ok=True)
    posts, _ = told(styled.DIALECT)
    (ROOT / "docs" / "digest.svg").write_text(terminal(posts[0]))
    posts, _ = told(replace(slack.DIALECT, files=True))
    (MADE / "slack.json").write_text(json.dumps([slack_blocks.message(body) for body in posts], indent=2))
    (MADE / "matrix.html").write_text(room(*told(matrix.DIALECT, ASKED)))


if __name__ == "__main__":
    main()
