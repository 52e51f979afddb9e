"""What happened in a stretch of a list, put together from its mails alone; where there is an index, that knows more."""

from collections.abc import Sequence
from dataclasses import replace

from chatbot.mail.chronicle import LIVELY, Chronicle, Talk, letters_of, oldest_first, overdue
from chatbot.mail.grouping import group, pull_requests
from chatbot.mail.lineage import lineages
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.review import answers
from chatbot.mail.standing import Standing
from chatbot.mail.standings import standings


def chronicle_of(mails: Sequence[Mail], people: People) -> Chronicle:
    """Of these mails alone, oldest first: nothing before them is known."""
    places = {mail.message_id: place for place, mail in enumerate(mails)}
    series = sorted(
        (*group(mails), *pull_requests(mails)), key=lambda one: min(places[mail.message_id] for mail in one.everything)
    )
    heads = {mail.message_id: one.head.message_id for one in series for mail in one.everything}
    subjects = {mail.message_id: mail.subject for mail in mails}
    answered: dict[str, list[tuple[Mail, Mail]]] = {}
    for reply, above in answers(mails):
        answered.setdefault(heads.get(above.message_id, above.message_id), []).append((reply, above))
    known: dict[str, Standing] = {}
    for lineage in lineages(series, identify=people.identity):
        pairs = [pair for one in lineage.series for pair in answered.get(one.head.message_id, ())]
        titles = dict.fromkeys(subjects[guess.earlier].title for guess in lineage.guesses)
        known.update((standing.mail, standing) for standing in standings(lineage, pairs, people, tuple(titles)))
    # What nobody looked for is not missing.
    posted = [replace(known[one.head.message_id], first_seen=False) for one in series]
    turning = frozenset(remark.mail for one in posted for remark in one.remarks if remark.turns)
    told = [one for one in reversed(posted) if not one.bot]
    times = [mail.received for mail in mails]
    return replace(
        letters_of(mails),
        series=tuple(one for one in told if not one.later),
        versions=tuple(one for one in told if one.later),
        turned=oldest_first(one for one in posted if any(remark.turns for remark in one.remarks)),
        turning=turning,
        incomplete=overdue(posted, min(times), max(times)) if times else (),
        talks=tuple(
            Talk(head, subjects[head], number, len(said))
            for head, pairs in answered.items()
            if (said := [people.identity(reply.sender) for reply, _ in pairs if not people.is_bot(reply)])
            and (number := len(set(said))) >= LIVELY
        ),
        uncovered=("earlier versions, and what has long been waiting: only these mails were read",),
    )
