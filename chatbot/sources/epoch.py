"""One epoch of an archive: its history walked, its mails read.

Law of the file: memory does not grow with the archive. A history is walked in pages, newest first, spooled to disk,
and handed out in chunks, oldest first; a chunk is read by a git of its own, in whatever process.
"""

import re
import tempfile
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Self

from chatbot.errors import Unreadable
from chatbot.sources.layout import OID, lay_out, read_refs
from chatbot.sources.repository import Inquiry, Object, Repository, unreadable
from chatbot.sources.source import Commit, Dated, Place, RawMail, Span

# Commits that one git reads: its start (3 ms) is small beside that, and the chunk beside memory.
CHUNK = 400
# Commits that one git walks: its memory grows with them. The first page is short, since most often little is new.
FIRST_PAGE, PAGE = 200, 20_000
_HEADER = re.compile(
    rb"tree [0-9a-f]+\n(?:parent ([0-9a-f]+)\n)?(?:parent [0-9a-f]+\n)*"
    rb"author ([^<\n]*)<([^>\n]*)>[^\n]*\ncommitter [^\n]*> (-?\d{1,15}) "
)
_CHECK = ("cat-file", "--buffer", "--batch-check=%(objectname) %(objecttype) %(objectsize)")


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
            spool.fill(self._all(span.to) if span.after is None else self._between(span.after, span.to))
            for chunk in spool.chunks():
                yield from chunk.mails()

    def mails_of(self, commits: Iterator[str]) -> Iterator[RawMail]:
        """What these commits bring, in their order, streamed. Raises Unreadable."""
        while chunk := tuple(islice(commits, CHUNK)):
            yield from self.chunk(chunk).mails()

    def history(self) -> Iterator[Dated]:
        """All commits, newest first: a tenth of the time that their mails take. Raises Unreadable."""
        for time, commit in self._walk(self.tip, PAGE) if self.tip else ():
            yield Dated(self.number, commit.decode("ascii"), int(time))

    def after(self, known: Container[str]) -> "Spool":
        """The commits after the newest known one, spooled; the caller closes it. Raises Unreadable."""
        spool = Spool(self)
        try:
            if self.tip:
                spool.fill(self._all(self.tip), known)
        except BaseException:
            spool.close()
            raise
        return spool

    def chunk(self, commits: tuple[str, ...]) -> "Chunk":
        """These commits, to be read."""
        return Chunk(self._repository, self.number, commits)

    def _all(self, tip: str) -> Iterator[bytes]:
        """The ids alone, of which few are needed most often."""
        return (commit for _, commit in self._walk(tip, FIRST_PAGE))

    def _walk(self, tip: str, page: int) -> Iterator[tuple[bytes, bytes]]:
        """The times and ids of the commits from the tip down, newest first; `page` is the first page's length."""
        start = tip.encode()
        while start:
            walk = ("rev-list", "--timestamp", "--parents", f"--max-count={page}", "--stdin")
            parents: list[bytes] = []
            merge = b""
            with self._repository.output(walk, start + b"\n") as output:
                for line in output:
                    time, commit, *parents = line.split()
                    if merge or len(parents) > 1:  # pages of a tangled history would not meet
                        merge = merge or commit
                    else:
                        yield time, commit
            if merge:
                yield from self._tangled(merge)
                return
            page, start = PAGE, b"".join(parents)

    def _tangled(self, tip: bytes) -> Iterator[tuple[bytes, bytes]]:
        with self._repository.output(("rev-list", "--timestamp", "--topo-order", "--stdin"), tip + b"\n") as output:
            for line in output:
                time, commit = line.split()
                yield time, commit

    def _between(self, after: str, to: str) -> Iterator[bytes]:
        """The ids of what git calls `after..to`, newest first."""
        with self._repository.output(("rev-list", "--stdin"), f"{to}\n^{after}\n".encode()) as output:
            yield from (line.rstrip() for line in output)


