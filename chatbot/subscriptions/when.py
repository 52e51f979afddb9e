"""When a subscription is due, in words, and what else is typed behind `/subscribe`.

    daily at 9:00 Europe/Berlin        weekdays 08:30        every monday
    every 200 mails                    as it happens

Law of the file: first comes what is followed, a word or several in quotes; the longest ending that says when is the
when; what is left between is the filter. Before or behind the when may stand how it is to be shown: `aloud`, `badge`.
Each is told with the column where it stands, which counts the command, too. Three lines are these three, and each
counts its own columns.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from chatbot.chat.post import AS_USUAL, Manner
from chatbot.errors import Misunderstood
from chatbot.rhythm import Rhythm, parse_rhythm

AS_IT_HAPPENS = "as it happens"
EXAMPLES = 'write "daily at 09:00", "weekdays 08:30 Europe/Berlin", "every monday", "every 200 mails", "as it happens"'
# What happens is told so long after the first mail of it: by then a series is there, and so are those sent with it.
COLLECTED = timedelta(minutes=5)
# A list has its digest once in its life at this number.
MOST_MAILS = 100_000
# No rhythm has more words: `every monday at 9:00`, or five cron fields; and a zone.
_MOST_WORDS = 6
_LINES = 3
_MAILS = re.compile(r"every (\d{1,9}) mails?")
_WORD = re.compile(r'[^\s"]*"[^"]*"?|\S+')
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2})")
# A filter has no more terms; where more was typed, what is wrong with the rest does not matter.
_LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class When:
    """By a rhythm, in a zone of its own or in the room's; else each time that so many mails have come; else as it
    happens. As `str` it is such a text, and means the same.
    """

    rhythm: Rhythm | None = None
    mails: int = 0
    zone: ZoneInfo | None = None

    @property
    def at_once(self) -> bool:
        """Whether it is as it happens."""
        return self.rhythm is None and not self.mails

    def __str__(self) -> str:
        if self.rhythm:
            return f"{self.rhythm.words} {self.zone.key}" if self.zone else self.rhythm.words
        return f"every {self.mails} mails" if self.mails else AS_IT_HAPPENS


# Before the day's work, in the room's zone.
DEFAULT = When(parse_rhythm("daily at 09:00"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed: the `topic` is a list or a subsystem. Blanks stand before the text of the filter, so that columns
    count in the whole command. No when was typed where it is None.
    """

    topic: str
    filter: str
    when: When | None
    manner: Manner = AS_USUAL


def parse_when(text: str) -> When:
    """Raises Misunderstood where the words name no time, or one that never comes."""
    words = text.split()
    plain = " ".join(words).casefold()
    if plain == AS_IT_HAPPENS:
        return When()
    if match := _MAILS.fullmatch(plain):
        if not 0 < int(match[1]) <= MOST_MAILS:
            raise Misunderstood(repr(text), "this is no number of mails", f"write 1 to {MOST_MAILS}")
        return When(mails=int(match[1]))
    zone = zone_named(words[-1]) if len(words) > 1 else None
    rhythm = " ".join(words[:-1] if zone else words)
    try:
        return When(parse_rhythm(rhythm), zone=zone)
    except Misunderstood as problem:
        if problem.thing != repr(rhythm):  # it says more than that this is none
            raise
        likest = _zone_like(words[-1]) if _reads(words[:-1]) else ""
        if likest:
            raise Misunderstood(repr(words[-1]), "there is no such time zone", f"write {likest}") from None
        raise Misunderstood(repr(text), problem.reason, EXAMPLES) from None


def zone_named(name: str) -> ZoneInfo | None:
    """The time zone of this name, in any case; None where there is none."""
    found = _zones().get(name.casefold())
    return ZoneInfo(found) if found else None


