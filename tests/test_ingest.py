"""Ingest, where chance does not often lead: tests/stories/test_archives_that_change.py has the rest."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from chatbot.errors import Busy, Unreadable
from chatbot.ingest import ingest
from chatbot.readers import Readers
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.source import Mark
from chatbot.store import fulltext, tables
from chatbot.store.database import reading
from chatbot.store.index import Index
from chatbot.store.stretches import Stretches
from chatbot.store.writer import Added
from tests.changing import Archive
from tests.conftest import chronicle, compose, mails_of, posted


class List:
    """One list's archive, and the index that follows it."""

    def __init__(self, archive: Archive, inbox: PublicInbox, engine: Engine, readers: Readers) -> None:
        self.archive, self.index, self.engine = archive, Index(engine), engine
        self._inbox, self._readers = inbox, readers

    def read(self) -> Added:
        came = ingest(self._inbox, self.index, self._readers)
        self.skipped = came.skipped
        return came.added

    def titles(self) -> list[str]:
        return [mail.subject.title for mail in mails_of(self.engine, "list")]


@pytest.fixture
def followed(tmp_path: Path, engine: Engine, readers: Readers) -> Iterator[List]:
    """A list of thirty mails, so that one or two may go, read to its end."""
    archive = Archive(tmp_path / "list")
    for number in range(30):
        archive.add(compose(f"[PATCH] {number}", number))
    with PublicInbox("list", tmp_path / "list") as inbox:
        made = List(archive, inbox, engine, readers)
        assert made.read() == Added(30, 30)
        yield made


def numbers(*wanted: object) -> list[str]:
    return [str(number) for number in wanted]


def test_a_mail_whose_tree_is_missing_is_read_when_that_comes_back(followed: List) -> None:
    epoch = followed.archive.epochs[0]
    followed.archive.add(compose("[PATCH] 30", 30))
    followed.archive.add(compose("[PATCH] 31", 31))
    epoch.hide(epoch.tree(epoch.slots[30]))
    assert followed.read().kept == 1
    assert followed.index.holdings("list").unread == 1
    assert followed.read() == Added()
    epoch.show()
    assert followed.read() == Added(1, 1)
    assert followed.titles() == numbers(*range(30), 31, 30)
    assert followed.index.holdings("list").unread == 0


def test_nothing_is_believed_gone_while_a_tree_is_missing(followed: List) -> None:
    epoch = followed.archive.epochs[0]
    followed.archive.replace(epoch.slots[3].blob, None)
    epoch.hide(epoch.tree(epoch.slots[20]))
    with pytest.raises(Unreadable, match=r"the tree of commit .* is missing"):
        followed.read()
    assert followed.titles() == numbers(*range(30))
    epoch.show()
    assert followed.read() == Added(removed=1)
    assert followed.titles() == numbers(*range(3), *range(4, 30))


def test_while_one_epoch_cannot_be_read_no_other_is_believed_to_have_been_rewritten(followed: List) -> None:
    """It may hold the removal of what would otherwise come up again."""
    removed = followed.archive.epochs[0].slots[5].blob
    second = followed.archive.roll_over()
    followed.archive.remove(removed)
    followed.archive.add(compose("[PATCH] 30", 30))
    assert followed.read().removed == 1
    before = followed.titles()
    followed.archive.replace(followed.archive.epochs[0].slots[2].blob, None)
    second.hide(second.commits[0])
    with pytest.raises(Unreadable):
        followed.read()
    assert followed.titles() == before
    second.show()
    assert followed.read() == Added(removed=1)
    assert followed.titles() == numbers(0, 1, 3, 4, *range(6, 31))


@pytest.mark.parametrize("part", ["HEAD", "objects", "refs"])
def test_an_epoch_that_has_only_begun_to_come_is_passed_by(followed: List, part: str) -> None:
    epoch = followed.archive.roll_over()
    followed.archive.add(compose("[PATCH] 30", 30))
    followed.archive.roll_over()
    followed.archive.add(compose("[PATCH] 31", 31))
    away = epoch.folder.parent / "away"
    (epoch.folder / part).rename(away)
    assert followed.read() == Added(1, 1)
    away.rename(epoch.folder / part)
    assert followed.read().kept == 1
    assert followed.titles() == numbers(*range(30), 31, 30)


