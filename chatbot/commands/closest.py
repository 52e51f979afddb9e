"""What a person may have meant."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process, utils

# Below this likeness (of 100) a suggestion confuses more than it helps.
LIKENESS = 55


def closest(text: str, choices: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The choices most like the text, the likest first."""
    found = process.extract(
        text, tuple(choices), scorer=fuzz.WRatio, processor=utils.default_process, limit=limit, score_cutoff=LIKENESS
    )
    return tuple(choice for choice, _, _ in found)
