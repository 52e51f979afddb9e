"""/series: find a patch series and show it."""

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Reply
from chatbot.errors import Misunderstood
from chatbot.mail.series import Series
from chatbot.report.links import LORE, mail_link, message_id_in
from chatbot.report.series_report import report_series

# So many other matches are listed below the one that is shown.
OTHERS = 8


def run(arguments: str, context: Context) -> Reply:
    """By the words of a title, a Message-ID, or a link."""
    text = arguments.strip()
    if not text:
        raise Misunderstood(
            "/series", "it needs words to look for", f"type {COMMAND.usage}, such as {COMMAND.examples[0]}"
        )
    message_id = message_id_in(text)
    found = context.search.series_by_id(message_id) if message_id else context.search.series_by_words(text)
    if not found:
        return Reply(
            "nothing", {"what": "series", "text": text, "closest": _closest(text, context), "command": "series"}
        )
    best = found[0]
    lists = context.search.lists_of(best.mails)
    shown = report_series(best, _link(best, lists, context), lists, context.search.replies_to(best))
    return Reply("series", {"report": shown, "others": found[1 : OTHERS + 1], "more": max(0, len(found) - OTHERS - 1)})


def _link(series: Series, lists: tuple[str, ...], context: Context) -> str:
    """The series on the first list of ours that has it."""
    base = next((context.lists[name].base for name in lists if name in context.lists), LORE)
    return mail_link(base, series.head.message_id)


def _closest(text: str, context: Context) -> tuple[str, ...]:
    return closest(text, context.search.titles())


COMMAND = Command(
    "series",
    "WORDS | MESSAGE-ID | LINK",
    "Show a patch series: its patches, replies and reviews.",
    ("/series tdx-connect", "/series 20251117022311.2443900-1-yilun.xu@example.org"),
    run,
)
