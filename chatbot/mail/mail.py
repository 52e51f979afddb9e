"""One mail, read: the value that parser, index, digest and templates share."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from chatbot.mail.diff import Diff, Diffstat
from chatbot.mail.message import Message, fields_behind, newest_stamp, read_message
from chatbot.mail.patch import Patch, Tag, read_patch, read_tags, split_author
from chatbot.mail.person import Person
from chatbot.mail.relay import Behind, Found, each_person, is_relay, see_through
from chatbot.mail.subject import Kind, Subject
from chatbot.mail.words import read_words

# public-inbox began in 2013 and imported lists from 1990 on; what lies outside was never a mail's time.
EARLIEST = datetime(1985, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """`received` is when the archive got it (UTC), `date` what the sender claims; `archived_as` is the archive's
    own note of the author (`%an <%ae>` of the commit); `patch` is set for patches and covers alone, `said` are the
    sender's own words in all other mails.

    `sender` and `author` are as the mail spells them, which is what the classic text counts. Where they are relays,
    `behind` is the human whom the sender stands for, and `sent_by` and `written_by` are the humans themselves.
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
    behind: Behind | None = None

    @property
    def author(self) -> Person:
        """Who wrote it: a patch's author, else the sender."""
        return self.patch.author if self.patch else self.sender

    @property
    def sent_by(self) -> Person:
        """The human who sent it."""
        return self.behind.person if self.behind else self.sender

    @property
    def written_by(self) -> Person:
        """The human who wrote it: where a maintainer sends it for its author, the author."""
        author = self.author
        if author == self.sender:
            return self.sent_by
        return see_through(author, _signers(self.tags)).person if is_relay(author) else author

    @property
    def is_patch(self) -> bool:
        """Whether it is a patch or a cover."""
        return self.patch is not None

    @property
    def diff(self) -> Diff:
        """What it changes."""
        return self.patch.diff if self.patch else Diff()

    @property
    def stated(self) -> Diffstat | None:
        """The diffstat that a patch or a cover gives itself."""
        return self.patch.stated if self.patch else None

    @property
    def reply(self) -> bool:
        """Whether it answers another mail and brings no patch of its own."""
        return self.patch is None and (self.subject.reply or bool(self.in_reply_to))

    @property
    def parents(self) -> tuple[str, ...]:
        """The Message-IDs it answers, the nearest first."""
        return answered(self.in_reply_to, self.references)


def answered(in_reply_to: str, references: Sequence[str]) -> tuple[str, ...]:
    """The Message-IDs that a mail with these fields answers, the nearest first."""
    near = [in_reply_to] if in_reply_to else []
    return tuple(dict.fromkeys([*near, *reversed(references)]))


def read_mail(data: bytes, *, committed: datetime, archived_as: str, fallback_id: str) -> Mail:
    """Read one mail; whatever the bytes are, the result is a mail, and `defects` says what was amiss.

    `committed` dates a mail without a `Received:` header, `fallback_id` names one without a Message-ID.
    """
    message = read_message(data)
    subject = Subject.parse(message.subject)
    sender = Person.parse(message.sender)
    patch = _patch(message, subject, sender)
    # Nothing is quoted in a patch, and in flowing text a tag can begin in what is.
    own, said = (message.body, "") if patch else read_words(message.body)
    tags = read_tags(message.body if message.flowed else own, flowed=message.flowed, patch=patch is not None)
    behind = see_through(sender, _witnesses(data, message, tags, archived_as)) if is_relay(sender) else None
    return Mail(
        message_id=message.message_id or fallback_id,
        subject=subject,
        sender=sender,
        received=_possible(message.stamped or committed),
        date=message.date,
        in_reply_to=message.in_reply_to or (message.references[-1] if message.references else ""),
        references=message.references,
        tags=tags,
        said=said,
        archived_as=archived_as,
        patch=patch,
        defects=message.defects,
        behind=behind,
    )


def _witnesses(data: bytes, message: Message, tags: Iterable[Tag], archived_as: str) -> Iterator[tuple[Found, Person]]:
    """Who may stand behind a relay that sent this, the surest first."""
    author, _ = split_author(message.body)
    if author:
        yield Found.IN_BODY, author
    fields = fields_behind(data)
    for name, found in ((b"x-original-from", Found.ORIGINAL), (b"reply-to", Found.REPLY_TO)):
        for person in each_person(fields.get(name, "")):
            yield found, person
    yield from _signers(tags)
    yield Found.ARCHIVED, Person.parse(archived_as)


def _signers(tags: Iterable[Tag]) -> Iterator[tuple[Found, Person]]:
    return ((Found.SIGNED, tag.person) for tag in tags if tag.kind == "Signed-off-by")


def received_at(data: bytes, committed: datetime) -> datetime:
    """When the archive received a mail: its newest stamp, else when it was committed; within what can be."""
    return _possible(newest_stamp(data) or committed)


def _possible(time: datetime) -> datetime:
    return EARLIEST if time < EARLIEST else min(time, LATEST)


def _patch(message: Message, subject: Subject, sender: Person) -> Patch | None:
    """A patch is what its subject calls one; where the subject only hints (`[RFC] title`), the diff decides."""
    if subject.reply or not subject.tags:
        return None
    called = subject.counted or (subject.numbered and subject.kind in (Kind.PATCH, Kind.COVER))
    if subject.kind is Kind.PULL and not called:
        return None
    patch = read_patch(message.body, message.attached, sender)
    return patch if called or patch.diff.text else None
