"""Reading: a commit of an archive becomes a mail. Used by the index and by digests straight from an archive."""

from chatbot.mail.mail import Mail, read_mail
from chatbot.sources.source import Commit, RawMail


def read(raw: RawMail) -> tuple[Commit, Mail]:
    """The mail of a commit. One without a Message-ID is named after the commit."""
    commit = raw.commit
    mail = read_mail(
        raw.data, committed=commit.time, archived_as=commit.author, fallback_id=f"{commit.id}@archive.invalid"
    )
    return commit, mail
