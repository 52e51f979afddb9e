"""What there is to say about one person: patches, series, tags given, lists, last activity."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.grouping import group
from chatbot.mail.part import Part
from chatbot.mail.series import Series


@dataclass(frozen=True, slots=True)
class ContributorReport:
    """`patches` are without covers; `tags` (kind, number) are those given to others, the most frequent first;
    `series` are the newest, the newest first.
    """

    name: str
    address: str
    patches: int
    replies: int
    series: tuple[Series[Part], ...]
    tags: tuple[tuple[str, int], ...]
    lists: tuple[str, ...]
    last: datetime


def report_contributor(
    name: str,
    address: str,
    last: datetime,
    *,
    patches: int,
    replies: int,
    newest: Iterable[Part],
    given: Mapping[str, int],
    lists: tuple[str, ...],
) -> ContributorReport:
    """From a person's numbers and newest patches."""
    series = group(sorted(newest, key=lambda part: part.received))
    return ContributorReport(
        name,
        address,
        patches,
        replies,
        tuple(sorted(series, key=lambda one: one.received, reverse=True)),
        tuple(sorted(given.items(), key=lambda one: (-one[1], one[0]))),
        lists,
        last,
    )
