"""Mails are read in processes of their own: on all cores, and out of harm's way. A mail that kills its reader, or holds
it up for longer than any mail may, is set aside at the second try, and the rest goes on.

A reader is asked by a pickled chunk of commits, and answers with marshalled rows, each after its length. Chunks go to
the readers in turn and come back in order, so that any number of readers gives the same. Whoever asks never waits for a
reader, which takes in questions while its answers wait to be fetched.
"""

import marshal
import os
import pickle
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import cycle, islice
from typing import Self

from chatbot.errors import Unreadable
from chatbot.pipe import receive, send, widen
from chatbot.sources.source import Chunk
from chatbot.store.batch import Batch

# Seconds of processor time for one mail: a bomb takes 0.3, and no mail of a list takes 0.1.
PATIENCE = 10.0
# Chunks that each reader is asked for before the first is fetched, so that none waits for the one that writes.
AHEAD = 4
TRIES = 2
# Characters of a commit's id, by which a reader tells where it is.
LONGEST_ID = 64


class Readers:
    """A number of readers, started when they are needed. A context manager."""

    def __init__(self, jobs: int | None = None, *, patience: float = PATIENCE) -> None:
        """So many processes, or as many as there are cores; `patience` is what one mail may take."""
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._patience = patience
        self._running: dict[int, _Reader] = {}
        self._deaths: Counter[str] = Counter()
        self._early: deque[Chunk] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start them all now, for who knows that all will be needed."""
        for turn in range(self._jobs):
            self._reader(turn)

    def ask_early(self, chunks: Iterable[Chunk]) -> None:
        """Have the first of these chunks read by readers that have been asked nothing yet, for who calls `read` with
        them next; where that is for others, the readers begin anew.
        """
        for turn, chunk in zip(self._turns(), islice(chunks, self._at_once), strict=False):
            self._reader(turn).ask(chunk)
            self._early.append(chunk)

    def close(self) -> None:
        """End them all."""
        self._early.clear()
        while self._running:
            self._running.popitem()[1].close()

    def read(self, chunks: Iterable[Chunk]) -> Generator[Batch, None, None]:
        """The rows of each chunk, in order. Raises Unreadable."""
        rest, turns = iter(chunks), self._turns()
        asked: deque[tuple[int, _Reader, Chunk]] = deque()
        try:
            while True:
                while len(asked) < self._at_once and (chunk := next(rest, None)):
                    turn = next(turns)
                    asked.append((turn, self._asked(turn, chunk), chunk))
                if not asked:
                    return
                turn, reader, chunk = asked.popleft()
                if self._running.get(turn) is not reader:  # it died on an earlier one
                    yield self._read_carefully(chunk)
                    continue
                try:
                    batch = reader.answer()
                except EOFError:
                    self._blame(reader)
                    self._running.pop(turn).close()
                    batch = self._read_carefully(chunk)
                yield batch
        finally:
            if asked or self._early:  # nobody wants their answers any more
                self.close()

    @property
    def _at_once(self) -> int:
        return AHEAD * self._jobs

    def _turns(self) -> Iterator[int]:
        return cycle(range(self._jobs))

    def _asked(self, turn: int, chunk: Chunk) -> "_Reader":
        """The reader that has been asked for a chunk: early, or now."""
        early = self._early.popleft() if self._early else None
        if early == chunk:
            return self._running[turn]
        if early:
            self.close()
        reader = self._reader(turn)
        reader.ask(chunk)
        return reader

    def _reader(self, turn: int) -> "_Reader":
        if turn not in self._running:
            self._running[turn] = _Reader(self._patience)
        return self._running[turn]

    def _read_carefully(self, chunk: Chunk) -> Batch:
        """Read a chunk that no answer came for, in a fresh process, until it passes."""
        while True:
            aside = frozenset(commit for commit in chunk.commits if self._deaths[commit] >= TRIES)
            reader = _Reader(self._patience)
            try:
                reader.ask(chunk, aside)
                return reader.answer()
            except EOFError:
                if not self._blame(reader):
                    raise Unreadable(
                        "the reader of mails", "its process ends before it has read one", "see what ends it"
                    ) from None
            finally:
                reader.close()

    def _blame(self, reader: "_Reader") -> bool:
        """Note which mail a reader died on, if it was one."""
        commit = reader.commit
        self._deaths[commit] += bool(commit)
        return bool(commit)


class _Reader:
    """One process."""

    def __init__(self, patience: float) -> None:
        self._whereabouts = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        where = self._whereabouts.fileno()
        os.truncate(where, LONGEST_ID)
        # The same modules as ours, wherever we were started.
        start = f"import sys; sys.path[:] = {sys.path!r}; from chatbot.reader import serve; serve({where}, {patience})"
        self._process = subprocess.Popen(
            (sys.executable, "-c", start),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(where,),
            process_group=0,  # a Ctrl-C is for who asks
        )
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                widen(pipe)

    @property
    def commit(self) -> str:
        """The commit whose mail it is reading; empty where it is reading none."""
        return os.pread(self._whereabouts.fileno(), LONGEST_ID, 0).decode("ascii").strip("\0 ")

    def ask(self, chunk: Chunk, aside: frozenset[str] = frozenset()) -> None:
        """Hand it a chunk to read, but for some mails."""
        request = pickle.dumps((chunk, aside))
        with suppress(BrokenPipeError):  # it is dead: that there is no answer says so, too
            if self._process.stdin:
                send(self._process.stdin, request)

    def answer(self) -> Batch:
        """The answer to the oldest question. EOFError where it has died. Raises Unreadable."""
        if self._process.stdout is None:
            raise EOFError
        packed = marshal.loads(receive(self._process.stdout))  # noqa: S302  # from our own process
        if isinstance(packed, list):
            raise Unreadable(*packed)
        return Batch.unpack(packed)

    def close(self) -> None:
        """End it."""
        with ExitStack() as stack:
            stack.callback(self._whereabouts.close)
            stack.enter_context(self._process)
            self._process.kill()
            if self._process.stdin:
                with suppress(BrokenPipeError):
                    self._process.stdin.close()


def work_long() -> None:
    """Have the system let this process, and all that it starts, work on when another wakes up: five that take turns on
    two cores find their caches empty each time (a tenth of an ingest).
    """
    with suppress(AttributeError, OSError):  # Linux alone has it, and may not let us
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
