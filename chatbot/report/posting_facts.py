"""What a filter may ask of a posting: how it stood at a moment, and, got when first asked for, its mails."""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from chatbot.mail.mail import Mail
from chatbot.mail.organisations import Basis
from chatbot.mail.people import People
from chatbot.mail.person import Person
from chatbot.mail.recipients import Recipients
from chatbot.mail.standing import Standing
from chatbot.mail.state import State, status


@dataclass(frozen=True)
class PostingFacts:
    """What ends in `_of` takes the Message-IDs of a posting's own mails."""

    standing: Standing
    at: datetime
    people: People
    mails_of: Callable[[Iterable[str]], Sequence[Mail]]
    lists_of: Callable[[Iterable[str]], Iterable[str]]
    recipients_of: Callable[[Iterable[str]], Recipients]

    @property
    def received(self) -> datetime:
        """When its first mail came."""
        return self.standing.received

    @cached_property
    def subjects(self) -> Sequence[str]:
        """Of the cover and the patches."""
        return [str(mail.subject) for mail in self._mails] or [str(self.standing.subject)]

    @cached_property
    def senders(self) -> Sequence[Person]:
        """Who wrote it, and who sent it."""
        sent = (one for mail in self._mails for one in (mail.author, mail.written_by, mail.sender, mail.sent_by))
        return tuple(dict.fromkeys((self.standing.author, *sent)))

    @property
    def to(self) -> Sequence[Person]:
        """To whom it was sent."""
        return self._recipients.to

    @property
    def cc(self) -> Sequence[Person]:
        """Who got a copy."""
        return self._recipients.cc

    @cached_property
    def lists(self) -> AbstractSet[str]:
        """Those on which any of its mails was."""
        return frozenset(self.lists_of(self.standing.own))

    @cached_property
    def organisations(self) -> AbstractSet[str]:
        """Those that more than a provider's address tells."""
        found = (self.people.organisation(one, self.received) for one in self.senders)
        return frozenset(one.name for one in found if one.basis is not Basis.PROVIDER)

    @cached_property
    def traits(self) -> AbstractSet[str]:
        """As it stood then."""
        one, now = self.standing, status(self.standing, self.at)
        seen = {what.state for what in now.seen}
        has = {
            "new": not one.later,
            "revised": bool(one.later),
            "reviewed": State.REVIEWED in seen,
            "applied": State.APPLIED in seen,
            "waiting": now.waiting is not None,
            "rfc": one.draft,
            "bot": one.bot,
        }
        return frozenset(trait for trait, there in has.items() if there)

    @cached_property
    def files(self) -> Sequence[str]:
        """The paths that its patches change."""
        return tuple(dict.fromkeys(change.path for piece in self.standing.pieces for change in piece.diff.changes))

    @cached_property
    def bodies(self) -> Sequence[str]:
        """Logs, and what letters say themselves."""
        return [mail.patch.log if mail.patch else mail.said for mail in self._mails]

    @cached_property
    def _recipients(self) -> Recipients:
        return self.recipients_of(self.standing.own)

    @cached_property
    def _mails(self) -> Sequence[Mail]:
        return self.mails_of(self.standing.own)
