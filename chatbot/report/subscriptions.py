"""What is shown of a subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chatbot.subscriptions.filter import parse_filter
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subscription import FOREVER, Subscription
from chatbot.subscriptions.tree import EVERYTHING


@dataclass(frozen=True, slots=True)
class Listed:
    """A subscription, its next times and when it last was due, in the room's zone, what became of its last post,
    and, of a series, the title.
    """

    subscription: Subscription
    room: Room
    coming: Sequence[datetime]
    last: datetime | None
    result: str
    now: datetime
    title: str = ""

    @property
    def asked(self) -> str:
        """What is followed, in words."""
        return f"the series {self.title}" if self.title else self.subscription.asked

    @property
    def wanted(self) -> str:
        """The filter as it was understood."""
        found = parse_filter(self.subscription.filter)
        return "everything" if found == EVERYTHING else found.english()

    @property
    def shown(self) -> str:
        """How its posts are, where that was asked for."""
        manner = self.subscription.manner
        words = {
            "all of it in the room": manner.aloud,
            "so that it counts as unread": manner.badge,
            "with a chart of the list's last weeks": manner.chart,
        }
        return ", ".join(text for text, wanted in words.items() if wanted)

    @property
    def next(self) -> str:
        """`Tue 2026-11-24 08:30, Wed 2026-11-25 08:30 Europe/Berlin`, or on what it depends."""
        one = self.subscription
        if one.paused(self.now):
            until = one.paused_until
            return f"paused until {self.at(until)}" if until and until < FOREVER else "paused until somebody resumes it"
        if one.series:
            return "when it has a new version, is reviewed, or is applied"
        if one.when.mails:
            return f"when {one.when.mails:,} mails have come"
        if one.when.at_once:
            return "five minutes after a new series or version"
        return f"{', '.join(map(self.at, self.coming))} {self.room.zone.key}"

    @property
    def had(self) -> str:
        """`Mon 2026-11-23 08:30; its newest post: sent`."""
        if self.last is None:
            return "it begins when its lists have been read"
        return f"{self.at(self.last)}{f'; its newest post: {self.result}' if self.result else '; no post yet'}"

    @property
    def since(self) -> str:
        """The day on which somebody subscribed; of the config's nobody knows."""
        return "" if self.subscription.of_config else f"{self.subscription.created.astimezone(self.room.zone):%Y-%m-%d}"

    def at(self, moment: datetime) -> str:
        """`Tue 2026-11-24 08:30`."""
        return f"{moment.astimezone(self.room.zone):%a %Y-%m-%d %H:%M}"
