"""Mirroring: the epochs of a list come from where they are published into a folder that PublicInbox reads.

Law of the file: a reader sees an epoch when it is whole; what the source says is neither believed nor run; and what
is here already outlives every trouble of the source. On disk there is nothing to remember but git's own.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from chatbot.errors import Misunderstood, Unreadable
from chatbot.lock import only_one
from chatbot.sources import git
from chatbot.sources.layout import OID, epoch_folders, lay_out, read_refs

SCHEMES = ("https", "http", "git", "file")
# Below the list's address: as lore.kernel.org serves its epochs, and as they lie in a v2 folder.
_FORMS = ("{}", "git/{}.git")
# The largest list there is has filled some 20 in as many years; a source that never ends is none.
_EPOCHS = 1000
# In seconds: a question is answered at once, or after http.lowSpeedTime never. A fetch tells how far it is, but from
# a plain file server a whole pack comes in silence.
_QUESTION, _FETCH = 90, 1800
# In seconds: a ref is locked for moments, and a pack that arrives grows all the time.
_STALE = 3600
# A reader looks for an object in one pack after the other.
_PACKS = 20
_ROLLING = 300
_LOCK = ".mirror.lock"
# What git says where a source answers, and has no such repository.
_NO_REPOSITORY = re.compile(
    r"repository '.*' not found|does not appear to be a git repository|repository not exported|is this a git repository"
    r"|returned error: 410|could not read (Username|Password)|Authentication failed"
)
_PROGRESS = re.compile(r"(?:remote: )?([A-Z][a-z]+ [a-z]+): +(\d{1,3})% ")
_USER = re.compile(r"(?<=://)[^/\s]*@")


class Fate(StrEnum):
    """What became of an epoch; `kept` is one that is here, and at the source no more."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT = "kept"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far git is with an epoch: `phase` in its words, such as `Receiving objects`, and 0 to 100 percent of it."""

    epoch: int
    phase: str
    percent: int


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a run came to: the fate of each epoch, by number, rising."""

    epochs: Mapping[int, Fate]

    @property
    def changed(self) -> bool:
        """Whether there is anything to read that was not there before."""
        return not {Fate.NEW, Fate.UPDATED}.isdisjoint(self.epochs.values())


def mirror(url: str, folder: Path, told: Callable[[Progress], None] = lambda _: None) -> Mirrored:
    """Bring a list's folder, `folder/git/N.git`, up to what `url` publishes, such as https://lore.kernel.org/kvm/.

    Raises Misunderstood for a url that is none; Busy while another process mirrors into the folder; Unreadable when
    the source is down, or an epoch could not be fetched, after all others were tried; Problem where nothing can be
    written. What arrived before an error stays.
    """
    source, folder = _Source(_address(url)), folder.absolute()  # git runs elsewhere
    with _disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with only_one(folder / _LOCK, str(folder)):
        here, home = _look(folder)
        fates: dict[int, Fate] = {}
        faults: list[Unreadable] = []
        for number, published in source.epochs(home, max(here, default=-1)):
            try:
                fates[number] = _bring(published, home, here.get(number), number, told)
            except Unreadable as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        return Mirrored({number: fates.get(number, Fate.KEPT) for number in sorted({*here, *fates})})


def see_published(url: str) -> None:
    """See that there is an archive at an address; nothing is fetched. Raises Misunderstood, Unreadable."""
    source = _Source(_address(url))
    with tempfile.TemporaryDirectory(prefix="chatbot-git-") as own:
        next(source.epochs(Path(own), -1))


@dataclass(frozen=True, slots=True)
class _Published:
    """An epoch as its source has it: never without refs. `head` is the ref that its HEAD means, if any."""

    url: str
    refs: Mapping[str, str]
    head: str | None


class _Source:
    """A list's address, and the form that its epochs have below it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._forms: tuple[str, ...] = _FORMS

    def epochs(self, own: Path, last_here: int) -> Iterator[tuple[int, _Published]]:
        """What is published: all up to the last one here, and then on until one is missing. Raises Unreadable."""
        why = ""
        for number in range(_EPOCHS):
            published = self._epoch(own, number)
            if isinstance(published, _Published):
                yield number, published
            else:
                why = why or published
                if number > last_here:
                    break
        if self._forms == _FORMS:  # none has answered
            raise _unreachable(self._url, f"no epoch of a public-inbox archive is at this address ({why})")

    def _epoch(self, own: Path, number: int) -> _Published | str:
        """An epoch, or why there is none."""
        why = ""
        for form in self._forms:
            published = _ask(own, f"{self._url}/{form.format(number)}")
            if isinstance(published, _Published):
                self._forms = (form,)
                return published
            why = why or published
        return why


