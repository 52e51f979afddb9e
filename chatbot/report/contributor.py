"""What there is to say about one person: patches, series, tags given, lists, last activity, and their last 90 days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.grouping import group
from chatbot.mail.organisations import Basis
from chatbot.mail.part import Part
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.series import Series
from chatbot.report.lately import LatelyReport


@dataclass(frozen=True, slots=True)
class ContributorReport:
    """`patches` are without covers; `tags` (kind, number) are those given to others, the most frequent first;
    `series` are the newest, the newest first. `elsewhere` are further addresses; `organisation` is empty where nothing
    tells it, `bot` says what kind of a program it is. All but `lately` is of all time.
    """

    person: Person
    elsewhere: tuple[str, ...]
    organisation: str
    bot: str
    patches: int
    replies: int
    series: tuple[Series[Part], ...]
    tags: tuple[tuple[str, int], ...]
    lists: tuple[str, ...]
    last: datetime
    lately: LatelyReport


def report_contributor(
    person: Person,
    elsewhere: tuple[str, ...],
    last: datetime,
    people: People,
    *,
    patches: int,
    replies: int,
    newest: Iterable[Part],
    given: Mapping[str, int],
    lists: tuple[str, ...],
    lately: LatelyReport,
) -> ContributorReport:
    """From a person's numbers and newest patches."""
    series = group(sorted(newest, key=lambda part: part.received))
    organisation = people.organisation(person, last)
    bot = people.bots.named(person)
    return ContributorReport(
        person,
        elsewhere,
        organisation.name if organisation.basis is Basis.RULE else "",
        bot.kind if bot else "",
        patches,
        replies,
        tuple(sorted(series, key=lambda one: one.received, reverse=True)),
        tuple(sorted(given.items(), key=lambda one: (-one[1], one[0]))),
        lists,
        last,
        lately,
    )
