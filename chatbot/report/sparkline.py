"""Numbers as a line of small bars."""

from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_NONE = "·"


def sparkline(numbers: Sequence[int]) -> str:
    """A sign for each; the largest has the highest bar, and what is nothing has none."""
    top = max(numbers, default=0)
    return "".join(_BARS[-(-number * len(_BARS) // top) - 1] if number else _NONE for number in numbers)
