"""What a running bot knows of how it is: plain numbers, written where things happen, and read by who watches it."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatbot.ledger import Missing
from chatbot.store.delivery import Waiting

# Seconds by which answers are counted: most take some ms, and a chat platform gives up on one after three seconds.
BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
# So many refreshes without a sign of life say that the bot hangs.
PATIENCE = 3


@dataclass(slots=True)
class Latency:
    """How long answers took: how many fell into each bucket (the last: above all), and the seconds in all."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.seconds += seconds


@dataclass(slots=True)
class Vitals:
    """`moved` is the last sign of life: a tick that begins, gets on, or ends. `read` says when each list was last read
    to its end (where it never was: since when it is to be), `sends` counts by platform and result, `answers` goes by
    the words of the command table, `waiting` has the posts that wait, each with the time since when, `parked`
    counts rooms that take nothing by platform, and `missing` has the digests that should have gone out.
    """

    moved: datetime
    refresh: timedelta
    ticked: datetime | None = None
    took: timedelta = timedelta()
    connected: bool = False
    read: dict[str, datetime] = field(default_factory=dict)
    sends: Counter[tuple[str, str]] = field(default_factory=Counter)
    answers: dict[str, Latency] = field(default_factory=dict)
    waiting: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    parked: Counter[str] = field(default_factory=Counter)
    missing: tuple[Missing, ...] = ()

    def lives(self, now: datetime) -> bool:
        """Whether there was a sign of life in the last three refreshes."""
        return now - self.moved <= PATIENCE * self.refresh

    def wait(self, posts: Collection[Waiting], now: datetime) -> None:
        """Note what waits. A post that was tried is due again later, and waits since it was first due."""
        self.parked = Counter(one.platform for one in posts if one.parked)
        self.waiting = {one.id: self.waiting.get(one.id, (one.platform, min(one.due, now))) for one in posts}

    @property
    def ready(self) -> bool:
        """Whether people are listened to, and a tick has come to its end."""
        return self.connected and self.ticked is not None

    def answered(self, word: str, seconds: float) -> None:
        """Note how long an answer took."""
        self.answers.setdefault(word, Latency()).add(seconds)
