"""One epoch of an archive: its history walked, its mails read.

Law of the file: memory does not grow with the archive. A history is walked in pages, newest first, spooled to disk,
and handed out in chunks, oldest first; a chunk is read in whatever process.
"""

import tempfile
from array import array
from collections.abc import Container, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Self

from chatbot.errors import Unreadable
from chatbot.sources.layout import OID, lay_out, read_refs
from chatbot.sources.repository import Inquiry, Repository, unreadable
from chatbot.sources.source import Commit, Place, RawMail, Span

# Commits that git is asked for at once: their mails are small beside memory.
CHUNK = 400
# Commits that one git walks: its memory grows with them. The first page is short, since most often little is new.
FIRST_PAGE, PAGE = 200, 5_000
LOST = "lost or damaged in the archive"

# A line for each commit. With _BLOBS, what it does to each file follows: to read a mail by its blob's id takes git a
# sixth less time than to look for it in the commit's tree.
_LOG = ("log", "--format=%H %ct %P%x00%an <%ae>", "--encoding=UTF-8", "--no-show-signature", "--no-color", "--stdin")
_BLOBS = ("--raw", "--no-abbrev", "--no-renames", "--root")
# In the place of a blob: only the tree tells it. So it is where a commit changes nothing.
_UNTOLD = b"-"
# Modes of what is a blob.
_FILES = frozenset({b"100644", b"100755", b"120000"})
# What a purge leaves: the blob without bytes, by either hash.
_EMPTY = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)


class Epoch:
    """One bare repository of an archive, read through an empty one of our own."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.tip: str | None = None
        self._folder = folder
        self._refs: dict[str, str] = {}
        self._own = tempfile.TemporaryDirectory(prefix="chatbot-git-")
        self._repository = Repository(Path(self._own.name), folder)

    def close(self) -> None:
        """Remove our own repository."""
        self._own.cleanup()

    def refresh(self) -> None:
        """Read the refs again. Raises Unreadable."""
        self.tip = None
        try:
            refs = read_refs(self._folder)
            head = (self._folder / "HEAD").read_text("utf-8", "replace").strip()
            target = refs.get(head.removeprefix("ref:").strip()) if head.startswith("ref:") else head
            self.tip = target if target and OID.fullmatch(target) else None
            if self.tip and refs != self._refs:
                lay_out(self._repository.own, self._folder / "objects", refs, self.tip)
                self._refs = refs
        except OSError as error:
            raise unreadable(self._folder, error.strerror or str(error)) from error

    def commit(self, revision: str) -> str | None:
        """The commit that a revision names, in any form git takes; None where it names none. Raises Unreadable."""
        # The second question is for `:/text`, which takes all that follows for the text.
        question = f"{revision}^{{commit}}\n{revision}\n"
        found = (line.split(" ") for line in self._repository.ask(("cat-file", "--batch-check"), question).splitlines())
        # What is not found is echoed, and a person may have written "commit" into it.
        return next((oid for oid, kind, *_ in found if kind == "commit" and OID.fullmatch(oid)), None)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` was built on `older`. Raises Unreadable."""
        question = f"{older}\n^{newer}\n"
        return not self._repository.ask(("rev-list", "--max-count=1", "--stdin"), question).strip()

    def mails(self, span: Span) -> Iterator[RawMail]:
        """What the commits of a span bring, oldest first. Raises Unreadable."""
        with Spool(self) as spool:
            if span.after is None:
                spool.fill(self._walk(span.to, PAGE))
            else:  # what git calls `after..to`
                spool.fill(self._log((), f"{span.to}\n^{span.after}\n"))
            for chunk in spool.chunks():
                yield from chunk.mails()

    def mails_of(self, commits: Iterable[Commit]) -> Iterator[RawMail]:
        """What these commits bring, in their order, streamed. Raises Unreadable."""
        with Reading(self._repository) as reading:
            yield from reading.mails(commits)

    def history(self) -> Iterator[Commit]:
        """All commits, newest first: a sixth of the time that their mails take. Raises Unreadable."""
        return (_commit(self.number, line) for line in self._walk(self.tip, PAGE))

    def after(self, known: Container[str]) -> "Spool":
        """The commits after the newest known one, spooled; the caller closes it. Raises Unreadable."""
        spool = Spool(self)
        try:
            spool.fill(self._walk(self.tip, FIRST_PAGE), known)
        except BaseException:
            spool.close()
            raise
        return spool

    def chunk(self, commits: tuple[str, ...]) -> "Chunk":
        """These commits, to be read. Raises Unreadable."""
        question = "".join(f"{commit}\n" for commit in commits)
        return self.chunk_of(self._log(("--no-walk=unsorted",), question))

    def chunk_of(self, lines: Iterable[bytes]) -> "Chunk":
        """The commits that these lines of the log tell of."""
        return Chunk(self._repository, self.number, tuple(lines))

    def _walk(self, tip: str | None, page: int) -> Iterator[bytes]:
        """The log from the tip down, newest first, page by page; `page` is the first one's length."""
        start = tip
        while start:
            parents: list[bytes] = []
            for line in self._log((f"--max-count={page}",), f"{start}\n"):
                _, commit, _, *parents = line.partition(b"\0")[0].split(b" ")
                if len(parents) > 1:  # pages of a tangled history would not meet
                    yield from self._log(("--topo-order",), f"{commit.decode('ascii')}\n")
                    return
                yield line
            page, start = PAGE, b"".join(parents).decode("ascii")

    def _log(self, which: tuple[str, ...], question: str) -> Iterator[bytes]:
        """A line for each commit that git is asked for: blob, id, time and parents, NUL, author. Raises Unreadable."""
        told = 0
        try:
            for line in self._lines((*_LOG, *_BLOBS, *which), question):
                yield line
                told += 1
        except Unreadable:  # a tree is lost, perhaps; without the blobs git needs none
            yield from islice(self._lines((*_LOG, *which), question), told, None)

    def _lines(self, arguments: tuple[str, ...], question: str) -> Iterator[bytes]:
        commit, blob = b"", _UNTOLD
        with self._repository.output(arguments, question.encode()) as output:
            for line in output:
                if line.startswith(b":"):
                    if line.endswith(b"\tm\n"):
                        _, mode, _, new, _ = line.split(b" ")
                        blob = new if mode in _FILES else _UNTOLD
                elif line != b"\n":
                    if commit:
                        yield blob + b" " + commit
                    commit, blob = line, _UNTOLD
        if commit:
            yield blob + b" " + commit


