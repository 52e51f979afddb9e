"""What a process that reads mails hands to the one that writes them.

Law of the file: plain tuples of plain values, which marshal carries, and nothing that takes time to load: who has mails
read starts the readers before it has loaded anything.
"""

from typing import NamedTuple

MAIL_COLUMNS = (
    "key",
    "message_id",
    "blob",
    "subject",
    "lead",
    "speaks",
    "sender_id",
    "author_id",
    "received",
    "date",
    "reply_key",
    "in_reply_to",
    "references",
    "archived_as",
    "defects",
    "is_patch",
    "is_reply",
    "posting_key",
    "stated_files",
    "stated_insertions",
    "stated_deletions",
    "diff",
    "content",
    "change_id",
)


# What windows are counted by, see the table `seen`.
COUNTS = ("sender_id", "author_id", "is_counted", "reviews", "is_patch", "is_reply", "is_defective")
Counts = tuple[int, int, bool, str, bool, bool, bool]
# Of a mail that nothing is known of.
UNCOUNTED: Counts = (0, 0, False, "", False, False, False)


class Entry(NamedTuple):
    """One commit's mail: `row` has MAIL_COLUMNS; `directories` are ids; `given` are the kinds
    of tags that its sender gave to others; `lost` says that there is nothing to read.
    """

    epoch: int
    commit: str
    blob: str
    removed: bool
    lost: bool
    message_id: str
    key: int
    received: int
    sender_id: int
    author_id: int
    counted: bool
    patches: int
    replies: int
    given: tuple[str, ...]
    counts: Counts
    row: tuple[object, ...]
    tags: tuple[tuple[int, str, str], ...]
    directories: tuple[int, ...]
    title: str
    text: str


class Batch(NamedTuple):
    """The entries of a chunk of commits up to `reached`, and the persons and directories that they name."""

    epoch: int
    reached: str
    entries: list[Entry]
    persons: list[tuple[object, ...]]
    directories: list[tuple[int, str]]

    def pack(self) -> tuple[object, ...]:
        """The same as plain tuples."""
        return (*self[:2], [tuple(entry) for entry in self.entries], *self[3:])

    @classmethod
    def unpack(cls, packed: tuple[object, ...]) -> "Batch":
        """Out of what `pack` has made."""
        epoch, reached, entries, persons, directories = packed
        return cls(epoch, reached, [Entry._make(entry) for entry in entries], persons, directories)  # type: ignore[arg-type, attr-defined]