def _ask(own: Path, url: str) -> _Published | str:
    """What is at an address, or why the source has no repository with a mail there. Raises Unreadable."""
    reply = git.talk(own, ("ls-remote", "--symref", "--", url), patience=_QUESTION)
    if reply.done:
        return _read_answer(url, reply.output.decode("utf-8", "replace")) or "it is empty"
    if _NO_REPOSITORY.search(reply.reason):
        return reply.reason
    raise _unreachable(url, reply.reason)


def _read_answer(url: str, answer: str) -> _Published | None:
    """The answer of `ls-remote --symref`: `ref: NAME<tab>HEAD` in front, then `ID<tab>NAME`."""
    refs: dict[str, str] = {}
    target = tip = None
    for value, _, name in (line.partition("\t") for line in answer.split("\n")):
        if name == "HEAD":
            target, tip = (value.removeprefix("ref: "), tip) if value.startswith("ref: ") else (target, value)
        elif OID.fullmatch(value) and name.startswith("refs/") and not name.endswith("^{}"):
            refs[name] = value
    # A source that does not say what HEAD means has it at one of the branches.
    likely = (target, "refs/heads/master", "refs/heads/main", *sorted(refs))
    head = next((name for name in likely if name and name in refs and tip in (None, refs[name])), None)
    return _Published(url, refs, head) if refs else None


def _bring(published: _Published, home: Path, here: Path | None, number: int, told: Callable[[Progress], None]) -> Fate:
    """Have an epoch here as it is published. Raises Unreadable."""
    heard = _teller(number, told)
    if here is None:
        _clone(published, home / f"{number}.git", heard)
        return Fate.NEW
    before = _state(here)
    if before[0] != published.refs:
        _fetch(published, here, heard)
        _roll_up(here)
    _point_head(published, here)
    return Fate.UNCHANGED if _state(here) == before else Fate.UPDATED


def _clone(published: _Published, folder: Path, heard: Callable[[str], None]) -> None:
    """An epoch that appears at once, in a repository whose every setting is ours. Raises Unreadable."""
    partial = folder.with_name(f".{folder.name}.partial")
    with _removed_on_failure(partial):
        with _disk(folder):
            lay_out(partial, None, {}, next(iter(published.refs.values())))
        _fetch(published, partial, heard)
        _point_head(published, partial)
        with _disk(folder):
            partial.rename(folder)


