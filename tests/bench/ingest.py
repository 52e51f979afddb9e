"""Whole archives into an index: beside git, which only reads them, and beside public-inbox's own indexer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.bench.figures import Figure, Times, Way
from tests.bench.setting import Setting, epoch, git_alone, mails_of, quietly

GIT, OURS = "git rev-list | git cat-file", "chatbot ingest"
INDEXER = "public-inbox-index"


class Level(NamedTuple):
    """How many times faster than the indexer we want to be, and how often it runs: it takes long."""

    goal: float
    rounds: int


LEVELS = {"basic": Level(11, 3), "full": Level(45, 1)}


def figures(setting: Setting) -> Iterator[Figure]:
    """The indexer takes minutes for 100,000 mails, so there it runs in the long bench alone."""
    yield from _compare(setting, setting.real, with_indexer=True)
    yield from _compare(setting, setting.large(), with_indexer=setting.million)


def _compare(setting: Setting, archive: Path, *, with_indexer: bool) -> Iterator[Figure]:
    ways = [
        Way(GIT, partial(quietly, git_alone(archive))),
        Way(OURS, partial(quietly, setting.ingest(archive)), prepare=setting.fresh),
    ]
    if with_indexer and shutil.which(INDEXER):
        ways += [_indexer(setting, archive, level) for level in LEVELS]
    elif with_indexer:
        print(f"  {INDEXER} is not installed (Debian: public-inbox): not compared", file=sys.stderr)
    times, mails = Times(ways, setting.rounds), mails_of(archive)
    for way in ways:
        yield Figure(f"{archive.name}: {way.name}", times.seconds(way.name), "s")
        yield Figure(f"{archive.name}: {way.name}", mails / times.seconds(way.name), "mails/s")
    yield Figure(f"{archive.name}: ours / git", times.ratio(OURS, GIT), "x", goal=2.5)
    for level, (goal, _) in LEVELS.items():
        if _name(level) in times:
            ratio = times.ratio(_name(level), OURS)
            yield Figure(f"{archive.name}: {_name(level)} / ours", ratio, "x", goal, at_least=True)


def _name(level: str) -> str:
    return f"{INDEXER} -L {level}"


def _indexer(setting: Setting, archive: Path, level: str) -> Way:
    """Public-inbox's way, on an inbox that is laid out anew each time."""
    inbox = setting.scratch / f"inbox-{level}"
    environment = os.environ | {"PI_CONFIG": str(setting.scratch / f"inbox-{level}.config")}
    run = partial(subprocess.run, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def lay_out() -> None:
        shutil.rmtree(inbox, ignore_errors=True)
        # As a mirror is made: first the clone (whose objects are hard links here), then what is around it.
        run(["git", "clone", "--quiet", "--bare", "--local", epoch(archive), inbox / "git" / "0.git"])
        run(["public-inbox-init", "-V2", "-L", level, level, inbox, f"http://localhost/{level}", f"{level}@localhost"])

    return Way(_name(level), lambda: run([INDEXER, "-L", level, inbox]), prepare=lay_out, rounds=LEVELS[level].rounds)
