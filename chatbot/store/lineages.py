"""A series with its other versions and all that was said about them, put together when somebody asks.

What may be another version is found by few look-ups (see mail/traits.py): what its people posted under like titles,
what anybody posted under the same change-id, and the mails that it names or answers. These postings are read whole, and
linked by what they say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from chatbot.mail.grouping import group
from chatbot.mail.lineage import Lineage, lineages
from chatbot.mail.mail import Mail
from chatbot.mail.part import parts_of
from chatbot.mail.series import Series
from chatbot.mail.subject import Subject
from chatbot.mail.traits import Identify, Traits, title_key, traits_of
from chatbot.store import tables
from chatbot.store.fulltext import TEXTS, TITLES, newest_with
from chatbot.store.rows import load_mails_by_id, posted_with
from chatbot.store.threads import in_order, mails_named, patches_answering, replies_below

# So many of somebody's newest patches are looked through for like titles; few have written more.
LOOKED_THROUGH = 5_000
# So many titles are looked for whoever has them, and so many of the newest mails with each: others take a series over
# with most of it.
TITLES_ASKED, SAME_TITLE = 12, 50
# So many of the newest mails that name a posting, for a later version may link it.
NAMED = 20
# No title has more words that matter.
MOST_WORDS = 30
# Whose title has more than this part of its words in common with another is read for a closer look.
_LIKE = 0.5
# What one round finds names what the next looks for. A lineage of twenty versions takes two.
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Family:
    """A lineage, and all mails of its versions and below them, oldest first; `guessed` are the postings that its
    guesses name, by the Message-IDs of their heads.
    """

    lineage: Lineage
    mails: tuple[Mail, ...]
    guessed: Mapping[str, Series[Mail]]

    def version_with(self, message_id: str) -> Series[Mail]:
        """The version that a mail belongs to, else the newest."""
        return next(
            (one for one in self.lineage.series if any(mail.message_id == message_id for mail in one.everything)),
            self.lineage.newest,
        )


def family_of(connection: Connection, message_id: str, identify: Identify) -> Family | None:
    """The lineage of the series that has this mail; None where the mail is not known, or of no series."""
    known = {mail.message_id: mail for mail in mails_named(connection, [message_id])}
    fresh = set(known)
    own: Lineage | None = None
    series: dict[str, Series[Mail]] = {}
    for _ in range(_ROUNDS):
        _read_whole(connection, known, fresh)
        series = {one.head.message_id: one for one in group(in_order(connection, known))}
        own = _lineage_with(message_id, lineages(series.values(), identify=identify))
        if own is None:
            return None
        found = _may_be_versions(connection, own.series, [traits_of(one, identify) for one in own.series])
        new = {mail.message_id: mail for mail in found if mail.message_id not in known}
        fresh = set(new)
        known |= new
        if not fresh:
            break
    if own is None:
        return None
    mails = {mail.message_id: mail for one in own.series for mail in one.everything}
    mails |= {mail.message_id: mail for mail in replies_below(connection, mails)}
    inorder = sorted(mails.values(), key=lambda mail: (mail.received, mail.message_id))
    return Family(own, tuple(inorder), {guess.earlier: series[guess.earlier] for guess in own.guesses})


def _read_whole(connection: Connection, known: dict[str, Mail], fresh: Iterable[str]) -> None:
    """Add what was posted together with some mails, the patches that answer them, and what opened their threads."""
    below = {mail.message_id: mail for mail in patches_answering(connection, fresh)}
    known |= below
    parts = parts_of(known[one] for one in {*fresh, *below})
    together = {part.message_id for part in posted_with(connection, parts)}
    openers = {above for part in parts if part.subject.numbered for above in part.parents[-1:]}
    known.update((mail.message_id, mail) for mail in mails_named(connection, (together | openers) - known.keys()))


def _lineage_with(message_id: str, found: Iterable[Lineage]) -> Lineage | None:
    return next(
        (one for one in found for series in one.series for mail in series.everything if mail.message_id == message_id),
        None,
    )


def _may_be_versions(connection: Connection, series: Sequence[Series[Mail]], traits: Sequence[Traits]) -> list[Mail]:
    """Mails of postings that may be other versions of these."""
    mail, person = tables.mail.c, tables.person.c
    boxes = {one.address.lower() for version in series for one in (version.author, version.head.sender)} - {""}
    theirs = select(person.id).where(person.mailbox.in_(boxes))
    newest = (
        select(mail.id, mail.subject, mail.lead, mail.content)
        .where(mail.is_patch, or_(mail.author_id.in_(theirs), mail.sender_id.in_(theirs)))
        .order_by(mail.id.desc())
        .limit(LOOKED_THROUGH)
    )
    titles = {title for one in traits for title in (one.title, *one.patches)}
    contents = {content for one in traits for content in one.contents}
    heads = [frozenset(one.title.split()) for one in traits]
    ids: list[int] = []
    for row in connection.execute(newest):
        title = title_key(Subject.split(row.subject, row.lead).title)
        if title in titles or row.content in contents or any(_like(frozenset(title.split()), head) for head in heads):
            ids.append(row.id)
    for title in sorted(titles)[:TITLES_ASKED]:
        ids += newest_with(connection, TITLES, title.split()[:MOST_WORDS], SAME_TITLE)
    if change_ids := {one.change_id for one in traits} - {""}:
        ids += connection.execute(select(mail.id).where(mail.change_id.in_(change_ids))).scalars()
    for one in traits:  # in whose texts stands its name
        ids += newest_with(connection, TEXTS, [one.mail], NAMED)
    said = {name for one in traits for name in (*(mention.message_id for mention in one.mentions), *one.answers)}
    return [*load_mails_by_id(connection, ids), *mails_named(connection, said)]


def _like(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) > _LIKE * max(len(one), len(other))
