"""What the terms of a filter ask of a series, or of a mail.

Law of the file: what was typed is a value. It is compared, in lower case, and nothing else is made of it; and each term
prints what it was read from, so that a person sees what was understood.
"""

import fnmatch
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import NamedTuple, Self

from chatbot.errors import Misunderstood
from chatbot.mail.person import Person
from chatbot.rhythm import duration
from chatbot.subscriptions.facts import TRAITS, Facts
from chatbot.subscriptions.tree import Filter

_COMPARISONS: Mapping[str, tuple[Callable[[timedelta, timedelta], bool], str]] = {
    ">": (operator.gt, "older than {}"),
    ">=": (operator.ge, "at least {} old"),
    "<": (operator.lt, "younger than {}"),
    "<=": (operator.le, "at most {} old"),
}
# As the search has them: a test compares the two.
_WORD = re.compile(r"[^\W_]+")
_UNITS = (("week", timedelta(weeks=1)), ("day", timedelta(days=1)), ("hour", timedelta(hours=1)))
_SPECIAL = re.compile(r"[\s()]")
# What a glob may have between brackets; the first sign may be a bracket itself.
_BRACKETS = re.compile(r"\[[!^]?\]?[^]]*\]")
# What a sentence says for those behind a prefix, and who they are.
_ROLES: Mapping[str, tuple[str, Callable[[Facts], Iterable[Person]]]] = {
    "f": ("from", lambda facts: facts.senders),
    "t": ("to", lambda facts: facts.to),
    "c": ("with a copy to", lambda facts: facts.cc),
    "a": ("from, to or with a copy to", lambda facts: (*facts.senders, *facts.to, *facts.cc)),
}


@dataclass(frozen=True)
class Words(Filter):
    """`s:` and `b:`: these words in a row in a subject, or in a text; of the last one, where `begun`, only the
    beginning.
    """

    prefix: str
    words: tuple[str, ...]
    begun: bool = False

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `vfi*`, or `memory encryption`."""
        bare = value.rstrip("*")
        if "*" in bare:
            raise Misunderstood(value, "a star stands for the end of a word", f"write {prefix}:vfi*")
        found = _words(bare)
        if not found:
            raise Misunderstood(value, "there is no word in it", f"write {prefix}:tdx")
        return cls(prefix, found, bare != value and bool(_words(bare[-1])))

    @property
    def cost(self) -> int:
        """A body is long, and may have to be read first."""
        return 2 if self.prefix == "b" else 0

    def matches(self, facts: Facts, now: datetime) -> bool:
        """In one of them, not across two."""
        texts = facts.bodies if self.prefix == "b" else facts.subjects
        return self._sought in _searchable(tuple(texts))

    @cached_property
    def _sought(self) -> str:
        return f" {' '.join(self.words)}" if self.begun else f" {' '.join(self.words)} "

    def __str__(self) -> str:
        return _term(self.prefix, self._shown)

    def english(self, *, no: bool = False) -> str:
        """`subject has "tdx"`."""
        return f'{"body" if self.prefix == "b" else "subject"} has {"no " if no else ""}"{self._shown}"'

    @property
    def _shown(self) -> str:
        return " ".join(self.words) + "*" * self.begun


# A filter asks for several words, one after the other, and several rooms' filters ask the same series.
@lru_cache(8)
def _searchable(texts: tuple[str, ...]) -> str:
    return "\n".join(f" {' '.join(_words(text))} " for text in texts)


def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text.casefold()))


@dataclass(frozen=True)
class Somebody(Filter):
    """`f:`, `t:`, `c:` and `a:`: an address, everybody at a domain (`@intel.com`), or a part of a name or address."""

    prefix: str
    who: str

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `maz@kernel.org`, `@intel.com`, `maz`, or as mails write it, `Marc Zyngier <maz@kernel.org>`."""
        who = value.casefold()
        if "@" in who:
            who = who.rpartition("<")[2].rstrip("> ")
            if " " in who or not who.rpartition("@")[2]:
                reason = "this is neither an address nor a domain"
                raise Misunderstood(value, reason, f"write {prefix}:maz@kernel.org, or {prefix}:@kernel.org")
        return cls(prefix, who)

    @property
    def cost(self) -> int:
        """To whom it was sent stands in no index: the archive is read for it."""
        return 0 if self.prefix == "f" else 3

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Any of those."""
        return any(self._is(person) for person in _ROLES[self.prefix][1](facts))

    def _is(self, person: Person) -> bool:
        address = person.address.casefold()
        if self.who.startswith("@"):
            return address.endswith(self.who) or ("@" in address and address.endswith(f".{self.who[1:]}"))
        if "@" in self.who:
            return address == self.who
        return self.who in address or self.who in person.name.casefold()

    def __str__(self) -> str:
        return _term(self.prefix, self.who)

    def english(self, *, no: bool = False) -> str:
        """`from maz@kernel.org`."""
        who = self.who if "@" in self.who else f'"{self.who}"'
        who = f"anybody at {who[1:]}" if who.startswith("@") else who
        return f"{'not ' * no}{_ROLES[self.prefix][0]} {who}"


@dataclass(frozen=True)
class File(Filter):
    """`dfn:`: a file, or all below a directory, by its path; a file by its name alone; or a glob. Where a glob has no
    slash, it is about names.
    """

    path: str

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `arch/x86/kvm/`, `virt/kvm/kvm_main.c`, `Makefile` or `arch/*/kvm/*.c`."""
        path = value.lstrip("/")
        if not path:
            raise Misunderstood(value, "this is no file", f"write {prefix}:arch/x86/kvm/")
        if "[" in _BRACKETS.sub("", path):
            raise Misunderstood(value, "the [ is never closed", f"write {prefix}:[a-z]*.c")
        return cls(path)

    @property
    def cost(self) -> int:
        """Diffs may have to be opened first."""
        return 1

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Any of them."""
        return any(self._takes(path.casefold()) for path in facts.files)

    @cached_property
    def _takes(self) -> Callable[[str], bool]:
        path = self.path.casefold()
        if any(sign in path for sign in "*?["):
            takes = re.compile(fnmatch.translate(path.replace("[^", "[!"))).match
            return (
                (lambda other: takes(other) is not None)
                if "/" in path
                else (lambda other: takes(other.rpartition("/")[2]) is not None)
            )
        if path.endswith("/"):
            return lambda other: other.startswith(path)
        below, named = f"{path}/", f"/{path}"
        if "/" in path:
            return lambda other: other == path or other.startswith(below)
        return lambda other: other == path or other.startswith(below) or other.endswith(named)

    def __str__(self) -> str:
        return _term("dfn", self.path)

    def english(self, *, no: bool = False) -> str:
        """`touches arch/x86/kvm/`."""
        return f"does not touch {self.path}" if no else f"touches {self.path}"


@dataclass(frozen=True)
class OnList(Filter):
    """`l:`: a list by its whole name."""

    name: str

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `kvm`."""
        if "@" in value or " " in value:
            likest = re.split(r"[@ ]", value)[0] or "kvm"
            raise Misunderstood(value, "this is no name of a list", f"write {prefix}:{likest}")
        return cls(value.casefold())

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Also where it was on others, too."""
        return any(name.casefold() == self.name for name in facts.lists)

    def __str__(self) -> str:
        return _term("l", self.name)

    def english(self, *, no: bool = False) -> str:
        """`on the list kvm`."""
        return f"{'not ' * no}on the list {self.name}"


@dataclass(frozen=True)
class OfOrganisation(Filter):
    """`org:`: an organisation by a part of its name."""

    name: str

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `google`."""
        return cls(value.casefold())

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Any of them."""
        return any(self.name in name.casefold() for name in facts.organisations)

    def __str__(self) -> str:
        return _term("org", self.name)

    def english(self, *, no: bool = False) -> str:
        """`organisation has "google"`."""
        return f'organisation has {"no " * no}"{self.name}"'


@dataclass(frozen=True)
class Is(Filter):
    """`is:`: one of TRAITS."""

    trait: str

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `new`."""
        trait = value.casefold()
        if trait not in TRAITS:
            known = [f"{prefix}:{one}" for one in get_close_matches(trait, TRAITS, 1) or TRAITS]
            raise Misunderstood(value, f"{prefix}: knows no such word", f"write {' or '.join(known)}")
        return cls(trait)

    def matches(self, facts: Facts, now: datetime) -> bool:
        """At present."""
        return self.trait in facts.traits

    def __str__(self) -> str:
        return _term("is", self.trait)

    def english(self, *, no: bool = False) -> str:
        """`is new`."""
        return f"is {'not ' * no}{TRAITS[self.trait]}"


