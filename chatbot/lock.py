"""One process at a time.

Law of the file: the lock is the kernel's and ends with its holder, whatever ends that; what stands in the file is
for people only. The file stays: whoever deletes a lock file takes another one's lock away.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chatbot.errors import Busy, Problem


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; `what` is the thing it guards, as a person calls it.

    Raises Busy where somebody holds it, in this process too, and Problem where there can be no such file. Programs
    started in the block do not hold it; a process forked without an exec does.
    """
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise _unlockable(path, what, error) from error
    try:
        _take(file, path, what)
        yield
    finally:
        os.close(file)


def _take(file: int, path: Path, what: str) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError as error:
        raise Busy(what, f"{_holder(file)} is using it", "end that process, or wait until it has finished") from error
    except OSError as error:
        raise _unlockable(path, what, error) from error


def _holder(file: int) -> str:
    """Who says to hold it; nobody does for the instant between the lock and the writing."""
    pid = os.pread(file, 20, 0).strip()
    return f"process {int(pid)}" if pid.isdigit() else "another process"


def _unlockable(path: Path, what: str, error: OSError) -> Problem:
    reason = f"its lock {path} cannot be taken ({error.strerror or error})"
    return Problem(what, reason, "name a place that this user can write to, on a disk that knows locks")
