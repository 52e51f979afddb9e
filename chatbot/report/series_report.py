"""What there is to say about one series: its parts, who answered, and who reviewed."""

from collections.abc import Iterable
from dataclasses import dataclass

from chatbot.mail.mail import Mail
from chatbot.mail.part import Part
from chatbot.mail.series import Series

# The tags of people who looked at the code, in the order of their weight.
REVIEW_TAGS = ("Reviewed-by", "Acked-by", "Tested-by")


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's tag of one kind, and on how many mails of the series it was given."""

    kind: str
    label: str
    mails: int


@dataclass(frozen=True, slots=True)
class SeriesReport:
    """A series with what came in answer to it."""

    series: Series[Part]
    link: str
    lists: tuple[str, ...]
    replies: int
    repliers: int
    votes: tuple[Vote, ...]


def report_series(series: Series[Part], link: str, lists: tuple[str, ...], thread: Iterable[Mail]) -> SeriesReport:
    """Count the replies in a thread that has the series' own mails and those below them, and the review tags in all."""
    thread = tuple(thread)
    own = {part.message_id for part in series.parts}
    replies = [mail for mail in thread if mail.message_id not in own]
    return SeriesReport(
        series,
        link,
        lists,
        len(replies),
        len({mail.sender.address.lower() for mail in replies}),
        _votes(thread),
    )


def _votes(mails: Iterable[Mail]) -> tuple[Vote, ...]:
    given: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for mail in mails:
        for tag in mail.tags:
            if tag.kind in REVIEW_TAGS:
                who = tag.person
                _, seen = given.setdefault((tag.kind, who.address.lower() or who.label), (who.label, set()))
                # A tag counts once for the patch it is on, whether it stands there or in a reply to it.
                seen.add(mail.message_id if mail.patch else mail.in_reply_to)
    votes = (Vote(kind, label, len(seen)) for (kind, _), (label, seen) in given.items())
    return tuple(sorted(votes, key=lambda vote: (REVIEW_TAGS.index(vote.kind), -vote.mails, vote.label)))
