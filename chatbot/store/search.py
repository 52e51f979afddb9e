"""Looking things up in the index: series by the words of their titles, people by name or address."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, select

from chatbot.mail.grouping import postings, pull_requests
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.part import Part, parts_of
from chatbot.mail.person import Person
from chatbot.mail.series import Member, Series
from chatbot.mail.subject import Subject
from chatbot.mail.traits import Identify
from chatbot.store import tables
from chatbot.store.database import reading
from chatbot.store.fulltext import TEXTS, TITLES, newest_with
from chatbot.store.index import known_list
from chatbot.store.lineages import Family, family_of
from chatbot.store.rows import (
    CHUNK,
    SELECT_PARTS,
    TOGETHER,
    load_mails_by_id,
    load_parts,
    load_parts_by_id,
    posted_with,
)
from chatbot.store.tables import ALL_LISTS, moment, seconds
from chatbot.store.threads import mails_named, named
from chatbot.store.words import key_of, words

# So many of the newest matching patches are looked at, and so many postings of theirs are put together.
MATCHES, SHOWN = 300, 12
# So many of the newest mails that say something are followed to their series.
SAID = 30
# So many of a person's newest patches are shown.
NEWEST = 60
# So many names or titles are compared when nothing matches and the closest is asked for.
CANDIDATES = 5000
FARTHEST = 3
# No title has more words that matter, and SQLite takes no deeper conditions than 1,000.
MOST_WORDS = 30


@dataclass(frozen=True, slots=True)
class Found:
    """Series, the best first and whole, the others with their heads, and how many more there are at least."""

    series: tuple[Series[Member], ...]
    more: int = 0


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
        return any(_distance(name, wanted) < FARTHEST for name in self.names)

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


class Search:
    """Questions to the index. Each call is one transaction that reads."""

    def __init__(self, engine: Engine) -> None:
        """The engine comes from `open_database`."""
        self._engine = engine

    def series_by_words(self, text: str, revision: str | None = None) -> Found:
        """The series with all these words in one title, newest first; the nearer its own title is to the words, the
        earlier it comes, and those of a revision (`v2`) before all others. Only the first one has all its mails.
        Where there are none, pull requests.
        """
        wanted = words(text)[:MOST_WORDS]
        with reading(self._engine) as connection:
            ids = newest_with(connection, TITLES, wanted, MATCHES)
            nearest, more = _nearest(connection, ids, wanted, revision)
            if not nearest:
                nearest, more = _nearest(connection, ids, wanted, revision, patches=False)
                pulls = pull_requests(reversed(load_mails_by_id(connection, nearest)))
                return Found(tuple(sorted(pulls, key=lambda one: _rank(one.subject, wanted, revision))), more)
            hits = load_parts_by_id(connection, nearest)
            # The mail that each answers is its cover or its first patch, and says what the series is called.
            heads = load_parts(
                connection, SELECT_PARTS.where(*named([above for hit in hits for above in hit.parents[:1]]))
            )
            found = _with(postings((*heads, *hits)), hits)
            ranked = sorted(found, key=lambda one: _rank(one.subject, wanted, revision))
            best = _series_of(connection, ranked[0].parts[-1:]) if ranked else ()
        return Found((*best, *ranked[1:]), more)

    def series_by_id(self, message_id: str) -> tuple[Series[Member], ...]:
        """The series or the pull request that a mail belongs to, or the one it replies to; empty where the mail is not
        known.
        """
        with reading(self._engine) as connection:
            posted = _posted_above(connection, (message_id,))
            return _series_with(connection, posted) if posted else ()

    def series_by_text(self, text: str) -> tuple[Series[Member], ...]:
        """The series and pull requests in whose logs, or in an answer to which, all these words stand; what was said
        last comes first.
        """
        with reading(self._engine) as connection:
            ids = newest_with(connection, TEXTS, words(text)[:MOST_WORDS], SAID)
            found: dict[str, Series[Member]] = {}
            for mail in reversed(load_mails_by_id(connection, ids)):
                posted = mail if _posts(mail) else _posted_above(connection, mail.parents)
                known = {part.message_id for series in found.values() for part in series.parts}
                if posted and posted.message_id not in known:
                    found.update((series.head.message_id, series) for series in _series_with(connection, posted))
        return tuple(found.values())

    def family_of(self, message_id: str, identify: Identify) -> Family | None:
        """The lineage of the series that has this mail, with all that was said about it."""
        with reading(self._engine) as connection:
            return family_of(connection, message_id, identify)

    def series_with(self, message_ids: Iterable[str]) -> dict[str, Series[Part]]:
        """The series that each of these mails is a part of; those of mails that are not known are left out."""
        with reading(self._engine) as connection:
            found = _series_of(connection, parts_of(mails_named(connection, message_ids)))
        return {part.message_id: one for one in found for part in one.parts}

    def lists_of(self, series: Series[Member]) -> tuple[str, ...]:
        """The names of the lists on which any mail of a series was seen."""
        ids = [part.message_id for part in series.parts][:CHUNK]
        seen, mail = tables.seen, tables.mail
        query = (
            select(tables.mailing_list.c.name)
            .distinct()
            .join(seen, seen.c.list_id == tables.mailing_list.c.id)
            .join(mail, mail.c.id == seen.c.mail_id)
            .where(*named(ids))
            .order_by(tables.mailing_list.c.name)
        )
        with reading(self._engine) as connection:
            return tuple(connection.execute(query).scalars())

    def people(self, text: str, mailmap: Mailmap) -> tuple[Match, ...]:
        """Who has this address, or all these words in name and address; whoever the mailmap says is one is one.

        Names go before addresses, the most active first.
        """
        column, asked = tables.person.c, Person.parse(text).address.lower()
        who = Person.named("", asked)
        if asked:
            which: list[ColumnElement[bool]] = [column.mailbox.in_({asked} | mailmap.addresses_of(who))]
        else:
            which = [column.words.contains(f" {word}", autoescape=True) for word in words(text)[:MOST_WORDS]]
        if not which:
            return ()
        with reading(self._engine) as connection:
            spelled = [
                (human, row)
                for human, row in _spellings(connection, which, mailmap)
                if asked in ("", row.mailbox) or human.identity == mailmap.of(who).identity
            ]
            humans = {human.identity for human, _ in spelled}
            known = {row.id for _, row in spelled}
            boxes = sorted({box for human, _ in spelled for box in mailmap.addresses_of(human)})
            for start in range(0, len(boxes), CHUNK):
                more = _spellings(connection, [column.mailbox.in_(boxes[start : start + CHUNK])], mailmap)
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
        wanted = words(text)
        return tuple(sorted(found.values(), key=lambda match: (match.named(wanted), match.mails), reverse=True))

    def work_of(self, ids: Sequence[int]) -> Work:
        """What the human did whose spellings these are."""
        mail, sums = tables.mail, tables.contribution
        theirs = ids[:CHUNK]
        newest = SELECT_PARTS.where(mail.c.author_id.in_(theirs)).order_by(mail.c.received.desc())
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
        given = tables.given.c
        tags = select(given.kind, func.sum(given.tags)).where(given.person_id.in_(theirs)).group_by(given.kind)
        with reading(self._engine) as connection:
            patches, replies = connection.execute(totals).one()
            return Work(
                int(patches or 0),
                int(replies or 0),
                tuple(load_parts(connection, newest.limit(NEWEST))),
                {kind: int(number) for kind, number in connection.execute(tags)},
                tuple(connection.execute(lists).scalars()),
            )

    def top_contributors(self, list_name: str | None = None, limit: int = 15) -> tuple[tuple[str, str, int], ...]:
        """Name, address and patches of those who wrote most of all time, on one list or on all."""
        sums, person = tables.contribution.c, tables.person.c
        here = ALL_LISTS if list_name is None else known_list(list_name)
        patches = func.sum(sums.counted)
        query = (
            select(func.max(person.name), person.mailbox, patches)
            .join_from(tables.contribution, tables.person, person.id == sums.person_id)
            .where(sums.list_id == here, sums.counted > 0)
            .group_by(person.mailbox)
            .order_by(patches.desc(), person.mailbox.desc())
        )
        with reading(self._engine) as connection:
            return tuple((name, box, int(number)) for name, box, number in connection.execute(query.limit(limit)))

    def touching(self, directory: str, since: datetime, limit: int = MATCHES) -> tuple[Mail, ...]:
        """The patches received since then that change files below a directory, newest first."""
        touched = tables.touched.c
        here = touched.directory_id == key_of(directory.strip("/"))
        newest = (
            select(touched.mail_id)
            .where(here, touched.received >= seconds(since))
            .order_by(touched.received.desc(), touched.mail_id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            ids = connection.execute(newest).scalars().all()
            found = load_mails_by_id(connection, ids)
        return tuple(sorted(found, key=lambda one: one.received, reverse=True))

    def titles(self) -> tuple[str, ...]:
        """Titles of the newest patches, to find the closest to a word that matched none."""
        patches = select(tables.mail.c.subject).where(tables.mail.c.is_patch).order_by(tables.mail.c.id.desc())
        return tuple(Subject.parse(subject).title for subject in self._texts(patches))

    def names(self) -> tuple[str, ...]:
        """Names and addresses, to find the closest to a word that matched none."""
        people = tables.person.c
        return self._texts(select(people.name).distinct()) + self._texts(select(people.mailbox).distinct())

    def _texts(self, query: Select[Any]) -> tuple[str, ...]:
        with reading(self._engine) as connection:
            return tuple(text for text in connection.execute(query.limit(CANDIDATES)).scalars() if text)


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
        .limit(MATCHES)
    )
    return [(mailmap.of(Person.named(row.name, row.address)), row) for row in connection.execute(query)]


def _distance(title: str, wanted: Sequence[str]) -> int:
    """How far a series' own title is from the words: 0 has just these, 1 all as words, 2 all as beginnings of words."""
    own = words(title)
    if own == tuple(wanted):
        return 0
    if set(wanted) <= set(own):
        return 1
    return 2 if all(any(word.startswith(part) for word in own) for part in wanted) else FARTHEST


