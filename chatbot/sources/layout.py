"""Repositories as folders: where an archive's epochs lie, what their refs say, and a bare repository of our own.

Law of the file: files are read and written, nothing is run.
"""

import hashlib
import re
from pathlib import Path

from chatbot.errors import Unreadable

OID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_REF = re.compile(r"refs/[^\x00-\x20\x7f~^:?*\[\\]{1,500}")
_EPOCH = re.compile(r"(\d{1,6})\.git")


def epoch_folders(folder: Path) -> dict[int, Path]:
    """The epochs of a v2 folder (or of the `git` folder in it) by number, or the folder itself as epoch 0.

    Raises Unreadable, OSError.
    """
    remedy = "name the folder that holds git/0.git, or one bare epoch"
    if not folder.is_dir():
        raise Unreadable(str(folder), "there is no such folder", remedy)
    if (folder / "HEAD").is_file() and (folder / "objects").is_dir():
        return {0: folder}
    entries = (folder / "git" if (folder / "git").is_dir() else folder).iterdir()
    epochs = {int(match[1]): path for path in entries if (match := _EPOCH.fullmatch(path.name)) and path.is_dir()}
    if not epochs:
        raise Unreadable(str(folder), "this is no public-inbox archive", remedy)
    return dict(sorted(epochs.items()))


def read_refs(folder: Path) -> dict[str, str]:
    """The archive's refs: loose ones win over packed ones. Raises OSError."""
    found: dict[str, str] = {}
    packed = folder / "packed-refs"
    if packed.is_file():
        for line in packed.read_text("utf-8", "replace").splitlines():
            oid, _, ref = line.partition(" ")
            if OID.fullmatch(oid) and _REF.fullmatch(ref):
                found[ref] = oid
    for path in sorted((folder / "refs").rglob("*")):
        ref = path.relative_to(folder).as_posix()
        if _REF.fullmatch(ref) and path.is_file():
            oid = path.read_text("utf-8", "replace").strip()
            if OID.fullmatch(oid):
                found[ref] = oid
    return found


def size_of(folder: Path) -> int:
    """How many bytes the files below a folder take."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def lay_out(own: Path, objects: Path | None, refs: dict[str, str], tip: str | None) -> None:
    """Write a bare repository that has these refs, and borrows the objects. Raises OSError."""
    sha256 = tip is not None and len(tip) == len(hashlib.sha256().hexdigest())
    (own / "objects" / "info").mkdir(parents=True, exist_ok=True)
    (own / "refs").mkdir(exist_ok=True)
    (own / "config").write_text(
        f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = true\n"
        + ("[extensions]\n\tobjectformat = sha256\n" if sha256 else "")
    )
    if objects:
        quoted = str(objects.resolve()).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        (own / "objects" / "info" / "alternates").write_text(f'"{quoted}"\n')
    (own / "packed-refs").write_text("".join(f"{oid} {ref}\n" for ref, oid in sorted(refs.items())))
    (own / "HEAD").write_text(f"{tip}\n" if tip else "ref: refs/heads/master\n")
