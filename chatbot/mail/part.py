"""A patch as series and digests have it: its subject, its author, what it changes. Its text stays in the mail."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from chatbot.mail.mail import Mail
from chatbot.mail.patch import Diff, Diffstat
from chatbot.mail.person import Person
from chatbot.mail.subject import Subject


class Part(NamedTuple):
    """`above` are the Message-IDs of the nearest and the farthest mail that it answers; `stated` is what a cover says
    of the whole series; `log` is empty where nobody tells it, see `Subject.speaks`.
    """

    message_id: str
    subject: Subject
    sender: Person
    author: Person
    received: datetime
    above: tuple[str, ...]
    archived_as: str
    log: str
    diff: Diff
    stated: Diffstat | None


def ends(parents: tuple[str, ...]) -> tuple[str, ...]:
    """The nearest and the farthest of these: enough for patches below a cover, below one another, and below a cover
    that the archive has not got.
    """
    return parents[:1] + parents[1:][-1:]


def parts_of(mails: Iterable[Mail]) -> tuple[Part, ...]:
    """Those of these mails that are patches and covers."""
    return tuple(
        Part(
            mail.message_id,
            mail.subject,
            mail.sender,
            mail.author,
            mail.received,
            ends(mail.parents),
            mail.archived_as,
            mail.patch.log if mail.subject.speaks else "",
            mail.patch.diff,
            mail.patch.stated if mail.subject.part == 0 else None,
        )
        for mail in mails
        if mail.patch
    )
