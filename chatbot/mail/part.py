"""A patch as series and digests have it: its subject, its author, what it changes. Its text stays in the mail."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from chatbot.mail.diff import Diff, Diffstat
from chatbot.mail.mail import Mail
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject


class Part(NamedTuple):
    """`parents` are the Message-IDs that it answers, the nearest first; `stated` is what a cover says of the whole
    series; `log` is empty where nobody tells it, see `Subject.speaks`.
    """

    message_id: str
    subject: Subject
    sender: Person
    author: Person
    received: datetime
    parents: tuple[str, ...]
    archived_as: str
    log: str
    diff: Diff
    stated: Diffstat | None

    @property
    def is_patch(self) -> bool:
        """It is, or a cover."""
        return True


def parts_of(mails: Iterable[Mail]) -> tuple[Part, ...]:
    """Those of these mails that are patches and covers."""
    return tuple(
        Part(
            mail.message_id,
            mail.subject,
            mail.sender,
            mail.author,
            mail.received,
            mail.parents,
            mail.archived_as,
            mail.patch.log if mail.subject.speaks else "",
            mail.diff,
            mail.stated if mail.subject.part == 0 else None,
        )
        for mail in mails
        if mail.patch
    )
