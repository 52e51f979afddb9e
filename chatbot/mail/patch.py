r"""What stands in the body of a patch: its author, its log, its tags, its diff.

Law of the file: patterns that look for a line begin with a literal newline (and are searched in `"\n" + text`):
ten times as fast as `(?m)^` on long bodies.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.mail.memory import remembered
from chatbot.mail.person import Person
from chatbot.mail.words import before_line, before_signature

# A long one may be folded, as fields are.
_IN_BODY_FROM = re.compile(r"From:[ \t]*(\S[^\r\n]*(?:\n[ \t]+[^\r\n]*<[^\r\n]*)?)", re.IGNORECASE)
_TOTAL = re.compile(
    r"\n (\d{1,7}) files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?(?=[,\n]|\Z)[^\n]*"
)
_TAG = re.compile(r"\n([A-Za-z]{2,20}+(?:-[A-Za-z]{1,20}+){0,5}+):[ \t]{1,9}(\S[^\n]{0,500})")
# Tags that say who made a patch, not who looked at it.
AUTHORSHIP = frozenset({"Signed-off-by", "Co-developed-by"})
_PLAIN_TAGS = frozenset({"fixes", "closes", "link"})
_FILE = "diff --git "
_HUNK = "@@ -"
# What follows those two.
_NAMES = re.compile(r"\S{1,1000} (?:b/)?(\S{1,1000})")
_RANGES = re.compile(r"\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")
_NAME_LINES = re.compile(r"\n(--- [^\n]*)\n(\+\+\+ [^\n]*)")


@dataclass(frozen=True, slots=True)
class Tag:
    """A trailer: `kind` as kernel people spell it (`Reviewed-by`), `value` as written."""

    kind: str
    value: str

    @property
    def person(self) -> Person:
        """Whom the tag names, for the tags that name somebody."""
        return Person.parse(self.value)


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


@dataclass(frozen=True, slots=True)
class Patch:
    """`log` is the body up to the diffstat's total line, without the in-body From line.

    `stated` is the diffstat that the mail itself gives (a cover letter has no diff to count).
    """

    author: Person
    log: str
    diff: Diff
    stated: Diffstat | None


def read_patch(body: str, attached: Iterable[str], sender: Person) -> Patch:
    """The patch in a body; `sender` is the author unless the body's first line says otherwise."""
    author, rest = split_author(body)
    head, stated = _head(rest)
    changes = read_changes(body)
    for text in attached:
        changes += read_changes(text)
    return Patch(author or sender, head, Diff.of(changes), stated)


def split_author(body: str) -> tuple[Person | None, str]:
    """The in-body author, if the first line that is not blank is `From: …`, and the body without that line."""
    start = len(body) - len(body.lstrip())
    start = body.rfind("\n", 0, start) + 1
    match = _IN_BODY_FROM.match(body, start)
    if match is None:
        return None, body
    author = Person.parse(" ".join(line.strip() for line in match[1].split("\n")))
    if not author.address:
        return None, body  # a sentence that begins with "From:"
    return author, body[:start] + body[match.end() + 1 :]


def _head(body: str) -> tuple[str, Diffstat | None]:
    """The text up to the diffstat's total line (or the diff, or the signature), and that line's numbers."""
    text = before_line(body, _FILE)
    total = _TOTAL.search("\n" + text)
    if total:
        stated = Diffstat(int(total[1]), int(total[2] or 0), int(total[3] or 0))
        return text[: total.end() - 1], stated
    return _without_blank_end(before_signature(text)), None


def _without_blank_end(text: str) -> str:
    """The text without the blank lines at its end."""
    end = len(text.rstrip())
    line_end = text.find("\n", end) if end else 0
    return text if line_end < 0 else text[:line_end]


def read_tags(body: str, *, flowed: bool) -> tuple[Tag, ...]:
    """The tags that the sender gives, in order: not quoted, not in the diff, not below the signature."""
    text = before_line(body, _FILE)
    if flowed:
        return _find_tags(_unflow(before_signature(text)))
    tags = _find_tags(text)
    # Most mails give none, and need no look for the signature; in the others it is seldom below one.
    return _find_tags(own) if tags and len(own := before_signature(text)) < len(text) else tags


def _find_tags(text: str) -> tuple[Tag, ...]:
    found = ((_tag_kind(written), value) for written, value in _TAG.findall("\n" + text))
    return tuple(Tag(kind, value.strip()) for kind, value in found if kind)


@remembered
def _tag_kind(written: str) -> str:
    """As kernel people spell it; empty for what is no tag."""
    lower = written.lower()
    return written.capitalize() if lower.endswith("-by") or lower in _PLAIN_TAGS else ""


def _unflow(text: str) -> str:
    """RFC 3676: a line that ends in a blank goes on in the next; one blank before a line is stuffing."""
    lines = [line.removeprefix(" ") for line in text.split("\n")]
    return "".join(line if line.endswith(" ") and line != "-- " else line + "\n" for line in lines)


def read_changes(text: str) -> tuple[Change, ...]:
    """What the diff in a text does, file by file, counted by the hunks' own arithmetic."""
    before, *files = ("\n" + text).split("\n" + _FILE)
    if "\n+++ " in before:
        return _walk(text)  # a diff that no git wrote has no "diff --git" line
    changes: list[Change] = []
    for file in files:
        change = _count_file(file)
        if change is None:
            return _walk(text)
        changes.append(change)
    return tuple(changes)


def _count_file(diff: str) -> Change | None:
    """A file's change, where each of its hunks has as many lines as it says; None where only a walk can tell."""
    head, *hunks = diff.split("\n" + _HUNK)
    path = _path(head)
    if path is None:
        return None
    insertions = deletions = 0
    for hunk in hunks:
        counted = _count_hunk(hunk)
        if counted is None:
            return None
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


def _count_hunk(hunk: str) -> tuple[int, int] | None:
    """Lines added and taken out by a hunk that is as long as it says, whatever signature and blanks follow."""
    ranges = _RANGES.match(hunk)
    if ranges is None:
        return None
    old, new = int(ranges[1] or 1), int(ranges[2] or 1)
    counted = _count_lines(hunk, old, new)
    if counted is None and "\n+++ " not in hunk:
        signed = hunk.rfind("\n-- \n")
        signed = signed if signed >= 0 else len(hunk)
        counted = _count_lines(hunk[:signed], old, new) or _count_lines(hunk[:signed].rstrip("\n"), old, new)
    return counted


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
    insertions: int = 0
    deletions: int = 0
    named: bool = False


def _walk(text: str) -> tuple[Change, ...]:
    """As `read_changes`, line by line: right also where a diff was damaged or written by hand."""
    files: list[_File] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(_FILE) and (names := _NAMES.match(line, len(_FILE))):
            files.append(_File(names[1]))
        elif line.startswith("+++ ") and at > 1 and lines[at - 2].startswith("--- "):
            if not files or files[-1].named:  # a diff that no git wrote has no "diff --git" line
                files.append(_File(""))
            files[-1].path = _bare_path(line, lines[at - 2])
            files[-1].named = True
        elif line.startswith(_HUNK) and files and (ranges := _RANGES.match(line, len(_HUNK))):
            at = _read_hunk(lines, at, int(ranges[1] or 1), int(ranges[2] or 1), files[-1])
    return tuple(Change(file.path, file.insertions, file.deletions) for file in files)


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
