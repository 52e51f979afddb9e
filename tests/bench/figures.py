"""What is found: figures, with their goals where they have one."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """`goal` is the most that the value may be, or with `at_least` the least."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        return self.value >= self.goal if self.at_least else self.value <= self.goal

    def cells(self) -> tuple[str, str, str, str]:
        """How a table shows it."""
        if self.goal is None:
            return self.what, f"{_short(self.value)} {self.unit}", "", ""
        goal = f"{'≥' if self.at_least else '≤'} {_short(self.goal)}"
        return self.what, f"{_short(self.value)} {self.unit}", goal, "met" if self.met else "NOT MET"

    def document(self) -> dict[str, Any]:
        """How JSON shows it."""
        return asdict(self) | {"met": self.met}


def table(figures: Iterable[Figure]) -> str:
    """The figures in columns: what, figure, goal, met or not."""
    rows = [figure.cells() for figure in figures]
    what, value, goal = (max((len(row[column]) for row in rows), default=0) for column in range(3))
    return "\n".join(f"  {a:{what}}  {b:>{value}}  {c:{goal}}  {d}".rstrip() for a, b, c, d in rows)


def _short(value: float) -> str:
    digits = next((digits for digits, least in enumerate((100, 10)) if abs(value) >= least), 2)
    return f"{value:,.{digits}f}"


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True, slots=True)
class Way:
    """One of the things that are compared. `prepare` is not timed; `rounds` limits how often a slow one runs."""

    name: str
    work: Callable[[], object]
    prepare: Callable[[], object] = lambda: None
    rounds: int | None = None


class Times:
    """Seconds of ways that ran by turns. Machines are noisy: a ratio is the median of the ratios within a round."""

    def __init__(self, ways: Sequence[Way], rounds: int) -> None:
        """Run them all."""
        self._found: dict[str, list[float]] = defaultdict(list)
        for number in range(rounds):
            for way in ways:
                if way.rounds is None or number < way.rounds:
                    way.prepare()
                    self._found[way.name].append(timed(way.work))

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def seconds(self, name: str) -> float:
        """The median of a way."""
        return statistics.median(self._found[name])

    def ratio(self, name: str, *to: str) -> float:
        """How many times what the others take together."""
        rounds = zip(self._found[name], *(self._found[other] for other in to), strict=False)
        return statistics.median(own / sum(others) for own, *others in rounds)
