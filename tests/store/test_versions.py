"""Old databases, new ones, and those that are not ours."""

import asyncio
import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, create_engine, inspect, text

from chatbot.app import bot
from chatbot.config import check_config
from chatbot.errors import BadConfig
from chatbot.ingest import ingest
from chatbot.mail.mailmap import Mailmap
from chatbot.readers import Readers
from chatbot.report.digest import Digest, MailingList
from chatbot.sources.public_inbox import PublicInbox
from chatbot.store import fulltext, versions
from chatbot.store.database import open_database, writing
from chatbot.store.index import Index
from chatbot.store.search import Search
from chatbot.store.stretches import Stretches
from chatbot.store.tables import metadata
from chatbot.store.writer import Added
from tests.conftest import NOON, TESTS, compose, git, mails_of, summarizer
from tests.fakes.platform import Ledger

Make = Callable[..., Path]
OLD = TESTS / "store" / "old_0001.sql"
TOOL = "alembic_version"
# What the code of 7d72bc8 had read into old_0001.sql.
PATCH = """Say why.

Reviewed-by: Cy <cy@c.example>
---
 arch/x86/kvm/mmu.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/arch/x86/kvm/mmu.c b/arch/x86/kvm/mmu.c
--- a/arch/x86/kvm/mmu.c
+++ b/arch/x86/kvm/mmu.c
@@ -1,1 +1,1 @@
-old
+new
"""
BO = "Bo <bo@b.example>"
KVM = [
    compose("[PATCH 0/2] Teach the bot to remember", 1, sender=BO),
    compose("[PATCH 1/2] kvm: Remember mails", 2, PATCH, in_reply_to="<m1@sample.example>", sender=BO),
    compose(
        "[PATCH 2/2] kvm: Remember people",
        3,
        "From: Dee <dee@d.example>\n\n" + PATCH,
        in_reply_to="<m1@sample.example>",
        sender=BO,
    ),
    compose(
        "Re: [PATCH 1/2] kvm: Remember mails",
        4,
        "> Say why.\n\nFine words.\n\nAcked-by: Ana <ana@a.example>\n",
        in_reply_to="<m2@sample.example>",
    ),
    compose("[PATCH] Cross-posted", 5, PATCH, received="by x; Mon, 3 Nov 2025 12:04:30 +0000"),
    compose("[PATCH 1/2] kvm: Remember mails", 2, PATCH, in_reply_to="<m1@sample.example>", sender=BO),  # once more
    compose("No headers to speak of", 6, date="never"),
    compose("[RFC v2] Without the word", 7, PATCH, sender="=?utf-8?q?J=C3=BCrgen?= <J@E.example>"),
]
COCO = [
    compose("[PATCH] Cross-posted", 5, PATCH, received="by x; Mon, 3 Nov 2025 12:04:30 +0000"),
    compose("Hello", 8, "A question?\n"),
]


@pytest.fixture
def archives(archive: Make) -> dict[str, Path]:
    """What the old database was made from."""
    return {"kvm": archive(KVM, name="kvm"), "coco": archive(COCO, name="coco")}


@pytest.fixture
def old(store_url: str, tmp_path: Path) -> str:
    """A database that the old code has left; there was none on PostgreSQL, but its tables would have been these."""
    with closing(
        sqlite3.connect(tmp_path / ("old" if store_url.startswith("postgresql") else "index.sqlite3"))
    ) as file:
        file.executescript(OLD.read_text())
    if store_url.startswith("postgresql"):
        _copy(create_engine(f"sqlite:///{tmp_path}/old"), create_engine(store_url, isolation_level="READ COMMITTED"))
    return store_url


def _copy(source: Engine, target: Engine) -> None:
    with source.begin() as reader, target.begin() as writer:
        versions.upgrade(writer, lambda *_: None, versions.FIRST)
        tables = MetaData()
        tables.reflect(writer)
        for table in tables.sorted_tables:
            if table.name == TOOL:
                writer.execute(text(f"DROP TABLE {TOOL}"))
            elif rows := [dict(row) for row in reader.execute(table.select()).mappings()]:
                writer.execute(table.insert(), rows)
        for table in ("mailing_list", "delivery"):
            writer.execute(text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))"))
    source.dispose()
    target.dispose()


