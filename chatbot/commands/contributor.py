"""/contributor: find a person and show what they did."""

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood
from chatbot.report.contributor import report_contributor

# So many other people are listed below the one that is shown.
OTHERS = 8


def run(arguments: str, context: Context) -> Facts:
    """By a name, a part of one, or an address."""
    text = arguments.strip()
    if not text:
        raise Misunderstood(
            "/contributor", "it needs a name or an address", f"type {COMMAND.usage}, such as {COMMAND.examples[0]}"
        )
    found = context.search.people(text, context.people.mailmap)
    if not found:
        names = closest(text, context.search.names())
        return Facts("nothing", {"what": "contributor", "text": text, "closest": names})
    best = found[0]
    work = context.search.work_of(best.ids)
    shown = report_contributor(
        best.person,
        tuple(sorted(best.addresses[1:])),
        best.last,
        context.people,
        patches=work.patches,
        replies=work.replies,
        newest=work.newest,
        given=work.given,
        lists=work.lists,
    )
    return Facts(
        "contributor", {"report": shown, "others": found[1 : OTHERS + 1], "more": max(0, len(found) - OTHERS - 1)}
    )


COMMAND = Command(
    "contributor",
    "NAME | ADDRESS",
    "Show what a person wrote and reviewed.",
    ("/contributor marc", "/contributor maz@kernel.org"),
    run,
)
