"""Whether an ingest slows down while the index grows: how long each tenth of the mails takes."""

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.setting import LARGE, MILLION, Setting

TENTHS = 10
PAUSE = 0.1
# What has passed: seconds since the start, mails in the index.
Point = tuple[float, int]


def figures(setting: Setting) -> Iterator[Figure]:
    """Of a million mails, or of 100,000 without a goal."""
    archive = setting.large(MILLION if setting.million else LARGE)
    setting.fresh()
    points = growth(setting.ingest(archive), setting.database)
    seconds = tenths(points)
    yield Figure(f"{archive.name}: before the first mails", _beginning(points), "s")
    for number, one in enumerate(seconds, 1):
        yield Figure(f"{archive.name}: tenth {number} of the mails", one, "s")
    yield Figure(
        f"{archive.name}: last tenth / first tenth", seconds[-1] / seconds[0], "x", 1.5 if setting.million else None
    )


def growth(command: list[str], database: Path) -> list[Point]:
    """Run it to its end; each moment at which the index had grown, the last one the command's end.

    Raises CalledProcessError.
    """
    start = time.perf_counter()
    points = [(0.0, 0)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            time.sleep(PAUSE)
            mails = _newest(database)
            if mails > points[-1][1]:
                points.append((time.perf_counter() - start, mails))
    end = time.perf_counter() - start
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return [*points, (end, _newest(database))]


def tenths(points: list[Point]) -> list[float]:
    """Seconds for each tenth of the mails; what comes after the last mail (late indexes, say) is the last one's.

    What comes before the first mail (the walk over all commits) is nobody's: a slow start would hide a slow end.
    """
    end, mails = points[-1]
    passed = [_passed(points, mails * number / TENTHS) for number in range(1, TENTHS)]
    return [later - earlier for earlier, later in pairwise([_beginning(points), *passed, end])]


def _beginning(points: list[Point]) -> float:
    """When the first mails began to go in: from when the first were seen, back at the pace of the first tenth."""
    seen, few = points[1]
    tenth = points[-1][1] / TENTHS
    pace = (_passed(points, tenth) - seen) / (tenth - few) if few < tenth else seen / few
    return max(0.0, seen - few * pace)


def _passed(points: list[Point], mails: float) -> float:
    """When the index had so many; between two points it grew evenly."""
    for (before, fewer), (after, more) in pairwise(points):
        if fewer <= mails < more:
            return before + (after - before) * (mails - fewer) / (more - fewer)
    return points[-1][0]


def _newest(database: Path) -> int:
    """The newest mail's number; 0 while there is none or the database cannot be asked."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT max(id) FROM mail").fetchone()[0] or 0
    except sqlite3.Error:
        return 0
