"""public-inbox v2 archives: a folder of bare git repositories (`git/0.git`, `git/1.git` …), one commit a mail.

Law of the file: git runs in an empty repository of our own that borrows the archive's objects, and the refs are
read by us.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Self

from chatbot.errors import Unreadable
from chatbot.sources import git
from chatbot.sources.layout import OID, epoch_folders, lay_out, read_refs
from chatbot.sources.source import Commit, Mark, RawMail, Span

# A mail is read this far: lists refuse larger ones, and what matters stands at the top.
MAIL_LIMIT = 1024 * 1024
_OBJECTS = frozenset({b"blob", b"tree", b"commit", b"tag"})  # what cat-file calls what it found


class PublicInbox:
    """One list's archive: a v2 folder, or a single bare epoch. A context manager; reads only."""

    def __init__(self, name: str, folder: Path) -> None:
        """Find the epochs and their tips. Raises Unreadable."""
        self.name = name
        self.folder = folder
        self.epochs: dict[int, Epoch] = {}
        try:
            self.refresh()
        except Unreadable:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove our own repositories."""
        for epoch in self.epochs.values():
            epoch.close()

    def refresh(self) -> None:
        """Read the refs again, and find new epochs. Raises Unreadable."""
        try:
            folders = epoch_folders(self.folder)
        except OSError as error:
            raise _unreadable(self.folder, error.strerror or str(error)) from error
        for gone in self.epochs.keys() - folders.keys():
            self.epochs.pop(gone).close()
        for number, folder in folders.items():
            if number not in self.epochs:
                self.epochs[number] = Epoch(folder)
            self.epochs[number].refresh()
        if not self.tips:
            raise Unreadable(
                str(self.folder), "this archive holds no mail yet", "fetch it first, or name another folder"
            )

    @property
    def tips(self) -> Mark:
        """The newest commit of each epoch that has one, oldest epoch first."""
        return {number: epoch.tip for number, epoch in sorted(self.epochs.items()) if epoch.tip}

    def everything(self) -> tuple[Span, ...]:
        """All commits there are, oldest epoch first."""
        return tuple(Span(epoch, None, tip) for epoch, tip in self.tips.items())

    def mails_after(self, mark: Mark) -> Iterator[RawMail]:
        """What came after the mark, oldest first. Raises Unreadable.

        An epoch that has not got the mark's commit was written anew: it is read from its beginning.
        """
        for number, tip in self.tips.items():
            after = mark.get(number)
            if after and after != tip and not self.epochs[number].commit(after):
                after = None
            yield from self.mails((Span(number, after, tip),))

    def mails(self, spans: Iterable[Span], *, newest_first: bool = False) -> Iterator[RawMail]:
        """The mails of these spans, oldest first unless told otherwise. Raises Unreadable."""
        for span in reversed(tuple(spans)) if newest_first else spans:
            if span.after != span.to:
                yield from self.epochs[span.epoch].mails(span, newest_first=newest_first)


class Epoch:
    """One bare repository of an archive, read through an empty one of our own."""

    def __init__(self, folder: Path) -> None:
        self.tip: str | None = None
        self._folder = folder
        self._refs: dict[str, str] = {}
        self._own = tempfile.TemporaryDirectory(prefix="chatbot-git-")

    def close(self) -> None:
        """Remove our own repository."""
        self._own.cleanup()

    def refresh(self) -> None:
        """Read the refs again. Raises Unreadable."""
        try:
            refs = read_refs(self._folder)
            head = (self._folder / "HEAD").read_text("utf-8", "replace").strip()
            target = refs.get(head.removeprefix("ref:").strip()) if head.startswith("ref:") else head
            self.tip = target if target and OID.fullmatch(target) else None
            if self.tip and refs != self._refs:
                lay_out(Path(self._own.name), self._folder / "objects", refs, self.tip)
                self._refs = refs
        except OSError as error:
            raise _unreadable(self._folder, error.strerror or str(error)) from error

    def commit(self, revision: str) -> str | None:
        """The commit that a revision names, in any form git takes; None where it names none. Raises Unreadable."""
        # The second question is for `:/text`, which takes all that follows for the text.
        answers = self._ask(("cat-file", "--batch-check"), f"{revision}^{{commit}}\n{revision}\n")
        found = (line.split(" ") for line in answers.splitlines())
        # What is not found is echoed, and a person may have written "commit" into it.
        return next((oid for oid, kind, *_ in found if kind == "commit" and OID.fullmatch(oid)), None)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` was built on `older`. Raises Unreadable."""
        return not self._ask(("rev-list", "--max-count=1", "--stdin"), f"{older}\n^{newer}\n").strip()

    def mails(self, span: Span, *, newest_first: bool) -> Iterator[RawMail]:
        """One RawMail per commit that has a mail, streamed: nothing is held but one mail. Raises Unreadable.

        A commit without a mail marks a removal, and an empty mail one that was purged: both are passed by. A mail
        whose object is lost or damaged comes as a defect, and the next ones follow.
        """
        beyond: Span | None = span
        while beyond:
            rest, beyond, reached = beyond, None, None
            try:
                for raw in self._stream(rest, newest_first=newest_first):
                    reached = raw.commit.id
                    yield raw
            except Unreadable:
                damage = self._damage(rest, reached, newest_first=newest_first)
                if damage is None:
                    raise
                lost, beyond = damage
                yield lost

    def _stream(self, span: Span, *, newest_first: bool) -> Iterator[RawMail]:
        order = () if newest_first else ("--reverse",)
        # cat-file hands through what follows the name of the blob: commit, time, author.
        walk = ("rev-list", *order, "--no-commit-header", "--format=%H:m %H %ct %an <%ae>", "--stdin")
        read = ("cat-file", "--buffer", "--batch=%(objecttype) %(objectsize) %(rest)")
        with self._pipe(walk, read, _ends(span)) as output:
            while line := output.readline():
                kind, _, rest = line.partition(b" ")
                if kind in _OBJECTS:
                    size, commit, when, author = rest.decode("utf-8", "replace").rstrip("\n").split(" ", 3)
                    data = _read_object(output, int(size))
                    if len(data) < min(int(size), MAIL_LIMIT):
                        break  # git has died, and _pipe says why
                    if data and kind == b"blob":
                        yield RawMail(Commit(span.epoch, commit, _instant(when), author), data)
                elif self._names_mail(commit := kind.partition(b":")[0].decode("ascii", "replace")):
                    yield self._lost(span.epoch, commit)

    def _damage(self, span: Span, reached: str | None, *, newest_first: bool) -> tuple[RawMail, Span | None] | None:
        """The first mail after `reached` that git dies on, and the commits beyond it; None if there is no such mail."""
        order = () if newest_first else ("--reverse",)
        commits = self._ask(("rev-list", *order, "--stdin"), _ends(span)).split()
        ahead = commits[commits.index(reached) + 1 :] if reached else commits
        for commit, following in zip(ahead, [*ahead[1:], None], strict=True):
            try:
                self._ask(("cat-file", "--batch"), f"{commit}:m\n")
            except Unreadable:
                beyond = replace(span, to=following or commit) if newest_first else replace(span, after=commit)
                return self._lost(span.epoch, commit), beyond if following else None
        return None

    def _names_mail(self, commit: str) -> bool:
        """Whether a commit's tree has a mail, be its object there or not."""
        return "m" in self._ask(("ls-tree", "--name-only", "--end-of-options", commit), "").splitlines()

    def _lost(self, epoch: int, commit: str) -> RawMail:
        """The mail that a commit had, and the archive has no more."""
        show = ("rev-list", "--max-count=1", "--no-commit-header", "--format=%ct %an <%ae>", "--stdin")
        when, _, author = self._ask(show, f"{commit}\n").strip().partition(" ")
        return RawMail(Commit(epoch, commit, _instant(when), author), b"", "lost or damaged in the archive")

    def _ask(self, arguments: tuple[str, ...], question: str) -> str:
        with git.start(Path(self._own.name), arguments, stdin=git.PIPE, stderr=git.PIPE) as process:
            answer, complaint = process.communicate(question.encode("utf-8", "replace"))
        if process.returncode:
            raise _unreadable(self._folder, git.last_line(complaint))
        return answer.decode("utf-8", "replace")

    @contextmanager
    def _pipe(self, walk: tuple[str, ...], read: tuple[str, ...], ends: str) -> Iterator[IO[bytes]]:
        """The output of `git walk | git read`; leaving early ends both, reading to the end checks both."""
        own = Path(self._own.name)
        with tempfile.TemporaryFile() as complaints, tempfile.TemporaryFile() as question:
            question.write(ends.encode())
            question.seek(0)
            walker = git.start(own, walk, stdin=question, stderr=complaints)
            reader = git.start(own, read, stdin=walker.stdout, stderr=complaints)
            if walker.stdout:
                walker.stdout.close()
            try:
                with reader:
                    if reader.stdout:
                        yield reader.stdout
                if reader.returncode or walker.wait():
                    complaints.seek(0)
                    raise _unreadable(self._folder, git.last_line(complaints.read(4096)))
            finally:
                for process in (reader, walker):
                    process.kill()
                    process.wait()