@pytest.fixture
def migrated(old: str) -> Iterator[Engine]:
    engine = open_database(old)
    yield engine
    engine.dispose()


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """All that a database holds, read without any code of ours."""
    engine = create_engine(url)
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        found = {
            name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for name, table in tables.tables.items()
            if name not in (fulltext.TITLES, fulltext.TEXTS)  # their texts cannot be read
        }
    engine.dispose()
    return found


def shape(engine: Engine) -> dict[str, Any]:
    """Every table with its columns and constraints, and every index as the database keeps it."""
    seer = inspect(engine)
    indexes = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql <> '' OR sql LIKE 'CREATE VIRTUAL%'"
        if engine.dialect.name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    )
    tables: dict[str, Any] = {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in seer.get_columns(table)
            },
            "key": seer.get_pk_constraint(table),
            "unique": sorted(sorted(one["column_names"]) for one in seer.get_unique_constraints(table)),
            "foreign": seer.get_foreign_keys(table),
            "options": seer.get_table_options(table),
        }
        for table in seer.get_table_names()
    }
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(indexes).all()
        return tables | {f"index {name}": " ".join(sql.split()).replace('"', "") for name, sql in rows}


def test_the_chain_of_revisions_ends_at_todays_tables(store_url: str, tmp_path: Path) -> None:
    engine = create_engine(store_url)
    with writing(engine) as connection:
        versions.upgrade(connection, lambda *_: None)
    ours = {*metadata.tables, TOOL}
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in ours}
        )
        assert compare_metadata(context, metadata) == []
    by_chain = shape(engine)
    with engine.begin() as connection:
        everything = MetaData()
        everything.reflect(connection)
        if engine.dialect.name == "postgresql":
            everything.drop_all(connection)
    engine.dispose()
    fresh = open_database(f"sqlite:///{tmp_path}/fresh" if store_url.startswith("sqlite") else store_url)
    at_once = shape(fresh)
    fresh.dispose()
    assert by_chain == at_once


def test_the_newest_revision_is_the_one_that_the_program_wants() -> None:
    folder = Path(versions.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [versions.HEAD]


def test_a_migrated_index_holds_what_an_ingest_of_the_same_archives_makes(
    migrated: Engine, archives: dict[str, Path], readers: Readers, tmp_path: Path
) -> None:
    fresh = open_database(f"sqlite:///{tmp_path}/fresh")
    for name, folder in archives.items():
        with PublicInbox(name, folder) as inbox:
            ingest(inbox, Index(fresh), readers)
    for name, table in metadata.tables.items():
        if name in ("copy", "progress", "delivery"):  # nobody noted copies
            continue
        unknown = ("blob", "text", "content", "change_id")  # of what the old code has read
        columns = [column for column in table.c if column.name not in unknown]
        rows = []
        for engine in (migrated, fresh):
            with engine.connect() as connection:
                rows.append(
                    sorted(map(tuple, connection.execute(table.select().with_only_columns(*columns))), key=repr)
                )
        assert rows[0] == rows[1], name
    for question in ("remember", "cross-posted", "WITHOUT word"):
        found = [Search(engine).series_by_words(question).series for engine in (migrated, fresh)]
        assert found[0] == found[1] != ()
    for question in ("bo", "dee@d.example", "Jürgen"):
        assert Search(migrated).people(question, Mailmap()) == Search(fresh).people(question, Mailmap()) != ()
    assert digest_of(migrated) == digest_of(fresh)
    fresh.dispose()


def digest_of(engine: Engine) -> Digest:
    mailing_list = MailingList("kvm", "KVM", "https://lore.example/")
    return summarizer(engine).make(mailing_list, Stretches(engine).newest("kvm", 4), NOON, letters=True)


def test_a_migrated_index_finds_pull_requests_by_their_titles(old: str) -> None:
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("UPDATE mail SET subject = '[GIT PULL] Hello again' WHERE subject = 'Hello'"))
        connection.execute(
            text("UPDATE mail SET subject = 'Re: Pull yourself together' WHERE subject LIKE 'No headers%'")
        )
    engine.dispose()
    engine = open_database(old)
    (found,) = Search(engine).series_by_words("hello").series
    assert (found.pull, found.title) == (True, "Hello again")
    assert Search(engine).series_by_words("yourself").series == ()
    engine.dispose()


