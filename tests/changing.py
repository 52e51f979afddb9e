"""An archive that changes as public-inbox and its users change one.

Law of the file: no git runs here. Objects are written one by one, so that a step costs less than a millisecond; and what
was written is known, so that a model can say what an index ought to hold.
"""

import hashlib
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# The first commit's time; each further one comes a minute later.
START = 1_762_171_200


def blob_id(data: bytes) -> str:
    """The name that git gives to these bytes."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()  # noqa: S324  # git's own


EMPTY = blob_id(b"")


@dataclass(frozen=True, slots=True)
class Slot:
    """What one commit holds: a mail (`m`) or the removal of one (`d`), by the id of its bytes."""

    name: str
    blob: str


@dataclass(slots=True)
class Epoch:
    """One bare repository. `hidden` objects are away for a while; `whole` says that nothing of it is on its way."""

    folder: Path
    slots: list[Slot] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    hidden: dict[str, bytes] = field(default_factory=dict)
    whole: bool = True

    def make(self) -> None:
        for part in ("objects/info", "objects/pack", "refs/heads"):
            (self.folder / part).mkdir(parents=True)
        (self.folder / "HEAD").write_text("ref: refs/heads/master\n")
        (self.folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")

    def write(self, kind: str, data: bytes) -> str:
        whole = b"%s %d\0" % (kind.encode(), len(data)) + data
        name = hashlib.sha1(whole).hexdigest()  # noqa: S324
        path = self._path(name)
        if name not in self.hidden and not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(zlib.compress(whole, 1))
        return name

    def tree(self, slot: Slot) -> str:
        return self.write("tree", b"100644 %s\0" % slot.name.encode() + bytes.fromhex(slot.blob))

    def commit_from(self, place: int) -> None:
        """Write the history anew from a place on."""
        del self.commits[place:]
        for number, slot in enumerate(self.slots[place:], place):
            parent = f"parent {self.commits[-1]}\n" if self.commits else ""
            stamp = f"{START + 60 * number} +0000"
            lines = f"author Ana <ana@a.example> {stamp}\ncommitter archive <archive@localhost> {stamp}\n\nmail\n"
            self.commits.append(self.write("commit", f"tree {self.tree(slot)}\n{parent}{lines}".encode()))
        if self.commits:
            (self.folder / "refs" / "heads" / "master").write_text(f"{self.commits[-1]}\n")

    def hide(self, name: str) -> None:
        path = self._path(name)
        self.hidden[name] = path.read_bytes()
        path.unlink()

    def show(self) -> None:
        """Bring back what is hidden."""
        for name, packed in self.hidden.items():
            self._path(name).write_bytes(packed)
        self.hidden.clear()

    def _path(self, name: str) -> Path:
        return self.folder / "objects" / name[:2] / name[2:]


class Archive:
    """A list's archive: its epochs, what they hold now, and the bytes of every mail that ever was in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.epochs: list[Epoch] = []
        self.bytes: dict[str, bytes] = {}
        self.roll_over()

    def roll_over(self) -> Epoch:
        epoch = Epoch(self.folder / "git" / f"{len(self.epochs)}.git")
        epoch.make()
        self.epochs.append(epoch)
        return epoch

    def add(self, data: bytes, name: str = "m") -> str:
        """A further commit in the newest epoch; the id of the mail's bytes."""
        epoch = self.epochs[-1]
        blob = epoch.write("blob", data)
        self.bytes[blob] = data
        epoch.slots.append(Slot(name, blob))
        epoch.commit_from(len(epoch.slots) - 1)
        return blob

    def remove(self, blob: str) -> None:
        """A commit that takes a mail out."""
        self.add(self.bytes[blob], "d")

    def replace(self, blob: str, data: bytes | None) -> None:
        """Put other bytes, or none at all, in a mail's place, as public-inbox-edit and -purge do: all of history from
        there on is written anew, and the old bytes go.
        """
        for epoch in self.epochs:
            places = [place for place, slot in enumerate(epoch.slots) if slot.blob == blob]
            if places:
                new = epoch.write("blob", data or b"")
                if data:
                    self.bytes[new] = data
                for place in places:
                    epoch.slots[place] = Slot(epoch.slots[place].name, new)
                epoch.commit_from(places[0])
                epoch.hidden.pop(blob, None)
                epoch._path(blob).unlink(missing_ok=True)

    def clone_again(self, number: int) -> None:
        """The repository made anew from what its history holds now; unreachable objects are gone."""
        epoch = self.epochs[number]
        epoch.show()
        kept = {slot.blob for slot in epoch.slots}
        shutil.rmtree(epoch.folder)
        epoch.make()
        for blob in kept:
            epoch.write("blob", self.bytes.get(blob, b""))
        epoch.commit_from(0)

    def slots(self) -> Iterator[tuple[Epoch, Slot]]:
        """What the epochs that are whole hold, oldest first."""
        for epoch in self.epochs:
            if epoch.whole:
                for slot in epoch.slots:
                    yield epoch, slot

    def held(self) -> list[tuple[Epoch, str]]:
        """The mails' bytes that are in the archive now, in its order: removed and purged ones are not."""
        held: list[tuple[Epoch, str]] = []
        for epoch, slot in self.slots():
            if slot.name == "d":
                held = [one for one in held if one[1] != slot.blob]
            elif slot.blob != EMPTY:
                held.append((epoch, slot.blob))
        return held
