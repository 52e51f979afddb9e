"""What is new of one series: a new version, the review that was missing, or that it was applied. Pure."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum

from chatbot.mail.standing import Standing
from chatbot.mail.state import Seen, State, status


class What(StrEnum):
    """What has happened, the most telling first."""

    APPLIED = "applied"
    REVIEWED = "reviewed"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class News:
    """What has happened to a posting, and, unless it has just begun, what shows it."""

    what: What
    standing: Standing
    seen: Seen | None = None


def news(standings: Sequence[Standing], came: AbstractSet[str]) -> tuple[News, ...]:
    """What these mails made new of the versions of a series, the newest version first. Of a version that has begun
    with them, that it has; of what a program or a second person says again, nothing.
    """
    found: list[News] = []
    for one in sorted(standings, key=lambda one: one.received, reverse=True):
        now = {seen.state: seen for seen in status(one, one.received).seen}
        before = {seen.state: seen for seen in status(_without(one, came), one.received).seen}
        applied, reviewed = now.get(State.APPLIED), now.get(State.REVIEWED)
        if applied and _said(applied) != _said(before.get(State.APPLIED)):
            found.append(News(What.APPLIED, one, applied))
        if one.own <= came:
            found.append(News(What.VERSION, one))
        elif reviewed and State.REVIEWED not in before and not one.after:
            found.append(News(What.REVIEWED, one, reviewed))
    return tuple(found)


def _said(seen: Seen | None) -> tuple[str, tuple[int, ...]] | None:
    return (seen.words, seen.parts) if seen else None


def _without(standing: Standing, came: AbstractSet[str]) -> Standing:
    """As it stood without these mails."""
    pieces = (
        replace(piece, approvals=tuple(one for one in piece.approvals if one.mail not in came))
        for piece in standing.pieces
        if piece.mail not in came
    )
    remarks = tuple(remark for remark in standing.remarks if remark.mail not in came)
    return replace(standing, pieces=tuple(pieces), remarks=remarks)