class Spool:
    """Commits of an epoch on disk. They go in newest first, and come out oldest first."""

    def __init__(self, epoch: Epoch) -> None:
        self.anchor: str | None = None
        self._epoch = epoch
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the spool
        self._count, self._width = 0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Let go of the disk."""
        self._file.close()

    def fill(self, walked: Iterable[bytes], known: Container[str] = ()) -> None:
        """Take in commits up to the first that is known."""
        for commit in walked:
            name = commit.decode("ascii")
            if name in known:
                self.anchor = name
                break
            self._file.write(commit + b"\n")
            self._count, self._width = self._count + 1, len(commit) + 1

    def chunks(self) -> Iterator["Chunk"]:
        """All commits, oldest first."""
        for end in range(self._count, 0, -CHUNK):
            begin = max(0, end - CHUNK)
            self._file.seek(begin * self._width)
            names = self._file.read((end - begin) * self._width).decode("ascii").split()
            yield self._epoch.chunk(tuple(reversed(names)))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few commits of one epoch. It can be pickled, and read in any process."""

    repository: Repository
    epoch: int
    commits: tuple[str, ...]

    def only(self, commits: tuple[str, ...]) -> "Chunk":
        """The same with these commits alone."""
        return replace(self, commits=commits)

    def mails(self) -> Iterator[RawMail]:
        """What the commits bring, in their order: a mail, a removal, or nothing where the mail was purged.

        A mail whose object is lost or damaged comes as a defect, and the next ones follow. Raises Unreadable.
        """
        left = self.commits
        with Inquiry(self.repository) as inquiry:
            while left:
                answered = 0
                try:
                    for raw in self._read(left, inquiry):
                        answered += 1
                        if raw:
                            yield raw
                except (Unreadable, EOFError):  # git dies on a damaged pack: go on behind it
                    yield self._lost(left[answered])
                    answered += 1
                left = left[answered:]

    def places(self) -> Iterator[Place]:
        """Where their mails lie, without reading them; purged ones are left out. Raises Unreadable."""
        question = "".join(f"{commit}:m\n" for commit in self.commits).encode()
        with self.repository.output(_CHECK, question) as output, Inquiry(self.repository) as inquiry:
            for commit, line in zip(self.commits, output, strict=True):
                oid, kind, size = (*line.split(), b"", b"")[:3]
                if kind == b"blob" and int(size):
                    yield Place(commit, oid.decode("ascii"), removed=False)
                elif kind != b"blob":
                    tree = _tree(inquiry, commit)
                    if tree is None:  # perhaps a mail is in it: nobody may say that it is gone
                        raise unreadable(self.repository.archive, f"the tree of commit {commit} is missing")
                    if name := next((name for name in ("m", "d") if name in tree), None):
                        yield Place(commit, tree[name], removed=name == "d")

    def _read(self, commits: tuple[str, ...], inquiry: Inquiry) -> Iterator[RawMail | None]:
        """The answer for each commit in turn; EOFError or Unreadable on the one that git dies on."""
        names = "".join(f"{commit}\n{commit}:m\n" for commit in commits).encode()
        with self.repository.objects(names) as objects:
            for commit in commits:
                header, mail = objects.read(), objects.read()
                if header is None:
                    raise unreadable(self.repository.archive, f"commit {commit} is missing")
                made = _commit(self.epoch, commit, header)
                if mail is None:
                    yield _without_mail(made, inquiry)
                else:
                    yield RawMail(made, mail.data, mail.id) if mail.data and mail.kind == "blob" else None

    def _lost(self, commit: str) -> RawMail:
        """A mail that git dies on. Raises Unreadable where it dies on the commit, too."""
        show = ("rev-list", "--max-count=1", "--no-commit-header", "--format=%ct%n%P%n%an <%ae>", "--stdin")
        when, parents, author = self.repository.ask(show, f"{commit}\n").split("\n")[:3]
        parent = next(iter(parents.split()), None)
        return RawMail(Commit(self.epoch, commit, _instant(when), author, parent), b"", defect=LOST)


LOST = "lost or damaged in the archive"


def _without_mail(commit: Commit, inquiry: Inquiry) -> RawMail | None:
    """What a commit brings whose mail git does not find: a removal, a lost mail, or nothing."""
    tree = _tree(inquiry, commit.id)
    if tree is None:
        return RawMail(commit, b"", defect=LOST)
    if "m" in tree:
        return RawMail(commit, b"", tree["m"], defect=LOST)
    if "d" in tree:
        gone = inquiry.read(tree["d"])
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


def _commit(epoch: int, name: str, header: Object) -> Commit:
    found = _HEADER.match(header.data)
    if found is None:
        return Commit(epoch, name, _instant("0"), "")
    parent, who, where, seconds = found.groups()
    author = f"{who.strip().decode('utf-8', 'replace')} <{where.strip().decode('utf-8', 'replace')}>"
    return Commit(epoch, name, _instant(seconds.decode("ascii")), author, parent.decode("ascii") if parent else None)


def _instant(seconds: str) -> datetime:
    """A commit's time; what no calendar holds becomes the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
