"""What a reply says about a series in so many words: that it was applied, or that it has to be changed.

Law of the file: as in patch.py; only what the sender says, never what they quote; a sentence has to begin with it, for
"should be applied" and "this is no NAK" say the contrary.
"""

import re

from chatbot.mail.mail import Mail
from chatbot.mail.series import Series

# As much of a mail as can hold such a sentence, with the list of a hundred patches.
_READ = 16_000
# A sentence's beginning.
_BEGINS = r"(?:^|(?<=[.!?:;] )|(?<=\n))\s{0,4}"
_POLITE = (
    r"(?:(?:thanks?(?: you)?|ok(?:ay)?|great|nice|cool|good|lgtm|looks? (?:good|reasonable|fine)(?: to me)?|reviewed|"
    r"and|now|passes tests|i'?ve|i have|all|both|(?:the |whole )?series|"
    r"patch(?:es)?(?: \d{1,3}(?:[-/, &]{1,3}\d{1,3})?)?)"
    r"[,.!:]{0,3}\s{1,3}){0,5}"
)
_APPLIED = re.compile(
    _BEGINS + _POLITE + r"(?:applied|queued(?: up)?|merged|picked(?: this| it)? up|pushed|pulled)\b"
    r"(?!\s{1,3}(?:this |it |the series )?(?:on top|and tested|for testing|in my env|to my (?:local|test)|over))"
    r"(?=\s{0,3}(?:$|[,.!:;(\n]|(?:to|for|into|with|w|as|all|both|and pushed|thanks|patch(?:es)?|(?:this|the) "
    r"(?:series|patch))\b|https?:|\S{1,60}/\S))",
    re.IGNORECASE,
)
# patchwork-bot and pr-tracker-bot.
_NOTICE = re.compile(
    r"this (?:patch|series|pull request) (?:was|has been|were) (?:applied|merged) (?:to|in|into)\s"
    r"|has been merged into \S{1,200}:\s",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\b(?:series|all|both|patches|set)\b", re.IGNORECASE)
# `[1/3] title` and `- [net-next,v2,1/3] title`, with the commit in the line below.
_LISTED = re.compile(
    r"\n[ \t]{0,4}-?[ \t]{0,2}\[(?:[^\]\n]{0,80}[ ,])?(\d{1,4})/\d{1,4}\][^\n]{0,300}\n?([^\n]{0,200})"
)
_NOT_TAKEN = re.compile(r"\(no commit|not applied|\(skipped|dropped", re.IGNORECASE)
_REFUSED = re.compile(
    _BEGINS
    + r"(?i:sorry,? |so,? |but |this is (?:a )?|thank you for the patch,? but )?(?:NACK|NAK|NACKed|NAKed)\b(?!-by)"
)
_ASKED = re.compile(
    r"\b(?:please|pls|could you|can you|would you(?: mind)?)\b[^.?!]{0,80}?\b(?P<what>re-?send|re-?spin|rebase|"
    r"re-?post|re-?submit|rework|send (?:a |out )?(?:new version|v\d{1,3}|an updated|another version)|"
    r"split (?:this|it|the patch|up))|needs? (?:a |another )(?P<need>re-?spin|rebase|new version|re-?send)",
    re.IGNORECASE,
)
_COMMAND = re.compile(r"(?:^|\n)pw-bot:\s{0,4}(cr|changes-requested|changes requested|rejected)\b", re.IGNORECASE)
_TAG_LINE = re.compile(r"\s{0,4}[A-Za-z-]{3,60}-by:")
# A mail with a tag and so many words beside it is a comment.
_FEW_WORDS = 25


def asks_for_changes(said: str) -> str:
    """How a reply asks for changes, in a word or two; empty if it does not."""
    said = said[:_READ]
    if command := _COMMAND.search(said):
        return f"pw-bot: {command[1].lower()}"
    if _REFUSED.search(said):
        return "NACK"
    asked = _ASKED.search(said)
    return f"please {' '.join((asked['what'] or asked['need']).lower().split())}" if asked else ""


def applied_parts(reply: Mail, patch: Mail, series: Series[Mail]) -> set[int]:
    """The parts of a series that a reply to one of its mails says were applied."""
    said = reply.said[:_READ]
    applied = _APPLIED.search(said) or _NOTICE.search(said)
    if applied is None:
        return set()
    everything = {*range(1, series.total + 1)} or {0}  # a pull request has no parts
    listed = [int(part) for part, below in _LISTED.findall("\n" + said) if not _NOT_TAKEN.search(below)]
    if everything.intersection(listed):
        return everything.intersection(listed)
    part = patch.subject.part
    sentence = said[applied.start() :].partition("\n")[0]
    return {part} if part and part in everything and not _WHOLE.search(sentence) else everything


def only_tags(reply: Mail) -> bool:
    """Whether a reply gives tags, and asks and explains nothing beside them."""
    if not reply.tags or "?" in reply.said:
        return False
    rest = (line for line in reply.said.split("\n") if not _TAG_LINE.match(line))
    return sum(len(line.split()) for line in rest) <= _FEW_WORDS
