"""/contributor: find a person and show what they did."""

from collections.abc import Sequence
from datetime import datetime

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood
from chatbot.mail.mail import Mail
from chatbot.mail.series import Series
from chatbot.mail.standing import Standing
from chatbot.mail.state import status
from chatbot.report.contributor import report_contributor
from chatbot.report.lately import LATELY, LatelyReport, OwnSeries, own_postings, report_lately
from chatbot.store.persons import Match

# So many other people are listed below the one that is shown.
OTHERS = 8
# Of so many postings it is looked up how they stand. What is not kept takes ten milliseconds; few people post more.
LOOKED_AT = 60


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
        lately=_lately(best, context),
    )
    others, more = found[1 : OTHERS + 1], max(0, len(found) - OTHERS - 1)
    own = [one.message_id for one in (*shown.lately.in_flight, *shown.lately.applied)]
    link_of = context.links([*own, *(one.message_id for one in shown.series)])
    return Facts("contributor", {"report": shown, "others": others, "more": more, "link_of": link_of})


def _lately(match: Match, context: Context) -> LatelyReport:
    lately = context.search.lately(match.ids, context.now - LATELY, context.now)
    series, not_looked_at = _own_series(own_postings(lately.written, context.people), context)
    return report_lately(
        match.person,
        context.people,
        context.now,
        written=lately.written,
        tagged=lately.tagged,
        about=lately.about,
        got=lately.got,
        mails=lately.mails,
        series=series,
        not_looked_at=not_looked_at,
    )


def _own_series(postings: Sequence[Series[Mail]], context: Context) -> tuple[list[OwnSeries], int]:
    """The newest versions of what was posted, and how many more postings there are than were looked at."""
    heads = [posting.head.message_id for posting in postings][:LOOKED_AT]
    found = (standing.at(context.now) for standing in context.search.standings(heads, context.people))
    own = [_how_far(one, context.now) for one in found if not one.after and _has(one, heads)]
    return sorted(own, key=lambda one: one.received, reverse=True), len(postings) - len(heads)


def _has(one: Standing, mails: Sequence[str]) -> bool:
    return not {one.mail, *(piece.mail for piece in one.pieces)}.isdisjoint(mails)


def _how_far(one: Standing, now: datetime) -> OwnSeries:
    return OwnSeries(one.title, one.revision, one.message_id, one.received, one.draft, status(one, now))


COMMAND = Command(
    "contributor",
    "NAME | ADDRESS",
    "Show what a person wrote and reviewed.",
    ("/contributor marc", "/contributor maz@kernel.org"),
    run,
    for_all=True,
)
