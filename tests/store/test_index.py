import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from chatbot.chat.post import printable
from chatbot.errors import BadConfig, Unavailable
from chatbot.ingest import CHUNKS, ingest
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.totals import Totals
from chatbot.read import read
from chatbot.readers import Readers
from chatbot.sources.public_inbox import PublicInbox
from chatbot.store import fulltext
from chatbot.store.database import open_database, reading, writing
from chatbot.store.index import Index
from chatbot.store.search import Search
from chatbot.store.stretches import Stretches
from chatbot.store.writer import Added
from tests.conftest import NOON, TESTS, add, chronicle, compose, mails_of, read_one, situation

Make = Callable[..., Path]


@pytest.mark.parametrize("name", sorted(path.stem for path in (TESTS / "mails").glob("*.mbox")))
def test_every_situation_comes_out_of_the_index_as_it_went_in(engine: Engine, name: str) -> None:
    mail = situation(name)
    index = Index(engine)
    add(index, "kvm", mail)
    assert mails_of(engine) == (replace(mail, behind=None),)  # the index does not keep yet who is behind a relay


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=40), body=st.text(max_size=80))
def test_whatever_is_written_is_kept_but_for_what_nobody_sees(
    tmp_path_factory: pytest.TempPathFactory, text: str, body: str
) -> None:
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('db')}/x.sqlite3")
    mail = read_one(
        b"From: "
        + text.encode("utf-8", "replace")
        + b" <a@a.example>\nSubject: [PATCH] "
        + text.encode("utf-8", "replace")
        + b"\nMessage-ID: <a@b>\n\n"
        + body.encode("utf-8", "replace")
    )
    index = Index(engine)
    add(index, "kvm", mail)
    (kept,) = mails_of(engine)
    assert str(kept.subject) == printable(str(mail.subject))
    assert kept.patch
    assert mail.patch
    assert kept.patch.log == printable(mail.patch.log)
    engine.dispose()


def test_one_mail_on_two_lists_is_stored_once_and_seen_on_each(engine: Engine) -> None:
    index = Index(engine)
    mail = read_one(compose("[PATCH] a", 1))
    assert add(index, "kvm", mail) == Added(1, 1)
    assert add(index, "coco", mail) == Added(1, 1)
    assert add(index, "kvm", mail) == Added(1)  # the same commit again
    assert add(index, "kvm", mail, epoch=1) == Added(1, 0, 1)
    assert mails_of(engine, "kvm") == mails_of(engine, "coco") == (mail,)
    assert Search(engine).lists_of([mail.message_id]) == ("coco", "kvm")


def test_nobody_takes_over_the_row_of_another_person(engine: Engine) -> None:
    """Encoded words make a name that reads like somebody else's whole field."""
    index = Index(engine)
    spoofed = read_one(compose("[PATCH] a", 1, sender="=?utf-8?q?Marc_=3Cmarc@k.example=3E?="))
    honest = [read_one(compose("[PATCH] b", number, sender="Marc <marc@k.example>")) for number in (2, 3)]
    add(index, "kvm", spoofed, *honest)
    assert mails_of(engine) == (spoofed, *honest)
    assert [match.mails for match in Search(engine).people("marc@k.example", Mailmap())] == [2]


def test_two_ids_that_look_the_same_are_two_mails(engine: Engine) -> None:
    index = Index(engine)
    mails = [read_one(compose("[PATCH] a", message_id=f"<a{unseen}@x.example>")) for unseen in ("\u200b", "", "\x01")]
    assert add(index, "kvm", *mails) == Added(3, 3)
    assert [mail.message_id for mail in mails_of(engine)] == ["a%E2%80%8B@x.example", "a@x.example", "a%01@x.example"]