def _fetch(published: _Published, folder: Path, heard: Callable[[str], None]) -> None:
    """Make the refs those of the source, rewritten and removed ones too. Raises Unreadable."""
    how = ("--progress", "--prune", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")
    fetch = ("fetch", *how, "--recurse-submodules=no", "--", published.url, "+refs/*:refs/*")
    reply = git.talk(folder, fetch, patience=_FETCH, heard=heard)
    if not reply.done:
        raise _unreachable(published.url, reply.reason)


def _point_head(published: _Published, folder: Path) -> None:
    """Let HEAD mean what it means at the source. Raises Unreadable."""
    if published.head and _state(folder)[1] != f"ref: {published.head}\n":
        reply = git.talk(folder, ("symbolic-ref", "HEAD", published.head), patience=_QUESTION)
        if not reply.done:
            raise Unreadable(str(folder), f"its HEAD cannot be set ({reply.reason})", "check its rights")


def _roll_up(folder: Path) -> None:
    """Merge small packs, and loose objects of former times, so that each pack is twice as large as all smaller ones.

    This is no `git gc`, which would write the whole epoch anew: a mail is rewritten as often as the epoch doubles,
    so that it takes moments and may happen here and now. If it fails, reading is slower, and the next run tries.
    """
    if len(list((folder / "objects" / "pack").glob("*.pack"))) > _PACKS:
        git.talk(folder, ("repack", "-d", "-l", "-n", "-q", "--geometric=2"), patience=_ROLLING)


def _look(folder: Path) -> tuple[dict[int, Path], Path]:
    """The epochs that are here, and where they belong; what killed runs have left is removed. Raises Unreadable."""
    try:
        here = epoch_folders(folder)
    except Unreadable:
        here = {}
    if folder in here.values():
        raise Unreadable(str(folder), "this is one epoch, not an archive", "name an empty folder to mirror into")
    with _disk(folder):
        home = next(iter(here.values())).parent if here else folder / "git"
        home.mkdir(exist_ok=True)
        for left in home.glob(".*.git.partial"):
            shutil.rmtree(left)
        now = (folder / _LOCK).stat().st_mtime
        for epoch in here.values():
            _sweep(epoch, now)
    return here, home


def _sweep(epoch: Path, now: float) -> None:
    """Remove what a git that was killed has left: locks that nobody will lift, and halves of packs. Raises OSError."""
    for pattern in ("*.lock", "refs/**/*.lock", "objects/pack/*tmp*"):
        for left in epoch.glob(pattern):
            if left.stat().st_mtime < now - _STALE:
                left.unlink()


def _state(folder: Path) -> tuple[dict[str, str], str]:
    """An epoch's refs and HEAD. Raises Unreadable."""
    try:
        return read_refs(folder), (folder / "HEAD").read_text("utf-8", "replace")
    except OSError as error:
        reason = f"this is no repository any more ({error.strerror or error})"
        raise Unreadable(str(folder), reason, "remove it, and it is fetched anew") from error


def _teller(number: int, told: Callable[[Progress], None]) -> Callable[[str], None]:
    """Reads git's progress lines, and tells each step once."""
    last: Progress | None = None

    def heard(line: str) -> None:
        nonlocal last
        if (match := _PROGRESS.match(line)) and last != (now := Progress(number, match[1], min(int(match[2]), 100))):
            last = now
            told(now)

    return heard


def _address(url: str) -> str:
    """A list's address without the slash at its end. Raises Misunderstood."""
    remedy = "write it as https://lore.kernel.org/kvm/"
    shown = repr(_USER.sub("", url))
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Misunderstood(shown, f"this is no address ({error})", remedy) from error
    if not url.isprintable() or " " in url:
        raise Misunderstood(shown, "an address has no blanks and no control characters", remedy)
    if parts.scheme not in SCHEMES:
        raise Misunderstood(shown, f"an archive is fetched by {', '.join(SCHEMES)}, and nothing else", remedy)
    if parts.query or parts.fragment or bool(parts.netloc) == (parts.scheme == "file"):
        raise Misunderstood(shown, "this is no address of a list", remedy)
    return url.rstrip("/")


def _unreachable(url: str, reason: str) -> Unreadable:
    """Nobody's password, and nothing that steers a terminal, gets into a message."""
    user = _USER.search(url)
    shown = _USER.sub("", url)
    said = "".join(sign if sign.isprintable() else "?" for sign in reason.replace(user[0] if user else "", ""))[:300]
    return Unreadable(shown, said, f"try again later, or look for the cause with git ls-remote {shown}")


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Trouble with our own disk, in our own words."""
    try:
        yield
    except OSError as error:
        reason = f"cannot be written ({error.strerror or error})"
        raise Unreadable(str(folder), reason, "check its rights, and the space on its disk") from error


@contextmanager
def _removed_on_failure(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
