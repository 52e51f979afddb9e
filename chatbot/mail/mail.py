"""One mail, read: the value that parser, index, digest and templates share."""

from dataclasses import dataclass
from datetime import UTC, datetime

from chatbot.mail.message import Message, newest_stamp, read_message
from chatbot.mail.patch import Patch, Tag, read_patch, read_tags
from chatbot.mail.person import Person
from chatbot.mail.subject import Kind, Subject
from chatbot.mail.words import own_words, without_quotes

# public-inbox began in 2013 and imported lists from 1990 on; what lies outside was never a mail's time.
EARLIEST = datetime(1985, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """`received` is when the archive got it (UTC), `date` what the sender claims; `archived_as` is the archive's
    own note of the author (`%an <%ae>` of the commit); `patch` is set for patches and covers alone, `said` are the
    sender's own words in all other mails.
    """

    message_id: str
    subject: Subject
    sender: Person
    received: datetime
    date: datetime | None
    in_reply_to: str
    references: tuple[str, ...]
    tags: tuple[Tag, ...]
    said: str
    archived_as: str
    patch: Patch | None
    defects: tuple[str, ...]

    @property
    def author(self) -> Person:
        """Who wrote it: a patch's author, else the sender."""
        return self.patch.author if self.patch else self.sender

    @property
    def reply(self) -> bool:
        """Whether it answers another mail and brings no patch of its own."""
        return self.patch is None and (self.subject.reply or bool(self.in_reply_to))

    @property
    def parents(self) -> tuple[str, ...]:
        """The Message-IDs it answers, the nearest first."""
        near = (self.in_reply_to,) if self.in_reply_to else ()
        return tuple(dict.fromkeys(near + self.references[::-1]))


def read_mail(data: bytes, *, committed: datetime, archived_as: str, fallback_id: str) -> Mail:
    """Read one mail; whatever the bytes are, the result is a mail, and `defects` says what was amiss.

    `committed` dates a mail without a `Received:` header, `fallback_id` names one without a Message-ID.
    """
    message = read_message(data)
    subject = Subject.parse(message.subject)
    sender = Person.parse(message.sender)
    patch = _patch(message, subject, sender)
    # Nothing is quoted in a patch, and in flowing text a tag can begin in what is.
    own = message.body if patch else without_quotes(message.body)
    return Mail(
        message_id=message.message_id or fallback_id,
        subject=subject,
        sender=sender,
        received=_possible(message.stamped or committed),
        date=message.date,
        in_reply_to=message.in_reply_to or (message.references[-1] if message.references else ""),
        references=message.references,
        tags=read_tags(message.body if message.flowed else own, flowed=message.flowed, patch=patch is not None),
        said="" if patch else own_words(own),
        archived_as=archived_as,
        patch=patch,
        defects=message.defects,
    )


def received_at(data: bytes, committed: datetime) -> datetime:
    """When the archive received a mail: its newest stamp, else when it was committed; within what can be."""
    return _possible(newest_stamp(data) or committed)


def _possible(time: datetime) -> datetime:
    return min(max(time, EARLIEST), LATEST)


def _patch(message: Message, subject: Subject, sender: Person) -> Patch | None:
    """A patch is what its subject calls one; where the subject only hints (`[RFC] title`), the diff decides."""
    if subject.reply or not subject.tags:
        return None
    called = subject.counted or (subject.numbered and subject.kind in (Kind.PATCH, Kind.COVER))
    if subject.kind is Kind.PULL and not called:
        return None
    patch = read_patch(message.body, message.attached, sender)
    return patch if called or patch.changes else None
