"""Mails as rows, see batch.py.

Law of the file: no SQLAlchemy, which a reader need not load. No text leaves here with characters that nobody sees.
"""

from collections.abc import Iterable
from functools import lru_cache

from chatbot.chat.post import printable
from chatbot.mail.diff import Diff
from chatbot.mail.mail import EARLIEST, LATEST, Mail
from chatbot.mail.patch import AUTHORSHIP, REVIEWS, Tag
from chatbot.mail.person import Person
from chatbot.mail.series import Posting, posting
from chatbot.mail.subject import Subject
from chatbot.sources.source import RawMail
from chatbot.store.batch import Batch, Entry
from chatbot.store.words import key_of, searchable, words

# So much of a text is searched: a log of 32 KB is longer than anyone writes.
SEARCHED = 32_768
# Directories above one patch's files: a tree-wide clean-up counts for the first so many.
DIRECTORIES = 200


def batch_of(epoch: int, reached: str, mails: Iterable[tuple[RawMail, Mail]]) -> Batch:
    """The rows of what was read."""
    persons: dict[int, tuple[object, ...]] = {}
    directories: dict[int, str] = {}
    entries = [_entry(raw, mail, persons, directories) for raw, mail in mails]
    return Batch(epoch, reached, entries, list(persons.values()), list(directories.items()))


def gives(kind: str, value: str, mailbox: str) -> bool:
    """Whether a tag in a mail from this mailbox is its sender's own word on another's patch."""
    return kind.endswith("-by") and kind not in AUTHORSHIP and Tag(kind, value).person.address.lower() == mailbox


def reviews_told(tags: Iterable[tuple[str, str]]) -> str:
    """Whom the tags of REVIEWS among these name, as written, one a line."""
    return "\n".join(value for kind, value in tags if kind in REVIEWS)


def searched_title(subject: Subject, *, is_patch: bool) -> str:
    """The words by which a patch or a pull request is looked for; of other mails none."""
    return " ".join(words(subject.title)) if is_patch or subject.pull else ""


def key_of_posting(shared: Posting) -> int:
    """What stands for a posting."""
    return key_of(" ".join(map(str, shared)))


def directories_above(paths: Iterable[str]) -> dict[int, str]:
    """The directories that hold these files, and those that hold them, by their keys."""
    found: dict[int, str] = {}
    for folder in sorted({path.rpartition("/")[0] for path in paths}):
        for key, above in _above(folder):
            if len(found) < DIRECTORIES:
                found[key] = above
    return found


def _entry(raw: RawMail, mail: Mail, persons: dict[int, tuple[object, ...]], directories: dict[int, str]) -> Entry:
    patch = mail.patch
    sender = _person(mail.sender)
    author = _person(patch.author) if patch else sender
    persons[sender[0]], persons[author[0]] = sender, author
    whole = str(mail.subject)
    written = printable(whole)
    # What is kept decides what it is counted and searched as, for who takes a mail out has nothing else to go by.
    subject = mail.subject if written == whole else Subject.parse(written)
    text = printable(patch.log if patch else mail.said)
    counted = subject.counted
    message_id, received = printable(mail.message_id), int(mail.received.timestamp())
    key = key_of(message_id)
    diff = Diff(printable(patch.diff.text) if patch else "")
    row = (
        *(key, message_id, raw.blob, written, len(subject.lead), patch is not None and subject.speaks),
        *(sender[0], author[0], received, *_rest_of_row(mail), diff.text),
        *((patch.content, printable(patch.change_id)) if patch else ("", "")),
    )
    tags = tuple([(place, tag.kind, printable(tag.value)) for place, tag in enumerate(mail.tags)])
    said = [(kind, value) for _, kind, value in tags] if patch is None else []
    above = directories_above(diff.paths)
    directories.update(above)
    return Entry(
        raw.commit.epoch,
        raw.commit.id,
        raw.blob,
        raw.removed,
        bool(raw.defect),
        message_id,
        key,
        received,
        sender[0],
        author[0],
        counted,
        int(patch is not None and subject.part != 0),
        int(patch is None),
        tuple([kind for kind, value in said if gives(kind, value, sender[4])]),
        (sender[0], author[0], counted, reviews_told(said), patch is not None, mail.reply, bool(mail.defects)),
        row,
        tags,
        tuple(above),
        searched_title(subject, is_patch=patch is not None),
        text,
    )


def _rest_of_row(mail: Mail) -> tuple[object, ...]:
    """MAIL_COLUMNS from `date` on, up to the diff."""
    in_reply_to = printable(mail.in_reply_to)
    stated = mail.patch.stated if mail.patch else None
    return (
        int(mail.date.timestamp()) if mail.date and EARLIEST <= mail.date <= LATEST else None,
        key_of(in_reply_to) if in_reply_to else None,
        in_reply_to,
        printable(" ".join(mail.references)),
        printable(mail.archived_as),
        "\n".join(mail.defects),
        mail.patch is not None,
        mail.reply,
        key_of_posting(posting(mail)) if mail.patch and mail.subject.numbered else None,
        stated.files if stated else None,
        stated.insertions if stated else None,
        stated.deletions if stated else None,
    )


@lru_cache(maxsize=10_000)
def _person(person: Person) -> tuple[int, str, str, str, str, str]:
    written, name, address = printable(person.written), printable(person.name), printable(person.address)
    # All three: encoded words can make two people's fields look the same.
    key = key_of(f"{written}\0{name}\0{address}")
    return key, written, name, address, address.lower(), searchable(f"{name} {address}")


@lru_cache(maxsize=10_000)
def _above(folder: str) -> tuple[tuple[int, str], ...]:
    """A directory and those above it, with their keys."""
    parts = folder.split("/") if folder else []
    return tuple((key_of(path), path) for path in ("/".join(parts[:depth]) for depth in range(len(parts), 0, -1)))
