"""The memory of a command and of all processes below it, looked at while it runs."""

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.setting import Setting

PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Peaks:
    """In MiB: all processes at one moment, pages shared among them counted once (PSS); the largest process of ours and
    the largest git (RSS).
    """

    tree: float
    ours: float
    git: float


def figures(setting: Setting) -> Iterator[Figure]:
    """Of ingesting archives of each size."""
    for archive in setting.sizes:
        setting.fresh()
        found = peaks(setting.ingest(archive))
        yield Figure(f"{archive.name}: ingest, all processes", found.tree, "MiB", goal=200)
        yield Figure(f"{archive.name}: ingest, largest process of ours", found.ours, "MiB", goal=100)
        yield Figure(f"{archive.name}: ingest, largest git", found.git, "MiB")


def peaks(command: list[str]) -> Peaks:
    """Run it to its end. Raises CalledProcessError."""
    tree, largest = 0, {True: 0, False: 0}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            together = 0
            for pid in _tree(process.pid):
                together += _kib(pid, "smaps_rollup", "Pss:")
                is_git = _read(pid, "comm").startswith("git")
                largest[is_git] = max(largest[is_git], _kib(pid, "status", "VmHWM:"))
            tree = max(tree, together)
            time.sleep(PAUSE)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Peaks(tree / 1024, largest[False] / 1024, largest[True] / 1024)


def _tree(root: int) -> list[int]:
    """A process and all below it."""
    pids = [root]
    for pid in pids:  # grows while it is walked
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += map(int, _read(pid, f"task/{children.parent.name}/children").split())
    return pids


def _kib(pid: int, file: str, field: str) -> int:
    """The field's KiB; 0 for a process that has ended."""
    return int((_read(pid, file).partition(field)[2].split() or ("0",))[0])


def _read(pid: int, file: str) -> str:
    try:
        return Path(f"/proc/{pid}/{file}").read_text("utf-8", "replace")
    except OSError:  # it has ended
        return ""
