r"""What stands in the body of a patch: its author, its log, its tags, its diff.

Law of the file: patterns that look for a line begin with a literal newline (and are searched in `"\n" + text`):
ten times as fast as `(?m)^` on long bodies.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.mail.person import Person

# A long one may be folded, as fields are.
_IN_BODY_FROM = re.compile(r"From:[ \t]*(\S[^\r\n]*(?:\n[ \t]+[^\r\n]*<[^\r\n]*)?)", re.IGNORECASE)
_TOTAL = re.compile(
    r"\n (\d{1,7}) files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?(?=[,\n]|\Z)[^\n]*"
)
_TAG = re.compile(r"\n([A-Za-z]{2,20}(?:-[A-Za-z]{1,20}){0,5}):[ \t]{1,9}(\S[^\n]{0,500})")
_PLAIN_TAGS = frozenset({"fixes", "closes", "link"})
_GIT_HEADER = re.compile(r"diff --git \S{1,1000} (?:b/)?(\S{1,1000})")
_HUNK = re.compile(r"@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@")


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
    changes: tuple[Change, ...]
    stated: Diffstat | None

    @property
    def diffstat(self) -> Diffstat:
        """Counted from the diff where there is one, else as the mail states it."""
        return Diffstat.of(self.changes) if self.changes or self.stated is None else self.stated


def read_patch(body: str, attached: Iterable[str], sender: Person) -> Patch:
    """The patch in a body; `sender` is the author unless the body's first line says otherwise."""
    author, rest = split_author(body)
    head, stated = _head(rest)
    changes = read_changes(body)
    for text in attached:
        changes += read_changes(text)
    return Patch(author or sender, head, changes, stated)


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
    text = _before_line(body, "diff --git ")
    total = _TOTAL.search("\n" + text)
    if total:
        stated = Diffstat(int(total[1]), int(total[2] or 0), int(total[3] or 0))
        return text[: total.end() - 1], stated
    lines = _before_line(text, "-- \n").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return "\n".join(lines), None


def _before_line(text: str, beginning: str) -> str:
    """The text before the first line that begins so, or all of it."""
    at = ("\n" + text + "\n").find("\n" + beginning)
    return text if at < 0 else text[:at]


def read_tags(body: str, *, flowed: bool) -> tuple[Tag, ...]:
    """The tags that the sender gives, in order: not quoted, not in the diff, not below the signature."""
    text = _before_line(_before_line(body, "diff --git "), "-- \n")
    if flowed:
        text = _unflow(text)
    return tuple(
        Tag(match[1].capitalize(), match[2].strip())
        for match in _TAG.finditer("\n" + text)
        if match[1].lower().endswith("-by") or match[1].lower() in _PLAIN_TAGS
    )


def _unflow(text: str) -> str:
    """RFC 3676: a line that ends in a blank goes on in the next; one blank before a line is stuffing."""
    lines = [line.removeprefix(" ") for line in text.split("\n")]
    return "".join(line if line.endswith(" ") and line != "-- " else line + "\n" for line in lines)


@dataclass(slots=True)
class _File:
    """A file of a diff while it is being read; `named` once its `+++` line has come."""

    path: str
    insertions: int = 0
    deletions: int = 0
    named: bool = False


def read_changes(text: str) -> tuple[Change, ...]:
    """What the diff in a text does, file by file, counted by the hunks' own arithmetic."""
    files: list[_File] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("diff --git ") and (header := _GIT_HEADER.match(line)):
            files.append(_File(header[1]))
        elif line.startswith("+++ ") and at > 1 and lines[at - 2].startswith("--- "):
            if not files or files[-1].named:  # a diff that no git wrote has no "diff --git" line
                files.append(_File(""))
            files[-1].path = _bare_path(line, lines[at - 2])
            files[-1].named = True
        elif line.startswith("@@ -") and files and (hunk := _HUNK.match(line)):
            at = _read_hunk(lines, at, int(hunk[1] or 1), int(hunk[2] or 1), files[-1])
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
