"""Story 1: source → mail → index."""

from collections.abc import Callable
from itertools import islice

from chatbot.read import read
from chatbot.sources.source import Source
from chatbot.store.index import Added, Index

# Mails in one transaction: enough that its cost is small beside theirs, few enough that memory stays flat.
BATCH = 500


def ingest(source: Source, index: Index, stopped: Callable[[], bool] = lambda: False) -> Added:
    """Bring the index up to the source's tips. Stopped anywhere, it goes on from there. Raises Unreadable.

    `stopped` is asked after each batch.
    """
    source.refresh()
    total = Added(0, 0, 0)
    mails = map(read, source.mails_after(index.mark(source.name)))
    while not stopped() and (batch := list(islice(mails, BATCH))):
        total = total.plus(index.add(source.name, batch))
    return total
