"""A series with its other versions and all that was said about them, put together when somebody asks.

What may be another version is found by few look-ups (see mail/traits.py): what its people posted under like titles,
what anybody posted under the same change-id, and the mails that it names or answers. These postings are read whole, and
linked by what they say, and by what maintainers said of them.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, or_, select

from chatbot.mail.grouping import group, pull_requests
from chatbot.mail.lineage import Lineage, lineages, linked_with
from chatbot.mail.mail import Mail
from chatbot.mail.part import parts_of
from chatbot.mail.series import Series
from chatbot.mail.subject import Subject
from chatbot.mail.traits import Identify, Traits, title_key, traits_of
from chatbot.store import tables
from chatbot.store.corrections import corrections_in
from chatbot.store.fulltext import TEXTS, TITLES, newest_with
from chatbot.store.rows import TOGETHER, by_ids, load_mails_by_id, posted_with
from chatbot.store.tables import seconds
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
# So many postings are read in one round: weekly mails under one title would make a lineage of a thousand.
VERSIONS = 25


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
    """The lineage of the series that has this mail, or of the pull request that it is; None where the mail is neither,
    or not known.
    """
    if pulls := pull_requests(mails_named(connection, [message_id])):
        replies = sorted(replies_below(connection, [message_id]), key=lambda mail: (mail.received, mail.message_id))
        return Family(Lineage(pulls), (pulls[0].head, *replies), {})
    around, said = _Surroundings(connection, message_id), corrections_in(connection)
    own: Lineage | None = None
    series: dict[str, Series[Mail]] = {}
    for _ in range(_ROUNDS):
        series = {one.head.message_id: one for one in group(in_order(connection, around.mails))}
        own = _lineage_with(message_id, lineages(series.values(), said, identify))
        if own is None:
            return None
        by_hand = linked_with((mail.message_id for one in own.series for mail in one.everything), said)
        if not around.grow(own.series, [traits_of(one, identify) for one in own.series], by_hand):
            break
    if own is None:
        return None
    mails = {mail.message_id: mail for one in own.series for mail in one.everything}
    mails |= {mail.message_id: mail for mail in replies_below(connection, mails)}
    inorder = sorted(mails.values(), key=lambda mail: (mail.received, mail.message_id))
    return Family(own, tuple(inorder), {guess.earlier: series[guess.earlier] for guess in own.guesses})


def _lineage_with(message_id: str, found: Iterable[Lineage]) -> Lineage | None:
    return next(
        (one for one in found for series in one.series for mail in series.everything if mail.message_id == message_id),
        None,
    )


class _Surroundings:
    """The mails of the postings around one mail, as far as they have been read."""

    def __init__(self, connection: Connection, message_id: str) -> None:
        self.mails: dict[str, Mail] = {}
        self._connection = connection
        self._postings: set[tuple[int, int]] = set()
        self._asked: set[str] = set()
        self._read(mails_named(connection, [message_id]))
        self._about = min((seconds(mail.received) for mail in self.mails.values()), default=0)

    def grow(self, series: Sequence[Series[Mail]], traits: Sequence[Traits], by_hand: Collection[str]) -> bool:
        """Read what may be other versions of these, the nearest in time, and those that were linked by hand; whether
        there was more.
        """
        before = len(self.mails)
        ids = self._of_their_people(series, traits) + self._elsewhere(traits)
        row = tables.mail.c
        nearest: dict[tuple[int, int], tuple[int, int]] = {}  # of each posting one patch is enough
        query = select(row.id, row.posting_key, row.received).where(row.is_patch)
        for mail_id, key, received in by_ids(self._connection, query, row.id, ids):
            posting = (key, received // TOGETHER) if key else (mail_id, 0)
            near = abs(received - self._about), mail_id
            nearest[posting] = min(nearest.get(posting, near), near)
        chosen = sorted((nearest[one], one) for one in nearest.keys() - self._postings)[:VERSIONS]
        self._postings.update(posting for _, posting in chosen)
        said = {name for one in traits for name in (*(mention.message_id for mention in one.mentions), *one.answers)}
        found = load_mails_by_id(self._connection, [mail_id for (_, mail_id), _ in chosen])
        self._read([*found, *mails_named(self._connection, said.union(by_hand) - self.mails.keys())])
        return len(self.mails) > before

    def _read(self, found: Iterable[Mail]) -> None:
        """Take these in, with the patches that answer them, what was posted together, and what opened their threads."""
        fresh = {mail.message_id: mail for mail in found}
        fresh |= {mail.message_id: mail for mail in patches_answering(self._connection, fresh)}
        parts = parts_of(fresh.values())
        together = {part.message_id for part in posted_with(self._connection, parts)}
        openers = {above for part in parts if part.subject.numbered for above in part.parents[-1:]}
        self.mails |= fresh
        rest = mails_named(self._connection, (together | openers) - self.mails.keys())
        self.mails.update((mail.message_id, mail) for mail in rest)

    def _of_their_people(self, series: Sequence[Series[Mail]], traits: Sequence[Traits]) -> list[int]:
        """Patches of the same people under like titles, or with the same content."""
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
        heads = {frozenset(one.title.split()) for one in traits}
        found: list[int] = []
        for row in self._connection.execute(newest):
            title = title_key(Subject.split(row.subject, row.lead).title)
            same = title in titles or row.content in contents
            if same or any(_like(frozenset(title.split()), head) for head in heads):
                found.append(row.id)
        return found

    def _elsewhere(self, traits: Sequence[Traits]) -> list[int]:
        """Patches of anybody under the same titles or change-ids, and mails that name a version."""
        mail = tables.mail.c
        found: list[int] = []
        titles = dict.fromkeys(title for one in traits for title in (one.title, *sorted(one.patches)))
        for title in [title for title in titles if title not in self._asked][:TITLES_ASKED]:
            found += newest_with(self._connection, TITLES, title.split()[:MOST_WORDS], SAME_TITLE)
        for one in traits:
            if one.mail not in self._asked:
                found += newest_with(self._connection, TEXTS, [one.mail], NAMED)
        self._asked.update(titles, (one.mail for one in traits))
        if change_ids := {one.change_id for one in traits} - {""}:
            found += self._connection.execute(select(mail.id).where(mail.change_id.in_(change_ids))).scalars()
        return found


def _like(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) > _LIKE * max(len(one), len(other))
