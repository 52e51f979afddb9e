"""What a command is: words in, facts out; the template turns the facts into a post."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatbot.mail.people import People
from chatbot.report.digest import MailingList
from chatbot.store.corrections import Corrections
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.search import Search
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.summarize import Summarizer


@dataclass(frozen=True, slots=True)
class Context:
    """What a command may look at: the index, digests of it, what was corrected, the lists by name, what is known of
    people, the subsystems (read when they are asked for: there are thousands), the time it was asked, and who asks: a
    person as the platform names them.
    """

    index: Index
    search: Search
    summarizer: Summarizer
    corrections: Corrections
    following: Following
    lists: Mapping[str, MailingList]
    people: People
    subsystems: Callable[[], Subsystems]
    now: datetime
    asker: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer says, and the template that says it."""

    template: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table: `/word arguments`. `run` may raise Misunderstood."""

    word: str
    arguments: str
    help: str
    examples: tuple[str, ...]
    run: Callable[[str, Context], Facts]

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"/{self.word} {self.arguments}".rstrip()
