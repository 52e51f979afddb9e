"""Running git.

Law of the file: it is the only one that runs a program. Git never runs inside a foreign archive, whose config,
attributes and hooks may be hostile, but in a repository of our own; arguments are constants, commit ids and checked
addresses, and what a mail or a person says goes through standard input.
"""

import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO

from chatbot.errors import Unreadable

__all__ = ["DEVNULL", "PIPE", "Reply", "last_line", "start", "talk"]

# So much goes through a pipe at once.
BUFFER = 1024 * 1024
# A commit graph could lie about parents, so it is not believed. The windows keep git's memory map of the packs
# small: 58 MB instead of 460 MB at 1.02 times the time.
_SETTINGS = (
    *("-c", "core.commitGraph=false"),
    *("-c", "core.packedGitWindowSize=4m"),
    *("-c", "core.packedGitLimit=32m"),
    *("-c", "core.deltaBaseCacheLimit=16m"),
)
# What speaks to a source runs no hook, asks nobody for a password, and gives up on a line that is as good as dead.
# Each fetch keeps its pack: loose objects are the slowest thing to read, and packs can be counted and rolled up.
_TALKING = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "credential.helper="),
    *("-c", "http.followRedirects=initial"),
    *("-c", "http.lowSpeedLimit=1000"),
    *("-c", "http.lowSpeedTime=60"),
    *("-c", "fetch.unpackLimit=1"),
    *("-c", "submodule.recurse=false"),
    *("-c", "transfer.bundleURI=false"),
)
_WARY = {"GIT_ALLOW_PROTOCOL": "https:http:git:file", "GIT_ASKPASS": "", "HOME": os.devnull}
# How this machine gets out to the world is its owner's business.
_PASSED = (
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
)
# So many lines of a complaint are kept, and so many bytes of each.
_LINES, _LINE = 100, 1000

# So many seconds git gets to put its things away.
_FAREWELL = 5


def start(
    own: Path, arguments: tuple[str, ...], *, stdin: int | IO[bytes] | None, stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start git in a repository of our own, with a closed environment: no config of anybody's, no prompt, no fetch."""
    return _launch(own, (*_SETTINGS, *arguments), {}, stdin=stdin, stderr=stderr)


def _launch(
    own: Path,
    arguments: tuple[str, ...],
    more: Mapping[str, str],
    *,
    stdin: int | IO[bytes] | None,
    stderr: int | IO[bytes],
    start_new_session: bool = False,
) -> subprocess.Popen[bytes]:
    git = shutil.which("git")
    if git is None:
        raise Unreadable("git", "the program is not installed", "install git 2.34 or newer")
    return subprocess.Popen(
        (git, *arguments),
        stdin=stdin,
        stdout=PIPE,
        stderr=stderr,
        bufsize=BUFFER,
        pipesize=BUFFER,
        cwd=own,
        start_new_session=start_new_session,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_DIR": os.fspath(own),
            "GIT_FLUSH": "0",  # or rev-list hands over each commit by itself, which doubles the time of a walk
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            **more,
        },
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a talk with a source: git's output, and its reason where it was not `done`."""

    done: bool
    output: bytes
    reason: str


def talk(
    own: Path, arguments: tuple[str, ...], *, patience: float, heard: Callable[[str], None] = lambda _: None
) -> Reply:
    """Run git where it may speak to a source, to its end; each line it complains or boasts with goes to `heard`.

    It is ended with all it has started after `patience` seconds without a byte, and when `heard` raises, or a
    signal comes. Raises Unreadable if there is no git.
    """
    output, complaint = bytearray(), _Lines(heard)
    with _session(own, arguments) as process, selectors.DefaultSelector() as pipes:
        assert process.stdout  # noqa: S101 (for the type alone)
        assert process.stderr  # noqa: S101
        pipes.register(process.stdout, selectors.EVENT_READ, output.extend)
        pipes.register(process.stderr, selectors.EVENT_READ, complaint.extend)
        while pipes.get_map():
            ready = pipes.select(patience)
            if not ready:
                return Reply(done=False, output=b"", reason=f"nothing was heard for {patience:g} seconds")
            for pipe, _ in ready:
                if data := os.read(pipe.fd, BUFFER):
                    pipe.data(data)
                else:
                    pipes.unregister(pipe.fileobj)
        done = process.wait() == 0
    return Reply(done, bytes(output), "" if done else complaint.reason)


class _Lines:
    """What git says on its standard error, line by line; a progress line ends with a carriage return."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._rest = b""
        self._kept: list[str] = []

    def extend(self, data: bytes) -> None:
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + data)
        self._rest = self._rest[-_LINE:]
        for line in lines:
            text = line[:_LINE].decode("utf-8", "replace").strip()
            self._kept = [*self._kept[-_LINES:], text]
            self._heard(text)

    @property
    def reason(self) -> str:
        """The first thing that went wrong; what follows it is advice, or a consequence."""
        said = [line for line in (*self._kept, self._rest.decode("utf-8", "replace").strip()) if line]
        faults = [line for line in said if line.startswith(("fatal: ", "error: "))]
        return last_line("".join((faults or said[-1:])[:1]).encode())


@contextmanager
def _session(own: Path, arguments: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    """A git without a terminal, in a group of its own; whoever is left of the group is ended with the block."""
    passed = {name: os.environ[name] for name in _PASSED if name in os.environ}
    with (
        _ended_by_sigterm(),
        _launch(
            own,
            (*_SETTINGS, *_TALKING, *arguments),
            {**_WARY, **passed},
            stdin=DEVNULL,
            stderr=PIPE,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and its helpers: first so that it takes its lock files away, then for good."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # While it is not reaped, its number is nobody else's.
        if process.returncode is None:
            os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_FAREWELL)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM unwinds the block, unless somebody has other plans with it."""
    free = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if free:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        if free:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def last_line(complaint: bytes) -> str:
    """What git said last, which is the reason."""
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ") if lines else "git gave no reason"
