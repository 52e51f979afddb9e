"""Story 1: source → mail → index.

Law of the file: what is written is written with its mark, so that it can be stopped anywhere and goes on from there;
and only where the mark is still what it went on from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import chain, islice

from chatbot.errors import Busy, Shrunk, Unreadable
from chatbot.readers import Readers
from chatbot.sources.source import Chunk, Mark, Source, Stretch
from chatbot.store.index import Index
from chatbot.store.writer import Added

# Chunks in one transaction: with 400 mails each, enough that its cost is small beside theirs, and few enough that the
# last one, beside which nothing is read any more, is soon on the disk; others wait 0.2 s for it.
CHUNKS = 4
# Commits that one chunk of unknown mails has.
MANY = 400
# So many new mails change what the database should know of its tables.
LARGE = 10_000
# The part of a list that may go at once. Who takes mails out takes out a few; more than that is an accident.
SHRINK = 0.05
REMEDY = "look at it; if that is right, say: chatbot ingest {} --accept-shrink"

# Told how many mails more were read, and how many there are in all.
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest brought, and why some epochs were not read."""

    added: Added
    skipped: tuple[Unreadable, ...]


@dataclass(slots=True)
class _Ahead:
    """What there is to read: new commits by epoch. `rewritten`: what was read is not just continued: commits of it are
    not there any more, or an epoch goes on that was followed by another, which may have taken out mails of it.
    """

    stretches: dict[int, Stretch] = field(default_factory=dict)
    skipped: dict[int, Unreadable] = field(default_factory=dict)
    rewritten: bool = False


def ingest(
    source: Source,
    index: Index,
    readers: Readers,
    *,
    told: Told = lambda _, __: None,
    stopped: Callable[[], bool] = lambda: False,
    accept_shrink: bool = False,
) -> Ingested:
    """Bring the index up to the source's tips. `stopped` is asked after each transaction.

    Raises Unreadable; Busy where another process is at it; Shrunk where the archive has lost more than SHRINK, and
    nobody accepts it.
    """
    mark = index.mark(source.name)  # before the tips are looked at, or they may be behind what others have read
    source.refresh()
    tips = " ".join(f"{epoch}:{tip}" for epoch, tip in source.tips.items())
    held = index.held(source.name)
    if held and held[1] == tips and not accept_shrink:
        raise Shrunk(source.name, held[0], REMEDY.format(source.name))
    with ExitStack() as stack:
        ahead = _look_ahead(source, mark, stack)
        if ahead.rewritten:
            try:
                added = _reconcile(source, index, readers, ahead.skipped, mark, accept_shrink=accept_shrink)
            except Shrunk as problem:
                index.hold(source.name, problem.reason, tips)
                raise
        else:
            added = _append(source, index, readers, ahead, mark, told=told, stopped=stopped)
    if held:
        index.hold(source.name, None)
    if not stopped():
        added = added.plus(_try_again(source, index, readers))
    if added.kept >= LARGE:
        index.settle()
    if ahead.skipped and len(ahead.skipped) == len(source.epochs):
        raise next(iter(ahead.skipped.values()))
    return Ingested(added, tuple(ahead.skipped.values()))


def _look_ahead(source: Source, mark: Mark, stack: ExitStack) -> _Ahead:
    ahead = _Ahead(rewritten=bool(mark.keys() - set(source.epochs)))
    for epoch in sorted(source.epochs):
        reached, tip = mark.get(epoch), source.tips.get(epoch)
        if tip is None and reached:
            ahead.skipped[epoch] = Unreadable(
                f"{source.name}, epoch {epoch}", "it has been read, and now has no tip", "fetch it again"
            )
        if tip in (None, reached):
            continue
        try:
            stretch = stack.enter_context(source.after(epoch, (reached,) if reached else ()))
        except Unreadable as problem:  # half cloned, perhaps: it is read when it is whole
            ahead.skipped[epoch] = problem
            continue
        ahead.stretches[epoch] = stretch
        ahead.rewritten |= (bool(reached) and stretch.anchor is None) or any(later > epoch for later in mark)
    return ahead


def _append(
    source: Source,
    index: Index,
    readers: Readers,
    ahead: _Ahead,
    mark: Mark,
    *,
    told: Told,
    stopped: Callable[[], bool],
) -> Added:
    """Take in what came after the marks, epoch by epoch. Raises Busy where another process has moved one."""
    total = sum(map(len, ahead.stretches.values()))
    added = Added()
    for epoch, stretch in ahead.stretches.items():
        reached = mark.get(epoch)
        try:
            with closing(readers.read(stretch.chunks())) as batches:
                for first in batches:
                    with index.writer(source.name) as writer:
                        if writer.marks().get(epoch) != reached:
                            raise _busy(source)
                        for batch in chain((first,), islice(batches, CHUNKS - 1)):
                            added = added.plus(writer.add(batch))
                            writer.move_mark(batch)
                            reached = batch.reached
                            told(len(batch.entries), total)
                    if stopped():
                        return added
        except Unreadable as problem:
            ahead.skipped[epoch] = problem
    return added


def _reconcile(
    source: Source,
    index: Index,
    readers: Readers,
    skipped: Mapping[int, Unreadable],
    mark: Mark,
    *,
    accept_shrink: bool,
) -> Added:
    """Go through the whole list, for its history is another one. Raises Unreadable where a part of it that was read
    cannot be: nobody knows what that one takes out; Busy as above.
    """
    added = Added()
    for epoch in mark.keys() & skipped.keys():
        raise skipped[epoch]
    tips = {epoch: tip for epoch, tip in source.tips.items() if epoch not in skipped}
    with index.rewriting(source.name) as rewriting:
        if rewriting.marks() != mark:
            raise _busy(source)
        for epoch in tips:
            with source.after(epoch, ()) as history:
                rewriting.expect(epoch, (place for chunk in history.chunks() for place in chunk.places()))
        rewriting.match()
        for epoch in tips:
            for batch in readers.read(_chunks(source, epoch, rewriting.unknown(epoch))):
                added = added.plus(rewriting.add(batch))
        gone, had = rewriting.gone()
        if gone > had * SHRINK and not accept_shrink:
            reason = f"{gone:,} of its {had:,} mails are gone from the archive"
            raise Shrunk(source.name, reason, REMEDY.format(source.name))
        return added.plus(Added(removed=rewriting.finish(tips)))


def _try_again(source: Source, index: Index, readers: Readers) -> Added:
    """Read what could not be read before, or has to be read again. Whatever still cannot is tried the next time."""
    added = Added()
    for epoch, commits in index.unread(source.name).items():
        if epoch not in source.tips:
            continue
        try:
            chunks = list(_chunks(source, epoch, commits))
            for chunk, batch in zip(chunks, readers.read(chunks), strict=True):
                lost = {entry.commit for entry in batch.entries if entry.lost}
                if found := [commit for commit in chunk.commits if commit not in lost]:
                    with index.writer(source.name) as writer:
                        added = added.plus(writer.add(batch))
                        writer.have_read(epoch, found)
        except Unreadable:
            continue
    return Added(added.kept, added.kept)


def _busy(source: Source) -> Busy:
    return Busy(source.name, "another process is reading it", "nothing is lost; wait for it")


def _chunks(source: Source, epoch: int, commits: Iterable[str]) -> Iterator[Chunk]:
    rest = iter(commits)
    while some := tuple(islice(rest, MANY)):
        yield source.chunk(epoch, some)
