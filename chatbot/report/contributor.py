"""What there is to say about one person: patches, series, tags given, lists, last activity."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.mail import Mail
from chatbot.mail.series import Series, group

# Tags that say who made a patch, not who looked at it.
AUTHORSHIP = frozenset({"Signed-off-by", "Co-developed-by"})


@dataclass(frozen=True, slots=True)
class ContributorReport:
    """`patches` are without covers; `tags` (kind, number) are those given to others, the most frequent first;
    `series` has the newest first.
    """

    name: str
    address: str
    patches: int
    replies: int
    series: tuple[Series, ...]
    tags: tuple[tuple[str, int], ...]
    lists: tuple[str, ...]
    last: datetime


def report_contributor(
    name: str, address: str, last: datetime, *, lists: tuple[str, ...], patches: Iterable[Mail], replies: Iterable[Mail]
) -> ContributorReport:
    """From the patches a person wrote and the replies they sent."""
    patches, replies = tuple(patches), tuple(replies)
    given = Counter(
        tag.kind
        for mail in replies
        for tag in mail.tags
        if tag.kind.endswith("-by") and tag.kind not in AUTHORSHIP and tag.person.address.lower() == address
    )
    series = group(sorted(patches, key=lambda mail: mail.received))
    return ContributorReport(
        name,
        address,
        sum(mail.subject.part != 0 for mail in patches),
        len(replies),
        tuple(sorted(series, key=lambda one: one.received, reverse=True)),
        tuple(given.most_common()),
        lists,
        last,
    )
