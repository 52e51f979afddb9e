"""Ranges of an archive as people write them: `A..B` in git's meaning, `0:A..1:B` over several epochs."""

import re

from chatbot.errors import Misunderstood
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.source import Span

_ID = re.compile(r"[0-9a-f]{7,64}(?![0-9a-z])")
_END = re.compile(r"(?:(\d{1,6}):)?(.+)")


def spans(archive: PublicInbox, text: str) -> tuple[Span, ...]:
    """The commits that a range names, oldest epoch first. Raises Misunderstood, Unreadable.

    `A..` ends at the newest mail. A name without an epoch is of the newest epoch; an id is looked for in all.
    """
    first, dots, last = text.partition("..")
    if not first or not dots or last.startswith("."):
        raise Misunderstood(repr(text), "this is no range of commits", "write A..B, or 0:A..1:B over several epochs")
    begin_epoch, begin = _resolve(archive, first)
    end_epoch, end = _resolve(archive, last or "HEAD")
    if (begin_epoch, begin) == (end_epoch, end):
        raise Misunderstood(repr(text), "this range is empty, both ends are one commit", "name an older beginning")
    if end_epoch < begin_epoch or (end_epoch == begin_epoch and archive.epochs[end_epoch].is_ancestor(end, begin)):
        raise Misunderstood(
            repr(text), "this range runs backwards, its end is the older commit", f"write {last}..{first}"
        )
    return tuple(
        Span(epoch, begin if epoch == begin_epoch else None, end if epoch == end_epoch else tip)
        for epoch, tip in archive.tips.items()
        if begin_epoch <= epoch <= end_epoch
    )


def _resolve(archive: PublicInbox, end: str) -> tuple[int, str]:
    """Epoch and commit that one end of a range names."""
    match = _END.fullmatch(end)
    if match is None or not end.isprintable():
        raise Misunderstood(repr(end), "this is no revision", "name a commit as git log shows it")
    epochs = sorted(archive.tips, reverse=True)
    if match[1]:
        if int(match[1]) not in archive.tips:
            known = ", ".join(str(epoch) for epoch in sorted(archive.tips))
            raise Misunderstood(repr(end), f"the archive has no epoch {match[1]}", f"name one of {known}")
        epochs = [int(match[1])]
    having = {epoch: commit for epoch in epochs if (commit := archive.epochs[epoch].commit(match[2]))}
    for epoch, commit in having.items():
        # A name such as HEAD~3 is of the newest epoch alone; an id can be of one epoch only.
        if epoch == epochs[0] or _ID.match(end):
            return epoch, commit
    remedy = f"write {next(iter(having))}:{end}" if having else "name one that git log shows there"
    raise Misunderstood(repr(end), f"this is no commit of {archive.folder}", f"{remedy}, or use --since or --last")
