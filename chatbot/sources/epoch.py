"""One epoch of an archive: its history walked, its mails read.

Law of the file: memory does not grow with the archive. A history is walked in pages, newest first, spooled to disk,
and handed out in chunks, oldest first; a chunk is read in whatever process.
"""

import re
import tempfile
from array import array
from collections.abc import Callable, Collection, Container, Generator, Iterable, Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice, takewhile
from pathlib import Path
from threading import Thread
from typing import IO, Self

from chatbot.errors import Unreadable
from chatbot.sources.git import BUFFER
from chatbot.sources.layout import OID, lay_out, read_refs
from chatbot.sources.repository import Inquiry, Repository, unreadable
from chatbot.sources.source import Commit, Place, RawMail, Span

# Commits that git is asked for at once: their mails are small beside memory.
CHUNK = 400
# Commits that one git walks: its memory grows with them. The first page is short, since most often little is new, or
# wanted: git does not know when we stop. Each next one has so many times as many.
FIRST_PAGE, GROWTH, PAGE = 200, 5, 5_000
LOST = "lost or damaged in the archive"

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
        self._ahead: _Ahead | None = None

    def close(self) -> None:
        """Remove our own repository."""
        if self._ahead:
            self._ahead.stop()
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
        return (_commit(self.number, said) for said in self._walk(self.tip, FIRST_PAGE))

    def walk_ahead(self, told: "Callable[[Iterator[Chunk]], None]") -> None:
        """Begin to spool all there is, beside whatever is done until somebody asks for it; `told` is then told of its
        chunks, in the thread that has done it.
        """
        self._ahead = _Ahead(Spool(self), self.tip, self._walk(self.tip, PAGE), told)

    def after(self, known: Collection[str]) -> "Spool":
        """The commits after the newest known one, spooled; the caller closes it. Raises Unreadable."""
        ahead, self._ahead = self._ahead, None
        if ahead and not known and ahead.tip == self.tip and (all_there_is := ahead.result()):
            return all_there_is
        if ahead:
            ahead.stop()
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

    def chunk_of(self, log: Iterable[bytes]) -> "Chunk":
        """The commits that the log tells of."""
        return Chunk(self._repository, self.number, tuple(log))

    def _walk(self, tip: str | None, page: int) -> Generator[bytes, None, None]:
        """The log from the tip down, newest first, page by page; `page` is the first one's length."""
        start = tip
        while start:
            parents: list[bytes] = []
            for said in self._log((f"--max-count={page}",), f"{start}\n"):
                _, _, *parents = said.partition(b"\0")[0].split(b" ")
                if len(parents) > 1:  # pages of a tangled history would not meet
                    yield from self._log(("--topo-order",), f"{_name(said)}\n")
                    return
                yield said
            page, start = min(page * GROWTH, PAGE), b"".join(parents).decode("ascii")

    def _log(self, which: tuple[str, ...], question: str) -> Iterator[bytes]:
        """What git says of each commit that it is asked for: id, time and parents, NUL, author; then, where it can, the
        files, each in a line. Raises Unreadable.
        """
        told = 0
        try:
            for said in self._commits((*_LOG, *_BLOBS, *which), question):
                yield said
                told += 1
        except Unreadable:  # a tree is lost, perhaps; without the blobs git needs none
            yield from islice(self._commits((*_LOG, *which), question), told, None)

    def _commits(self, arguments: tuple[str, ...], question: str) -> Iterator[bytes]:
        rest = b""
        with self._repository.output(arguments, question.encode()) as output:
            while data := output.read1(BUFFER):  # what there is: who wants the newest does not wait for more
                *whole, rest = _BETWEEN.split(rest + data)
                yield from whole
                line, _, files = rest.partition(b"\n")
                if len(files) > _FILES:  # memory does not grow with them; if the mail was among them, its tree tells
                    rest = line + b"\n" + files.rpartition(b"\n")[2]
        if rest:
            yield rest.removesuffix(b"\n")


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
        for said in log:
            if (name := _name(said)) in known:
                self.anchor = name
                break
            if self._count % CHUNK == 0:
                self._begins.append(self._end)
            self._file.write(said + b"\n")
            self._count, self._end = self._count + 1, self._end + len(said) + 1

    def chunks(self) -> Iterator["Chunk"]:
        """All commits, oldest first."""
        end = self._end
        for begin in reversed(self._begins):
            self._file.seek(begin)
            yield self._epoch.chunk_of(reversed(_BETWEEN.split(self._file.read(end - begin - 1))))
            end = begin


class _Ahead:
    """A spool that a thread fills with the log from a tip down."""

    def __init__(
        self,
        spool: Spool,
        tip: str | None,
        log: Generator[bytes, None, None],
        told: "Callable[[Iterator[Chunk]], None]",
    ) -> None:
        self.tip = tip
        self._spool, self._log, self._told = spool, log, told
        self._stopped = self._whole = False
        self._thread = Thread(target=self._fill)
        self._thread.start()

    def result(self) -> Spool | None:
        """The spool when it has all; None where git could not read it, and who tries once more is told why."""
        self._thread.join()
        return self._spool if self._whole else None

    def stop(self) -> None:
        """Let go of it."""
        self._stopped = True
        self._thread.join()
        self._spool.close()

    def _fill(self) -> None:
        with suppress(Unreadable, OSError), closing(self._log):
            self._spool.fill(takewhile(lambda _: not self._stopped, self._log))
            self._whole = not self._stopped
            if self._whole:
                self._told(self._spool.chunks())


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few commits of one epoch, as the log tells of them. It can be pickled, and read in any process."""

    repository: Repository
    epoch: int
    log: tuple[bytes, ...]

    @property
    def commits(self) -> tuple[str, ...]:
        """Their ids, in the order in which they are read."""
        return tuple(map(_name, self.log))

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
        return (_commit(self.epoch, said) for said in self.log)


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


def _name(said: bytes) -> str:
    """The id of a commit of the log."""
    return said.partition(b" ")[0].decode("ascii")


def _commit(epoch: int, said: bytes) -> Commit:
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


def _instant(seconds: str) -> datetime:
    """A commit's time; what no calendar holds becomes the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
