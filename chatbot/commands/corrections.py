"""/series link, unlink, corrections: a maintainer says which postings are versions of one series, for everyone."""

from contextlib import suppress
from dataclasses import dataclass

from chatbot.commands.command import Context, Facts
from chatbot.errors import Misunderstood, Unavailable
from chatbot.mail.lineage import Correction, holding
from chatbot.mail.mail import Mail
from chatbot.mail.series import Series
from chatbot.report.corrections import contrary, report_corrections
from chatbot.report.links import message_id_in
from chatbot.store.lineages import Family

LIST = "corrections"
_TOGETHER = {"link": True, "unlink": False}


@dataclass(frozen=True, slots=True)
class Corrected:
    """What was said of two postings, and the lineage that `one` has since; a `remark` where that changed nothing."""

    said: Correction
    one: Series[Mail]
    other: Series[Mail]
    family: Family
    remark: str

    @property
    def contrary(self) -> str:
        """What to type to take it back."""
        return contrary(self.said)


def list_corrections(context: Context) -> Facts:
    """All that were made."""
    said = context.corrections.all()
    known = context.search.series_with([name for one in said for name in (one.one, one.other)])
    return Facts("corrections", {"report": report_corrections(said, known)})


def corrects(text: str) -> bool:
    """Whether it may be a correction, and so may change what others are told."""
    return "".join(text.split(None, 1)[:1]).lower() in _TOGETHER


def correct(text: str, context: Context) -> Corrected | None:
    """Keep what `link A B`, `unlink A B` or `unlink A` says; None where the text is no such thing, but words to look
    for. Raises Misunderstood.
    """
    word, *named = text.split()
    together = _TOGETHER.get(word.lower())
    if together is None or len(named) not in (1, 2) or not all(map(message_id_in, named)):
        return None
    family, one = _posting(named[0], context)
    other = _posting(named[1], context)[1] if len(named) > 1 else None if together else family.lineage.before(one)
    if other is None:
        reason = "it takes two postings to link them" if together else "this follows no other posting that I know"
        raise Misunderstood(named[0], reason, f"name a mail of each: /series {word.lower()} A B")
    if one.head.message_id == other.head.message_id:
        raise Misunderstood(
            " and ".join(named), f"both are of one posting, {one.revision} of {one.title}", "name a mail of another"
        )
    said = Correction(one.head.message_id, other.head.message_id, together, context.asker, context.now)
    heads = {mail.message_id: series.head.message_id for series in (one, other) for mail in series.everything}
    held = holding(context.corrections.all(), heads).get(frozenset({said.one, said.other}))
    if held and held.together == together:
        return Corrected(held, one, other, family, f"{held.by} has said so before")
    _keep(said, text, context)
    after = context.search.family_of(said.one, context.people.identity) or family
    return Corrected(said, one, other, after, _remark(said, family, after))


def _posting(named: str, context: Context) -> tuple[Family, Series[Mail]]:
    """The posting that a mail is of, or was said about, with its lineage. Raises Misunderstood."""
    message_id = message_id_in(named) or ""
    found = context.search.series_by_id(message_id)
    head = found[0].head.message_id if found else message_id  # a letter is no patch, and yet of a lineage
    family = context.search.family_of(head, context.people.identity)
    if family is None:
        raise Misunderstood(named, "I know no series with this mail", "name a Message-ID or link that /series finds")
    if (series := family.version_with(head)).pull:
        raise Misunderstood(named, f"this is a pull request, {series.title}", "name a mail of a patch series")
    return family, series


def _keep(said: Correction, text: str, context: Context) -> None:
    try:
        context.corrections.add(said)
    except Unavailable as error:
        raise Misunderstood(f"/series {text}", f"it could not be written down ({error})", "say it again") from error
    with suppress(Unavailable):  # it is written down, and followed at the next refresh
        context.following.renew(context.people)


def _remark(said: Correction, before: Family, after: Family) -> str:
    if said.together and not _has(after, said.other):
        return "other corrections keep them apart: see /series corrections"
    if said.together == _has(before, said.other):
        return f"they were {'together' if said.together else 'apart'} already, and will stay so"
    return ""


def _has(family: Family, head: str) -> bool:
    return any(one.head.message_id == head for one in family.lineage.series)
