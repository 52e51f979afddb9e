"""/series: find a patch series and show it."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.corrections import LIST, correct, corrects, list_corrections
from chatbot.commands.pages import page_of
from chatbot.errors import Misunderstood
from chatbot.mail.mail import Mail
from chatbot.mail.series import Member, Series
from chatbot.mail.subject import Subject
from chatbot.report.aspects import changes, tags_by_person, untagged
from chatbot.report.digest import amount
from chatbot.report.links import list_in, mail_link, message_id_in
from chatbot.report.series_report import LONG_PAGE, PAGE, SeriesReport, report_series
from chatbot.store.lineages import Family

# So many other matches are listed below the one that is shown.
OTHERS = 8
_VERSION = re.compile(r"v\d{1,4}(?:\.\d{1,4})?", re.IGNORECASE)


def run(arguments: str, context: Context) -> Facts:
    """By the words of a title, a Message-ID, or a link; where no title has the words, by what was said. Behind it one
    of ASPECTS shows that alone, and `page 2` further patches.
    """
    text, page = page_of(arguments.strip())
    if not text:
        raise Misunderstood(
            "/series", "it needs words to look for", f"type {COMMAND.usage}, such as {COMMAND.examples[0]}"
        )
    if text.lower() == LIST:
        return list_corrections(context)
    if corrected := correct(text, context):
        shown = _report(corrected.family.version_with(corrected.one.head.message_id), corrected.family, context)
        return _facts(shown, corrected=corrected)
    text, aspect = _aspect_of(text, context)
    if name := list_in(text):
        remedy = f"give the link to a mail of it, or words of a title, such as {COMMAND.examples[0]}"
        raise Misunderstood(name, "this link names a list and no mail", remedy)
    hits = find(text, context, "series")
    best = hits.series[0] if hits.series else None
    family = context.search.family_of(best.head.message_id, context.people.identity) if best else None
    if aspect == "card" and (family is None or hits.said):
        return _card_of_a_mail(text, context)
    if best is None or family is None:
        return nothing(text, context)
    # Who asks for words means what is to be reviewed now.
    series = family.version_with(best.head.message_id) if hits.exact else family.lineage.newest
    shown = _report(series, family, context)
    count = shown.pages(LONG_PAGE if aspect == "patches" else PAGE)
    if not 0 < page <= count:
        pages = amount(count, "page")
        raise Misunderstood(f"page {page}", f"this series has {pages} of patches", f"name one of 1 to {count}")
    if aspect:
        return Facts(aspect, {"report": shown, "page": page, **_ASPECTS[aspect](shown, context)})
    versions = {mail.message_id for version in shown.versions for mail in version.series.everything}
    others = [one for one in hits.series[1:] if one.head.message_id not in versions]
    more = hits.more + max(0, len(others) - OTHERS)
    others = others[:OTHERS]
    link_of = context.links(one.message_id for one in others)
    return _facts(shown, page=page, others=others, more=more, said=hits.said, link_of=link_of)


def _aspect_of(text: str, context: Context) -> tuple[str, str]:
    """What is looked for, and which part of the answer is wanted: its word is no such where a title has it."""
    *words, last = text.split()
    rest, aspect = " ".join(words), last.lower()
    if not words or aspect not in _ASPECTS:
        return text, ""
    if message_id_in(rest) is None and _in_a_title(text.lower(), aspect, context):
        return text, ""
    return rest, aspect


def _in_a_title(text: str, aspect: str, context: Context) -> bool:
    """As often as it was typed: who pastes `Fix the sound card` and adds `card` wants the card of it."""
    found, _ = _by_words(*_words_of(text), context)
    titles = (mail.subject.title.lower() for one in found for mail in one.everything)
    return any(title.count(aspect) >= text.count(aspect) for title in titles)


def _tags(report: SeriesReport, context: Context) -> Mapping[str, Any]:
    by = tags_by_person(report.patches, context.people.identity)
    return {"by": by, "untagged": untagged(report.patches) if by else ""}


def _people_by_kind(report: SeriesReport, context: Context) -> list[tuple[str, int]]:
    """How many people gave a tag of each kind."""
    by = tags_by_person(report.patches, context.people.identity)
    return Counter(kind for one in by for kind, _ in one.kinds).most_common()


def _card_of_a_mail(text: str, context: Context) -> Facts:
    """Of one that is part of no series. Raises Misunderstood."""
    message_id = message_id_in(text)
    found = context.search.mails([message_id]) if message_id else ()
    if not found:
        raise Misunderstood(repr(text[:200]), "I know no such mail", "look for it with /series WORDS")
    (mail,) = found
    lists = context.search.lists_of([mail.message_id])
    return Facts(
        "card", {"report": None, "mail": mail, "link": mail_link(context.base(lists), mail.message_id), "lists": lists}
    )


# What may be asked for alone, which is its template, too, and what its template is told beside the report.
_ASPECTS: Mapping[str, Callable[[SeriesReport, Context], Mapping[str, Any]]] = {
    "patches": lambda _, __: {"size": LONG_PAGE},
    "versions": lambda report, _: {"changes": changes(report)},
    "tags": _tags,
    "card": lambda report, context: {"tags": _people_by_kind(report, context), "mail": None},
}


@dataclass(frozen=True, slots=True)
class Hits:
    """Series that somebody may mean, the likeliest first, and how many more there are at least; `exact` where a
    version was named, `said` where no title has the words, and they are said in it.
    """

    series: tuple[Series[Member], ...]
    more: int = 0
    exact: bool = False
    said: bool = False


def find(text: str, context: Context, word: str) -> Hits:
    """By a Message-ID, a link, or the words of a title; else by what was said. Raises Misunderstood."""
    if message_id := message_id_in(text):
        return Hits(context.search.series_by_id(message_id), exact=True)
    title, revision = _words_of(text)
    if not title:
        raise Misunderstood(
            f"/{word} {text}", "this names no series", f"type /{word} WORDS, such as {COMMAND.examples[1]}"
        )
    found, more = _by_words(title, revision, context)
    if found:
        return Hits(found, more, exact=revision is not None)
    return Hits(context.search.series_by_text(text), said=True, exact=revision is not None)


def nothing(text: str, context: Context) -> Facts:
    """That there is no such series, and what is nearest."""
    closest_of_it = () if message_id_in(text) else closest(text, context.search.titles())
    return Facts("nothing", {"what": "series", "text": text, "closest": closest_of_it})


def _report(series: Series[Mail], family: Family, context: Context) -> SeriesReport:
    """What there is to say about one version of a family."""
    lists = context.search.lists_of(part.message_id for part in series.parts)
    return report_series(
        series,
        family.lineage,
        family.guessed,
        family.mails,
        people=context.people,
        now=context.now,
        base=context.base(lists),
        lists=lists,
    )


def _facts(report: SeriesReport, **more: Any) -> Facts:
    values = {"page": 1, "others": (), "more": 0, "said": False, "corrected": None}
    return Facts("series", {"report": report, **values, **more})


def _words_of(text: str) -> tuple[str, str | None]:
    """The words of a title, and the version that is asked for, if one is: `v2`, or that of a pasted subject."""
    subject = Subject.parse(text)
    versions = [word for word in subject.title.split() if _VERSION.fullmatch(word)]
    title = " ".join(word for word in subject.title.split() if word not in versions)
    return title, versions[0].lower() if versions else subject.revision if subject.tags else None


def _by_words(title: str, revision: str | None, context: Context) -> tuple[tuple[Series[Member], ...], int]:
    """By the title's words, and how many more there are; a version chooses among the versions."""
    found = context.search.series_by_words(title, revision)
    chosen = tuple(one for one in found.series if one.subject.revision == revision)
    return (chosen, 0) if chosen else (found.series, found.more)


COMMAND = Command(
    "series",
    "WORDS | MESSAGE-ID | LINK [patches | versions | tags | card]",
    "Show a patch series or a pull request: its versions, reviews and state; or one part of that, whole; or the least."
    " To correct for everyone which postings are versions of one series, name a mail of each: link A B, unlink A [B];"
    " corrections lists what was corrected.",
    ("/series tdx-connect", "/series dirty pages v2", "/series tdx-1-0@sample.example tags", "/series corrections"),
    run,
    for_all=True,
    corrects=corrects,
)