def test_a_post_knows_its_list_where_its_room_has_one(old: str) -> None:
    engine = create_engine(old)
    with engine.begin() as connection:
        for subscription, upto in (("matrix/#a:b/kvm", 3), ("matrix/#a:b/coco", 8)):
            values = {"subscription": subscription, "upto": upto}
            connection.execute(text("INSERT INTO progress VALUES (:subscription, :upto, 1)"), values)
        connection.execute(
            text(
                "INSERT INTO delivery (id, key, platform, room, dialect, body, state, attempts, next_try)"
                " VALUES (2, 'k', 'matrix', '#a:b', 'matrix', 'b', 'sending', 0, 1)"
            )
        )
    engine.dispose()
    migrated = open_database(old)
    with migrated.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT subscription, list_name, upto, had_upto, had_slot, state, sequence, doubt FROM delivery ORDER BY id"
            )
        ).all()
    migrated.dispose()
    assert [tuple(row) for row in rows] == [
        ("terminal/room/kvm", "kvm", 7, None, None, "sent", 1, None),
        ("", "", 0, None, None, "sending", 2, 1),
    ]


class Room:
    """A bot on the archives, with the room of old_0001.sql."""

    def __init__(self, url: str, folder: Path) -> None:
        self._settings = {
            "store": {"url": url},
            "platforms": {"terminal": {}},
            "lists": [{"name": name, "title": name.upper(), "archive": name} for name in ("kvm", "coco")],
            "subscriptions": [{"platform": "terminal", "room": "room", "list": "kvm", "first": "1d"}],
        }
        self._folder = folder

    def hears(self, after: timedelta) -> list[str]:
        """What one tick posts."""
        with ExitStack() as stack:
            made = stack.enter_context(bot(check_config(self._settings, self._folder), lambda: NOON + after))
            ledger = made.platforms["terminal"] = Ledger()  # type: ignore[index]
            asyncio.run(made.tick())
        return [body for _, body in ledger.posts]


def test_nothing_is_announced_again_and_what_is_new_is_announced_once(
    old: str, tmp_path: Path, archives: dict[str, Path], archive: Make
) -> None:
    room = Room(old, tmp_path)
    before = [mails for _, mails in sorted(numbers(old).items())]
    assert room.hears(timedelta(hours=2)) == []
    assert room.hears(timedelta(days=1)) == []
    assert [mails for _, mails in sorted(numbers(old).items())] == before == [2, 7]
    shutil.rmtree(archives["kvm"])
    archive([*KVM, compose("[PATCH] The first new one", 9)], name="kvm")
    (post,) = room.hears(timedelta(days=2))
    assert "The first new one" in post
    assert "1 mail from 1 person: 1 new series, 1 patch" in post
    assert room.hears(timedelta(days=3)) == []


def numbers(url: str) -> dict[str, int]:
    """How many mails each list has."""
    engine = create_engine(url)
    with engine.connect() as connection:
        query = "SELECT name, count(*) FROM seen JOIN mailing_list ON mailing_list.id = list_id GROUP BY name"
        found = {str(name): int(count) for name, count in connection.execute(text(query))}
    engine.dispose()
    return found


