"""Measure how fast the bot is and what memory it takes, beside git, the standard library and public-inbox's indexer.

Machines are noisy: what is compared runs by turns, medians are shown, and the ratios are what counts.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from chatbot import scan
from tests.bench import asking, bombs, ingest, memory, queries, reading, slowing, starting, updates
from tests.bench.archives import CORPUS
from tests.bench.figures import Figure, table
from tests.bench.setting import Setting

PARTS: dict[str, Callable[[Setting], Iterator[Figure]]] = {
    "reading": reading.figures,
    "ingest": ingest.figures,
    "memory": memory.figures,
    "slowing": slowing.figures,
    "updates": updates.figures,
    "queries": queries.figures,
    "starting": starting.figures,
    "bombs": bombs.figures,
    "asking": asking.figures,
}


def main() -> int:
    """Print a table for each part, and all figures as JSON; 1 where a part could not be measured."""
    options = _options()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # a program that is installed has its bytecode
    with ExitStack() as folders:
        scratch = Path(folders.enter_context(tempfile.TemporaryDirectory(prefix="chatbot-bench-")))
        cache = options.cache or scratch / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        setting = Setting(cache.resolve(), scratch, options.rounds, options.million)
        if setting.real.parent != setting.cache:
            print(f"There is no {CORPUS}: measured on a sample, which says little.", file=sys.stderr)
        reader = "compiled reader" if scan.COMPILED else "reader not compiled"
        print(f"{setting.real.name}, {setting.rounds} rounds; Python {platform.python_version()}, {reader}", flush=True)
        found = {part: _measure(part, setting) for part in options.parts}
    document = json.dumps({part: [one.document() for one in figures] for part, figures in found.items()})
    if options.json:
        options.json.write_text(document + "\n")
    else:
        print(document)
    return 0 if all(found.values()) else 1


def _measure(part: str, setting: Setting) -> list[Figure]:
    """A part's figures. One that fails is said to; the others go on."""
    print(f"\n{part}", flush=True)
    figures: list[Figure] = []
    try:
        figures.extend(PARTS[part](setting))
    except subprocess.CalledProcessError as error:
        print(f"  {part} could not be measured to its end: {error}", file=sys.stderr)
    print(table(figures), flush=True)
    return figures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--parts", type=_parts, default=list(PARTS), help=f"some of {','.join(PARTS)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (default: 3)")
    parser.add_argument("--million", action="store_true", help="also what takes long: a million mails")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keeps archives and indexes (default: made anew)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures (default: the last line of the output)")
    return parser.parse_args()


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - PARTS.keys():
        raise argparse.ArgumentTypeError(f"there is no part {', '.join(sorted(unknown))}")
    return parts


if __name__ == "__main__":
    sys.exit(main())
