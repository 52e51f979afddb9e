"""What a filter may ask."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Protocol

from chatbot.mail.person import Person

# The words behind `is:`, and how a sentence says them.
TRAITS: Mapping[str, str] = {
    "new": "new",
    "revised": "a new version",
    "reviewed": "reviewed",
    "applied": "applied",
    "waiting": "waiting",
    "rfc": "an RFC",
    "bot": "from a bot",
}


class Facts(Protocol):
    """What a filter may ask of a series, or of a mail. `files` and `bodies` are asked for last, and only where the rest
    has not decided, so they may be got then; they are asked for again and again.
    """

    @property
    def subjects(self) -> Sequence[str]:
        """Of the cover and the patches."""

    @property
    def senders(self) -> Sequence[Person]:
        """Who wrote it, and who sent it."""

    @property
    def to(self) -> Sequence[Person]:
        """To whom it was sent."""

    @property
    def cc(self) -> Sequence[Person]:
        """Who got a copy."""

    @property
    def lists(self) -> AbstractSet[str]:
        """The names of the lists on which it was."""

    @property
    def organisations(self) -> AbstractSet[str]:
        """The names of those for whom the senders work."""

    @property
    def traits(self) -> AbstractSet[str]:
        """Those of TRAITS that it has."""

    @property
    def received(self) -> datetime:
        """When it came in."""

    @property
    def files(self) -> Sequence[str]:
        """The paths of the files that it changes."""

    @property
    def bodies(self) -> Sequence[str]:
        """What it says: each mail's own text."""
