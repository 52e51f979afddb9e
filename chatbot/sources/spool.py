"""The log of a stretch of an epoch, spooled to disk: in newest first, as git walks it, and out oldest first."""

import tempfile
from array import array
from collections.abc import Callable, Container, Generator, Iterable, Iterator
from contextlib import closing, suppress
from itertools import takewhile
from threading import Thread
from typing import IO, Self

from chatbot.errors import Unreadable
from chatbot.sources.chunk import CHUNK, Chunk
from chatbot.sources.history import entries_of, name_of
from chatbot.sources.repository import Repository


class Spool:
    """The log of some commits on disk. They go in newest first, and come out oldest first."""

    def __init__(self, repository: Repository, epoch: int) -> None:
        self.anchor: str | None = None
        self._repository, self._epoch = repository, epoch
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
            if (name := name_of(said)) in known:
                self.anchor = name
                break
            if self._count % CHUNK == 0:
                self._begins.append(self._end)
            self._file.write(said + b"\n")
            self._count, self._end = self._count + 1, self._end + len(said) + 1

    def chunks(self) -> Iterator[Chunk]:
        """All commits, oldest first."""
        end = self._end
        for begin in reversed(self._begins):
            self._file.seek(begin)
            log = entries_of(self._file.read(end - begin - 1))
            yield Chunk(self._repository, self._epoch, tuple(reversed(log)))
            end = begin


class Ahead:
    """A spool that a thread fills with the log from a tip down."""

    def __init__(
        self,
        spool: Spool,
        tip: str | None,
        log: Generator[bytes, None, None],
        told: Callable[[Iterator[Chunk]], None],
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