def write_epoch(folder: Path, mails: Iterable[tuple[bytes, str, datetime]]) -> None:
    """Make a bare epoch of our own, in public-inbox's form, from mails, their authors and times; oldest first.

    Git runs inside this one repository, for we have just made it.
    """
    folder.mkdir(parents=True)
    lay_out(folder, None, {}, None)
    stream = bytearray()
    for number, (data, author, when) in enumerate(mails, 1):
        stamp = f"{int(when.timestamp())} +0000"
        stream += b"blob\nmark :%d\ndata %d\n%s\n" % (number, len(data), data)
        stream += f"commit refs/heads/master\nauthor {author} {stamp}\n".encode()
        stream += f"committer archive <archive@localhost> {stamp}\n".encode()
        stream += b"data 5\nmail\n\nM 100644 :%d m\n\n" % number
    with git.start(folder, ("fast-import", "--quiet"), stdin=git.PIPE, stderr=git.PIPE) as process:
        _, complaint = process.communicate(bytes(stream))
    if process.returncode:
        raise _unreadable(folder, git.last_line(complaint))


def _ends(span: Span) -> str:
    """A span as rev-list reads it on its standard input."""
    return f"{span.to}\n" + (f"^{span.after}\n" if span.after else "")


def _read_object(output: IO[bytes], size: int) -> bytes:
    """The beginning of an object of this size in the output of cat-file; the rest of it is passed over."""
    data = output.read(min(size, MAIL_LIMIT))
    left = size - len(data) + 1  # the newline after the object
    while left > 0 and (skipped := output.read(min(left, MAIL_LIMIT))):
        left -= len(skipped)
    return data


def _instant(seconds: str) -> datetime:
    """A commit's time; what no calendar holds becomes the beginning of time."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _unreadable(folder: Path, reason: str) -> Unreadable:
    return Unreadable(
        str(folder), f"git cannot read this archive ({reason})", "check its rights, and run git fsck in it"
    )
