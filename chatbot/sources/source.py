"""The port to an archive: what every source of mails can do."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, Self

# How far an archive has been read: the commit reached in each epoch.
Mark = Mapping[int, str]


class Commit(NamedTuple):
    """One commit of an archive: `author` is its `%an <%ae>`, `time` the committer's, `parent` the commit before it,
    `blob` the id of its mail's bytes, where it is known.
    """

    epoch: int
    id: str
    time: datetime
    author: str
    parent: str | None = None
    blob: str = ""


class RawMail(NamedTuple):
    """A commit and the bytes of its mail, at most 1 MiB of them; `blob` is the id of these bytes.

    `removed` says that the commit takes this mail out of the archive, `defect` why there are no bytes.
    """

    commit: Commit
    data: bytes
    blob: str = ""
    removed: bool = False
    defect: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail lies: its commit and the id of its bytes; `removed` as in RawMail."""

    commit: str
    blob: str
    removed: bool


@dataclass(frozen=True, slots=True)
class Span:
    """The commits of one epoch after `after` (None: from its beginning) up to and with `to`."""

    epoch: int
    after: str | None
    to: str


class Chunk(Protocol):
    """A few commits of one epoch. It can be pickled, and read in any process."""

    @property
    def epoch(self) -> int:
        """Whose commits these are."""
        ...

    @property
    def commits(self) -> tuple[str, ...]:
        """Their ids, in the order in which they are read."""
        ...

    def reading(self, before: Any = None) -> Any:
        """What reads its mails; the one from before, where that can go on with them."""
        ...

    def mails(self, reading: Any = None) -> Iterator[RawMail]:
        """What the commits bring: one RawMail each, but none for a mail that was purged. Raises Unreadable."""
        ...

    def places(self) -> Iterator[Place]:
        """Where their mails lie, without reading them. Raises Unreadable."""
        ...


class Stretch(Protocol):
    """The commits of one epoch from a known one up to its tip. A context manager: it may hold a file."""

    @property
    def anchor(self) -> str | None:
        """The newest known commit below the tip; None where no commit down to the first is known."""
        ...

    def __len__(self) -> int: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def chunks(self) -> Iterator[Chunk]:
        """All commits, oldest first."""
        ...


class Source(Protocol):
    """An archive of one mailing list."""

    @property
    def name(self) -> str:
        """The list's short name."""
        ...

    @property
    def epochs(self) -> Collection[int]:
        """The epochs that are there, be they readable or not."""
        ...

    @property
    def tips(self) -> Mark:
        """The newest commit of each epoch that has one, oldest epoch first."""
        ...

    def refresh(self) -> None:
        """Look again for what is new. Raises Unreadable."""
        ...

    def after(self, epoch: int, known: Collection[str]) -> Stretch:
        """The commits of an epoch that came after the newest known one. Raises Unreadable."""
        ...

    def chunk(self, epoch: int, commits: tuple[str, ...]) -> Chunk:
        """These commits of an epoch. Raises Unreadable."""
        ...