@dataclass(frozen=True)
class Age(Filter):
    """`age:`: how long ago it came in."""

    comparison: str
    span: timedelta

    @classmethod
    def read(cls, prefix: str, value: str) -> Self:
        """Of `>5d`, `<=2w`."""
        written = value.lstrip("<>=")
        comparison = value.removesuffix(written)
        written = written.strip()
        span = duration(written)
        if comparison in _COMPARISONS and span:
            return cls(comparison, span)
        likely = written if span else f"{written}d" if duration(f"{written}d") else "5d"
        if comparison in _COMPARISONS:
            raise Misunderstood(value, "this is no span of time", f"write {prefix}:{comparison}{likely}")
        remedy = f"write {prefix}:>{likely} for what is older, {prefix}:<{likely} for what is younger"
        raise Misunderstood(value, "an age has < or > before it", remedy)

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Counted from when it came in until now."""
        return _COMPARISONS[self.comparison][0](now - facts.received, self.span)

    def __str__(self) -> str:
        count, unit = self._counted
        return _term("age", f"{self.comparison}{count}{unit[0]}")

    def english(self, *, no: bool = False) -> str:
        """`older than 5 days`."""
        count, unit = self._counted
        return "not " * no + _COMPARISONS[self.comparison][1].format(f"{count} {unit}{'s' * (count > 1)}")

    @property
    def _counted(self) -> tuple[int, str]:
        whole = ((self.span // size, unit) for unit, size in _UNITS if not self.span % size)
        return next(whole, (self.span // timedelta(minutes=1), "minute"))


class Kind(NamedTuple):
    """How what follows a prefix is read, and an example. `read` takes the prefix and what follows it, without quotes,
    with single blanks, never empty; it raises Misunderstood.
    """

    read: Callable[[str, str], Filter]
    example: str


PREFIXES: Mapping[str, Kind] = {
    "s": Kind(Words.read, "s:tdx"),
    "f": Kind(Somebody.read, "f:maz@kernel.org"),
    "t": Kind(Somebody.read, "t:maz@kernel.org"),
    "c": Kind(Somebody.read, "c:maz@kernel.org"),
    "a": Kind(Somebody.read, "a:maz@kernel.org"),
    "dfn": Kind(File.read, "dfn:arch/x86/kvm/"),
    "b": Kind(Words.read, 'b:"memory encryption"'),
    "l": Kind(OnList.read, "l:kvm"),
    "org": Kind(OfOrganisation.read, "org:google"),
    "is": Kind(Is.read, "is:new"),
    "age": Kind(Age.read, "age:>5d"),
}


def _term(prefix: str, value: str) -> str:
    return f'{prefix}:"{value}"' if _SPECIAL.search(value) else f"{prefix}:{value}"
