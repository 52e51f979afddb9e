"""Filters as values: a tree of terms."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Self

from chatbot.subscriptions.facts import Facts


class Filter(ABC):
    """What a room wants to hear of; as `str` in the language itself, as it was understood."""

    @property
    def cost(self) -> int:
        """What it takes to ask: 0 for what is at hand, 1 where files are looked at, 2 for bodies."""
        return 0

    @abstractmethod
    def matches(self, facts: Facts, now: datetime) -> bool:
        """Whether it wants this."""

    @abstractmethod
    def english(self, *, no: bool = False) -> str:
        """What it wants, or with `no` what it does not want, as a sentence without its beginning."""


@dataclass(frozen=True)
class Not(Filter):
    """What the other one does not want."""

    part: Filter

    @staticmethod
    def of(part: Filter) -> Filter:
        """Twice the contrary is the thing itself."""
        return part.part if isinstance(part, Not) else Not(part)

    @property
    def cost(self) -> int:
        """As much as the other one."""
        return self.part.cost

    def matches(self, facts: Facts, now: datetime) -> bool:
        """The contrary."""
        return not self.part.matches(facts, now)

    def __str__(self) -> str:
        return f"NOT ({self.part})" if isinstance(self.part, _Several) else f"NOT {self.part}"

    def english(self, *, no: bool = False) -> str:
        """The contrary."""
        return self.part.english(no=not no)


@dataclass(frozen=True)
class _Several(Filter):
    """The cheapest are asked first."""

    parts: tuple[Filter, ...]

    @classmethod
    def of(cls, parts: Iterable[Filter]) -> Self:
        """What is in brackets and needs none loses them, so that equal filters are equal."""
        return cls(tuple(one for part in parts for one in (part.parts if isinstance(part, cls) else (part,))))

    @property
    def cost(self) -> int:
        return max((part.cost for part in self.parts), default=0)

    @cached_property
    def _cheapest_first(self) -> Sequence[Filter]:
        return sorted(self.parts, key=lambda part: part.cost)


@dataclass(frozen=True)
class And(_Several):
    """What all of them want; of none, everything."""

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Whether all want it."""
        return all(part.matches(facts, now) for part in self._cheapest_first)

    def __str__(self) -> str:
        return " AND ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)

    def english(self, *, no: bool = False) -> str:
        """`subject has "tdx"; not from lkp@intel.com`."""
        said = "; ".join(part.english() for part in self.parts) or "everything"
        return f"not ({said})" if no else said


@dataclass(frozen=True)
class Or(_Several):
    """What any of them wants."""

    def matches(self, facts: Facts, now: datetime) -> bool:
        """Whether any wants it."""
        return any(part.matches(facts, now) for part in self._cheapest_first)

    def __str__(self) -> str:
        return " OR ".join(map(str, self.parts))

    def english(self, *, no: bool = False) -> str:
        """`from maz@kernel.org or organisation has "google"`."""
        said = " or ".join(f"({part.english()})" if isinstance(part, And) else part.english() for part in self.parts)
        return f"not ({said})" if no else said


EVERYTHING = And(())