def test_a_purge_takes_out_what_an_old_version_has_read(
    migrated: Engine, archives: dict[str, Path], archive: Make, readers: Readers
) -> None:
    """The history is another one from the purged mail on, so most places have moved."""
    shutil.rmtree(archives["kvm"])
    folder = archive([*KVM[:2], compose("gone", 99), *KVM[3:]], name="kvm")
    git(folder / "git" / "0.git", "gc", "--quiet")
    with PublicInbox("kvm", folder) as inbox:
        came = ingest(inbox, Index(migrated), readers, accept_shrink=True)
        assert (came.added.kept, came.added.removed) == (1, 1)
        assert ingest(inbox, Index(migrated), readers).added == Added()
    kept = {mail.message_id for mail in mails_of(migrated)}
    assert kept == {f"m{number}@sample.example" for number in (1, 2, 4, 5, 6, 7, 99)}
    assert Search(migrated).people("dee", Mailmap()) == ()
    assert [match.mails for match in Search(migrated).people("bo", Mailmap())] == [2]
    assert [match.mails for match in Search(migrated).people("Jürgen", Mailmap())] == [1]
    assert Search(migrated).series_by_words("people").series == ()
    assert Search(migrated).series_by_words("without the word").series != ()


def test_a_commit_that_takes_a_mail_out_finds_what_an_old_version_has_read(
    migrated: Engine, archives: dict[str, Path], readers: Readers
) -> None:
    epoch = archives["coco"] / "git" / "0.git"
    blob = git(epoch, "rev-parse", "master:m")
    tree = subprocess.run(
        ["git", "mktree"], cwd=epoch, input=f"100644 blob {blob}\td\n", check=True, capture_output=True, text=True
    ).stdout.strip()
    who = ("-c", "user.name=A", "-c", "user.email=a@a.example")
    git(epoch, "update-ref", "refs/heads/master", git(epoch, *who, "commit-tree", tree, "-p", "master", "-m", "rm"))
    with PublicInbox("coco", archives["coco"]) as inbox:
        assert ingest(inbox, Index(migrated), readers).added.removed == 1
    assert [mail.message_id for mail in mails_of(migrated, "coco")] == ["m5@sample.example"]


def test_a_mail_that_is_left_on_another_list_is_read_again_from_there(
    migrated: Engine, archives: dict[str, Path], archive: Make, readers: Readers
) -> None:
    shutil.rmtree(archives["kvm"])
    with PublicInbox("kvm", archive([*KVM[:4], *KVM[5:]], name="kvm")) as inbox:
        assert ingest(inbox, Index(migrated), readers, accept_shrink=True).added.removed == 1
    with PublicInbox("coco", archives["coco"]) as inbox:
        ingest(inbox, Index(migrated), readers)
    (series,) = Search(migrated).series_by_words("cross").series
    assert Search(migrated).lists_of(part.message_id for part in series.parts) == ("coco",)


def test_a_mail_that_is_to_be_read_again_has_no_text_in_a_migrated_index(old: str) -> None:
    engine = create_engine(old)
    with engine.begin() as connection:
        versions._note(connection, versions.FIRST)
        versions.upgrade(connection, lambda *_: None, "0002")
        connection.execute(text("UPDATE mail SET blob = '', author_id = 0 WHERE id = 1"))
    engine.dispose()
    open_database(old).dispose()
    found = contents(old)
    assert {row[0] for row in found["body"]} == {row[0] for row in found["mail"]} - {1}


