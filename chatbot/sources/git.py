"""Running git.

Law of the file: it is the only one that runs a program. Git never runs inside an archive, whose config, attributes
and hooks may be hostile, but in a repository of our own; arguments are constants and commit ids, and what a mail or
a person says goes through standard input.
"""

import os
import shutil
import subprocess
from pathlib import Path
from subprocess import PIPE
from typing import IO

from chatbot.errors import Unreadable

__all__ = ["PIPE", "last_line", "start"]

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


def start(
    own: Path, arguments: tuple[str, ...], *, stdin: int | IO[bytes] | None, stderr: int | IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start git in a repository of our own, with a closed environment: no config of anybody's, no prompt, no fetch."""
    git = shutil.which("git")
    if git is None:
        raise Unreadable("git", "the program is not installed", "install git 2.34 or newer")
    return subprocess.Popen(
        (git, *_SETTINGS, *arguments),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=stderr,
        bufsize=BUFFER,
        cwd=own,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_DIR": os.fspath(own),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        },
    )


def last_line(complaint: bytes) -> str:
    """What git said last, which is the reason."""
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].removeprefix("fatal: ").removeprefix("error: ") if lines else "git gave no reason"
