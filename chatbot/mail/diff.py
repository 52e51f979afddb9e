r"""What a diff does: which files it changes, by how many lines, and a key of its content.

Law of the file: patterns that look for a line begin with a literal newline (and are searched in `"\n" + text`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha1

from chatbot import scan

FILE = "diff --git "
_HUNK = "@@ -"
# What follows those two.
_NAMES = re.compile(r"\S{1,1000} (?:b/)?(\S{1,1000})")
_RANGES = re.compile(r"\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_NAME_LINES = re.compile(r"\n(--- [^\n]*)\n(\+\+\+ [^\n]*)")
# 64 bits: two of a million patches have the same key by chance once in 37 million archives.
_KEY_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Change:
    """What a diff does to one file, in lines."""

    path: str
    insertions: int
    deletions: int


@dataclass(frozen=True, slots=True)
class Diff:
    """What a diff does, a line for each file: insertions, deletions, path. It stays a text until somebody looks into
    it: a digest carries thousands, and shows few.
    """

    text: str = ""

    @classmethod
    def of(cls, changes: Iterable[Change]) -> "Diff":
        """The same, out of the changes."""
        return cls("\n".join(f"{change.insertions} {change.deletions} {change.path}" for change in changes))

    @property
    def changes(self) -> tuple[Change, ...]:
        """File by file."""
        lines = (line.split(" ", 2) for line in self.text.split("\n") if line)
        return tuple(Change(path, int(insertions), int(deletions)) for insertions, deletions, path in lines)

    @property
    def paths(self) -> tuple[str, ...]:
        """The files alone."""
        return tuple(line.split(" ", 2)[2] for line in self.text.split("\n") if line)


@dataclass(frozen=True, slots=True)
class Diffstat:
    """The totals of a diff: files touched, lines added, lines taken out."""

    files: int
    insertions: int
    deletions: int

    @classmethod
    def of(cls, changes: Iterable[Change]) -> "Diffstat":
        """The totals over several diffs; a file that is touched twice is one file."""
        changes = tuple(changes)
        return cls(
            len({change.path for change in changes}),
            sum(change.insertions for change in changes),
            sum(change.deletions for change in changes),
        )


def read_diff(texts: Iterable[str]) -> tuple[Diff, str]:
    """What the diffs in these texts do, file by file, counted by the hunks' own arithmetic; and their content's key.

    The key is made of the files' names and the lines of the hunks. Where these are the same, so is it: whatever the
    ranges and the `index` line say, and whatever follows the last hunk. Empty where there is no diff.
    """
    texts = tuple(texts)
    if len(texts) == 1 and (scanned := scan.diff(texts[0])):
        told, lines = scanned
        return (Diff(told), _key(lines)) if told else (Diff(), "")
    changes: list[Change] = []
    content: list[str] = []
    for text in texts:
        _read_text(text, changes, content)
    return (Diff.of(changes), _key("\0".join(content).encode())) if changes else (Diff(), "")


def _key(content: bytes) -> str:
    # Not to keep a secret, but twice as fast as BLAKE2 where the processor knows it, and no slower elsewhere.
    return sha1(content, usedforsecurity=False).hexdigest()[:_KEY_DIGITS]


def _read_text(text: str, changes: list[Change], content: list[str]) -> None:
    """Add what the diff in a text does, and its content: names of files, hunks that begin with a newline."""
    before, *files = ("\n" + text).split("\n" + FILE)
    known = len(changes), len(content)
    if "\n+++ " not in before:  # a diff that no git wrote has no "diff --git" line
        for file in files:
            change = _count_file(file, content)
            if change is None:
                break
            changes.append(change)
        else:
            return
    del changes[known[0] :], content[known[1] :]
    for walked in _walk(text):
        changes.append(Change(walked.path, walked.insertions, walked.deletions))
        content += (walked.path, *walked.hunks)


def _count_file(diff: str, content: list[str]) -> Change | None:
    """A file's change, where each of its hunks has as many lines as it says; None where only a walk can tell."""
    head, *hunks = diff.split("\n" + _HUNK)
    path = _path(head)
    if path is None:
        return None
    content.append(path)
    insertions = deletions = 0
    for hunk in hunks:
        ranges = _RANGES.match(hunk)
        if ranges is None:
            return None
        old, new = ranges.groups("1")
        counted = _count_lines(hunk, int(old), int(new))
        if counted is None:
            hunk, counted = _count_last(hunk, int(old), int(new))  # noqa: PLW2901
            if counted is None:
                return None
        content.append(hunk[hunk.find("\n") :])
        insertions += counted[0]
        deletions += counted[1]
    return Change(path, insertions, deletions)


