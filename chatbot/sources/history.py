"""The log of an epoch: what git says of its commits.

Law of the file: memory does not grow with the archive. A history is walked in pages, newest first.
"""

import re
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from itertools import islice

from chatbot.errors import Unreadable
from chatbot.sources.git import BUFFER
from chatbot.sources.repository import Repository
from chatbot.sources.source import Commit

# Commits that one git walks: its memory grows with them. The first page is short, since most often little is new, or
# wanted: git does not know when we stop. Each next one has so many times as many.
FIRST_PAGE, GROWTH, PAGE = 200, 20, 20_000

# A line for each commit. With _BLOBS, one for each file that it changes follows: to read a mail by its blob's id takes
# git a sixth less time than to look for it in the commit's tree.
_LOG = ("log", "--format=%H %ct %P%x00%an <%ae>", "--encoding=UTF-8", "--no-show-signature", "--no-color", "--stdin")
_BLOBS = ("--raw", "--no-abbrev", "--no-renames", "--root")
# Bytes of such lines that are kept of one commit: a mail's has one.
_FILES = 65_536
# Between two commits of the log: a line about a file begins with a colon.
_BETWEEN = re.compile(rb"\n(?=[0-9a-f])")
# The blob of a commit's mail; only the tree tells it where a commit does not change it.
_MAIL = re.compile(rb"^:\d{6} (?:100644|100755|120000) [0-9a-f]+ ([0-9a-f]+) [A-Z]\d*\tm$", re.MULTILINE)


def walk(repository: Repository, tip: str | None, page: int) -> Generator[bytes, None, None]:
    """The log from the tip down, newest first, page by page; `page` is the first one's length."""
    start = tip
    while start:
        parents: list[bytes] = []
        for said in read_log(repository, (f"--max-count={page}",), f"{start}\n"):
            _, _, *parents = said.partition(b"\0")[0].split(b" ")
            if len(parents) > 1:  # pages of a tangled history would not meet
                yield from read_log(repository, ("--topo-order",), f"{name_of(said)}\n")
                return
            yield said
        page, start = min(page * GROWTH, PAGE), b"".join(parents).decode("ascii")


def read_log(repository: Repository, which: tuple[str, ...], question: str) -> Iterator[bytes]:
    """What git says of each commit that it is asked for: id, time and parents, NUL, author; then, where it can, the
    files, each in a line. Raises Unreadable.
    """
    told = 0
    try:
        for said in _commits(repository, (*_LOG, *_BLOBS, *which), question):
            yield said
            told += 1
    except Unreadable:  # a tree is lost, perhaps; without the blobs git needs none
        yield from islice(_commits(repository, (*_LOG, *which), question), told, None)


def entries_of(log: bytes) -> list[bytes]:
    """What is said of each of several commits."""
    return _BETWEEN.split(log)


def name_of(said: bytes) -> str:
    """The id of a commit of the log."""
    return said.partition(b" ")[0].decode("ascii")


def commit_of(epoch: int, said: bytes) -> Commit:
    """Out of what the log says of it."""
    line, _, files = said.partition(b"\n")
    ids, _, author = line.partition(b"\0")
    name, seconds, *parents = ids.decode("ascii").split(" ")
    mail = _MAIL.search(files)
    return Commit(
        epoch,
        name,
        _instant(seconds),
        author.decode("utf-8", "replace"),
        parents[0] or None,
        mail[1].decode("ascii") if mail else "",
    )


def _commits(repository: Repository, arguments: tuple[str, ...], question: str) -> Iterator[bytes]:
    rest = b""
    with repository.output(arguments, question.encode()) as output:
        while data := output.read1(BUFFER):  # what there is: who wants the newest does not wait for more
            *whole, rest = entries_of(rest + data)
            yield from whole
            line, _, files = rest.partition(b"\n")
            if len(files) > _FILES:  # memory does not grow with them; if the mail was among them, its tree tells
                rest = line + b"\n" + files.rpartition(b"\n")[2]
    if rest:
        yield rest.removesuffix(b"\n")


def _instant(seconds: str) -> datetime:
    """A commit's time; what no calendar holds becomes the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
