"""What one reader does, see readers.py: it is asked for the mails of chunks, and answers with their rows."""

import gc
import marshal
import mmap
import os
import pickle
import resource
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, Any

from chatbot.errors import Unreadable
from chatbot.mail.mail import Mail
from chatbot.pipe import receive, send, widen
from chatbot.read import read, set_aside
from chatbot.readers import LONGEST_ID, work_long
from chatbot.sources.source import RawMail
from chatbot.store.entry import batch_of

# Bytes of memory for one reader; above it a mail is a defect.
MEMORY = 1024**3
# Seconds for which packs and git stay open behind the last question: longer than any transaction, and a bot waits for
# hours.
LINGER = 1.0
# Who writes goes before who reads; else it would come to lag behind by all that is asked ahead, and at the end of an
# ingest do that alone, on one of several cores.
NICENESS = 5


def serve(whereabouts: int, patience: float) -> None:
    """What a reader does: answer until nobody asks any more."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.set_threshold(100_000)  # what is read is kept until it is sent, and has no cycles
    work_long()
    os.nice(NICENESS)
    source, target = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb")
    where = mmap.mmap(whereabouts, LONGEST_ID)  # written for each mail: a call of the system would take 8 µs
    os.dup2(2, 1)
    widen(target)
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
            send(target, marshal.dumps(answer))
    if reading:
        reading.close()


def _next(questions: SimpleQueue[bytes], reading: Any) -> bytes:
    """The next question; packs are closed, and git ends, where none comes for a while."""
    with suppress(Empty):
        return questions.get(timeout=LINGER)
    if reading:
        reading.close()
    return questions.get()


def _listen(source: IO[bytes], questions: SimpleQueue[bytes]) -> None:
    """Take in questions, and an empty one at their end."""
    with suppress(EOFError):
        while True:
            questions.put(receive(source))
    questions.put(b"")


def _watched(
    mails: Iterable[RawMail], aside: frozenset[str], where: mmap.mmap, patience: float
) -> Iterator[tuple[RawMail, Mail]]:
    """Each mail, read under a clock that ends the process: nothing else stops a pattern that has run away."""
    for raw in mails:
        if raw.commit.id in aside:
            yield raw, set_aside(raw)
            continue
        where[:] = f"{raw.commit.id:{LONGEST_ID}.{LONGEST_ID}}".encode()
        signal.setitimer(signal.ITIMER_PROF, patience)
        yield raw, read(raw)[1]
    signal.setitimer(signal.ITIMER_PROF, 0)
    where[:] = b" " * LONGEST_ID
