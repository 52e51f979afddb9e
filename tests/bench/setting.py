"""What every part is given: where archives lie, how often to measure, and the program."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.archives import Spread, large_archive, real_archive

LARGE, MILLION = 100_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Setting:
    """`program` is the module whose ingest is measured: `chatbot`, or a stand-in."""

    cache: Path
    scratch: Path
    rounds: int
    million: bool
    program: str

    @property
    def real(self) -> Path:
        """The archive of nvdimm."""
        return real_archive(self.cache)

    def large(self, mails: int = LARGE, spread: Spread = "wide") -> Path:
        """A replicated archive."""
        return large_archive(self.cache, self.real, mails, spread)

    @property
    def sizes(self) -> tuple[Path, ...]:
        """One archive of each size."""
        return (self.real, self.large(), *((self.large(MILLION),) if self.million else ()))

    def ingest(self, archive: Path) -> list[str]:
        """The command that ingests a whole archive with all cores; see `fresh`."""
        jobs = str(len(os.sched_getaffinity(0)))
        store = f"sqlite:///{self.database}"
        program = [sys.executable, "-m", self.program, "ingest"]
        return [*program, "--archive", str(archive), "--name", "bench", "--store", store, "--jobs", jobs]

    @property
    def database(self) -> Path:
        """Where an ingest writes."""
        return self.scratch / "store" / "index.sqlite3"

    def fresh(self) -> None:
        """Nothing is where an ingest will write."""
        self.database.parent.mkdir(exist_ok=True)
        for left in self.database.parent.iterdir():
            left.unlink()


def epoch(archive: Path) -> Path:
    """The only repository of an archive."""
    return archive / "git" / "0.git"


def git_alone(archive: Path, commits: str = "HEAD") -> list[str]:
    """The command of git that reads these mails and does nothing with them."""
    git = f"git --git-dir '{epoch(archive)}'"
    return ["bash", "-c", f"{git} rev-list {commits} | sed 's/$/:m/' | {git} cat-file --batch > /dev/null"]


def mails_of(archive: Path) -> int:
    """How many commits an archive has."""
    count = ["git", "--git-dir", epoch(archive), "rev-list", "--count", "HEAD"]
    return int(subprocess.run(count, check=True, capture_output=True).stdout)


def quietly(command: list[str]) -> None:
    """Run it to its end; what it says goes nowhere, for it may say much. Raises CalledProcessError."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
