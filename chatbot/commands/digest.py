"""/digest: what happened on a list in a stretch of time."""

import re
from datetime import datetime

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood
from chatbot.report.digest import Digest, MailingList
from chatbot.report.digest_diff import compare
from chatbot.report.window import EXAMPLES, parse_moment
from chatbot.store.stretches import Stretch

# "since 7d", "from 2025-11-10 to 2025-11-18": what people write beside the times.
_FILLING = frozenset({"since", "from", "to", "until", "last", "the", "mails"})
_COUNT = re.compile(r"\d{1,6}")
# The beginning of an id will do; a number of mails has no letter and fewer digits, and `365d` fewer signs.
_ID = re.compile(r"(?=[0-9a-f]*[a-f]|\d{12})[0-9a-f]{6,12}", re.IGNORECASE)
# A digest asked for without a window covers the last day.
DEFAULT_WINDOW = "1d"


def run(arguments: str, context: Context) -> Facts:
    """The list may be left out where there is one, the window where the last day is meant."""
    asked = arguments.split()
    if asked and asked[0].lower() == "diff":
        return _diff(asked[1:], context)
    names = {name.casefold() for name in context.lists}
    if len(asked) == 1 and _ID.fullmatch(asked[0]) and asked[0].casefold() not in names:
        return Facts("digest", {"digest": _again(asked[0], context)})
    if len(asked) == 2 and _ID.fullmatch(asked[0]) and asked[1].lower() == "text":  # noqa: PLR2004
        digest = _again(asked[0], context, letters=True)
        return Facts("classic", {"digest": digest}, f"{digest.mailing_list.name}-{digest.id}.txt")
    words = [word for word in arguments.replace("..", " ").split() if word.lower() not in _FILLING]
    mailing_list = named_list(words, context)
    stretch, at = _stretch(mailing_list, words or [DEFAULT_WINDOW], context)
    return Facts("digest", {"digest": context.summarizer.make(mailing_list, stretch, at)})


def _diff(ids: list[str], context: Context) -> Facts:
    if len(ids) != 2:  # noqa: PLR2004
        raise Misunderstood("/digest diff", "it needs two digests", f"type {COMMAND.examples[-1]}, with their ids")
    earlier, later = (_again(one, context) for one in ids)
    if earlier.mailing_list != later.mailing_list:
        names = f"{earlier.mailing_list.name} and {later.mailing_list.name}"
        raise Misunderstood("/digest diff", f"these are digests of two lists, {names}", "name two of one list")
    return Facts("diff", {"diff": compare(earlier, later)})


def _again(digest_id: str, context: Context, *, letters: bool = False) -> Digest:
    digest = context.summarizer.again(digest_id.lower(), context.lists, letters=letters)
    if digest is None:
        raise Misunderstood(repr(digest_id), "there is no such digest", "take the id from a digest's last line")
    return digest


def named_list(words: list[str], context: Context) -> MailingList:
    """The list that one of the words names, which is taken out; without one, the first list there is. Raises
    Misunderstood.
    """
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


def _stretch(mailing_list: MailingList, words: list[str], context: Context) -> tuple[Stretch, datetime]:
    """`7d`, `2025-11-10`, `2025-11-10 2025-11-18`, or a number of mails; and the moment as of which it is told."""
    stretches = context.summarizer.stretches
    if _COUNT.fullmatch(words[0]) and len(words) == 1:
        if int(words[0]) == 0:
            raise Misunderstood("0", "this is no number of mails", "write 1 or more")
        return stretches.newest(mailing_list.name, int(words[0])), context.now
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
    return stretches.between(mailing_list.name, since, until), min(until, context.now)


COMMAND = Command(
    "digest",
    "[LIST] [WINDOW] | ID [text] | diff ID ID",
    "Show what happened on a list: since a time (7d, 2025-11-10), between two, or in the last so many mails (200); a"
    " digest that was shown before, by its id, or its full text; or what is new between two of them.",
    ("/digest", "/digest kvm 7d", "/digest kvm 2025-11-10 2025-11-18", "/digest kvm 200", "/digest diff 1f0c7b 9a3e02"),
    run,
    for_all=True,
)
