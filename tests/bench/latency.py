"""How long single calls take, for the queries and the updates."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from tests.bench.figures import timed

CALLS = 200


@dataclass(frozen=True, slots=True)
class Latency:
    """In ms: `p95` is the median over the rounds, `longest` the longest single call of all."""

    p95: float
    longest: float


def p95(work: Callable[[Any], object], arguments: Sequence[Any], rounds: int = 3) -> Latency:
    """Call it with each of the arguments by turns, at least 200 times a round."""
    calls = list(islice(cycle(arguments), max(CALLS, len(arguments))))
    times = [
        sorted(1000 * timed(lambda argument=argument: work(argument)) for argument in calls) for _ in range(rounds)
    ]
    place = math.ceil(0.95 * len(calls)) - 1
    return Latency(statistics.median(one[place] for one in times), max(one[-1] for one in times))
