"""Reading: a commit of an archive becomes a mail. Used by the index and by digests straight from an archive."""

from dataclasses import replace
from datetime import datetime

from chatbot.mail.mail import Mail, read_mail, received_at
from chatbot.sources.source import Commit, RawMail


def read(raw: RawMail) -> tuple[Commit, Mail]:
    """The mail of a commit. One without a Message-ID is named after the commit.

    The reader takes any bytes. Should it fail all the same, the mail is kept as a defect and the range goes on.
    """
    if raw.defect:
        return raw.commit, replace(_read(raw.commit, b""), defects=(raw.defect,))
    try:
        return raw.commit, _read(raw.commit, raw.data)
    except Exception as error:  # noqa: BLE001  # whatever is wrong with us, one mail stops no range
        return raw.commit, replace(_read(raw.commit, b""), defects=(f"not read: {type(error).__name__}",))


def set_aside(raw: RawMail) -> Mail:
    """What stands for a mail that nothing can read."""
    return replace(_read(raw.commit, b""), defects=("set aside: its reader died of it, twice",))


def received(raw: RawMail) -> datetime:
    """When the archive received the mail, as `read` would say, for a tenth of the time."""
    return received_at(raw.data, raw.commit.time)


def _read(commit: Commit, data: bytes) -> Mail:
    return read_mail(
        data,
        committed=commit.time,
        archived_as=commit.author,
        fallback_id=f"{commit.id}@archive.invalid",
    )
