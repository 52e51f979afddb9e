"""The wiring of what brings mails in, once: archives are fetched, and read into the index. It imports inside its
functions, as app.py does.
"""

from __future__ import annotations

import gc
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from chatbot.app import say, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import timedelta

    from chatbot.chat.gauge import Tell
    from chatbot.errors import Problem
    from chatbot.ingest import Ingested
    from chatbot.readers import Readers
    from chatbot.sources.mirror import Progress
    from chatbot.sources.public_inbox import PublicInbox

# Before the name of a file, in a database's URL.
_FILE = "sqlite:///"


def ingest_archives(
    archives: Mapping[str, Path],
    store: str,
    *,
    jobs: int | None,
    accept_shrink: bool,
    done: Callable[[str, Ingested, timedelta], None],
    failed: Callable[[Problem], None],
) -> None:
    """Bring the index up to date with these archives, one after the other; `done` and `failed` are told of each.

    Raises BadConfig, and Busy where another process writes to the index.
    """
    gc.set_threshold(100_000)  # rows come and go and have no cycles, nor has what is imported
    from chatbot.readers import Readers, work_long

    work_long()
    with Readers(jobs) as readers:
        readers.start()  # they get ready while we do: the database's library takes a quarter of a second
        with _walked_ahead(archives, store, readers) as opened:
            _ingest_archives(archives, opened, store, readers, accept_shrink=accept_shrink, done=done, failed=failed)


@contextmanager
def _walked_ahead(archives: Mapping[str, Path], store: str, readers: Readers) -> Iterator[dict[str, PublicInbox]]:
    """The first archive by its name, its history being walked in the meantime and its first mails read; none where the
    database is there, for then most often little is new.
    """
    from chatbot.errors import Unreadable
    from chatbot.sources.public_inbox import PublicInbox

    opened: dict[str, PublicInbox] = {}
    with ExitStack() as stack:
        if store.startswith(_FILE) and not Path(store.removeprefix(_FILE)).exists():
            for name, folder in islice(archives.items(), 1):
                with suppress(Unreadable):  # it says so when its turn comes
                    opened[name] = stack.enter_context(PublicInbox(name, folder))
                    opened[name].walk_ahead(readers.ask_early)
        yield opened


def _ingest_archives(
    archives: Mapping[str, Path],
    opened: Mapping[str, PublicInbox],
    store: str,
    readers: Readers,
    *,
    accept_shrink: bool,
    done: Callable[[str, Ingested, timedelta], None],
    failed: Callable[[Problem], None],
) -> None:
    from chatbot.chat.gauge import gauge
    from chatbot.errors import Problem
    from chatbot.ingest import ingest
    from chatbot.sources.public_inbox import PublicInbox
    from chatbot.store.database import writable_database
    from chatbot.store.index import Index

    with writable_database(store, say) as engine, gauge() as tell:
        index = Index(engine)
        for name, folder in archives.items():
            start, read = utc_now(), 0

            def told(more: int, total: int, name: str = name) -> None:
                nonlocal read
                read += more
                tell(name, read, total, "")

            try:
                with opened.get(name) or PublicInbox(name, folder) as archive:
                    came = ingest(archive, index, readers, told=told, accept_shrink=accept_shrink)
            except Problem as problem:
                failed(problem)
            else:
                done(name, came, utc_now() - start)


def mirror_archives(
    origins: Mapping[str, tuple[str, Path]],
    done: Callable[[str, Mapping[int, str]], None],
    failed: Callable[[Problem], None],
) -> None:
    """Fetch these lists' epochs, each from a URL into a folder; `done` and `failed` are told of each."""
    from chatbot.chat.gauge import gauge
    from chatbot.errors import Problem
    from chatbot.sources.mirror import mirror

    with gauge() as tell:
        for name, (url, folder) in origins.items():
            try:
                mirrored = mirror(url, folder, partial(_tell_step, tell, name))
            except Problem as problem:
                failed(problem)
            else:
                done(name, mirrored.epochs)


def _tell_step(tell: Tell, name: str, step: Progress) -> None:
    tell(f"{name}, epoch {step.epoch}", step.percent, 100, f"{step.phase}: {step.percent} %")