def split(typed: str, command: str = "/subscribe") -> Asked:
    """What stands behind a command. Raises Misunderstood."""
    if typed.count("\n") == _LINES - 1:
        return _of_lines(*typed.split("\n"))
    before = len(command) + 1
    found = list(_WORD.finditer(typed))
    if not found:
        raise Misunderstood(command, "it needs a list or a subsystem", f"type {command} kvm daily at 9:00")
    first, *rest = found
    if first[0].count('"') == 1:
        raise _at(first, before, "this quote is never closed", 'write a " at its end')
    topic = " ".join(first[0].strip('"').split())
    if not topic:
        raise _at(first, before, "there is nothing between the quotes", "name a list or a subsystem")
    words, behind = _shown(rest)
    for start in range(max(0, len(words) - _MOST_WORDS), len(words)):
        if when := _when(words[start:]):
            wanted, ahead = _shown(words[:start])
            return Asked(topic, _filter(typed, before, wanted), when, Manner.of(f"{ahead} {behind}"))
    if fault := _misplaced(words, before):
        raise fault
    return Asked(topic, _filter(typed, before, words), None, behind)


def _shown(words: Sequence[re.Match[str]]) -> tuple[Sequence[re.Match[str]], Manner]:
    """What stands before the words at the end that say how it is to be shown, and what they say."""
    count = len(words)
    while count and str(Manner.of(words[count - 1][0])):
        count -= 1
    return words[:count], Manner.of(" ".join(word[0] for word in words[count:]))


def _of_lines(topic: str, filter_text: str, when: str) -> Asked:
    asked = Asked(" ".join(topic.replace('"', " ").split()), filter_text, None)
    if not asked.topic:
        problem = Misunderstood("''", "there is no such list or subsystem", "name one in the first line")
        problem.part = "topic"
        raise problem
    if not when.strip():
        return asked
    with suppress(Misunderstood):
        told = split(f"_ {when}")
        if not told.filter.strip():
            return replace(told, topic=asked.topic, filter=filter_text)
    return replace(asked, when=parse_when(when))


def _filter(typed: str, before: int, words: Sequence[re.Match[str]]) -> str:
    if not words:
        return ""
    start, end = words[0].start(), words[-1].end()
    return " " * (before + start) + typed[start:end]


def _when(words: Sequence[re.Match[str]]) -> When | None:
    try:
        return parse_when(" ".join(word[0] for word in words))
    except Misunderstood as problem:
        if problem.reason.startswith(("this does not divide", "this is no number")):
            raise
        return None


def _misplaced(words: Sequence[re.Match[str]], before: int) -> Misunderstood | None:
    """What is wrong where something says when, or seems to, and the end does not."""
    words = words[:_LOOKED_AT]
    times = [(word, match) for word in words if (match := _TIME_OF_DAY.fullmatch(word[0]))]
    for word, match in times:
        if int(match[1]) > 23 or int(match[2]) > 59:  # noqa: PLR2004  # a day's last minute
            return _at(word, before, "there is no such time of day", "write 00:00 to 23:59")
    for start, end in _stretches(len(words) - 1):
        if _reads([word[0] for word in words[start:end]]):
            behind = words[end]
            if likest := _zone_like(behind[0]):
                return _at(behind, before, "there is no such time zone", f"write {likest}")
            said = " ".join(word[0] for word in words[start:end])
            remedy = f'write "{said}" at the end; what is to be found in subjects stands in quotes'
            return _at(behind, before, "something follows the schedule", remedy)
    return _at(times[0][0], before, "this time is of no schedule that I know", EXAMPLES) if times else None


def _stretches(count: int) -> Iterator[tuple[int, int]]:
    for start in range(count):
        for end in range(min(count, start + _MOST_WORDS), start, -1):
            yield start, end


def _reads(words: Sequence[str]) -> bool:
    try:
        return bool(words) and bool(parse_when(" ".join(words)))
    except Misunderstood:
        return False


def _zone_like(name: str) -> str:
    likest = get_close_matches(name.casefold(), _zones(), 1, 0.8)
    return _zones()[likest[0]] if likest else ""


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() - {"Factory", "localtime"}}


def _at(word: re.Match[str], before: int, reason: str, remedy: str) -> Misunderstood:
    return Misunderstood(repr(word[0][:60]), f"at column {before + word.start() + 1}, {reason}", remedy)