def _nearest(
    connection: Connection, ids: Sequence[int], wanted: Sequence[str], revision: str | None, *, patches: bool = True
) -> tuple[list[int], int]:
    """Those of these patches (or of what is none) whose own titles are nearest, enough for as many postings as are
    shown, and how many postings are left out.
    """
    mail = tables.mail.c
    query = select(mail.id, mail.subject, mail.posting_key, mail.received).order_by(mail.id.desc())
    rows = connection.execute(query.where(mail.id.in_(ids), mail.is_patch.is_(patches))).all()
    postings: dict[tuple[int, int], int] = {}  # the nearest mail of each
    for row in sorted(rows, key=lambda row: _rank(Subject.parse(row.subject), wanted, revision)):
        postings.setdefault((row.posting_key or row.id, row.received // TOGETHER), row.id)
    nearest = list(postings.values())
    return nearest[:SHOWN], len(nearest[SHOWN:])


def _rank(subject: Subject, wanted: Sequence[str], revision: str | None) -> tuple[bool, int]:
    return revision not in (None, subject.revision), _distance(subject.title, wanted)


def _posts(mail: Mail) -> bool:
    """Whether a mail is a part of a series, or a pull request."""
    return mail.is_patch or mail.subject.pull


def _posted_above(connection: Connection, ids: Sequence[str]) -> Mail | None:
    """The first of these mails that is a patch or a pull request, or the nearest above them in their threads."""
    asked: set[str] = set()
    while ids:
        known = {mail.message_id: mail for mail in mails_named(connection, ids[:CHUNK])}
        posted = next((known[one] for one in ids if one in known and _posts(known[one])), None)
        if posted:
            return posted
        asked.update(ids)
        above = (parent for mail in known.values() for parent in mail.parents)
        ids = tuple(dict.fromkeys(parent for parent in above if parent not in asked))
    return None


def _series_with(connection: Connection, posted: Mail) -> tuple[Series[Member], ...]:
    """The whole series that has this patch, or the pull request that it is."""
    return pull_requests([posted]) or _series_of(connection, parts_of([posted]))


def _series_of(connection: Connection, hits: Sequence[Part]) -> tuple[Series[Part], ...]:
    """The whole series that these are parts of, newest first."""
    return _with(postings((*hits, *posted_with(connection, hits))), hits)


def _with(series: Iterable[Series[Part]], hits: Iterable[Part]) -> tuple[Series[Part], ...]:
    """Those of the series that have some of these parts, newest first."""
    wanted = {hit.message_id for hit in hits}
    found = (one for one in series if any(part.message_id in wanted for part in one.parts))
    return tuple(sorted(found, key=lambda one: one.received)[::-1])
