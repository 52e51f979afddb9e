"""The corrections that maintainers made, as they are listed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from chatbot.mail.lineage import Correction, holding
from chatbot.mail.part import Part
from chatbot.mail.series import Series


@dataclass(frozen=True, slots=True)
class Listed:
    """A correction with its two postings, as far as they are known; it holds until the contrary is said."""

    correction: Correction
    one: Series[Part] | None
    other: Series[Part] | None
    holds: bool

    @property
    def contrary(self) -> str:
        """What to type to take it back."""
        return contrary(self.correction)


def report_corrections(corrections: Iterable[Correction], known: Mapping[str, Series[Part]]) -> tuple[Listed, ...]:
    """Newest first. `known` are the series that some of the mails belong to, by their Message-IDs."""
    said = tuple(corrections)
    heads = {name: name for one in said for name in (one.one, one.other)}
    heads |= {name: series.head.message_id for name, series in known.items()}
    held = set(holding(said, heads).values())
    return tuple(Listed(one, known.get(one.one), known.get(one.other), one in held) for one in reversed(said))


def contrary(correction: Correction) -> str:
    """What to type to say the contrary of a correction."""
    return f"/series {'unlink' if correction.together else 'link'} {correction.one} {correction.other}"
