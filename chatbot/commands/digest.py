"""/digest: what happened on a list in a stretch of time."""

import re

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood
from chatbot.report.digest import MailingList, build
from chatbot.report.window import EXAMPLES, Window, parse_moment
from chatbot.store.index import Share

# "since 7d", "from 2025-11-10 to 2025-11-18": what people write beside the times.
_FILLING = frozenset({"since", "from", "to", "until", "last", "the", "mails"})
_COUNT = re.compile(r"\d{1,6}")
# A digest asked for without a window covers the last day.
DEFAULT_WINDOW = "1d"


def run(arguments: str, context: Context) -> Facts:
    """The list may be left out where there is one, the window where the last day is meant."""
    words = [word for word in arguments.replace("..", " ").split() if word.lower() not in _FILLING]
    mailing_list = _list(words, context)
    share, window = _share(mailing_list, words or [DEFAULT_WINDOW], context)
    digest = build(mailing_list, window, share.patches, share.totals, share.earlier)
    return Facts("digest", {"digest": digest})


def _list(words: list[str], context: Context) -> MailingList:
    """The list that one of the words names, which is taken out; without one, the first list there is."""
    named = {name.casefold(): known for name, known in context.lists.items()}
    for word in words:
        if word.casefold() in named:
            words.remove(word)
            return named[word.casefold()]
    if not context.lists:
        raise Misunderstood("/digest", "no list is set up yet", "add one to the config")
    if words and not words[0][0].isdigit():
        likest = closest(words[0], context.lists, limit=1) or tuple(context.lists)
        raise Misunderstood(repr(words[0]), "there is no such list", f"name one of {', '.join(likest)}")
    return next(iter(context.lists.values()))


def _share(mailing_list: MailingList, words: list[str], context: Context) -> tuple[Share, Window]:
    """`7d`, `2025-11-10`, `2025-11-10 2025-11-18`, or a number of mails."""
    if _COUNT.fullmatch(words[0]) and len(words) == 1:
        if int(words[0]) == 0:
            raise Misunderstood("0", "this is no number of mails", "write 1 or more")
        share = context.index.newest_mails(mailing_list.name, int(words[0]))
        return share, Window(share.spans)
    first, *others = words
    if len(others) > 1:
        raise Misunderstood(
            repr(" ".join(words)), "this is no window", f"type {COMMAND.usage}, such as {COMMAND.examples[1]}"
        )
    since = parse_moment(first, context.now)
    until = parse_moment(others[0], context.now) if others else context.now
    if since > context.now:
        raise Misunderstood(repr(first), "this is still to come", EXAMPLES)
    if until <= since:
        raise Misunderstood(repr(" ".join(words)), "this window ends before it begins", "name the earlier time first")
    share = context.index.received_between(mailing_list.name, since, until)
    return share, Window(share.spans, since, until)


COMMAND = Command(
    "digest",
    "[LIST] [WINDOW]",
    "Show what happened on a list: since a time (7d, 2025-11-10), between two, or in the last so many mails (200).",
    ("/digest", "/digest kvm 7d", "/digest kvm 2025-11-10 2025-11-18", "/digest kvm 200"),
    run,
)
