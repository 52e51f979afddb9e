"""/activity: how much happens on a list, as numbers and as a picture."""

import re

from chatbot.chat.post import File
from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.digest import named_list
from chatbot.errors import Misunderstood
from chatbot.report.activity import QUARTER, Activity
from chatbot.summarize import activity_of

# The most of which bars can be told apart.
MOST = 60
_WEEKS = re.compile(r"(\d{1,3})(?:w|weeks?)?", re.IGNORECASE)


def run(arguments: str, context: Context) -> Facts:
    """The list may be left out where there is one, the weeks where a quarter is meant."""
    words = [word for word in arguments.split() if word.lower() not in ("last", "week", "weeks")]
    mailing_list = named_list(words, context)
    activity = activity_of(context.summarizer.stretches, mailing_list, _weeks(words), context.now)
    return Facts("activity", {"activity": activity}, picture=lambda: _drawn(activity))


def _weeks(words: list[str]) -> int:
    if not words:
        return QUARTER
    found = _WEEKS.fullmatch(words[0])
    if len(words) > 1 or not found or not 1 <= int(found[1]) <= MOST:
        raise Misunderstood(
            repr(" ".join(words)), "this is no number of weeks", f"write one of 1 to {MOST}, such as 4w"
        )
    return int(found[1])


def _drawn(activity: Activity) -> File:
    from chatbot.report.chart import draw  # noqa: PLC0415  # no other command draws

    return draw(activity)


COMMAND = Command(
    "activity",
    "[LIST] [WEEKS]",
    "Show how many mails, new series and new versions a list had, by the day or the week, with a chart where the room"
    " takes pictures.",
    ("/activity", "/activity kvm", "/activity kvm 4w"),
    run,
    for_all=True,
)
