"""What bringing an index up to date costs inside a running process: fifty new mails, and nothing new."""

import os
import statistics
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from chatbot.ingest import ingest
from chatbot.readers import Readers
from chatbot.sources.public_inbox import PublicInbox
from chatbot.store.database import open_database
from chatbot.store.index import Index
from tests.bench.figures import Figure, timed
from tests.bench.setting import LARGE, MILLION, Setting, epoch, mails_of

NEW, TURNS, SMALL = 50, 21, 10_000


def figures(setting: Setting) -> Iterator[Figure]:
    """An index of ten thousand mails beside one of a hundred thousand, or a million."""
    archive = setting.large(MILLION if setting.million else LARGE)
    tips = _commits(archive)
    found: list[float] = []
    for mails in (SMALL, mails_of(archive)):
        setting.fresh()
        # The oldest mails, or all: in both cases the last thousand or so come in afterwards, fifty by fifty.
        growing = _Growing(setting.scratch / f"growing-{mails}", archive, tips[:mails])
        growing.cut(NEW * TURNS)
        subprocess.run(setting.ingest(growing.folder), check=True, stdout=subprocess.DEVNULL)
        engine = open_database(f"sqlite:///{setting.database}")
        with PublicInbox("bench", growing.folder) as inbox, Readers() as readers:
            refresh = partial(ingest, inbox, Index(engine), readers)
            times, idle = [], []
            for left in range(NEW * (TURNS - 1), -1, -NEW):
                growing.cut(left)
                times.append(1000 * timed(refresh))
                idle.append(1000 * timed(refresh))
        engine.dispose()
        found.append(statistics.median(times[1:]))
        yield Figure(f"{mails:,} mails: {NEW} new ones", found[-1], "ms")
        asked = statistics.median(1000 * timed(partial(_rev_list, growing.folder)) for _ in idle)
        yield Figure(f"{mails:,} mails: nothing new", statistics.median(idle), "ms")
        yield Figure(f"{mails:,} mails: nothing new / git rev-list -1", statistics.median(idle) / asked, "x", 3)
    yield Figure(f"{NEW} new mails, large index / small", found[1] / found[0], "x", 1.5)


class _Growing:
    """An archive that borrows another's objects, and has as many of its commits as one likes."""

    def __init__(self, folder: Path, archive: Path, commits: list[str]) -> None:
        self.folder, self._commits = folder, commits
        self._bare = folder / "git" / "0.git"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=master", self._bare], check=True)
        (self._bare / "objects" / "info" / "alternates").write_text(f"{epoch(archive) / 'objects'}\n")

    def cut(self, left: int) -> None:
        """Have all commits but so many."""
        (self._bare / "refs" / "heads" / "master").write_text(self._commits[-left - 1] + "\n")


def _commits(archive: Path) -> list[str]:
    listed = ["git", "--git-dir", epoch(archive), "rev-list", "--reverse", "HEAD"]
    return subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()


def _rev_list(folder: Path) -> None:
    one = ["git", "--git-dir", os.fspath(folder / "git" / "0.git"), "rev-list", "-1", "HEAD"]
    subprocess.run(one, check=True, stdout=subprocess.DEVNULL)
