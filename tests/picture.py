"""Draws the README's picture, a digest in a terminal; run by `make picture`."""

import asyncio
import io
import re

from rich.text import Text

from chatbot.app import bot, configure_log, demonstration
from chatbot.chat.terminal import console
from chatbot.run import run
from tests.conftest import TESTS
from tests.fakes.platform import Ledger


def main() -> None:
    configure_log("error")
    ledger = Ledger()
    with demonstration() as (config, now), bot(config, now) as made:
        made.platforms["terminal"] = ledger  # type: ignore[index]
        asyncio.run(run(made))
    page = console(io.StringIO(), "always")
    digest = Text.from_ansi(ledger.posts[0][1])
    page.record, page.width = True, max(line.cell_len for line in digest.split())
    page.print(digest)
    picture = page.export_svg(title="chatbot")
    # The reader's own fonts will do: nothing is fetched to look at a page.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (TESTS.parent / "docs" / "digest.svg").write_text(picture)


if __name__ == "__main__":
    main()
