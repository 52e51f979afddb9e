"""What a person may have meant."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process, utils

# Below this likeness (of 100) a suggestion confuses more than it helps.
LIKENESS = 55


def closest(text: str, choices: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The choices most like the text, the likest first; what has no letters is like nothing."""
    if not utils.default_process(text):
        return ()
    written = (choice for choice in dict.fromkeys(choices) if utils.default_process(choice))
    found = process.extract(
        text, tuple(written), scorer=_likeness, processor=utils.default_process, limit=limit, score_cutoff=LIKENESS
    )
    return tuple(choice for choice, _, _ in found)


def _likeness(text: str, choice: str, *, score_cutoff: float | None = None) -> float:
    """A few words are looked for inside a long title, but not a short name inside many words."""
    if len(choice) >= len(text):
        return fuzz.partial_ratio(text, choice, score_cutoff=score_cutoff)
    return fuzz.ratio(text, choice, score_cutoff=score_cutoff)
