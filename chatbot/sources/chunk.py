"""A few commits of an epoch, and their mails, read in whatever process."""

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import Self

from chatbot.sources.history import commit_of, name_of
from chatbot.sources.packs import Packed, Packs
from chatbot.sources.repository import Inquiry, Object, Repository, unreadable
from chatbot.sources.source import Commit, Place, RawMail

# Commits that git is asked for at once: their mails are small beside memory.
CHUNK = 400
LOST = "lost or damaged in the archive"
# What a purge leaves: the blob without bytes, by either hash.
_EMPTY = frozenset(
    {
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    }
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A few commits of one epoch, as the log tells of them. It can be pickled, and read in any process."""

    repository: Repository
    epoch: int
    log: tuple[bytes, ...]

    @property
    def commits(self) -> tuple[str, ...]:
        """Their ids, in the order in which they are read."""
        return tuple(map(name_of, self.log))

    def reading(self, before: "Reading | None" = None) -> "Reading":
        """What reads its mails: the one from before, where it reads the same archive; else that one ends."""
        if before and before.repository == self.repository:
            return before
        if before:
            before.close()
        return Reading(self.repository)

    def mails(self, reading: "Reading | None" = None) -> Iterator[RawMail]:
        """What the commits bring, in their order: a mail, a removal, or nothing where the mail was purged. They are
        read by `reading`, or by what begins and ends with them.

        A mail whose object is lost or damaged comes as a defect, and the next ones follow. Raises Unreadable.
        """
        with nullcontext(reading) if reading else self.reading() as reads:
            yield from reads.mails(self._told())

    def places(self) -> Iterator[Place]:
        """Where their mails lie, without reading them; purged ones are left out. Raises Unreadable."""
        with Inquiry(self.repository) as inquiry:
            for commit in self._told():
                tree = {"m": commit.blob} if commit.blob else _tree(inquiry, commit.id)
                if tree is None:  # perhaps a mail is in it: nobody may say that it is gone
                    raise unreadable(self.repository.archive, f"the tree of commit {commit.id} is missing")
                name = next((name for name in ("m", "d") if name in tree), None)
                if name and tree[name] not in _EMPTY:
                    yield Place(commit.id, tree[name], removed=name == "d")

    def _told(self) -> Iterator[Commit]:
        return (commit_of(self.epoch, said) for said in self.log)


class Reading:
    """The mails of one archive being read: out of its packs, and where that cannot be, by a git that stays from one
    chunk to the next. A context manager.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._packs = Packs(repository.archive / "objects")
        # Many questions at once; and single ones, while answers to those are still to come.
        self._mails, self._asides = Inquiry(repository), Inquiry(repository)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the packs, and end git."""
        self._packs.close()
        self._mails.close()
        self._asides.close()

    def mails(self, commits: Iterable[Commit]) -> Iterator[RawMail]:
        """What these commits bring, see Chunk. Raises Unreadable."""
        rest = iter(commits)
        while left := list(islice(rest, CHUNK)):
            while left:
                answered = 0
                try:
                    for raw in self._read(left):
                        answered += 1
                        if raw:
                            yield raw
                except EOFError:  # git dies on a damaged pack: go on behind it
                    yield self._lost(left[answered])
                    answered += 1
                left = left[answered:]

    def _read(self, commits: list[Commit]) -> Iterator[RawMail | None]:
        """The answer for each commit in turn; EOFError on the one that git dies on."""
        found = [(commit, self._packs.find(commit.blob)) for commit in commits]
        others = self._mails.read_all([commit.blob or f"{commit.id}:m" for commit, packed in found if not packed])
        for commit, packed in found:
            mail = self._unpacked(commit.blob, packed) if packed else next(others)
            if mail is None:
                yield self._without_mail(commit)
            else:
                yield RawMail(commit, mail.data, mail.id) if mail.data and mail.kind == "blob" else None

    def _unpacked(self, blob: str, packed: Packed) -> Object | None:
        data = packed.read()
        return next(self._asides.read_all([blob])) if data is None else Object(blob, "blob", data)

    def _lost(self, commit: Commit) -> RawMail:
        """A mail that git dies on. Raises Unreadable where the commit is not there either: then more is amiss."""
        question = ("cat-file", "--batch-check=%(objecttype)")
        if not self.repository.ask(question, f"{commit.id}\n").startswith("commit"):
            raise unreadable(self.repository.archive, f"commit {commit.id} is missing")
        return RawMail(commit, b"", commit.blob, defect=LOST)

    def _without_mail(self, commit: Commit) -> RawMail | None:
        """What a commit brings whose mail git does not find: a removal, a lost mail, or nothing. Raises Unreadable."""
        tree = _tree(self._asides, commit.id)
        if tree is None:
            return self._lost(commit)
        if "m" in tree:
            return RawMail(commit, b"", tree["m"], defect=LOST)
        if "d" in tree:
            gone = self._asides.read(tree["d"])
            data = gone.data if gone else b""
            return RawMail(commit, data, tree["d"], removed=True) if data or gone is None else None
        return None


def _tree(inquiry: Inquiry, commit: str) -> dict[str, str] | None:
    """Names and ids of what lies at the top of a commit's tree. Read by us, for git shows no id of a lost object.
    None where the tree is lost.
    """
    tree = inquiry.read(f"{commit}^{{tree}}")
    if tree is None:
        return None
    found: dict[str, str] = {}
    rest, width = tree.data, len(commit) // 2
    while rest:
        entry, _, rest = rest.partition(b"\0")
        found[entry.partition(b" ")[2].decode("utf-8", "replace")] = rest[:width].hex()
        rest = rest[width:]
    return found
