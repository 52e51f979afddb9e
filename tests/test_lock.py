import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chatbot.errors import Busy, Problem
from chatbot.lock import only_one

HOLD = """
import subprocess, sys
from pathlib import Path
from chatbot.lock import only_one
with only_one(Path(sys.argv[1]), "the thing"):
    child = subprocess.Popen(["sleep", "60"], close_fds=False)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold() -> Iterator[Callable[[Path], tuple[subprocess.Popen[str], int]]]:
    """Starts a process that holds a lock, and has a child: the process, and the child's pid."""
    started = []

    def start(path: Path) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        started.append((process, int(process.stdout.readline())))
        return started[-1]

    yield start
    for process, child in started:
        os.kill(child, signal.SIGKILL)
        process.kill()
        process.communicate()


def test_the_second_is_told_who_is_at_it_and_what_to_do(
    tmp_path: Path, hold: Callable[[Path], tuple[subprocess.Popen[str], int]]
) -> None:
    holder, _ = hold(tmp_path / "x.lock")
    with pytest.raises(Busy) as caught, only_one(tmp_path / "x.lock", "chatbot.sqlite3"):
        pytest.fail("two at a time")
    assert str(caught.value) == (
        f"chatbot.sqlite3: process {holder.pid} is using it; end that process, or wait until it has finished"
    )


def test_the_lock_ends_with_its_holder_though_that_was_killed_and_its_child_lives_on(
    tmp_path: Path, hold: Callable[[Path], tuple[subprocess.Popen[str], int]]
) -> None:
    holder, child = hold(tmp_path / "x.lock")
    holder.kill()
    holder.wait()
    os.kill(child, 0)
    with only_one(tmp_path / "x.lock", "it"):
        assert (tmp_path / "x.lock").read_text() == f"{os.getpid()}\n"


def test_it_can_be_taken_again_after_the_block_and_after_an_error_in_it(tmp_path: Path) -> None:
    def fail() -> None:
        with only_one(tmp_path / "x.lock", "it"):
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
    with only_one(tmp_path / "x.lock", "it"), pytest.raises(Busy, match=f"process {os.getpid()} "):
        fail()
    assert (tmp_path / "x.lock").exists()


@pytest.mark.parametrize("left", ["", "4711\n", "99999999999999999999999", "nonsense", "-1"])
def test_what_an_earlier_one_left_in_the_file_hinders_nobody(tmp_path: Path, left: str) -> None:
    (tmp_path / "x.lock").write_text(left)
    with only_one(tmp_path / "x.lock", "it"):
        assert (tmp_path / "x.lock").read_text() == f"{os.getpid()}\n"


def test_a_holder_that_has_not_written_its_number_yet_is_another_process(
    tmp_path: Path, hold: Callable[[Path], tuple[subprocess.Popen[str], int]]
) -> None:
    hold(tmp_path / "x.lock")
    (tmp_path / "x.lock").write_text("")
    with pytest.raises(Busy, match=r"^it: another process is using it"), only_one(tmp_path / "x.lock", "it"):
        pytest.fail("two at a time")


def test_where_no_lock_file_can_be_the_error_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    places = {
        tmp_path / "file" / "x.lock": "Not a directory",
        tmp_path / "nowhere" / "x.lock": "No such file",
        tmp_path / "link": "symbolic link",
        Path("/proc/x.lock"): "cannot be taken",
    }
    if os.geteuid():
        (tmp_path / "closed").mkdir(mode=0o500)
        places[tmp_path / "closed" / "x.lock"] = "Permission denied"
    for path, reason in places.items():
        with (
            pytest.raises(Problem, match=rf"^the thing: its lock .*{reason}.*; name a place"),
            only_one(path, "the thing"),
        ):
            pytest.fail("there is no such place")
