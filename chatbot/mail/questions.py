"""Open questions: what people asked about a series, and nobody has replied to as far as was seen.

Law of the file: `said` no longer knows where a quote stood, so all that a reviewer asks in a reply counts, whether it
stands below a hunk or at the top. As in said.py, patterns are linear in their input.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chatbot.mail.mail import Mail
from chatbot.mail.review import SameHuman, may_be_one, same_address
from chatbot.mail.said import asks_for_changes
from chatbot.mail.series import Series

# As much of a mail as anyone reads to the end.
_READ = 16_000
# A lone `?` between blanks is C's, or a line of a backtrace; at the end of a line it is a Frenchman's.
_BETWEEN = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!vs\.)(?:(?<!\s\?)|(?=\s{0,2}\n))\"?\s")
# Code, diffs and logs, as they stand in a mail without a quote's mark.
_NO_PROSE = re.compile(r" {4}|[ ]{0,3}\t|[+@|#\[<{}]|-(?! \w)")
_ENDS_CODE = (";", "{", "}", "\\")
# "Thoughts?" and "Why?" say nothing without what stands before.
_FEW_WORDS = 3


@dataclass(frozen=True, slots=True)
class Question:
    """A sentence of a mail `on` a patch or cover. `after` is the newer version that came after it, if one did: there
    may be the answer.
    """

    mail: Mail
    on: Mail
    sentence: str
    after: Series[Mail] | None


def open_questions(
    series: Series[Mail],
    replies: Iterable[tuple[Mail, Mail]],
    *,
    after: Series[Mail] | None = None,
    is_bot: Callable[[Mail], bool] = lambda _: False,
    same_human: SameHuman = same_address,
) -> tuple[Question, ...]:
    """Of a series, the replies to it with what each answers (see `review.answers`), and the version after it; the
    oldest question first.

    Asked of the author is what answers a mail of the series, or one of the author's; what people ask each other is
    not. What a bot asks is none, nor what somebody asks who wrote or posted the series: theirs are pings; nor what only
    asks for another posting, which is the series' state. A reply below it by any human settles it: one by others than
    the author is an answer as often, and one by who asked it is "found it" or "applied".
    """
    own = {mail.message_id for mail in series.everything}
    pairs = [pair for pair in replies if pair[1].message_id in own and not is_bot(pair[0])]
    pairs.sort(key=lambda pair: pair[0].received)
    human = {reply.message_id: reply for reply, _ in pairs}
    authors = _authors(series, human.values(), same_human)
    settled = _above((*human.values(), *series.rerolls))

    def of_author(reply: Mail) -> bool:
        above = next((above for above in reply.parents if above in own or above in human), "")
        return above in own or (above in human and human[above].sent_by.identity in authors)

    return tuple(
        Question(reply, patch, sentence, after if after and after.received > reply.received else None)
        for reply, patch in pairs
        if reply.sent_by.identity not in authors and reply.message_id not in settled
        if of_author(reply)
        for sentence in asked(reply.said)
    )


def asked(said: str) -> Iterator[str]:
    """The sentences that end in a question mark, each in one line; what is put in brackets by the way is none."""
    before = ""
    for paragraph in _prose(said[:_READ]):
        for piece in _BETWEEN.split(f"{paragraph}\n"):
            sentence = " ".join(piece.split()).removeprefix("- ")
            if sentence.endswith("?") and not asks_for_changes(sentence):
                short = len(sentence.split()) < _FEW_WORDS and not before.endswith("?")
                yield f"{before} {sentence}".lstrip() if short else sentence
            before = sentence or before


def _prose(said: str) -> Iterator[str]:
    """The paragraphs, without lines of code and logs."""
    lines: list[str] = []
    for line in (*said.split("\n"), ""):
        if line.strip() and not _NO_PROSE.match(line) and not line.rstrip().endswith(_ENDS_CODE):
            lines.append(line)
        elif lines:
            yield "\n".join(lines)
            lines = []


def _above(answering: Iterable[Mail]) -> set[str]:
    """The Message-IDs of all that these mails answer, directly or at the end of a thread."""
    parents = {mail.message_id: mail.parents for mail in answering}
    found: set[str] = set()
    waiting = [above for answered in parents.values() for above in answered]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += parents.get(one, ())
    return found


def _authors(series: Series[Mail], replies: Iterable[Mail], same_human: SameHuman) -> set[str]:
    """Who of those that replied wrote or posted the series, as they identify themselves."""
    wrote = {who.identity: who for mail in series.everything for who in (mail.sent_by, mail.written_by)}
    senders = {reply.sent_by.identity: reply.sent_by for reply in replies}
    return {
        identity
        for identity, sender in senders.items()
        if any(may_be_one(person, sender, same_human) for person in wrote.values())
    }
