"""How long questions take of a million mails, beside a hundred thousand; on SQLite and on PostgreSQL."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine, select

from chatbot.mail.mailmap import Mailmap
from chatbot.mail.people import People
from chatbot.mail.subject import Subject
from chatbot.report.assembly import SILENT_AFTER, build
from chatbot.report.digest import MailingList
from chatbot.report.window import Window
from chatbot.store import tables
from chatbot.store.chronicles import Chronicles
from chatbot.store.database import open_database, reading
from chatbot.store.index import Index
from chatbot.store.search import Search
from chatbot.store.stretches import Stretches
from chatbot.store.words import words
from tests.bench.archives import Spread
from tests.bench.figures import Figure
from tests.bench.followed import follow_each
from tests.bench.latency import p95
from tests.bench.setting import LARGE, MILLION, NAME, Setting

STORES = ("sqlite", "postgresql")
SPREADS: tuple[Spread, ...] = ("wide", "dense")
ARGUMENTS = 100
# In ms, for a million mails; no single call may be longer than LONGEST.
LONGEST = 500.0
# What a question of a small index takes is mostly the call itself; below so many ms growth says nothing.
NOISE = 2.0


def figures(setting: Setting) -> Iterator[Figure]:
    """A hundred thousand mails, and in the long bench a million, spread over years and dense."""
    for store in STORES:
        for spread in SPREADS if setting.million else SPREADS[:1]:
            yield from _compare(setting, store, spread)


def _compare(setting: Setting, store: str, spread: Spread) -> Iterator[Figure]:
    before: dict[str, float] = {}
    for mails in (LARGE, MILLION) if setting.million else (LARGE,):
        engine = open_database(setting.filled(setting.large(mails, spread), store))
        at = f"{store}, {mails:,} mails, {spread}"
        for name, ask, arguments, goal in _questions(engine):
            ask(arguments[0])
            found = p95(ask, arguments)
            yield Figure(f"{at}: {name}, p95", found.p95, "ms", goal)
            yield Figure(f"{at}: {name}, longest", found.longest, "ms", LONGEST)
            if name in before:
                growth = found.p95 / max(before[name], NOISE)
                yield Figure(f"{at}: {name}, against {LARGE:,}", growth, "x", mails / LARGE)
            before[name] = found.p95
        engine.dispose()


def _questions(engine: Engine) -> Iterator[tuple[str, Callable[[Any], object], list[Any], float]]:
    """Name, question, arguments, and the goal in ms."""
    index, search, some = Index(engine), Search(engine), random.Random(1)
    newest = index.newest_received(NAME)
    assert newest
    titles = [Subject.parse(subject).title for subject in _sample(engine, tables.mail, "subject", some)]
    yield "series by words", search.series_by_words, [*(_wanted(title, some) for title in titles), "nvdimm", "pci"], 50
    names = [words(name) for name in _sample(engine, tables.person, "name", some)]
    parts = [some.choice(name)[: some.randint(3, 6)] for name in names if name]
    yield "contributor by part of a name", partial(search.people, mailmap=Mailmap()), parts, 50
    since = newest - timedelta(days=90)

    def did_lately(box: str) -> object:
        return [search.lately(match.ids, since, newest) for match in search.people(box, Mailmap())]

    busiest = [box for _, box, _ in search.top_contributors(limit=ARGUMENTS)]
    yield "what a contributor did in 90 days", did_lately, busiest, 100
    directories = _sample(engine, tables.directory, "path", some)
    yield "paths below a directory in 90 days", lambda path: search.touching(path, since), directories, 50
    follow_each(engine)
    people, shown = People(), MailingList(NAME, NAME, "")
    chronicles, stretches = Chronicles(engine), Stretches(engine)

    def digest(weeks: int) -> object:
        until = newest - timedelta(weeks=weeks)
        stretch = stretches.between(NAME, until - timedelta(days=7), until)
        chronicle = chronicles.of(stretch, people, until, silent_after=SILENT_AFTER)
        return build(shown, Window(stretch.spans), chronicle, people, until)

    yield "digest of a week", digest, list(range(1, 101)), 100
    yield "top contributors of all time", search.top_contributors, [None, NAME], 100


def _wanted(title: str, some: random.Random) -> str:
    """Two words of a title, the last one cut short, as people type; one where it has no more."""
    found = [word for word in words(title) if len(word) > 2] or ["memory"]
    first, last = some.choice(found), some.choice(found)
    return f"{first} {last[:4]}" if first != last else last


def _sample(engine: Engine, table: Any, column: str, some: random.Random) -> list[str]:
    """Values of rows from all over the table."""
    with reading(engine) as connection:
        ids = connection.execute(select(table.c.id).order_by(table.c.id)).scalars().all()
        rows = select(table.c[column]).where(table.c.id.in_(some.sample(ids, min(ARGUMENTS, len(ids)))))
        return [text for text in connection.execute(rows).scalars() if text]
