"""public-inbox v2 archives: a folder of bare git repositories (`git/0.git`, `git/1.git` …), one commit a mail.

Law of the file: git runs in empty repositories of our own that borrow the archive's objects, and the refs are read by
us; nothing is ever written into an archive.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Self

from chatbot.errors import Unreadable
from chatbot.sources.chunk import Chunk
from chatbot.sources.epoch import Epoch
from chatbot.sources.layout import epoch_folders, lay_out
from chatbot.sources.repository import unreadable, write_objects
from chatbot.sources.source import Commit, Mark, RawMail, Span
from chatbot.sources.spool import Spool


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
        """Read the refs again, and find new epochs. Raises Unreadable where none has a tip."""
        try:
            folders = epoch_folders(self.folder)
        except OSError as error:
            raise unreadable(self.folder, error.strerror or str(error)) from error
        for gone in self.epochs.keys() - folders.keys():
            self.epochs.pop(gone).close()
        problems: list[Unreadable] = []
        for number, folder in folders.items():
            if number not in self.epochs:
                self.epochs[number] = Epoch(number, folder)
            try:
                self.epochs[number].refresh()
            except Unreadable as problem:  # half cloned, perhaps: it has no tip for now
                problems.append(problem)
        if not self.tips:
            if problems:
                raise problems[0]
            raise Unreadable(
                str(self.folder), "this archive holds no mail yet", "fetch it first, or name another folder"
            )

    @property
    def tips(self) -> Mark:
        """The newest commit of each epoch that has one, oldest epoch first."""
        return {number: epoch.tip for number, epoch in sorted(self.epochs.items()) if epoch.tip}

    def walk_ahead(self, told: Callable[[Iterator[Chunk]], None]) -> None:
        """Look through the first epoch's history beside whatever else is done, for who will ask for all of it; `told`
        is told of its chunks, in another thread.
        """
        self.epochs[min(self.tips)].walk_ahead(told)

    def after(self, epoch: int, known: Collection[str]) -> Spool:
        """The commits of an epoch that came after the newest known one. Raises Unreadable."""
        return self.epochs[epoch].after(known)

    def chunk(self, epoch: int, commits: tuple[str, ...]) -> Chunk:
        """These commits of an epoch. Raises Unreadable."""
        if epoch not in self.epochs:
            raise Unreadable(str(self.folder), f"epoch {epoch} is not there", "fetch it again")
        return self.epochs[epoch].chunk(commits)

    def everything(self) -> tuple[Span, ...]:
        """All commits there are, oldest epoch first."""
        return tuple(Span(epoch, None, tip) for epoch, tip in self.tips.items())

    def mails(self, spans: Iterable[Span]) -> Iterator[RawMail]:
        """The mails that these spans bring, oldest first; removals are passed by. Raises Unreadable."""
        for span in spans:
            if span.after != span.to:
                yield from (raw for raw in self.epochs[span.epoch].mails(span) if not raw.removed)

    def history(self) -> Iterator[Commit]:
        """All commits there are, newest first. Raises Unreadable."""
        for epoch in sorted(self.tips, reverse=True):
            yield from self.epochs[epoch].history()

    def mails_of(self, commits: Iterable[Commit]) -> Iterator[RawMail]:
        """The mails that these commits bring, in their order; removals are passed by. Raises Unreadable."""
        for epoch, some in groupby(commits, key=lambda one: one.epoch):
            yield from (raw for raw in self.epochs[epoch].mails_of(some) if not raw.removed)


def write_epoch(folder: Path, mails: Iterable[tuple[bytes, str, datetime]]) -> None:
    """Make a bare epoch of our own, in public-inbox's form, from mails, their authors and times; oldest first."""
    folder.mkdir(parents=True)
    lay_out(folder, None, {}, None)
    stream = bytearray()
    for number, (data, author, when) in enumerate(mails, 1):
        stamp = f"{int(when.timestamp())} +0000"
        stream += b"blob\nmark :%d\ndata %d\n%s\n" % (number, len(data), data)
        stream += f"commit refs/heads/master\nauthor {author} {stamp}\n".encode()
        stream += f"committer archive <archive@localhost> {stamp}\n".encode()
        stream += b"data 5\nmail\n\nM 100644 :%d m\n\n" % number
    write_objects(folder, bytes(stream))
