"""What a command is: words in, facts out; the template turns the facts into a post."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chatbot.chat.post import File
from chatbot.mail.people import People
from chatbot.report.digest import MailingList
from chatbot.report.links import LORE, mail_link
from chatbot.sift import Sifter
from chatbot.store.corrections import Corrections
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.search import Search
from chatbot.store.subscriptions import Subscriptions
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.summarize import Summarizer


@dataclass(frozen=True, slots=True)
class Context:
    """What a command may look at: the index, digests of it, what was corrected, the lists by name, what is known of
    people, the subsystems (read when they are asked for: there are thousands), what rooms follow and have had, the time
    it was asked, who asks (a person as the platform names them), in which room, whether they may manage it, and what
    is said of other rooms, by platform and name.
    """

    index: Index
    search: Search
    summarizer: Summarizer
    corrections: Corrections
    following: Following
    lists: Mapping[str, MailingList]
    people: People
    subsystems: Callable[[], Subsystems]
    sifter: Sifter
    subscriptions: Subscriptions
    outbox: Outbox
    now: datetime
    asker: str
    room: Room
    manager: bool = False
    rooms: Mapping[tuple[str, str], Room] = field(default_factory=dict)

    def base(self, lists: Iterable[str]) -> str:
        """Where the first of these lists that is ours has its pages."""
        return next((self.lists[name].base for name in lists if name in self.lists), LORE)

    def links(self, message_ids: Iterable[str]) -> Callable[[str], str]:
        """Where each of these mails can be read."""
        lists = self.search.lists_by_mail(message_ids)
        return lambda message_id: mail_link(self.base(lists.get(message_id, ())), message_id)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer says, and the template that says it: where it has a name as a `file`, the classic mail's. A
    `picture` is drawn where it can be shown; what is `aside` is for who asked alone.
    """

    template: str
    values: Mapping[str, Any]
    file: str | None = None
    picture: Callable[[], File] | None = None
    aside: bool = False


def never(_arguments: str) -> bool:
    """Whatever stands behind the word, it only asks."""
    return False


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table: `/word arguments`. `run` may raise Misunderstood. What `manages` is not for everyone; what
    is `for_all` is the same for whoever asks at one time, in whatever room, unless it `corrects` what all are told.
    """

    word: str
    arguments: str
    help: str
    examples: tuple[str, ...]
    run: Callable[[str, Context], Facts]
    manages: bool = False
    for_all: bool = False
    corrects: Callable[[str], bool] = never

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"/{self.word} {self.arguments}".rstrip()
