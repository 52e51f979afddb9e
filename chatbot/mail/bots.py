"""Which senders are programs, by rules of the team's.

Law of the file: the first rule that fits counts. Patterns are the team's and have one special sign, the star, so that
matching takes no longer than looking for each of their pieces once; a mail's text is never a pattern.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from chatbot.mail.memory import LONGEST, TEXTS
from chatbot.mail.person import Person
from chatbot.mail.rulefile import RuleFile, Table
from chatbot.mail.subject import Subject

# Subjects are looked at so far: no longer is a line of a mail (RFC 5322, 2.1.1).
_SUBJECT = 998


class Sending(Protocol):
    """What rules look at: a mail, or as much of it as an index has at hand."""

    @property
    def sender(self) -> Person: ...  # noqa: D102
    @property
    def sent_by(self) -> Person: ...  # noqa: D102
    @property
    def subject(self) -> Subject: ...  # noqa: D102


class Kind(StrEnum):
    """What a bot does. `human` is none: a rule with it says that a sender is not a bot, whatever later rules say."""

    TEST = "test"
    FUZZER = "fuzzer"
    REVIEW = "review"
    NOTICE = "notice"
    STABLE = "stable"
    UPDATE = "update"
    MAILER = "mailer"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Bot:
    """A program that writes mails, as the rules call it."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text in which a star stands for any characters, or none; capital letters are as small ones."""

    pieces: tuple[str, ...]

    @classmethod
    def parse(cls, written: str) -> "Pattern":
        """Never fails."""
        return cls(tuple(written.casefold().split("*")))

    def fits(self, text: str) -> bool:
        """Whether the whole of a text, in lower case (`casefold`), is as the pattern says."""
        first, *middle = self.pieces
        if not middle:
            return text == first
        last = middle.pop()
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for piece in middle:
            at = text.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True


_ANY = Pattern.parse("*")


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits a mail if each kind of pattern that it has does, by one of its patterns."""

    bot: Bot
    addresses: tuple[Pattern, ...]
    names: tuple[Pattern, ...]
    subjects: tuple[Pattern, ...]

    def about(self, person: Person) -> bool:
        """Whether it fits this sender, as far as the sender goes."""
        return _one_fits(self.addresses, person.address.casefold()) and _one_fits(self.names, person.name.casefold())


class Bots:
    """The rules, in order. What they say of a person is remembered, for few people write most mails."""

    __slots__ = ("_recall", "rules")

    def __init__(self, rules: tuple[Rule, ...] = ()) -> None:
        self.rules = rules
        self._recall: Callable[[Person], _About] = lru_cache(TEXTS)(self._look_up)

    @classmethod
    def parse(cls, text: str, where: str) -> "Bots":
        """The file `config/bots.example.toml` says what may stand in one. Raises BadConfig with all faults."""
        with RuleFile(text, where) as file:
            rules = tuple(_read_rule(table) for table in file.tables("bots"))
        return cls(rules)

    def then(self, others: "Bots") -> "Bots":
        """These rules, and after them the others."""
        return Bots(self.rules + others.rules)

    def of(self, mail: Sending) -> Bot | None:
        """The bot that sent a mail, itself or through a relay; None where a human did.

        A reply answers what a subject tells of, so rules that look at subjects say nothing of replies.
        """
        bot = self._first(mail.sender, mail)
        return bot or (self._first(mail.sent_by, mail) if mail.sent_by != mail.sender else None)

    def named(self, person: Person) -> Bot | None:
        """The bot that a person is, in whatever mail: whom a tag names, or a patch's author."""
        rules, _ = self._about(person)
        return next((_bot(rule) for rule in rules if not rule.subjects), None)

    def reads_subjects(self, person: Person) -> bool:
        """Whether a rule about this person looks at the subjects of their mails; rules about anybody do not count."""
        rules, _ = self._about(person)
        return any(rule.subjects and (rule.addresses or rule.names) for rule in rules)

    def _first(self, person: Person, mail: Sending) -> Bot | None:
        rules, openings = self._about(person)
        if not rules:
            return None
        subject = "" if mail.subject.reply else str(mail.subject)[:_SUBJECT].casefold()
        if not subject.startswith(openings):
            return None
        return next((_bot(rule) for rule in rules if _one_fits(rule.subjects, subject)), None)

    def _about(self, person: Person) -> "_About":
        return self._recall(person) if len(person.written) <= LONGEST else self._look_up(person)

    def _look_up(self, person: Person) -> "_About":
        """The rules that fit a person, and how the subjects begin that one of them may fit."""
        rules = tuple(rule for rule in self.rules if rule.about(person))
        openings = {pattern.pieces[0] for rule in rules for pattern in rule.subjects or (_ANY,)}
        return rules, tuple(openings)


# The rules that may fit mails of a person, and the openings of the subjects of such mails.
_About = tuple[tuple[Rule, ...], tuple[str, ...]]


def _bot(rule: Rule) -> Bot | None:
    return None if rule.bot.kind is Kind.HUMAN else rule.bot


def _one_fits(patterns: tuple[Pattern, ...], text: str) -> bool:
    """Whether one of the patterns does; where there are none, all texts do."""
    return not patterns or any(pattern.fits(text) for pattern in patterns)


def _read_rule(table: Table) -> Rule:
    name, kind = table.text("bot"), table.text("kind")
    keys = ("address", "name", "subject")
    patterns = [tuple(map(Pattern.parse, table.texts(key))) for key in keys]
    if not any(map(table.has, keys)):
        table.fault("address", "this key is missing, and so are name and subject; add one of them")
    kinds = [one.value for one in Kind]
    if kind and kind not in kinds:
        table.fault("kind", f"{kind!r} is not known; write one of {', '.join(kinds)}")
        kind = Kind.HUMAN
    return Rule(Bot(name, Kind(kind or Kind.HUMAN)), *patterns)
