"""One epoch of an archive: a bare repository, its history, and chunks of its commits."""

import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path

from chatbot.sources.chunk import Chunk, Reading
from chatbot.sources.history import FIRST_PAGE, PAGE, commit_of, read_log, walk
from chatbot.sources.layout import OID, lay_out, read_refs
from chatbot.sources.repository import Repository, unreadable
from chatbot.sources.source import Commit, RawMail, Span
from chatbot.sources.spool import Ahead, Spool


class Epoch:
    """One bare repository of an archive, read through an empty one of our own."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.tip: str | None = None
        self._folder = folder
        self._refs: dict[str, str] = {}
        self._own = tempfile.TemporaryDirectory(prefix="chatbot-git-")
        self._repository = Repository(Path(self._own.name), folder)
        self._ahead: Ahead | None = None

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
        with self._spool() as spool:
            if span.after is None:
                spool.fill(walk(self._repository, span.to, PAGE))
            else:  # what git calls `after..to`
                spool.fill(read_log(self._repository, (), f"{span.to}\n^{span.after}\n"))
            for chunk in spool.chunks():
                yield from chunk.mails()

    def mails_of(self, commits: Iterable[Commit]) -> Iterator[RawMail]:
        """What these commits bring, in their order, streamed. Raises Unreadable."""
        with Reading(self._repository) as reading:
            yield from reading.mails(commits)

    def history(self) -> Iterator[Commit]:
        """All commits, newest first: a sixth of the time that their mails take. Raises Unreadable."""
        return (commit_of(self.number, said) for said in walk(self._repository, self.tip, FIRST_PAGE))

    def walk_ahead(self, told: Callable[[Iterator[Chunk]], None]) -> None:
        """Begin to spool all there is, beside whatever is done until somebody asks for it; `told` is then told of its
        chunks, in the thread that has done it.
        """
        self._ahead = Ahead(self._spool(), self.tip, walk(self._repository, self.tip, PAGE), told)

    def after(self, known: Collection[str]) -> Spool:
        """The commits after the newest known one, spooled; the caller closes it. Raises Unreadable."""
        ahead, self._ahead = self._ahead, None
        if ahead and not known and ahead.tip == self.tip and (all_there_is := ahead.result()):
            return all_there_is
        if ahead:
            ahead.stop()
        spool = self._spool()
        try:
            spool.fill(walk(self._repository, self.tip, FIRST_PAGE), known)
        except BaseException:
            spool.close()
            raise
        return spool

    def chunk(self, commits: tuple[str, ...]) -> Chunk:
        """These commits, to be read. Raises Unreadable."""
        question = "".join(f"{commit}\n" for commit in commits)
        log = read_log(self._repository, ("--no-walk=unsorted",), question)
        return Chunk(self._repository, self.number, tuple(log))

    def _spool(self) -> Spool:
        return Spool(self._repository, self.number)
