"""Mails are read in processes of their own: on all cores, and out of harm's way. A mail that kills its reader, or holds
it up for longer than any mail may, is set aside at the second try, and the rest goes on.

A reader is asked by a pickled chunk of commits, and answers with marshalled rows, each after its length. Chunks go to
the readers in turn and come back in order, so that any number of readers gives the same. Whoever asks never waits for a
reader, which takes in questions while its answers wait to be fetched.
"""

import marshal
import mmap
import os
import pickle
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import cycle
from queue import Empty, SimpleQueue
from typing import IO, Any, Self

from chatbot.errors import Unreadable
from chatbot.mail.mail import Mail
from chatbot.read import read, set_aside
from chatbot.sources.source import Chunk, RawMail
from chatbot.store.entry import Batch, batch_of

# Seconds of processor time for one mail: a bomb takes 0.3, and no mail of a list takes 0.1.
PATIENCE = 10.0
# Bytes of memory for one reader; above it a mail is a defect.
MEMORY = 1024**3
# Chunks that each reader is asked for before the first is fetched, so that none waits for the one that writes.
AHEAD = 4
TRIES = 2
# Seconds for which a reader's git outlasts the last question: longer than any transaction, and a bot waits for hours.
LINGER = 1.0
_LENGTH = struct.Struct("!Q")
_LONGEST_ID = 64
_PIPE = 1024 * 1024
_F_SETPIPE_SZ = 1031


class Readers:
    """A number of readers, started when they are needed. A context manager."""

    def __init__(self, jobs: int | None = None, *, patience: float = PATIENCE) -> None:
        """So many processes, or as many as there are cores; `patience` is what one mail may take."""
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._patience = patience
        self._running: dict[int, _Reader] = {}
        self._deaths: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start them all now, for who knows that all will be needed."""
        for turn in set(range(self._jobs)) - self._running.keys():
            self._running[turn] = _Reader(self._patience)

    def close(self) -> None:
        """End them all."""
        while self._running:
            self._running.popitem()[1].close()

    def read(self, chunks: Iterable[Chunk]) -> Generator[Batch, None, None]:
        """The rows of each chunk, in order. Raises Unreadable."""
        rest, turns = iter(chunks), cycle(range(self._jobs))
        asked: deque[tuple[int, _Reader, Chunk]] = deque()
        try:
            while True:
                while len(asked) < AHEAD * self._jobs and (chunk := next(rest, None)):
                    turn = next(turns)
                    reader = self._running[turn] = self._running.get(turn) or _Reader(self._patience)
                    reader.ask(chunk)
                    asked.append((turn, reader, chunk))
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
            if asked:  # nobody wants their answers any more
                self.close()

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
        os.truncate(where, _LONGEST_ID)
        # The same modules as ours, wherever we were started.
        start = f"import sys; sys.path[:] = {sys.path!r}; from chatbot.readers import serve; serve({where}, {patience})"
        self._process = subprocess.Popen(
            (sys.executable, "-c", start),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(where,),
            process_group=0,  # a Ctrl-C is for who asks
        )
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                _widen(pipe)

    @property
    def commit(self) -> str:
        """The commit whose mail it is reading; empty where it is reading none."""
        return os.pread(self._whereabouts.fileno(), _LONGEST_ID, 0).decode("ascii").strip("\0 ")

    def ask(self, chunk: Chunk, aside: frozenset[str] = frozenset()) -> None:
        """Hand it a chunk to read, but for some mails."""
        request = pickle.dumps((chunk, aside))
        with suppress(BrokenPipeError):  # it is dead: that there is no answer says so, too
            if self._process.stdin:
                self._process.stdin.write(_LENGTH.pack(len(request)) + request)
                self._process.stdin.flush()

    def answer(self) -> Batch:
        """The answer to the oldest question. EOFError where it has died. Raises Unreadable."""
        if self._process.stdout is None:
            raise EOFError
        packed = marshal.loads(_receive(self._process.stdout))  # noqa: S302  # from our own process
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


def serve(whereabouts: int, patience: float) -> None:
    """What a reader does: answer until nobody asks any more."""
    import gc  # noqa: PLC0415  # for readers alone
    import resource  # noqa: PLC0415

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.set_threshold(100_000)  # what is read is kept until it is sent, and has no cycles
    work_long()
    source, target = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    where = mmap.mmap(whereabouts, _LONGEST_ID)  # written for each mail: a call of the system would take 8 µs
    os.dup2(2, 1)
    _widen(target)
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(source, questions), daemon=True).start()
    reading: Any = None
    with suppress(BrokenPipeError):
        while question := _next(questions, reading):
            chunk, aside = pickle.loads(question)  # noqa: S301  # from our own process
            reading = chunk.reading(reading)
            try:
                mails = _watched(chunk.mails(reading), aside, where, patience)
                answer: Any = batch_of(chunk.epoch, chunk.commits[-1], mails).pack()
            except Unreadable as problem:
                answer = [problem.thing, problem.reason, problem.remedy]
            except Exception:  # noqa: BLE001  # whatever it is, it is the mail's: who asked finds out which
                os._exit(1)
            packed = marshal.dumps(answer)
            target.write(_LENGTH.pack(len(packed)) + packed)
            target.flush()
    if reading:
        reading.close()


def _next(questions: SimpleQueue[bytes], reading: Any) -> bytes:
    """The next question; git ends where none comes for a while."""
    with suppress(Empty):
        return questions.get(timeout=LINGER)
    if reading:
        reading.close()
    return questions.get()


def _listen(source: IO[bytes], questions: SimpleQueue[bytes]) -> None:
    """Take in questions, and an empty one at their end."""
    with suppress(EOFError):
        while True:
            questions.put(_receive(source))
    questions.put(b"")


def _watched(
    mails: Iterable[RawMail], aside: frozenset[str], where: mmap.mmap, patience: float
) -> Iterator[tuple[RawMail, Mail]]:
    """Each mail, read under a clock that ends the process: nothing else stops a pattern that has run away."""
    import signal  # noqa: PLC0415

    for raw in mails:
        if raw.commit.id in aside:
            yield raw, set_aside(raw)
            continue
        where[:] = f"{raw.commit.id:{_LONGEST_ID}.{_LONGEST_ID}}".encode()
        signal.setitimer(signal.ITIMER_PROF, patience)
        yield raw, read(raw)[1]
    signal.setitimer(signal.ITIMER_PROF, 0)
    where[:] = b" " * _LONGEST_ID


def _receive(pipe: IO[bytes]) -> bytes:
    """The next message. EOFError where there is none, or not all of it."""
    length = pipe.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise EOFError
    (size,) = _LENGTH.unpack(length)
    message = pipe.read(size)
    if len(message) < size:
        raise EOFError
    return message


def _widen(pipe: IO[bytes]) -> None:
    """Make a pipe hold a whole question or answer, so that nobody waits for whoever will fetch it."""
    import fcntl  # noqa: PLC0415

    with suppress(OSError):  # the system may grant less
        fcntl.fcntl(pipe.fileno(), _F_SETPIPE_SZ, _PIPE)
