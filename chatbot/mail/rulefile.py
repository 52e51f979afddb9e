"""Files of rules that a team writes, as TOML, read key by key; every fault in them is told, one line each.

Law of the file: a key that nobody asked for is a fault, so the one who reads a file also says what may stand in it.
"""

import difflib
import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any, Self

from chatbot.errors import BadConfig

# Far beyond what a team writes; with what a pattern may hold, it bounds what asking the rules costs.
RULES_LIMIT = 20_000
TEXT_LIMIT = 250
_EMPTY = "this is empty; write something, or leave the key out"


class Table:
    """One table of a file: `place` is what a fault in it is called by."""

    def __init__(self, values: dict[str, Any], place: str, faults: list[str]) -> None:
        self.place, self._values, self._faults = place, values, faults
        self._asked: dict[str, None] = {}

    def fault(self, key: str, reason: str) -> None:
        """Something is wrong with a key: the reason, and what to write instead."""
        self._faults.append(f"{self.place} {key}: {reason}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        self._asked[key] = None
        return key in self._values

    def text(self, key: str) -> str:
        """A text that has to be there; empty, with a fault, where there is none."""
        if not self.has(key):
            self.fault(key, "this key is missing; add it")
            return ""
        return next(iter(self._texts(key, [self._values[key]])), "")

    def texts(self, key: str) -> tuple[str, ...]:
        """A text, or a list of them; none where the key is not there."""
        if not self.has(key):
            return ()
        given = self._values[key]
        if given == []:
            self.fault(key, _EMPTY)
        return tuple(self._texts(key, self._bounded(key, given) if isinstance(given, list) else [given]))

    def day(self, key: str) -> date | None:
        """A date, where the key is there."""
        if not self.has(key):
            return None
        given = self._values[key]
        if type(given) is date:
            return given
        self.fault(key, f"{_shown(given)} is no date; write one as 2024-02-29, without quotes")
        return None

    def table(self, key: str) -> "Table":
        """A table of its own; empty where the key is not there."""
        given = self._values[key] if self.has(key) else {}
        if isinstance(given, dict):
            return Table(given, f"{self.place} [{key}]", self._faults)
        self.fault(key, f"this is no table; write its name in brackets: [{key}]")
        return Table({}, self.place, self._faults)

    def tables(self, key: str) -> Iterator["Table"]:
        """The tables of a list, each of which is to be read to its end before the next; none where it is not there."""
        given = self._values[key] if self.has(key) else []
        if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
            self.fault(key, f"this is no list of tables; write its name in double brackets: [[{key}]]")
            return
        for place, values in enumerate(self._bounded(key, given), 1):
            one = Table(values, f"{self.place} [[{key}]] {place}", self._faults)
            yield one
            one.end()

    def __iter__(self) -> Iterator[str]:
        """All keys, where they are names that the team gives."""
        self._asked.update(dict.fromkeys(self._values))
        return iter(self._values)

    def end(self) -> None:
        """All was asked for that may be there."""
        for key in self._values:
            if key not in self._asked:
                likest = difflib.get_close_matches(key, self._asked, n=1) or list(self._asked)
                self.fault(key, f"there is no such key; write {' or '.join(likest)}, or leave it out")

    def _bounded(self, key: str, given: list[Any]) -> list[Any]:
        if len(given) <= RULES_LIMIT:
            return given
        self.fault(key, f"these are {len(given):,}; write {RULES_LIMIT:,} or less")
        return []

    def _texts(self, key: str, given: list[Any]) -> Iterator[str]:
        for one in given:
            if not isinstance(one, str):
                self.fault(key, f"{_shown(one)} is of the wrong type; write text in quotes")
            elif not one.strip():
                self.fault(key, _EMPTY)
            elif len(one) > TEXT_LIMIT:
                self.fault(key, f"{_shown(one)} is too long; write {TEXT_LIMIT} characters or less")
            else:
                yield one


class RuleFile(Table):
    """The whole file, to be used in a `with`: at its end all faults are raised together, as BadConfig."""

    def __init__(self, text: str, where: str) -> None:
        """`where` is what the file is called. Raises BadConfig if it is no TOML."""
        try:
            values = tomllib.loads(text)
        except (ValueError, RecursionError) as error:  # numbers too long for Python are no TOMLDecodeError
            raise BadConfig((f"{where}: this is no TOML: {error}; mend it there",)) from None
        super().__init__(values, f"{where}:", [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error is None:
            self.end()
            if self._faults:
                raise BadConfig(tuple(self._faults))


def _shown(given: object) -> str:
    """What was written, as far as it fits into a line."""
    text = repr(given)
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004
