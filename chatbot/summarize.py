"""Index → digest: what rooms get, what people ask for, and what they see again."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from chatbot.errors import Unavailable
from chatbot.mail.people import People
from chatbot.report.activity import Activity, end_of, steps
from chatbot.report.assembly import SILENT_AFTER, build
from chatbot.report.digest import Digest, MailingList
from chatbot.report.links import LORE
from chatbot.report.window import SKEW, Window
from chatbot.store.chronicles import Chronicles
from chatbot.store.stretches import Shown, Stretch, Stretches


def activity_of(stretches: Stretches, mailing_list: MailingList, weeks: int, now: datetime) -> Activity:
    """How much happened on a list in its last weeks, up to the end of today."""
    (step, count), until = steps(weeks), end_of(now)
    mails = stretches.mails_by(step, count, mailing_list.name, until)
    series, versions, followed = stretches.postings_by(step, count, mailing_list.name, until)
    return Activity(mailing_list, until, step, mails, series, versions, followed)


class Summarizer:
    """Digests of what the index has, by one team's rules."""

    def __init__(
        self, chronicles: Chronicles, stretches: Stretches, people: People, silent_after: int = SILENT_AFTER
    ) -> None:
        """Nobody's answer for `silent_after` business days is a silence."""
        self.stretches = stretches
        self._chronicles = chronicles
        self._people = people
        self._silent_after = silent_after

    def make(self, mailing_list: MailingList, stretch: Stretch, at: datetime, *, letters: bool = False) -> Digest:
        """The digest of a stretch as it stood at a moment, or when its last mail had come, which can be shown again;
        `letters` for the classic text.
        """
        digest = self.look(mailing_list, stretch, at, letters=letters)
        self.remember(digest, stretch)
        return digest

    def look(self, mailing_list: MailingList, stretch: Stretch, at: datetime, *, letters: bool = False) -> Digest:
        """The same, of which nothing is kept."""
        # What claims to come from the far future does not take all the rest there.
        at = max(at, min(stretch.newest or at, at + SKEW)).replace(microsecond=0)
        return self._make(mailing_list, stretch, at, letters=letters)

    def remember(self, digest: Digest, stretch: Stretch) -> None:
        """Keep what a digest was about."""
        if digest.mails:
            self._remember(Shown(digest.id, stretch, digest.at))

    def again(self, digest_id: str, lists: Mapping[str, MailingList], *, letters: bool = False) -> Digest | None:
        """A digest that was made once, by its id or the beginning of it; None where there is none, or more than one."""
        shown = self.stretches.remembered(digest_id)
        if shown is None:
            return None
        name = shown.stretch.list_name
        mailing_list = lists.get(name, MailingList(name, name, LORE))
        digest = self._make(mailing_list, shown.stretch, shown.at, letters=letters)
        if digest.id != shown.id:  # made by other rules, or after a removal
            self._remember(Shown(digest.id, shown.stretch, shown.at))
        return digest

    def _remember(self, shown: Shown) -> None:
        # Where somebody else writes for long, or nothing can be written, the digest is worth more than its id.
        with suppress(Unavailable):
            self.stretches.remember(shown)

    def _make(self, mailing_list: MailingList, stretch: Stretch, at: datetime, *, letters: bool) -> Digest:
        chronicle = self._chronicles.of(stretch, self._people, at, silent_after=self._silent_after, letters=letters)
        window = Window(stretch.spans, stretch.since, stretch.until)
        return build(mailing_list, window, chronicle, self._people, at, silent_after=self._silent_after)