def _path(head: str) -> str | None:
    """The file that the lines before its first hunk are about; None where they name several or none."""
    names = _NAMES.match(head)
    if names is None:
        return None
    if head.count("\n+++ ") == 1 and head.endswith("\n+++ b/" + names[1]):
        return names[1]
    renamed = _NAME_LINES.search(head)
    if renamed is None:
        return names[1]
    return None if _NAME_LINES.search(head, renamed.end()) else _bare_path(renamed[2], renamed[1])


def _count_last(hunk: str, old: int, new: int) -> tuple[str, tuple[int, int] | None]:
    """A hunk without the signature and blanks that follow it, and the lines that it adds and takes out."""
    if "\n+++ " in hunk:
        return hunk, None
    signed = hunk.rfind("\n-- \n")
    hunk = hunk[:signed] if signed >= 0 else hunk
    counted = _count_lines(hunk, old, new)
    if counted is None:
        hunk = hunk.rstrip("\n")
        counted = _count_lines(hunk, old, new)
    return hunk, counted


def _count_lines(hunk: str, old: int, new: int) -> tuple[int, int] | None:
    """Lines added and taken out, if the hunk has so many old and new ones."""
    insertions, deletions = hunk.count("\n+"), hunk.count("\n-")
    lines = hunk.count("\n")
    if "\\" in hunk:
        lines -= hunk.count("\n\\")  # "\\ No newline at end of file" is no line of the file
    return (insertions, deletions) if (lines - insertions, lines - deletions) == (old, new) else None


@dataclass(slots=True)
class _File:
    """A file of a diff while it is being read; `named` once its `+++` line has come."""

    path: str
    hunks: list[str]
    insertions: int = 0
    deletions: int = 0
    named: bool = False


def _walk(text: str) -> list[_File]:
    """The files of a diff, line by line: right also where it was damaged or written by hand."""
    files: list[_File] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(FILE) and (names := _NAMES.match(line, len(FILE))):
            files.append(_File(names[1], []))
        elif line.startswith("+++ ") and at > 1 and lines[at - 2].startswith("--- "):
            if not files or files[-1].named:  # a diff that no git wrote has no "diff --git" line
                files.append(_File("", []))
            files[-1].path = _bare_path(line, lines[at - 2])
            files[-1].named = True
        elif line.startswith(_HUNK) and files and (ranges := _RANGES.match(line, len(_HUNK))):
            start, at = at, _read_hunk(lines, at, int(ranges[1] or 1), int(ranges[2] or 1), files[-1])
            files[-1].hunks.append("\n" + "\n".join(lines[start:at]))
    return files


def _read_hunk(lines: list[str], at: int, old: int, new: int, file: _File) -> int:
    """Count a hunk of so many old and new lines, which begins at `at`; where it ends."""
    while (old > 0 or new > 0) and at < len(lines):
        sign = lines[at][:1]
        at += 1
        if sign == "+":
            file.insertions, new = file.insertions + 1, new - 1
        elif sign == "-":
            file.deletions, old = file.deletions + 1, old - 1
        elif sign != "\\":  # "\\ No newline at end of file" is no line of the file
            old, new = old - 1, new - 1
    return at


def _bare_path(new: str, old: str) -> str:
    """The file that a `---`, `+++` pair is about."""
    name = new[4:].split("\t", maxsplit=1)[0].strip()
    if name == "/dev/null":
        name = old[4:].split("\t", maxsplit=1)[0].strip()
    return name.partition("/")[2] if name[:2] in ("a/", "b/") else name