def test_a_removal_in_a_later_epoch_that_was_read_first_is_not_forgotten(followed: List) -> None:
    epoch = followed.archive.roll_over()
    doomed = followed.archive.add(compose("[PATCH] doomed", 40))
    followed.archive.add(compose("[PATCH] 41", 41))
    epoch.hide(epoch.commits[-1])
    followed.archive.roll_over()
    followed.archive.remove(doomed)
    followed.read()
    assert len(followed.skipped) == 1
    epoch.show()
    followed.read()
    assert followed.titles() == numbers(*range(30), 41)


def test_a_room_that_has_had_the_newest_mail_gets_the_next_one_though_that_one_was_removed(followed: List) -> None:
    had = followed.index.newest("list")
    followed.archive.remove(followed.archive.epochs[0].slots[-1].blob)
    followed.read()
    followed.archive.add(compose("[PATCH] next", 50))
    followed.read()
    came = Stretches(followed.engine).after("list", had, followed.index.newest("list"))
    assert [one.title for one in posted(chronicle(followed.engine, came))] == ["next"]


def test_mails_without_a_message_id_that_are_the_same_stay_as_many_when_history_is_rewritten(followed: List) -> None:
    nameless = compose("[PATCH] nameless").replace(b"Message-Id: <m0@sample.example>\n", b"")
    assert b"essage-" not in nameless
    for _ in range(3):
        followed.archive.add(nameless)
    assert followed.read().kept == 3
    newest = followed.index.newest("list")
    followed.archive.replace(followed.archive.epochs[0].slots[1].blob, None)
    assert followed.read() == Added(removed=1)
    assert followed.titles().count("nameless") == 3
    assert followed.index.newest("list") == newest
    assert followed.read() == Added()


def test_what_nobody_sees_in_a_subject_leaves_nothing_behind(followed: List, engine: Engine) -> None:
    """A subject counts as what it is kept as; else the sums and the words of titles would not come out even."""
    spied = [
        followed.archive.add(compose(subject, number))
        for number, subject in enumerate(("[PATCH] ze\u200bbra \u202estripes", "[PA\u200bTCH] zebra"), 60)
    ]
    followed.read()
    with reading(engine) as connection:
        assert fulltext.newest_with(connection, fulltext.TITLES, ["zebra"], 1)
    for blob in spied:
        followed.archive.remove(blob)
    assert followed.read() == Added(removed=2)
    with reading(engine) as connection:
        for word in ("zebra", "ze", "bra", "stripes"):
            for index in (fulltext.TITLES, fulltext.TEXTS):
                assert fulltext.newest_with(connection, index, [word], 1) == []
        sums = connection.execute(select(tables.contribution)).all()
    assert {(row.mails, row.patches) for row in sums} == {(30, 30)}


@pytest.mark.parametrize("rewritten", [False, True])
def test_who_was_stopped_while_another_process_read_on_leaves_the_list_to_that_one(
    followed: List, tmp_path: Path, *, rewritten: bool
) -> None:
    """It has looked at the archive before the other, and goes on after it."""

    class Stopped(PublicInbox):
        others = 0

        def refresh(self) -> None:
            super().refresh()
            if self.others:
                followed.archive.add(compose("[PATCH] 31", 31))
                assert followed.read().kept == self.others

    with Stopped("list", tmp_path / "list") as inbox:
        if rewritten:
            followed.archive.replace(followed.archive.epochs[0].slots[0].blob, None)
        else:
            followed.archive.add(compose("[PATCH] 30", 30))
        inbox.others = 1 if rewritten else 2
        with pytest.raises(Busy):
            ingest(inbox, followed.index, followed._readers)
    assert followed.titles()[-1] == "31"


def test_tips_that_are_behind_what_another_process_has_read_are_no_rewritten_history(
    followed: List, tmp_path: Path
) -> None:
    class Stopped(Index):
        def mark(self, list_name: str) -> Mark:
            if len(followed.titles()) == 30:
                followed.archive.add(compose("[PATCH] 30", 30))
                assert followed.read().kept == 1
            return super().mark(list_name)

    with PublicInbox("list", tmp_path / "list") as inbox:
        assert ingest(inbox, Stopped(followed.engine), followed._readers).added == Added()
    assert followed.index.held("list") is None
    assert followed.titles() == numbers(*range(31))
