"""Story 1: source → mail → index."""

from collections.abc import Iterator
from itertools import islice

from chatbot.mail.mail import Mail
from chatbot.read import read
from chatbot.sources.source import Commit, Source
from chatbot.store.index import Added, Index

# Mails in one transaction: enough that its cost is small beside theirs, few enough that memory stays flat.
BATCH = 500


def ingest(source: Source, index: Index) -> Added:
    """Bring the index up to the source's tips. Stopped anywhere, it goes on from there. Raises Unreadable."""
    source.refresh()
    total = Added(0, 0, 0)
    mails = map(read, source.mails_after(index.mark(source.name)))
    for batch in _batches(mails):
        total = total.plus(index.add(source.name, batch))
    return total


def _batches(mails: Iterator[tuple[Commit, Mail]]) -> Iterator[list[tuple[Commit, Mail]]]:
    while batch := list(islice(mails, BATCH)):
        yield batch