def test_what_fails_leaves_the_old_database_as_it_was(old: str) -> None:
    before = contents(old)

    def fail(_: str, done: int, __: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_database(old, fail)
    assert contents(old) == before
    open_database(old).dispose()


def test_a_database_that_cannot_be_migrated_is_refused_as_it_was(old: str) -> None:
    engine = create_engine(old)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counted (mine INTEGER)"))
    engine.dispose()
    before = contents(old)
    with pytest.raises(
        BadConfig, match=r"cannot be migrated from version 0001: .*counted.* already exists.*; it is unch"
    ):
        open_database(old)
    assert contents(old) == before


def test_a_migration_that_is_killed_leaves_the_old_database_as_it_was(old: str) -> None:
    before = contents(old)
    script = (
        "import os, sys\nfrom chatbot.store.database import open_database\n"
        "open_database(sys.argv[1], lambda _, done, __: done and os.kill(os.getpid(), 9))"
    )
    assert subprocess.run([sys.executable, "-c", script, old], check=False).returncode == -9
    assert contents(old) == before
    open_database(old).dispose()


def test_a_migration_is_told_of(old: str) -> None:
    told: list[tuple[str, int, int]] = []
    open_database(old, lambda *what: told.append(what)).dispose()
    steps = [(f"migrating the index to version {version}", done, 8) for version in ("0002", "0003") for done in (0, 8)]
    assert told == steps
    open_database(old, lambda *what: told.append(what)).dispose()
    assert told == steps


def test_a_newer_database_is_refused(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(text(f"UPDATE {TOOL} SET version_num = '9999'"))
    url = engine.url.render_as_string(hide_password=False)
    before = contents(url)
    with pytest.raises(BadConfig) as refused:
        open_database(url)
    (fault,) = refused.value.faults
    assert fault.startswith("[store] url: ")
    assert fault.endswith(
        " is of version 9999, which this chatbot does not know; use a newer chatbot, or another database"
    )
    assert contents(url) == before


@pytest.mark.parametrize(
    "tables",
    [
        ("mail (id INTEGER)",),
        ("mail (id INTEGER)", "seen (id INTEGER)"),
        ("songs (id INTEGER)",),
        (f"{TOOL} (version_num VARCHAR)",),
    ],
)
def test_another_programs_database_is_refused_as_it_was(store_url: str, tables: tuple[str, ...]) -> None:
    engine = create_engine(store_url)
    with engine.begin() as connection:
        for table in tables:
            connection.execute(text(f"CREATE TABLE {table}"))
    engine.dispose()
    before = contents(store_url)
    with pytest.raises(BadConfig, match="holds tables of another program; name another database"):
        open_database(store_url)
    assert contents(store_url) == before


def _open(url: str) -> None:
    open_database(url).dispose()


def test_bots_that_start_at_once_make_one_database(store_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        pool.map(_open, [store_url] * 4, chunksize=1)
    assert contents(store_url)[TOOL] == [(versions.HEAD,)]


def test_a_database_that_could_not_be_made_is_empty(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(versions, "_CREATE", "CREATE nonsense")
        with pytest.raises(BadConfig, match="cannot open"):
            open_database(store_url)
    assert contents(store_url) == {}


def test_opening_a_database_of_today_does_not_load_alembic(store_url: str) -> None:
    script = (
        "import sys\nfrom chatbot.store.database import open_database\n"
        "for _ in range(2): open_database(sys.argv[1]).dispose()\nprint('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, store_url], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_status_migrates_an_old_database_and_says_so(old: str, tmp_path: Path, archives: dict[str, Path]) -> None:
    lists = "".join(f'[[lists]]\nname = "{name}"\narchive = "{folder}"\n' for name, folder in archives.items())
    (tmp_path / "config.toml").write_text(f'[store]\nurl = "{old}"\n[platforms.terminal]\n{lists}')
    status = [sys.executable, "-m", "chatbot", "status"]
    environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
    done = subprocess.run(status, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert (done.returncode, [line.split()[0] for line in done.stdout.splitlines()[1:3]]) == (0, ["kvm", "coco"])
    assert "migrating the index to version 0002" in done.stderr
    again = subprocess.run(status, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert (again.stdout.splitlines()[:3], again.stderr) == (done.stdout.splitlines()[:3], "")


def test_a_sqlite_that_is_too_old_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    with pytest.raises(BadConfig, match=r"is too old; take a Python with 3\.35 or newer, or a PostgreSQL"):
        open_database(f"sqlite:///{tmp_path}/index.sqlite3")
    assert list(tmp_path.iterdir()) == []