class Spool:
    """The log of some commits on disk. They go in newest first, and come out oldest first."""

    def __init__(self, epoch: Epoch) -> None:
        self.anchor: str | None = None
        self._epoch = epoch
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the spool
        self._count = self._end = 0
        self._begins = array("Q")  # of chunks, in the file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Let go of the disk."""
        self._file.close()

    def fill(self, log: Iterable[bytes], known: Container[str] = ()) -> None:
        """Take in commits up to the first that is known."""
        for line in log:
            name = line.split(b" ", 2)[1].decode("ascii")
            if name in known:
                self.anchor = name
                break
            if self._count % CHUNK == 0:
                self._begins.append(self._end)
            self._file.write(line)
            self._count, self._end = self._count + 1, self._end + len(line)

    def chunks(self) -> Iterator["Chunk"]:
        """All commits, oldest first."""
        end = self._end
        for begin in reversed(self._begins):
            self._file.seek(begin)
            lines = self._file.read(end - begin).split(b"\n")[:-1]
            yield self._epoch.chunk_of(reversed(lines))
            end = begin


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few commits of one epoch, as the log tells of them. It can be pickled, and read in any process."""

    repository: Repository
    epoch: int
    log: tuple[bytes, ...]

    @property
    def commits(self) -> tuple[str, ...]:
        """Their ids, in the order in which they are read."""
        return tuple(line.split(b" ", 2)[1].decode("ascii") for line in self.log)

    def reading(self, before: "Reading | None" = None) -> "Reading":
        """What reads its mails: the one from before, where it reads the same archive; else that one ends."""
        if before and before.repository == self.repository:
            return before
        if before:
            before.close()
        return Reading(self.repository)

    def mails(self, reading: "Reading | None" = None) -> Iterator[RawMail]:
        """What the commits bring, in their order: a mail, a removal, or nothing where the mail was purged. They are
        read by `reading`, or by what begins and ends with them.

        A mail whose object is lost or damaged comes as a defect, and the next ones follow. Raises Unreadable.
        """
        with nullcontext(reading) if reading else self.reading() as reads:
            yield from reads.mails(self._told())

    def places(self) -> Iterator[Place]:
        """Where their mails lie, without reading them; purged ones are left out. Raises Unreadable."""
        with Inquiry(self.repository) as inquiry:
            for commit in self._told():
                tree = {"m": commit.blob} if commit.blob else _tree(inquiry, commit.id)
                if tree is None:  # perhaps a mail is in it: nobody may say that it is gone
                    raise unreadable(self.repository.archive, f"the tree of commit {commit.id} is missing")
                name = next((name for name in ("m", "d") if name in tree), None)
                if name and tree[name] not in _EMPTY:
                    yield Place(commit.id, tree[name], removed=name == "d")

    def _told(self) -> Iterator[Commit]:
        return (_commit(self.epoch, line) for line in self.log)


class Reading:
    """The mails of one archive being read, by a git that stays from one chunk to the next. A context manager."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._mails, self._asides = Inquiry(repository), Inquiry(repository)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End git."""
        self._mails.close()
        self._asides.close()

    def mails(self, commits: Iterable[Commit]) -> Iterator[RawMail]:
        """What these commits bring, see Chunk. Raises Unreadable."""
        rest = iter(commits)
        while left := list(islice(rest, CHUNK)):
            while left:
                answered = 0
                try:
                    for raw in self._read(left):
                        answered += 1
                        if raw:
                            yield raw
                except EOFError:  # git dies on a damaged pack: go on behind it
                    yield self._lost(left[answered])
                    answered += 1
                left = left[answered:]

    def _read(self, commits: list[Commit]) -> Iterator[RawMail | None]:
        """The answer for each commit in turn; EOFError on the one that git dies on."""
        found = self._mails.read_all([commit.blob or f"{commit.id}:m" for commit in commits])
        for commit, mail in zip(commits, found, strict=True):
            if mail is None:
                yield self._without_mail(commit)
            else:
                yield RawMail(commit, mail.data, mail.id) if mail.data and mail.kind == "blob" else None

    def _lost(self, commit: Commit) -> RawMail:
        """A mail that git dies on. Raises Unreadable where the commit is not there either: then more is amiss."""
        question = ("cat-file", "--batch-check=%(objecttype)")
        if not self.repository.ask(question, f"{commit.id}\n").startswith("commit"):
            raise unreadable(self.repository.archive, f"commit {commit.id} is missing")
        return RawMail(commit, b"", commit.blob, defect=LOST)

    def _without_mail(self, commit: Commit) -> RawMail | None:
        """What a commit brings whose mail git does not find: a removal, a lost mail, or nothing. Raises Unreadable."""
        tree = _tree(self._asides, commit.id)
        if tree is None:
            return self._lost(commit)
        if "m" in tree:
            return RawMail(commit, b"", tree["m"], defect=LOST)
        if "d" in tree:
            gone = self._asides.read(tree["d"])
            data = gone.data if gone else b""
            return RawMail(commit, data, tree["d"], removed=True) if data or gone is None else None
        return None


def _tree(inquiry: Inquiry, commit: str) -> dict[str, str] | None:
    """Names and ids of what lies at the top of a commit's tree. Read by us, for git shows no id of a lost object.
    None where the tree is lost.
    """
    tree = inquiry.read(f"{commit}^{{tree}}")
    if tree is None:
        return None
    found: dict[str, str] = {}
    rest, width = tree.data, len(commit) // 2
    while rest:
        entry, _, rest = rest.partition(b"\0")
        found[entry.partition(b" ")[2].decode("utf-8", "replace")] = rest[:width].hex()
        rest = rest[width:]
    return found


def _commit(epoch: int, line: bytes) -> Commit:
    """Out of a line of the log."""
    told, _, author = line.rstrip(b"\n").partition(b"\0")
    blob, name, seconds, *parents = told.decode("ascii").split(" ")
    return Commit(
        epoch, name, _instant(seconds), author.decode("utf-8", "replace"), parents[0] or None, blob.strip("-")
    )


def _instant(seconds: str) -> datetime:
    """A commit's time; what no calendar holds becomes the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
