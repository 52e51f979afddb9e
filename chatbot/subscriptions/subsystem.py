"""A part of the kernel as its people divide it, and which subsystems a posting belongs to.

Law of the file: files decide. A list says little where files are known: kvm@vger.kernel.org carries series for all
architectures, and KVM X86 wants those that change its files. Only a posting without files (a cover that came alone, a
letter) is told by the lists that it was sent to, and only where few subsystems share a list. Who has nothing but lists
is told by these alone.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from chatbot.mail.person import Person
from chatbot.subscriptions.pattern import LONGEST, FilePattern, expression

# A list that more subsystems name than this is a catch-all: a letter to it is rarely meant for any one of them. In the
# kernel's file some 25 share kvm, 60 linux-pci and 400 linux-kernel, while linux-coco and kvmarm have up to five.
FEW = 5
# A catch-all whatever a file says: everything is copied to it.
EVERYBODYS = "linux-kernel@vger.kernel.org"
# So many characters of a posting's texts are looked at for what K: asks, and so many of each line, which is as long as
# lines of code are: with a hostile text, an expression of two repetitions takes 0.7 s.
TEXT, LINE = 100_000, 100
# So many are read in search of these.
READ = 2_000_000
# A title's other name stands in brackets at its end: KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86).
_OTHER_NAME = re.compile(r"([^()]*)\(([^()]*)\)\s*")
_WORD = re.compile(r"[^\W_]+")
_DIFF = ("diff --git ", "--- a/", "--- /dev/null")


@dataclass(frozen=True)
class Subsystem:
    """A section of MAINTAINERS, or the user's own. `files` and `excluded` are patterns of paths, `names` regular
    expressions for paths, `contents` for what patches say and change; `lists` are addresses.
    """

    title: str
    status: str = ""
    maintainers: tuple[Person, ...] = ()
    reviewers: tuple[Person, ...] = ()
    lists: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[Person, ...]:
        """Maintainers and reviewers."""
        return self.maintainers + self.reviewers

    @property
    def patterns(self) -> tuple[str, ...]:
        """All that says what belongs to it, but lists."""
        return self.files + self.names + self.contents

    @cached_property
    def taking(self) -> tuple[FilePattern, ...]:
        """Patterns of the files that it has, without those that take whatever there is."""
        return tuple(one for one in map(FilePattern, self.files) if not one.says_nothing)

    @cached_property
    def called(self) -> tuple[tuple[str, ...], ...]:
        """The words of its title, as a whole, without what stands in brackets at its end, and those alone."""
        parts = _OTHER_NAME.fullmatch(self.title)
        return tuple(filter(None, map(words_of, (self.title, *(parts.groups() if parts else ())))))

    def takes(self, path: str) -> bool:
        """Whether it has the file of this path (F: and N:, without X:)."""
        return (
            len(path) <= LONGEST
            and (any(one.takes(path) for one in self.taking) or self.has_name(path))
            and not self.leaves_out(path)
        )

    def has_name(self, path: str) -> bool:
        """Whether the path is one that N: asks for."""
        return any(expression(one).search(path) for one in self.names)

    def leaves_out(self, path: str) -> bool:
        """Whether the path is one that X: takes out."""
        return any(one.takes(path) for one in self._leaving_out)

    def says(self, lines: Iterable[str]) -> bool:
        """Whether one of these lines is one that K: asks for."""
        return bool(self.contents) and any(expression(one).search(line) for line in lines for one in self.contents)

    @cached_property
    def _leaving_out(self) -> tuple[FilePattern, ...]:
        return tuple(map(FilePattern, self.excluded))


class Subsystems:
    """All that there are, in order. `of` finds those that a posting belongs to, `claims` asks for one of them."""

    def __init__(self, subsystems: Iterable[Subsystem] = ()) -> None:
        self._all = tuple(subsystems)
        shared = Counter(name for one in self._all for name in {name.casefold() for name in one.lists})
        self._catch_alls = {name for name, count in shared.items() if count > FEW} | {EVERYBODYS}
        self._index = _Index(self._all)

    def __iter__(self) -> Iterator[Subsystem]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def catch_all(self, address: str) -> bool:
        """Whether so many subsystems share a list that a letter to it says nothing about any."""
        return address.casefold() in self._catch_alls

    def having(self, path: str) -> tuple[Subsystem, ...]:
        """Those that have the file of this path, in order."""
        return tuple(self._all[at] for at in sorted(self._index.having(path)))

    def of(self, paths: Collection[str], texts: Iterable[str] = (), lists: Iterable[str] = ()) -> tuple[Subsystem, ...]:
        """Those that a posting belongs to, in order: by the files that it changes, by its mails' texts, or by the
        addresses of the lists that it was sent to.
        """
        found = {at for path in paths for at in self._index.having(path)}
        sent, lines = self._telling_lists(lists), tuple(_telling(texts))
        return tuple(
            one
            for at, one in enumerate(self._all)
            if at in found or one.says(lines) or _by_list(one, sent, any_files=bool(paths))
        )

    def claims(
        self,
        one: Subsystem,
        paths: Collection[str],
        texts: Callable[[], Iterable[str]] = tuple,
        lists: Iterable[str] = (),
    ) -> bool:
        """Whether a posting belongs to this one; the same as whether `of` finds it. Its texts are asked for where they
        decide.
        """
        return (
            any(map(one.takes, paths))
            or (bool(one.contents) and one.says(_telling(texts())))
            or _by_list(one, self._telling_lists(lists), any_files=bool(paths))
        )

    def _telling_lists(self, lists: Iterable[str]) -> set[str]:
        return {name.casefold() for name in lists} - self._catch_alls


@dataclass
class _Index:
    """Who has a file, by the directories on its path: of 8,000 patterns a handful is looked at."""

    subsystems: Sequence[Subsystem]
    _literal: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    _special: dict[str, list[tuple[FilePattern, int]]] = field(default_factory=lambda: defaultdict(list))
    _named: list[tuple[re.Pattern[str], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for at, one in enumerate(self.subsystems):
            for pattern in one.taking:
                if not pattern.literal:
                    self._special[pattern.directory].append((pattern, at))
                    continue
                self._literal[pattern.written].append(at)
                if not pattern.written.endswith("/"):
                    self._literal[f"{pattern.written}/"].append(at)
            self._named += ((expression(name), at) for name in one.names)

    def having(self, path: str) -> set[int]:
        """The places of those that have the file of this path."""
        if len(path) > LONGEST:
            return set()
        found: set[int] = set()
        for place in _places(path):
            found.update(self._literal.get(place, ()))
            for pattern, at in self._special.get(place, ()):
                if at not in found and pattern.takes(path):
                    found.add(at)
        found.update(at for name, at in self._named if name.search(path))
        return {at for at in found if not self.subsystems[at].leaves_out(path)}


def _places(path: str) -> Iterator[str]:
    """The top, the directories on the way, each with a slash at its end, and the file."""
    yield ""
    end = path.find("/")
    while end >= 0:
        yield path[: end + 1]
        end = path.find("/", end + 1)
    yield path


def _by_list(one: Subsystem, sent: set[str], *, any_files: bool) -> bool:
    return not (any_files and one.patterns) and any(name.casefold() in sent for name in one.lists)


def _telling(texts: Iterable[str]) -> Iterator[str]:
    """What mails say before their diffs, line by line, and the lines that these add or take out; TEXT of it in all."""
    left, read = TEXT, READ
    for text in texts:
        changes = False
        lines = text[:read].split("\n")
        read = max(0, read - len(text))
        for line in lines:
            changes = changes or line.startswith(_DIFF)
            if changes and not (line.startswith(("+", "-")) and not line.startswith(("+++ ", "--- "))):
                continue
            told = line[1 : LINE + 1] if changes else line[:LINE]
            left -= len(told) + 1
            if left < 0:
                return
            yield told


def words_of(text: str) -> tuple[str, ...]:
    """The words of a title, in lower case, whatever stands between them."""
    return tuple(_WORD.findall(text.casefold()))
