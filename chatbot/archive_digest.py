"""A digest straight from an archive, without an index: archive → mail → digest → face."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from chatbot.errors import Misunderstood
from chatbot.ingest import read
from chatbot.report.digest import Digest, MailingList, build
from chatbot.report.window import Placed, Window, between, last, parse_moment
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.ranges import spans
from chatbot.sources.source import RawMail, Span


@dataclass(frozen=True, slots=True)
class Choice:
    """Which mails: a range of commits, a stretch of time, or the last so many. Exactly one of the three."""

    commits: str | None = None
    since: str | None = None
    until: str | None = None
    last: int | None = None

    def check(self) -> None:
        """Raises Misunderstood where it is not exactly one."""
        chosen = [self.commits is not None, self.since is not None or self.until is not None, self.last is not None]
        if sum(chosen) != 1:
            raise Misunderstood("window", "name exactly one", "write A..B, or --since (and --until), or --last")
        if self.last is not None and self.last < 1:
            raise Misunderstood(f"--last {self.last}", "that is no number of mails", "write 1 or more")


def archive_digest(
    folder: Path, mailing_list: MailingList, choice: Choice, now: datetime, progress: Callable[[int], None]
) -> Digest:
    """Read the chosen mails and build their digest. `progress` is told how many were read.

    Raises Misunderstood, Unreadable.
    """
    choice.check()
    since = parse_moment(choice.since, now) if choice.since else None
    until = parse_moment(choice.until, now) if choice.until else None
    if since and until and until <= since:
        raise Misunderstood(f"--since {choice.since} --until {choice.until}", "it ends before it begins", "swap the two")
    with PublicInbox(mailing_list.name, folder) as archive:
        if choice.commits is not None:
            window = Window(spans(archive, choice.commits))
            mails = [mail for _, mail in _read(archive.mails(window.spans), progress)]
            return build(mailing_list, window, mails)
        everything = (Span(epoch, None, tip) for epoch, tip in archive.tips.items())
        newest_first = _read(archive.mails(everything, newest_first=True), progress)
        placed, window = last(newest_first, choice.last) if choice.last else between(newest_first, since, until)
        newest_first.close()
        return build(mailing_list, window, [mail for _, mail in reversed(placed)])


def _read(raws: Iterator[RawMail], progress: Callable[[int], None]) -> Iterator[Placed]:
    for count, raw in enumerate(raws, 1):
        progress(count)
        yield read(raw)
