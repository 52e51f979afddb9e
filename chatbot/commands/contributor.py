"""/contributor: find a person and show what they did."""

from collections.abc import Sequence

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood
from chatbot.mail.mail import Mail
from chatbot.mail.series import Series
from chatbot.report.contributor import report_contributor
from chatbot.report.lately import LATELY, LatelyReport, OwnSeries, own_postings, report_lately
from chatbot.report.series_report import report_series
from chatbot.store.lineages import Family
from chatbot.store.persons import Match

# So many other people are listed below the one that is shown.
OTHERS = 8
# So many series are looked up for how far they have come: each takes ten milliseconds and, in a large index, many
# more; few people have more in flight.
LOOKED_AT = 12


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
    return Facts(
        "contributor", {"report": shown, "others": found[1 : OTHERS + 1], "more": max(0, len(found) - OTHERS - 1)}
    )


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
    heads = {posting.head.message_id for posting in postings}
    known: set[str] = set()
    found: list[OwnSeries] = []
    looked_at = 0
    for posting in postings:
        if posting.head.message_id in known:
            continue
        if looked_at == LOOKED_AT:
            break
        looked_at += 1
        known.add(posting.head.message_id)
        family = context.search.family_of(posting.head.message_id, context.people.identity)
        if family is None:  # it has gone while we looked
            continue
        for version in family.lineage.series:
            own = heads.intersection(mail.message_id for mail in version.everything)
            known |= own
            if own and not family.lineage.after(version):
                found.append(_how_far(version, family, context))
    return sorted(found, key=lambda one: one.received, reverse=True), len(heads - known)


def _how_far(series: Series[Mail], family: Family, context: Context) -> OwnSeries:
    people, now = context.people, context.now
    report = report_series(series, family.lineage, {}, family.mails, people=people, now=now, link="", lists=())
    head = series.head.message_id
    return OwnSeries(series.title, series.revision, head, series.received, series.draft, report.status)


COMMAND = Command(
    "contributor",
    "NAME | ADDRESS",
    "Show what a person wrote and reviewed.",
    ("/contributor marc", "/contributor maz@kernel.org"),
    run,
)
