"""Mails that kill or stall whoever reads them, in real processes."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from chatbot.errors import Unreadable
from chatbot.reader import NICENESS
from chatbot.readers import AHEAD, Readers, _Reader
from chatbot.sources.public_inbox import PublicInbox
from chatbot.store.batch import MAIL_COLUMNS, Batch
from tests.conftest import compose
from tests.traps import Trapped

PATIENCE = 0.3
SET_ASIDE = "set aside: its reader died of it, twice"


def chunks(*names: str, each: int = 3) -> list[Trapped]:
    """Chunks of so many harmless mails; in each that has a name, the one in the middle is a trap of that kind."""
    commits = [[f"{number}.{place}" for place in range(each)] for number in range(len(names))]
    for own, name in zip(commits, names, strict=True):
        own[each // 2] += f" {name}" if name else ""
    return [Trapped(tuple(own)) for own in commits]


def defects(batches: list[Batch]) -> dict[str, object]:
    """By commit, what is amiss with its mail."""
    place = MAIL_COLUMNS.index("defects")
    return {entry.commit: entry.row[place] for batch in batches for entry in batch.entries if entry.row[place]}


def commits(batches: list[Batch]) -> list[str]:
    return [entry.commit for batch in batches for entry in batch.entries]


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_chunks_come_in_order_whoever_reads_them(jobs: int) -> None:
    asked = chunks(*[""] * 20)
    with Readers(jobs) as readers:
        found = list(readers.read(asked))
    assert commits(found) == [commit for chunk in asked for commit in chunk.commits]
    assert [batch.reached for batch in found] == [chunk.commits[-1] for chunk in asked]
    assert defects(found) == {}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("early", [slice(None), slice(3), slice(0), slice(1, None), slice(None, None, -1)])
def test_what_was_asked_for_early_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch, jobs: int, early: slice
) -> None:
    asked: list[object] = []
    ask = _Reader.ask

    def noted(reader: _Reader, chunk: Trapped, *aside: frozenset[str]) -> None:
        if not aside:  # else it is tried again, behind a mail that its reader died of
            asked.append(chunk)
        ask(reader, chunk, *aside)

    monkeypatch.setattr(_Reader, "ask", noted)
    wanted = chunks("", "deadly", *[""] * 10)
    with Readers(jobs) as readers:
        readers.ask_early(wanted[early])
        assert asked == wanted[early][: AHEAD * jobs]
        found = list(readers.read(wanted))
        assert commits(found) == [commit for chunk in wanted for commit in chunk.commits]
        assert defects(found) == {"1.1 deadly": SET_ASIDE}
        if wanted[early] == wanted[: len(wanted[early])]:
            assert asked == wanted
        assert commits(list(readers.read(wanted[:1]))) == list(wanted[0].commits)


def test_what_was_asked_for_early_and_is_not_wanted_answers_nobody_else() -> None:
    wanted = chunks(*[""] * 6)
    with Readers(2) as readers:
        readers.ask_early(wanted)
        for one in wanted[:1], wanted[1:2], wanted[3:]:
            assert commits(list(readers.read(one))) == [commit for chunk in one for commit in chunk.commits]


def test_questions_and_answers_may_be_larger_than_a_pipe() -> None:
    names = [f"{number}:{'long' * 200}" for number in range(4 * 2000)]
    asked = [Trapped(tuple(names[start : start + 2000])) for start in range(0, len(names), 2000)]
    found: list[Batch] = []
    with Readers(1) as readers:
        # In a thread, for where it fails it never ends.
        reading = threading.Thread(target=lambda: found.extend(readers.read(asked)), daemon=True)
        reading.start()
        reading.join(60)
        assert not reading.is_alive()
    assert commits(found) == names


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("kind", ["deadly", "endless"])
def test_a_mail_that_its_reader_dies_of_is_set_aside_at_the_second_try_and_the_others_are_read(
    jobs: int, kind: str
) -> None:
    asked = chunks("", kind, "", "", kind, kind, "", "")
    trapped = [chunk.commits[1] for chunk in asked if chunk.commits[1].endswith(kind)]
    before = children()
    with Readers(jobs, patience=PATIENCE) as readers:
        found = list(readers.read(asked))
        assert commits(found) == [commit for chunk in asked for commit in chunk.commits]
        assert defects(found) == dict.fromkeys(trapped, SET_ASIDE)
        again = chunks("", "", "")
        assert commits(list(readers.read(again))) == [commit for chunk in again for commit in chunk.commits]
    assert children() == before


def test_what_was_set_aside_is_not_tried_a_third_time_by_the_same_readers() -> None:
    with Readers(1, patience=PATIENCE) as readers:
        first = list(readers.read(chunks("deadly")))
        assert readers._deaths == {"0.1 deadly": 2}
        assert defects(list(readers.read(chunks("deadly")))) == defects(first) != {}


def test_all_mails_of_a_chunk_may_be_deadly() -> None:
    chunk = Trapped(tuple(f"{number} deadly" for number in range(4)))
    with Readers(2, patience=PATIENCE) as readers:
        found = list(readers.read([chunk, *chunks("")]))
    assert defects(found) == dict.fromkeys(chunk.commits, SET_ASIDE)


@pytest.mark.parametrize(("kind", "error"), [("huge", "MemoryError"), ("odd", "ZeroDivisionError")])
def test_a_mail_that_cannot_be_read_is_a_defect_and_its_reader_lives(kind: str, error: str) -> None:
    with Readers(1) as readers:
        assert defects(list(readers.read(chunks(kind)))) == {f"0.1 {kind}": f"not read: {error}"}
        assert not readers._deaths


def test_what_git_cannot_read_comes_out_as_unreadable_and_the_pool_goes_on() -> None:
    before = children()
    with Readers(2) as readers:
        with pytest.raises(Unreadable, match="archive: gone; look for it"):
            list(readers.read(chunks("", "unreadable", "", "", "")))
        assert children() == before
        assert len(list(readers.read(chunks("", "", "")))) == 3


def test_a_reader_that_ends_before_it_has_read_a_mail_blames_none() -> None:
    chunk = Trapped(("unstartable",))
    with Readers(1) as readers, pytest.raises(Unreadable, match="its process ends before it has read one"):
        list(readers.read([chunk]))


def test_who_stops_in_the_middle_leaves_no_process_behind() -> None:
    before = children()
    with Readers(2) as readers:
        with closing(readers.read(chunks(*[""] * 30))) as found:
            next(found)
            assert len(children() - before) == 2
        assert children() == before


def test_a_readers_git_stays_for_a_moment_and_is_there_again_when_it_is_needed(archive: Callable[..., Path]) -> None:
    def gits() -> int:
        return sum(child.name() == "git" for child in psutil.Process().children(recursive=True))

    folder = archive([compose(f"[PATCH] {number}", number) for number in range(5)])
    with PublicInbox("list", folder) as inbox, inbox.after(0, ()) as spool, Readers(1) as readers:
        for _ in range(2):
            (batch,) = readers.read(spool.chunks())
            assert (len(batch.entries), gits()) == (5, 1)
            end = time.monotonic() + 10
            while gits() and time.monotonic() < end:
                time.sleep(0.1)
            assert gits() == 0


def test_a_reader_ends_with_its_master(archive: Callable[..., Path]) -> None:
    folder = archive([compose(f"[PATCH] {number}", number) for number in range(5)])
    with PublicInbox("list", folder) as inbox, inbox.after(0, ()) as spool, Readers(1) as readers:
        (batch,) = readers.read(spool.chunks())
        assert len(batch.entries) == 5
        (reader,) = readers._running.values()
        reader._process.stdin.close()
        reader._process.wait(5)
        assert reader._process.returncode == 0


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux alone has this way to share processors")
def test_readers_and_what_they_start_do_not_interrupt_one_another_nor_who_writes(archive: Callable[..., Path]) -> None:
    folder = archive([compose("[PATCH] x", 1)])
    with PublicInbox("list", folder) as inbox, inbox.after(0, ()) as spool, Readers(2) as readers:
        before = children()
        list(readers.read(spool.chunks()))
        started = children() - before
        assert "git" in {psutil.Process(child).name() for child in started}
        assert {os.sched_getscheduler(child) for child in started} == {os.SCHED_BATCH}
        assert {psutil.Process(child).nice() for child in started} == {os.nice(0) + NICENESS}
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
