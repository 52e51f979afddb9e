"""An ingest that is interrupted at any moment goes on where it was, and ends with the index that it would have had.

KILLS says how often one is killed; `make soak` does it often.
"""

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import MetaData, select, text

from chatbot.sources.public_inbox import write_epoch
from chatbot.store.database import open_database, reading
from tests import unmeasured
from tests.conftest import NOON, compose

KILLS = int(os.environ.get("KILLS", "6"))
# More than go into one transaction, and several epochs.
EPOCHS = (5_200, 700, 1)
# A page less than what a whole index of these mails takes, by far.
FULL = 1_500_000
Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of some thousand mails; every tenth Message-ID comes twice."""
    folder, number = tmp_path_factory.mktemp("large"), 0
    for epoch, many in enumerate(EPOCHS):
        mails = []
        for _ in range(many):
            number += 1
            mails.append((mail(number), "Ana <ana@a.example>", NOON + timedelta(minutes=number)))
        write_epoch(folder / "git" / f"{epoch}.git", mails)
    return folder


def mail(number: int) -> bytes:
    own = number - 1 if number % 10 == 0 else number
    sender = f"Person {number % 97} <p{number % 97}@a.example>"
    path = f"drivers/d{number % 13}/f{number % 7}.c"
    diff = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1 +1 @@\n-old\n+new\n"
    body = f"Because of reason{number % 301}.\n\nReviewed-by: {sender}\n---\n{diff}"
    subject = f"[PATCH] part{number} of it" if number % 3 else f"Re: part{number - 1} of it"
    return compose(subject, own, body, sender)


def command(archive: Path, store: str, *more: str) -> list[str]:
    options = ("--archive", str(archive), "--name", "list", "--store", store)
    return [sys.executable, "-m", "chatbot", "ingest", *options, *more]


def start(archive: Path, store: str, *more: str, **options: object) -> "subprocess.Popen[str]":
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    own = {"start_new_session": True, "env": unmeasured.environment(), **pipes, **options}
    return subprocess.Popen(command(archive, store, *more), **own)  # type: ignore[call-overload]


def finished(archive: Path, store: str, *more: str) -> str:
    process = start(archive, store, *more)
    said, complaint = process.communicate(timeout=120)
    assert (process.returncode, complaint) == (0, "")
    return said


def rows(store: str) -> Rows:
    """All that a database holds, the words of the full text too."""
    engine = open_database(store)
    metadata = MetaData()
    with reading(engine) as connection:
        metadata.reflect(connection)
        found = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if not re.fullmatch(r"\w+_index(_\w+)?", table.name) or engine.dialect.name != "sqlite"
        }
        if engine.dialect.name == "sqlite":
            for index in ("title_index", "text_index"):
                connection.execute(text(f"CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, {index}, instance)"))
                found[index] = sorted(map(tuple, connection.execute(text("SELECT term, doc FROM temp.v"))))
                connection.execute(text("DROP TABLE temp.v"))
    engine.dispose()
    # PostgreSQL gives no number twice, not even one that was taken back.
    lists = {row[0]: place for place, row in enumerate(found["mailing_list"], 1)}
    for table in metadata.sorted_tables:
        for place, column in enumerate(table.columns):
            if column.name == "list_id" or (table.name, column.name) == ("mailing_list", "id"):
                found[table.name] = sorted(
                    ((*row[:place], lists.get(row[place], 0), *row[place + 1 :]) for row in found[table.name]), key=repr
                )
    assert len(found["mail"]) > sum(EPOCHS) * 0.8
    assert len(found["text_index"]) > 1_000
    return found


@pytest.fixture(scope="module")
def undisturbed(large: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    store = f"sqlite:///{tmp_path_factory.mktemp('undisturbed')}/index.sqlite3"
    assert re.match(
        r"list: 5,901 mails, 5,311 kept, 590 duplicates, 0 defects, ", finished(large, store, "--jobs", "2")
    )
    return rows(store)


@pytest.fixture(scope="module")
def seconds(large: Path, tmp_path_factory: pytest.TempPathFactory, undisturbed: Rows) -> float:  # noqa: ARG001  # to be second
    """How long an ingest takes."""
    begin = time.monotonic()
    finished(large, f"sqlite:///{tmp_path_factory.mktemp('timed')}/index.sqlite3")
    return time.monotonic() - begin


def killed(process: "subprocess.Popen[str]", after: float) -> bool:
    """Kill it after so many seconds, unless it ends before that; whatever it had started ends, too."""
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=after)
        assert process.returncode == 0
        return False
    begun = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(begun, timeout=10)
    assert not alive
    return True


def readers_of(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """What reads for it, as soon as that is there."""
    while not (begun := psutil.Process(process.pid).children(recursive=True)):
        time.sleep(0.005)
    return begun


def fresh(folder: Path) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"sqlite:///{folder}/{number}.sqlite3"


def test_killed_at_any_moment_it_ends_with_the_same_index_row_by_row(
    large: Path, tmp_path: Path, undisturbed: Rows, seconds: float
) -> None:
    chance, stores, kills = random.Random(KILLS), fresh(tmp_path), 0
    while kills < KILLS:
        store = next(stores)
        while kills < KILLS and killed(start(large, store), chance.uniform(0, seconds)):
            kills += 1
        finished(large, store)
        assert rows(store) == undisturbed


def test_killed_on_postgresql_it_ends_with_the_same_index(
    large: Path, postgresql_url: str, undisturbed: Rows, seconds: float
) -> None:
    chance = random.Random(1)
    for _ in range(max(2, KILLS // 10)):
        killed(start(large, postgresql_url), chance.uniform(0.2, 0.9) * seconds)
    finished(large, postgresql_url)
    found = rows(postgresql_url)
    assert {name: found[name] for name in undisturbed if not name.endswith("_index")} == {
        name: lines for name, lines in undisturbed.items() if not name.endswith("_index")
    }


def test_one_worker_makes_the_same_index_as_two(large: Path, tmp_path: Path, undisturbed: Rows) -> None:
    store = f"sqlite:///{tmp_path}/index.sqlite3"
    finished(large, store, "--jobs", "1")
    assert rows(store) == undisturbed


def test_at_ctrl_c_it_ends_without_a_word_and_goes_on_the_next_time(
    large: Path, tmp_path: Path, undisturbed: Rows, seconds: float
) -> None:
    store = f"sqlite:///{tmp_path}/index.sqlite3"
    for part in (0, 0.2, 0.4):
        process = start(large, store, env=None)  # it tells which lines it came through
        begun = readers_of(process)
        time.sleep(part * seconds)
        assert process.poll() is None, "it was faster than expected"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, complaint = process.communicate(timeout=10)
        assert process.returncode in (130, -signal.SIGINT)  # a shell shows both as 130
        assert (said, complaint) == ("", "")
        assert not psutil.wait_procs(begun, timeout=10)[1]
    finished(large, store)
    assert rows(store) == undisturbed


def test_a_full_disk_is_said_in_one_line_and_nothing_is_lost(large: Path, tmp_path: Path, undisturbed: Rows) -> None:
    store = f"sqlite:///{tmp_path}/index.sqlite3"
    process = start(large, store, env=None, preexec_fn=limited(FULL))
    said, complaint = process.communicate(timeout=60)
    assert (process.returncode, said) == (2, "")
    assert re.fullmatch(r"chatbot: [^:]+: .*(full|I/O error|too large).*; .+\n", complaint), complaint
    finished(large, store)
    assert rows(store) == undisturbed


def limited(size: int) -> Callable[[], None]:
    """No file may grow beyond this, as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
