"""Looking things up in the index: series by the words of their titles, people by name or address."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from chatbot.mail.grouping import postings, pull_requests
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.part import Part, parts_of
from chatbot.mail.people import People
from chatbot.mail.series import Member, Series
from chatbot.mail.standing import Standing
from chatbot.mail.subject import Subject
from chatbot.mail.traits import Identify
from chatbot.store import tables
from chatbot.store.database import reading
from chatbot.store.following import look_up
from chatbot.store.fulltext import TEXTS, TITLES, newest_with
from chatbot.store.index import known_list
from chatbot.store.lineages import Family, family_of
from chatbot.store.persons import Lately, Match, Work, lately, people, work_of
from chatbot.store.rows import (
    SELECT_PARTS,
    TOGETHER,
    chunks,
    load_mails_by_id,
    load_parts,
    load_parts_by_id,
    posted_with,
)
from chatbot.store.tables import ALL_LISTS, seconds
from chatbot.store.threads import mails_named, named, patches_answering, rows_named, thread_above
from chatbot.store.words import distance, key_of, words

# So many of the newest matching patches are looked at, and so many postings of theirs are put together.
MATCHES, SHOWN = 300, 12
# So many of the newest mails that say something are followed to their series.
SAID = 30
# So many names or titles are compared when nothing matches and the closest is asked for.
CANDIDATES = 5000
# No title has more words that matter, and SQLite takes no deeper conditions than 1,000.
MOST_WORDS = 30


@dataclass(frozen=True, slots=True)
class Found:
    """Series, the best first and whole, the others with their heads, and how many more there are at least."""

    series: tuple[Series[Member], ...]
    more: int = 0


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
        """The series or the pull request that a mail belongs to, opens or replies to; empty where it is not known."""
        with reading(self._engine) as connection:
            posted = _posted_above(connection, (message_id,))
            below = [posted] if posted else patches_answering(connection, [message_id])
            return _series_with(connection, below[0]) if below else ()

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

    def standings(self, message_ids: Iterable[str], people: People) -> tuple[Standing, ...]:
        """How the postings stand that these mails belong to."""
        with reading(self._engine) as connection:
            rows = {row: message_id for message_id, row in rows_named(connection, message_ids).items()}
            _, heads = look_up(connection, rows, people)
        return tuple(kept.standing for kept in heads.values())

    def series_with(self, message_ids: Iterable[str]) -> dict[str, Series[Part]]:
        """The series that each of these mails is a part of; those of mails that are not known are left out."""
        with reading(self._engine) as connection:
            found = _series_of(connection, parts_of(mails_named(connection, message_ids)))
        return {part.message_id: one for one in found for part in one.parts}

    def mails(self, message_ids: Iterable[str]) -> tuple[Mail, ...]:
        """These mails, the oldest first, as far as they are known."""
        with reading(self._engine) as connection:
            found = mails_named(connection, message_ids)
        return tuple(sorted(found, key=lambda one: (one.received, one.message_id)))

    def lists_of(self, message_ids: Iterable[str]) -> tuple[str, ...]:
        """The names of the lists on which any of these mails was seen."""
        return tuple(sorted(set(chain.from_iterable(self.lists_by_mail(message_ids).values()))))

    def lists_by_mail(self, message_ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The names of the lists on which each of these mails was seen; mails that are not known are left out."""
        seen, mail, found = tables.seen, tables.mail, dict[str, tuple[str, ...]]()
        query = (
            select(mail.c.message_id, tables.mailing_list.c.name)
            .join(seen, mail.c.id == seen.c.mail_id)
            .join(tables.mailing_list, seen.c.list_id == tables.mailing_list.c.id)
            .order_by(tables.mailing_list.c.name)
        )
        with reading(self._engine) as connection:
            for few in chunks(sorted(set(message_ids)), 2):
                for message_id, name in connection.execute(query.where(*named(few))):
                    found[message_id] = (*found.get(message_id, ()), name)
        return found

    def people(self, text: str, mailmap: Mailmap) -> tuple[Match, ...]:
        """Who has this address, or all these words in name and address, the likeliest first."""
        with reading(self._engine) as connection:
            return people(connection, text, mailmap)

    def work_of(self, ids: Sequence[int]) -> Work:
        """What the human did whose spellings these are."""
        with reading(self._engine) as connection:
            return work_of(connection, ids)

    def lately(self, ids: Sequence[int], since: datetime, until: datetime) -> Lately:
        """What the same did after one time and until another."""
        with reading(self._engine) as connection:
            return lately(connection, ids, since, until)

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
    return revision not in (None, subject.revision), distance(subject.title, wanted)


def _posts(mail: Mail) -> bool:
    """Whether a mail is a part of a series, or a pull request."""
    return mail.is_patch or mail.subject.pull


def _posted_above(connection: Connection, ids: Sequence[str]) -> Mail | None:
    """The first of these mails that is known, if it is a patch or a pull request, else the nearest above it."""
    return next(filter(_posts, thread_above(connection, ids)), None)


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