def test_a_transaction_that_writes_is_the_writer_from_its_start(sqlite: Engine, tmp_path: Path) -> None:
    with writing(sqlite):
        other = sqlite3.connect(tmp_path / "index.sqlite3", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_what_the_database_refuses_is_an_error_of_ours(engine: Engine) -> None:
    with pytest.raises(Unavailable, match="missing"), writing(engine) as connection:
        connection.exec_driver_sql("SELECT * FROM missing")


def test_a_question_of_a_thousand_words_is_a_question(engine: Engine) -> None:
    many = " ".join(f"word{number}" for number in range(1500))
    assert Search(engine).series_by_words(many).series == ()
    assert Search(engine).people(many, Mailmap()) == ()


def test_an_ingest_that_is_told_to_stop_goes_on_later(
    engine: Engine, archive: Make, readers: Readers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.sources.spool.CHUNK", 2)
    index = Index(engine)
    with PublicInbox("kvm", archive([compose("[PATCH] a", number) for number in range(2 * CHUNKS + 4)])) as inbox:
        answers = iter([True])
        assert ingest(inbox, index, readers, stopped=lambda: next(answers, True)).added.mails == 2 * CHUNKS
        assert ingest(inbox, index, readers).added.mails == 4


def test_an_ingest_goes_on_where_the_last_one_ended(engine: Engine, archive: Make, readers: Readers) -> None:
    index = Index(engine)
    folder = archive([compose(f"[PATCH] {number}", number) for number in range(3)], [compose("[PATCH] 3", 3)])
    with PublicInbox("kvm", folder) as inbox:
        assert ingest(inbox, index, readers).added == Added(4, 4)
        assert dict(index.mark("kvm")) == dict(inbox.tips)
        assert ingest(inbox, index, readers).added == Added()
    assert [mail.subject.title for mail in mails_of(engine)] == ["0", "1", "2", "3"]


def test_an_index_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite3").write_text("this is no database, but it is long enough to be looked at" * 20)
    for url, reason in (
        ("nonsense", "is no database URL"),
        ("mysql://x/y", "is not supported"),
        (f"sqlite:///{tmp_path}/nowhere/x.sqlite3", "there is no folder"),
        (f"sqlite:///{tmp_path}/text.sqlite3", "file is not a database"),
        (f"sqlite:///{tmp_path}", "cannot open"),
    ):
        with pytest.raises(BadConfig, match=reason):
            open_database(url)


def test_a_reader_is_not_held_up_by_a_writer(sqlite: Engine, tmp_path: Path) -> None:
    writer = sqlite3.connect(tmp_path / "index.sqlite3", isolation_level=None)
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    writer.execute("BEGIN IMMEDIATE")
    assert Index(sqlite).newest("kvm") == 0
    writer.close()


def test_an_index_counts_as_one_counts_by_hand(engine: Engine, sample: dict[str, Path]) -> None:
    index = Index(engine)
    with PublicInbox("kvm", sample["kvm"]) as inbox:
        mails = [read(raw)[1] for raw in inbox.mails(inbox.everything())]
    add(index, "kvm", *mails)
    assert chronicle(engine, Stretches(engine).after("kvm", 0, index.newest("kvm"))).totals == Totals.of(mails)
    counted = Counter(mail.author.address.lower() for mail in mails if mail.subject.counted)
    ranked = sorted(((number, box) for box, number in counted.items()), reverse=True)
    assert [(number, box) for _, box, number in Search(engine).top_contributors("kvm", 1000)] == ranked
    for box in {mail.author.address.lower() for mail in mails}:
        (match,) = Search(engine).people(box, Mailmap())
        work = Search(engine).work_of(match.ids)
        patches = [mail for mail in mails if mail.patch and mail.author.address.lower() == box]
        replies = [mail for mail in mails if not mail.patch and mail.sender.address.lower() == box]
        assert (work.patches, work.replies) == (sum(one.subject.part != 0 for one in patches), len(replies))
        given = Counter(
            tag.kind
            for mail in replies
            for tag in mail.tags
            if tag.kind in {"Reviewed-by", "Acked-by", "Tested-by"} and tag.person.address.lower() == box
        )
        assert {kind: number for kind, number in work.given.items() if kind in given} == given


def test_words_that_are_not_among_the_newest_are_found_behind_them(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fulltext, "NEAR", 3)
    add(Index(engine), "kvm", *(read_one(compose(f"[PATCH] {'ae'[number % 2]} b", number)) for number in range(8)))
    with reading(engine) as connection:
        for limit in (1, 2, 3, 9):
            found = fulltext.newest_with(connection, fulltext.TITLES, ["a", "b"], limit)
            assert found == [7, 5, 3, 1][:limit]


def test_patches_are_found_by_a_directory_however_deep(engine: Engine) -> None:
    diff = "\n---\n\ndiff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1 @@\n-a\n+b\n"
    paths = ("drivers/pci/tsm.c", "drivers/pci/pcie/aer.c", "drivers/pcix/a.c", "Makefile")
    mails = [
        replace(read_one(compose(f"[PATCH] {path}", day, diff.format(path))), received=NOON + timedelta(days=day))
        for day, path in enumerate(paths)
    ]
    add(Index(engine), "kvm", *mails)
    search = Search(engine)
    assert search.touching("drivers/pci", NOON) == (mails[1], mails[0])
    assert search.touching("drivers/pci/", NOON + timedelta(hours=1)) == (mails[1],)
    assert search.touching("drivers", NOON) == (mails[2], mails[1], mails[0])
    assert search.touching("drivers", NOON, limit=1) == (mails[2],)
    assert search.touching("drivers/pc", NOON) == ()
