"""The port to an archive: what every source of mails can do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

# How far an archive has been read: the commit reached in each epoch.
Mark = Mapping[int, str]


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of an archive: `author` is its `%an <%ae>`, `time` the committer's."""

    epoch: int
    id: str
    time: datetime
    author: str


@dataclass(frozen=True, slots=True)
class RawMail:
    """A commit and the bytes of its mail, at most 1 MiB of them; `defect` says why there are none."""

    commit: Commit
    data: bytes
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The commits of one epoch after `after` (None: from its beginning) up to and with `to`."""

    epoch: int
    after: str | None
    to: str


class Source(Protocol):
    """An archive of one mailing list."""

    @property
    def name(self) -> str:
        """The list's short name."""
        ...

    def refresh(self) -> None:
        """Look again for what is new. Raises Unreadable."""
        ...

    def mails_after(self, mark: Mark) -> Iterator[RawMail]:
        """What came after the mark, oldest first. Raises Unreadable."""
        ...
