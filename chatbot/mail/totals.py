"""What can be counted of mails without looking into them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from chatbot.mail.mail import Mail


@dataclass(frozen=True, slots=True)
class Totals:
    """Numbers over some mails. `people` are different addresses of authors."""

    mails: int = 0
    replies: int = 0
    people: int = 0
    defects: int = 0
    first: datetime | None = None
    last: datetime | None = None

    @classmethod
    def of(cls, mails: Iterable[Mail]) -> Self:
        """Counted mail by mail; an index counts in its own way."""
        mails = tuple(mails)
        return cls(
            mails=len(mails),
            replies=sum(mail.reply for mail in mails),
            people=len({mail.author.address.lower() for mail in mails}),
            defects=sum(bool(mail.defects) for mail in mails),
            first=min((mail.received for mail in mails), default=None),
            last=max((mail.received for mail in mails), default=None),
        )
