"""Patterns of subsystems: of files, as MAINTAINERS writes them, and regular expressions.

Law of the file: a pattern is the operator's, and what it is matched with is anybody's. So how long matching takes is
bounded: by the length of what is looked at, and by refusing what takes more than its third power.
"""

import re
from functools import cache

# No longer is a path or a line that is looked at. The kernel's longest path has some 150 characters; lines of code
# have 100. A hostile line of so many costs an expression with two repetitions 10 ms.
LONGEST = 250
# Each further repetition multiplies what a hostile line costs by its length.
REPETITIONS = 2
# What may be there or not may be so in twice as many ways with each.
MAYBES = 10
_WILD = re.compile(r"(\*\*|\*)")
_SIGNS = re.compile(r"\?|\[[\^!]?[A-Za-z0-9_.-]+\]|.", re.DOTALL)
_MARKS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?#[^)]*\)|\(\?[^()]*?[:=!>)]|\{\d*,?\d*\}|.", re.DOTALL)
_BLANKS = re.compile(r"(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])|([\s#])", re.DOTALL)


class FilePattern:
    """Which files a pattern takes, as the whole of their paths.

    A slash at its end takes all below. A name without one takes the file, or all below the directory of that name: we
    have no tree to look which it is. `*` and `?` stop at a slash, `**` does not; `[ch]` is one of these letters.

    get_maintainer.pl also takes files whose names merely begin so, and lets a star of a directory cross a slash;
    MAINTAINERS itself describes neither.
    """

    __slots__ = ("_regex", "written")

    def __init__(self, written: str) -> None:
        self.written = written
        self._regex: re.Pattern[str] | None = None

    @property
    def literal(self) -> bool:
        """Whether each sign stands for itself."""
        return not any(sign in self.written for sign in "*?[")

    @property
    def says_nothing(self) -> bool:
        """Whether it takes files whatever they are called, as those of THE REST do."""
        return not self.written.strip("*?/")

    @property
    def directory(self) -> str:
        """Where all that it takes lies: the directory before its first special sign, with a slash, or nothing."""
        before = re.split(r"[*?\[]", self.written, maxsplit=1)[0]
        return before[: before.rfind("/") + 1]

    def takes(self, path: str) -> bool:
        """Whether the file of this path is one of them."""
        if self.literal:
            below = self.written if self.written.endswith("/") else f"{self.written}/"
            return path == self.written or path.startswith(below)
        if self._regex is None:
            self._regex = re.compile(_translated(self.written), re.DOTALL)
        return self._regex.fullmatch(path) is not None


def _translated(written: str) -> str:
    """The same as a regular expression. Where a star takes the least that it can, nothing is lost for the next one, and
    so it is never tried again (`?>`); but `**` may cross what a star may not, and is.
    """
    first, *rest = _WILD.split(written)
    made = [_signs(first)]
    for at in range(0, len(rest), 2):
        after = _signs(rest[at + 1])
        if rest[at] == "**":
            made.append(f".*{after}")
        elif at + 2 == len(rest):
            made.append(f"[^/]*{after}")
        else:
            made.append(f"(?>[^/]*?{after})")
    return "".join(made) + (".*" if written.endswith("/") else "")


def _signs(written: str) -> str:
    return "".join(
        "[^/]" if sign == "?" else sign.replace("[!", "[^") if len(sign) > 1 else re.escape(sign)
        for sign in _SIGNS.findall(written)
    )


def file_fault(written: str) -> str:
    """What is wrong with a pattern of files, and what to do; nothing where it is right."""
    if written.startswith(("/", "./", "../", " ")):
        return f"{written!r} begins with a slash, a dot or a blank; write it from the top of the tree"
    if written.count("**") > REPETITIONS:
        return f"{written!r} has too many **; write {REPETITIONS} or less"
    if "[" in written:  # of the other signs, none can be wrong
        try:
            re.compile(_translated(written))
        except re.error as error:
            return f"{written!r} cannot be read ({error}); mend it"
    return ""


@cache
def expression(written: str) -> re.Pattern[str]:
    """A regular expression, as get_maintainer.pl reads it: blanks in it say nothing (`/x`). Raises re.error."""
    return re.compile(written, re.VERBOSE)


def with_blanks(written: str) -> str:
    """A regular expression in which blanks and # are meant, as one in which they say nothing by themselves."""
    return _BLANKS.sub(lambda sign: sign[1] or f"\\{sign[2]}", written)


def expression_fault(written: str) -> str:
    """What is wrong with a regular expression, and what to do; nothing where it is right."""
    repetitions = _repetitions(written)
    if repetitions is None:
        return f"{written!r} repeats what repeats or has a choice in it; write it without a repetition of a group"
    if repetitions > REPETITIONS:
        return f"{written!r} has {repetitions} repetitions; write {REPETITIONS} or less"
    if written.count("?") > MAYBES:
        return f"{written!r} has too many ?; write {MAYBES} or less"
    try:
        says_nothing = expression(written).search("")
    except (re.error, ValueError, RecursionError, OverflowError) as error:
        return f"{written!r} is no regular expression of Python ({error}); mend it"
    return f"{written!r} takes whatever there is; write what is to be there" if says_nothing else ""


def _repetitions(written: str) -> int | None:
    """How often it says "any number of"; None where it does so of a group that does so itself, or has a choice
    (`|`, `?`): such a group may be cut in so many ways that no bound of length helps.
    """
    count, groups, ended = 0, [False], False
    for sign in _MARKS.findall(written):
        if sign.isspace() or sign.startswith("(?#"):  # comments
            continue
        if sign in ("*", "+") or (sign[0] == "{" and len(sign) > 1):
            if ended:
                return None
            if sign[0] != "{" or "," in sign:
                count += 1
                groups[-1] = True
        elif sign[0] == "(" and not (sign.startswith("(?") and sign.endswith(")")):
            groups.append(False)
        elif sign in ("|", "?"):
            groups[-1] = True
        if sign == ")" and len(groups) > 1:
            ended = groups.pop()
            groups[-1] = groups[-1] or ended
        else:
            ended = False
    return count
