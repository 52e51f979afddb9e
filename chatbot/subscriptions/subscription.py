"""A subscription: what a room follows, of that which postings, and when it is told."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from chatbot.chat.post import AS_USUAL, Manner
from chatbot.subscriptions.when import When

# Until somebody says so.
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
# Without 0, 1, i, l and o, which look alike.
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
# Of a chat's, and of the config's: of different lengths, none is the other's. Four letters make 900,000.
CHAT_LETTERS, CONFIG_LETTERS = 4, 5


class Origin(StrEnum):
    """Who keeps it: what the config says, no chat changes."""

    CHAT = "chat"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Subscription:
    """`topic` is a list's name, the title of a `subsystem`, or a series' Message-ID in angle brackets; `filter` a text
    of the filter language; `first` how far its very first digest looks back, which then comes at once; `even_empty`
    asks for a post when nothing happened; `manner` is that of its posts; `named` is what the config calls its room,
    where that is another name.
    """

    id: str
    platform: str
    room: str
    topic: str
    subsystem: bool
    filter: str
    when: When
    owner: str
    created: datetime
    paused_until: datetime | None = None
    origin: Origin = Origin.CHAT
    first: timedelta | None = None
    even_empty: bool = False
    manner: Manner = AS_USUAL
    named: str = ""

    @property
    def key(self) -> str:
        """What its room has had is noted under it; of the config's, it is the same as long as they ask the same."""
        name = self.named or self.room
        return config_key(self.platform, name, self.topic, self.filter) if self.of_config else self.id

    @property
    def placed(self) -> bool:
        """Whether its room is known: what begins with a `#` is an alias, for which a room is still to be found."""
        return not is_alias(self.room)

    @property
    def of_config(self) -> bool:
        """Whether the config has it."""
        return self.origin is Origin.CONFIG

    @property
    def series(self) -> str:
        """The Message-ID of the series that it watches; empty where it watches none."""
        return self.topic[1:-1] if self.topic.startswith("<") else ""

    def paused(self, now: datetime) -> bool:
        """Whether it waits."""
        return self.paused_until is not None and now < self.paused_until

    @property
    def told(self) -> str:
        """What it tells and when, as it is typed: two of a room that tell the same are one too many."""
        if self.series:
            return self.topic
        topic = f'"{self.topic}"' if self.subsystem or " " in self.topic else self.topic
        return " ".join(filter(None, (topic, self.filter, str(self.when))))

    @property
    def asked(self) -> str:
        """What one types behind /subscribe, or /watch, to get the same."""
        return f"{self.told} {self.manner}".rstrip()

    @property
    def fields(self) -> tuple[str, str, str]:
        """The same, each in a line of its own: what, filter, when and how it is shown."""
        return self.topic, self.filter, f"{self.when} {self.manner}".rstrip()


def is_alias(room: str) -> bool:
    """Whether it is a name that a platform finds a room for."""
    return room.startswith("#")


def series_topic(message_id: str) -> str:
    """The topic of who watches the series with this mail: no list's name has brackets."""
    return f"<{message_id}>"


def config_key(platform: str, room: str, topic: str, filter_text: str) -> str:
    """One subscription of the config is told from others by this."""
    return "/".join(filter(None, (platform, room, topic, filter_text)))


def make_id(text: str, letters: int = CHAT_LETTERS) -> str:
    """A short name that people can type, the same for the same text."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest())
    digits = []
    for _ in range(letters):
        number, digit = divmod(number, len(_LETTERS))
        digits.append(_LETTERS[digit])
    return "".join(digits)
