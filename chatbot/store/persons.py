"""Persons by name or address, and what they did: all of it by sums, a stretch of time by its mails.

Law of the file: what one human did is found by the rows of their spellings and by time; no mail of others is looked at
but those that theirs answer or that answer theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    exists,
    func,
    select,
    union,
)

from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.part import Part
from chatbot.mail.patch import REVIEWS, Tag
from chatbot.mail.person import Person
from chatbot.store import tables
from chatbot.store.rows import CHUNK, SELECT_MAILS, SELECT_PARTS, by_ids, chunks, load_mails, load_parts
from chatbot.store.tables import ALL_LISTS, moment, seconds
from chatbot.store.threads import named, talk_below
from chatbot.store.words import FARTHEST, distance, words

# So many spellings that match are looked at, the most active first.
SPELLINGS = 300
# So many of a person's newest patches are shown.
NEWEST = 60
# Nobody has more words in name and address, and SQLite takes no deeper conditions than 1,000.
MOST_WORDS = 30
# So many of the mails above a review are looked at, the nearest first, for the patch that it is about.
ABOVE = 20


@dataclass(frozen=True, slots=True)
class Match:
    """One human who matches: the names and addresses that they use, the canonical ones first, how many mails they sent
    or wrote, and when they were last active. `ids` are the rows of their spellings.
    """

    addresses: tuple[str, ...]
    names: tuple[str, ...]
    ids: tuple[int, ...]
    mails: int
    last: datetime

    @property
    def person(self) -> Person:
        """Who that is."""
        return Person.named(self.names[0] if self.names else "", self.addresses[0])

    def named(self, wanted: Sequence[str]) -> bool:
        """Whether the words are in a name, and not only in the address."""
        return any(distance(name, wanted) < FARTHEST for name in self.names)

    def joined(self, other: "Match") -> "Match":
        """The same human, written in another way."""
        addresses = tuple(dict.fromkeys(self.addresses + other.addresses))
        names = tuple(dict.fromkeys(self.names + other.names))
        return Match(addresses, names, self.ids + other.ids, self.mails + other.mails, max(self.last, other.last))


@dataclass(frozen=True, slots=True)
class Work:
    """What one human did: how many patches it wrote (covers left out) and replies it sent, its newest patches (with
    covers), the tags it gave to others by kind, and the lists it was seen on.
    """

    patches: int
    replies: int
    newest: tuple[Part, ...]
    given: Mapping[str, int]
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lately:
    """What one human did in a stretch of time, oldest first: `written` are patches and covers, `tagged` other mails
    with tags of REVIEWS, whoever they name, and `about` the patches above those, by their Message-IDs.

    `got` are the tags of REVIEWS in the talk below what was written, each with the Message-ID of the patch or cover
    that it is below. `mails` says how many were sent or written on each list, the most first.
    """

    written: tuple[Mail, ...]
    tagged: tuple[Mail, ...]
    about: Mapping[str, Part]
    got: tuple[tuple[str, Tag], ...]
    mails: Mapping[str, int]


def people(connection: Connection, text: str, mailmap: Mailmap) -> tuple[Match, ...]:
    """Who has this address, or all these words in name and address; whoever the mailmap says is one is one.

    Names go before addresses, the most active first.
    """
    column, asked = tables.person.c, Person.parse(text).address.lower()
    who = Person.named("", asked)
    wanted = words(text)[:MOST_WORDS]
    if asked:
        which: list[ColumnElement[bool]] = [column.mailbox.in_({asked} | mailmap.addresses_of(who))]
    else:
        which = [column.words.contains(f" {word}", autoescape=True) for word in wanted]
    if not which:
        return ()
    spelled = [
        (human, row)
        for human, row in _spellings(connection, which, mailmap)
        if asked in ("", row.mailbox) or human.identity == mailmap.of(who).identity
    ]
    humans = {human.identity for human, _ in spelled}
    known = {row.id for _, row in spelled}
    boxes = sorted({box for human, _ in spelled for box in mailmap.addresses_of(human)})
    for few in chunks(boxes):
        more = _spellings(connection, [column.mailbox.in_(few)], mailmap)
        spelled += [(human, row) for human, row in more if human.identity in humans and row.id not in known]
    found: dict[str, Match] = {}
    # A name that the mailmap gives is better than one that somebody wrote.
    for human, row in sorted(spelled, key=lambda pair: pair[0].name == pair[1].name):
        own = Match(
            tuple(dict.fromkeys((human.address.lower(), row.mailbox))),
            tuple(dict.fromkeys(filter(None, (human.name, row.name)))),
            (row.id,),
            row.mails,
            moment(row.newest),
        )
        found[human.identity] = found[human.identity].joined(own) if human.identity in found else own
    return tuple(sorted(found.values(), key=lambda match: (match.named(wanted), match.mails), reverse=True))


def work_of(connection: Connection, ids: Sequence[int]) -> Work:
    """What the human did whose spellings these are."""
    mail, sums, given = tables.mail.c, tables.contribution, tables.given.c
    theirs = ids[:CHUNK]
    newest = SELECT_PARTS.where(mail.author_id.in_(theirs)).order_by(mail.received.desc())
    totals = select(func.sum(sums.c.patches), func.sum(sums.c.replies)).where(
        sums.c.person_id.in_(theirs), sums.c.list_id == ALL_LISTS
    )
    lists = (
        select(tables.mailing_list.c.name)
        .distinct()
        .join(sums, sums.c.list_id == tables.mailing_list.c.id)
        .where(sums.c.person_id.in_(theirs))
        .order_by(tables.mailing_list.c.name)
    )
    tags = select(given.kind, func.sum(given.tags)).where(given.person_id.in_(theirs)).group_by(given.kind)
    patches, replies = connection.execute(totals).one()
    return Work(
        int(patches or 0),
        int(replies or 0),
        tuple(load_parts(connection, newest.limit(NEWEST))),
        {kind: int(number) for kind, number in connection.execute(tags)},
        tuple(connection.execute(lists).scalars()),
    )


def lately(connection: Connection, ids: Sequence[int], since: datetime, until: datetime) -> Lately:
    """What the human did after one time and until another whose spellings these are."""
    mail, tag = tables.mail.c, tables.tag.c

    def by(person: Column[int]) -> ColumnElement[bool]:
        return and_(person.in_(ids[:CHUNK]), mail.received > seconds(since), mail.received <= seconds(until))

    wrote = SELECT_MAILS.where(by(mail.author_id), mail.is_patch)
    reviewing = exists().where(tag.mail_id == mail.id, tag.kind.in_(REVIEWS))
    said = SELECT_MAILS.where(by(mail.sender_id), ~mail.is_patch, reviewing)
    written, tagged = (load_mails(connection, query.order_by(mail.received, mail.id)) for query in (wrote, said))
    # Two questions, not one with an "or", so that each goes by its index.
    theirs = union(*(select(mail.id).where(by(person)) for person in (mail.author_id, mail.sender_id)))
    return Lately(
        tuple(written),
        tuple(tagged),
        _patches_named(connection, {above for one in tagged for above in one.parents[:ABOVE]}),
        _got(connection, written),
        _by_list(connection, theirs),
    )


def _spellings(
    connection: Connection, which: Iterable[ColumnElement[bool]], mailmap: Mailmap
) -> list[tuple[Person, Any]]:
    """Who these persons are, and how they are spelled; the most active first."""
    person, sums = tables.person, tables.contribution.c
    query = (
        select(person.c.id, person.c.mailbox, person.c.name, person.c.address, sums.mails, sums.newest)
        .join(tables.contribution, and_(sums.person_id == person.c.id, sums.list_id == ALL_LISTS))
        .where(*which, person.c.mailbox != "")
        .order_by(sums.mails.desc(), person.c.id)
        .limit(SPELLINGS)
    )
    return [(mailmap.of(Person.named(row.name, row.address)), row) for row in connection.execute(query)]


def _patches_named(connection: Connection, message_ids: Iterable[str]) -> dict[str, Part]:
    ids, found = sorted(message_ids), list[Part]()
    for few in chunks(ids, 2):
        found += load_parts(connection, SELECT_PARTS.where(*named(few)))
    return {part.message_id: part for part in found}


def _got(connection: Connection, written: Iterable[Mail]) -> tuple[tuple[str, Tag], ...]:
    """The tags of REVIEWS in the talk below these, as they came, each with the Message-ID of what it is below."""
    tag = tables.tag.c
    below = talk_below(connection, [mail.message_id for mail in written])
    tags = select(tag.mail_id, tag.kind, tag.value).where(tag.kind.in_(REVIEWS)).order_by(tag.mail_id, tag.place)
    rows = by_ids(connection, tags, tag.mail_id, sorted(below))
    return tuple((below[mail_id], Tag(kind, value)) for mail_id, kind, value in rows)


def _by_list(connection: Connection, mails: CompoundSelect[Any]) -> dict[str, int]:
    """How many of these mails were seen on each list."""
    theirs, seen, lists = mails.subquery("theirs"), tables.seen, tables.mailing_list
    number = func.count()
    query = (
        select(lists.c.name, number)
        .select_from(theirs)
        .join(seen, seen.c.mail_id == theirs.c.id)
        .join(lists, lists.c.id == seen.c.list_id)
        .group_by(lists.c.name)
        .order_by(number.desc(), lists.c.name)
    )
    return {name: int(mails) for name, mails in connection.execute(query)}
