"""Draws the README's picture, a digest and an answer in a terminal; run by `make picture`."""

import asyncio
import io
import re

from rich.text import Text

from chatbot.app import bot, configure_log, demonstration
from chatbot.chat.terminal import console
from tests.conftest import TESTS
from tests.fakes.platform import Ledger

COMMAND = "/series nested guest"


def main() -> None:
    configure_log("error")
    ledger = Ledger(asks=[COMMAND])
    with demonstration() as (config, now), bot(config, now) as made:
        made.platforms["terminal"] = ledger  # type: ignore[index]
        asyncio.run(made.run())
    page = console(io.StringIO(), "always")
    page.record, page.width = True, 92
    for body in (ledger.posts[0][1], f"\x1b[2m> {COMMAND}\x1b[0m", ledger.answers[0]):
        page.print(Text.from_ansi(body))
    picture = page.export_svg(title="chatbot")
    # The reader's own fonts will do: nothing is fetched to look at a page.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (TESTS.parent / "docs" / "digest.svg").write_text(picture)


if __name__ == "__main__":
    main()
