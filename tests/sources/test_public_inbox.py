import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from chatbot.errors import Misunderstood, Unreadable
from chatbot.read import read
from chatbot.sources.git import BUFFER
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.ranges import spans
from chatbot.sources.repository import OBJECT_LIMIT
from chatbot.sources.source import Chunk, Commit, RawMail, Span
from tests.conftest import NOON, compose, git

Make = Callable[..., Path]
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@a.example")


def mails(*numbers: int) -> list[bytes]:
    return [compose(f"[PATCH] mail {number}", number) for number in numbers]


def numbers(found: object) -> list[int]:
    return [int(raw.data.split(b"mail ")[1].split(b"\n")[0]) for raw in found]  # type: ignore[attr-defined]


def test_all_mails_of_all_epochs_come_in_the_archives_order(archive: Make) -> None:
    with PublicInbox("list", archive(mails(1, 2, 3), mails(4), mails(5, 6))) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1, 2, 3, 4, 5, 6]
        assert numbers(inbox.mails_of(inbox.history())) == [6, 5, 4, 3, 2, 1]


def test_a_mail_has_its_commit_time_and_author(archive: Make) -> None:
    with PublicInbox("list", archive(mails(1, 2))) as inbox:
        _, second = inbox.mails(inbox.everything())
        assert second.data == mails(2)[0]
        assert (second.commit.time, second.commit.author) == (NOON + timedelta(minutes=1), "Ana <ana@a.example>")
        assert second.commit.id == inbox.tips[0]


def test_the_history_tells_what_the_commits_do(archive: Make) -> None:
    with PublicInbox("list", archive(mails(1, 2, 3), mails(4))) as inbox:
        commits = [raw.commit for raw in inbox.mails_of(inbox.history())]
        assert commits == list(inbox.history())
        assert [one.parent for one in commits] == [None, commits[2].id, commits[3].id, None]


def test_a_commit_of_many_files_takes_no_memory_and_its_tree_tells_its_mail(
    archive: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = archive(mails(1, 2)) / "git" / "0.git"
    blob = git(bare, "rev-parse", "master~1:m")
    change(bare, "".join(f"100644 blob {blob}\t{name}\n" for name in ("a", "m", *(f"n{one}" for one in range(9)))))
    for size in (1, 7, 100, BUFFER):
        monkeypatch.setattr("chatbot.sources.history.BUFFER", size)
        monkeypatch.setattr("chatbot.sources.history._FILES", size)
        with PublicInbox("list", bare) as inbox:
            assert after(inbox, 0) == [1, 2, 1]
            assert next(bool(one.blob) for one in inbox.history()) is (size == BUFFER)


def test_a_history_that_was_walked_ahead_is_what_a_walk_finds_and_is_let_go_where_it_is_not_asked_for(
    archive: Make,
) -> None:
    folder = archive(mails(1, 2, 3))
    told: list[Chunk] = []
    with PublicInbox("list", folder) as inbox:
        known = [raw.commit.id for raw in inbox.mails(inbox.everything())]
        inbox.walk_ahead(told.extend)
        spool = inbox.epochs[0]._ahead._spool  # type: ignore[union-attr]
        with inbox.after(0, ()) as found:
            assert found is spool
            assert numbers(raw for chunk in found.chunks() for raw in chunk.mails()) == [1, 2, 3]
            assert told == list(found.chunks())
        inbox.walk_ahead(told.extend)
        assert after(inbox, 0, known[0]) == [2, 3]
        assert after(inbox, 0) == [1, 2, 3]
        inbox.walk_ahead(told.extend)
        bare = folder / "git" / "0.git"
        git(bare, "update-ref", "refs/heads/master", known[1])
        inbox.refresh()
        assert after(inbox, 0) == [1, 2]
        shutil.rmtree(bare / "objects")
        (bare / "objects").mkdir()
        told.clear()
        inbox.walk_ahead(told.extend)
        with pytest.raises(Unreadable):
            inbox.after(0, ())
        assert told == []
        inbox.walk_ahead(told.extend)


def after(inbox: PublicInbox, epoch: int, *known: str) -> list[int]:
    with inbox.after(epoch, known) as spool:
        found = numbers(raw for chunk in spool.chunks() for raw in chunk.mails())
        assert len(spool) == len(found)
    return found


def test_only_what_came_after_a_known_commit_is_read_and_new_epochs_are_found(archive: Make) -> None:
    folder = archive(mails(1, 2, 3, 4))
    with PublicInbox("list", folder) as inbox:
        known = [raw.commit.id for raw in inbox.mails(inbox.everything())]
        assert after(inbox, 0, known[3]) == []
        assert after(inbox, 0, known[0], known[1]) == [3, 4]
        assert after(inbox, 0) == [1, 2, 3, 4]
        shutil.copytree(archive(mails(5), name="other") / "git" / "0.git", folder / "git" / "1.git")
        shutil.copytree(archive(mails(6), name="another") / "git" / "0.git", folder / "git" / "2.git")
        inbox.refresh()
        assert [after(inbox, epoch) for epoch in inbox.tips] == [[1, 2, 3, 4], [5], [6]]
        shutil.rmtree(folder / "git" / "1.git")
        inbox.refresh()
        assert list(inbox.tips) == [0, 2]


def test_one_git_reads_chunk_after_chunk_of_an_archive_and_ends_with_the_reading(archive: Make) -> None:
    before = set(psutil.Process().children())
    with (
        PublicInbox("list", archive(mails(1, 2, 3, 4))) as inbox,
        PublicInbox("other", archive(mails(5), name="other")) as other,
    ):
        ids = [raw.commit.id for raw in inbox.mails(inbox.everything())]
        first, second = inbox.chunk(0, tuple(ids[:2])), inbox.chunk(0, tuple(ids[2:]))
        reading = first.reading()
        assert numbers(first.mails(reading)) == [1, 2]
        gits = set(psutil.Process().children()) - before
        assert second.reading(reading) is reading
        assert numbers(second.mails(reading)) == [3, 4]
        assert (set(psutil.Process().children()) - before, len(gits)) == (gits, 1)
        elsewhere = other.chunk(0, (other.tips[0],))
        with elsewhere.reading(reading) as reading:
            assert numbers(elsewhere.mails(reading)) == [5]
            assert not gits & set(psutil.Process().children())
    assert set(psutil.Process().children()) == before


def test_answers_that_nobody_waited_for_are_not_taken_for_those_to_the_next_question(archive: Make) -> None:
    with PublicInbox("list", archive(mails(1, 2, 3))) as inbox:
        chunk = inbox.chunk(0, tuple(raw.commit.id for raw in inbox.mails(inbox.everything())))
        with chunk.reading() as reading:
            some = chunk.mails(reading)
            assert numbers([next(some)]) == [1]
            some.close()
            assert numbers(chunk.mails(reading)) == [1, 2, 3]


def test_an_archive_that_was_written_anew_knows_no_anchor(archive: Make) -> None:
    with PublicInbox("list", archive(mails(1, 2), name="old")) as old:
        known = set(old.tips.values())
    with PublicInbox("list", archive(mails(0, 1, 2, 3), name="new")) as inbox, inbox.after(0, known) as spool:
        assert (spool.anchor, len(spool)) == (None, 4)


def test_a_long_history_is_walked_in_pages_and_a_tangled_one_at_once(
    archive: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatbot.sources.epoch.FIRST_PAGE", 2)
    monkeypatch.setattr("chatbot.sources.history.PAGE", 3)
    monkeypatch.setattr("chatbot.sources.spool.CHUNK", 4)
    folder = archive(mails(*range(12)))
    with PublicInbox("list", folder) as inbox:
        assert after(inbox, 0) == list(range(12))
        assert numbers(inbox.mails_of(inbox.history())) == list(range(12))[::-1]
        assert after(inbox, 0, [raw.commit.id for raw in inbox.mails(inbox.everything())][4]) == list(range(5, 12))
    bare = folder / "git" / "0.git"
    parents = ("-p", git(bare, "rev-parse", "master~1"), "-p", git(bare, "rev-parse", "master"))
    merge = git(bare, *IDENTITY, "commit-tree", "master~9^{tree}", *parents, "-m", "merge")
    git(bare, "update-ref", "refs/heads/master", merge)
    with PublicInbox("list", folder) as inbox, inbox.after(0, ()) as spool:
        found = numbers(raw for chunk in spool.chunks() for raw in chunk.mails())
        assert (len(spool), found[-1], sorted(found[:-1])) == (13, 2, list(range(12)))
        assert numbers(inbox.mails_of(inbox.history())) == found[::-1]


@pytest.mark.parametrize("inside", ["", "git", "git/0.git"])
def test_the_folder_of_epochs_or_one_bare_epoch_is_an_archive_too(archive: Make, inside: str) -> None:
    with PublicInbox("list", archive(mails(1, 2)) / inside) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1, 2]


def test_loose_refs_win_over_packed_ones_and_a_detached_head_is_a_tip(archive: Make) -> None:
    bare = archive(mails(1, 2, 3)) / "git" / "0.git"
    git(bare, "pack-refs", "--all")
    git(bare, "update-ref", "refs/heads/master", "master~1")
    with PublicInbox("list", bare) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1, 2]
    (bare / "HEAD").write_text(git(bare, "rev-parse", "master~1") + "\n")
    with PublicInbox("list", bare) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1]


def change(bare: Path, tree: str) -> None:
    """A further commit with this tree, as `mktree` reads it."""
    made = subprocess.run(
        ["git", "mktree", "--missing"], cwd=bare, input=tree, capture_output=True, text=True, check=True
    ).stdout.strip()
    commit = git(bare, *IDENTITY, "commit-tree", made, "-p", "master", "-m", "x")
    git(bare, "update-ref", "refs/heads/master", commit)


def test_removals_name_their_mail_and_purged_mails_are_passed_by(archive: Make) -> None:
    bare = archive(mails(1, 2)) / "git" / "0.git"
    second = git(bare, "rev-parse", "master:m")
    change(bare, f"100644 blob {second}\td\n")
    empty = git(bare, "hash-object", "-w", "/dev/null")
    for tree in (f"100644 blob {empty}\tm\n", f"100644 blob {empty}\td\n", "", f"100644 blob {second}\tother\n"):
        change(bare, tree)
    change(bare, f"100644 blob {'1' * 40}\tm\n")
    with PublicInbox("list", bare) as inbox:
        assert numbers(raw for raw in inbox.mails(inbox.everything()) if not raw.defect) == [1, 2]
        with inbox.after(0, ()) as spool:
            (chunk,) = spool.chunks()
        raws = list(chunk.mails())
        assert [(raw.removed, bool(raw.defect), raw.blob == second) for raw in raws] == [
            (False, False, False),
            (False, False, True),
            (True, False, True),
            (False, True, False),
        ]
        assert raws[2].data == raws[1].data
        assert [(place.commit, place.blob, place.removed) for place in chunk.places() if place.blob != empty] == [
            (raw.commit.id, raw.blob, raw.removed) for raw in raws
        ]


def test_a_tree_that_is_lost_takes_its_own_mail_alone(archive: Make) -> None:
    bare = archive(mails(*range(8))) / "git" / "0.git"
    blobs = [git(bare, "rev-parse", f"master~{7 - number}:m") for number in range(8)]
    git(bare, "update-ref", "refs/heads/master", "master~5")
    change(bare, f"100644 blob {blobs[3]}\tm\n100644 blob {blobs[7]}\tn\n")  # a tree that no other commit has
    lost = git(bare, "rev-parse", "master^{tree}")
    for blob in blobs[4:]:
        change(bare, f"100644 blob {blob}\tm\n")
    (bare / "objects" / lost[:2] / lost[2:]).unlink()
    with PublicInbox("list", bare) as inbox:
        assert numbers(raw for raw in inbox.mails(inbox.everything()) if not raw.defect) == [0, 1, 2, 4, 5, 6, 7]
        assert [bool(raw.defect) for raw in inbox.mails_of(inbox.history())] == [*[False] * 4, True, *[False] * 3]
        assert len({commit.id for commit in inbox.history()}) == len(list(inbox.history())) == 8


def test_a_mail_is_read_as_far_as_anyone_needs_it(archive: Make) -> None:
    huge = compose("[PATCH] mail 1", 1, "x" * (2 * OBJECT_LIMIT))
    with PublicInbox("list", archive([huge, *mails(2)])) as inbox:
        first, second = inbox.mails(inbox.everything())
        assert first.data == huge[:OBJECT_LIMIT]
        assert second.data == mails(2)[0]


def test_reading_may_stop_anywhere(archive: Make) -> None:
    with PublicInbox("list", archive(mails(*range(200)))) as inbox:
        some = inbox.mails(inbox.everything())
        assert numbers([next(some)]) == [0]
        some.close()  # type: ignore[attr-defined]
        assert len(list(inbox.mails(inbox.everything()))) == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("master~3..master", [3, 4, 5]),
        ("HEAD~3..HEAD~1", [3, 4]),
        ("HEAD~2..", [4, 5]),
        ("0:HEAD..1:HEAD~2", [3]),
        ("0:HEAD~1..1:HEAD~2", [2, 3]),
        ("0:HEAD~1..0:HEAD", [2]),
        ("1:HEAD^..1:HEAD", [5]),
    ],
)
def test_ranges_are_gits_in_one_epoch_and_run_over_several(archive: Make, text: str, expected: list[int]) -> None:
    # In epoch 0 the mails 0 to 2, in epoch 1 the mails 3 to 5, below a root of their own.
    with PublicInbox("list", archive(mails(0, 1, 2), [*mails(9), *mails(3, 4, 5)])) as inbox:
        found = numbers(inbox.mails(spans(inbox, text)))
        assert [number for number in found if number != 9] == expected


def test_an_end_that_only_an_older_epoch_has_is_found_there(archive: Make) -> None:
    with PublicInbox("list", archive(mails(1, 2), mails(3))) as inbox:
        first, *_ = inbox.mails(inbox.everything())
        assert spans(inbox, f"{first.commit.id[:12]}..") == (
            Span(0, first.commit.id, inbox.tips[0]),
            Span(1, None, inbox.tips[1]),
        )


def test_a_commit_may_be_named_by_its_message(archive: Make) -> None:
    bare = archive(mails(1)) / "git" / "0.git"
    commit = git(
        bare,
        "-c",
        "user.name=A",
        "-c",
        "user.email=a@a.example",
        "commit-tree",
        "master^{tree}",
        "-p",
        "master",
        "-m",
        "odd one",
    )
    git(bare, "update-ref", "refs/heads/master", commit)
    with PublicInbox("list", bare) as inbox:
        assert spans(inbox, "HEAD~1..:/odd") == (Span(0, git(bare, "rev-parse", "master~1"), commit),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("HEAD", "no range of commits"),
        ("..HEAD", "no range of commits"),
        ("HEAD~1...HEAD", "no range of commits"),
        ("", "no range of commits"),
        ("nonsense..HEAD", "no commit of"),
        ("HEAD~2..HEAD", "no commit of.*write 0:HEAD~2"),
        ("HEAD..nonsense", "no commit of"),
        ("deadbeef..HEAD", "no commit of"),
        ("--all..HEAD", "no commit of"),
        ("HEAD~1..--output=/tmp/x", "no commit of"),
        ("HEAD:m..HEAD", "no commit of"),
        ("HEAD\n..HEAD", "no revision"),
        ("x commit y..HEAD", "no commit of"),
        ("--all commit y..HEAD", "no commit of"),
        ("7:HEAD..HEAD", "no epoch 7"),
        ("HEAD..HEAD", "empty"),
        ("HEAD..HEAD~1", "backwards"),
        ("1:HEAD..0:HEAD", "backwards"),
    ],
)
def test_a_range_that_makes_no_sense_says_why(archive: Make, text: str, reason: str) -> None:
    with PublicInbox("list", archive(mails(0, 1, 2), mails(3, 4))) as inbox, pytest.raises(Misunderstood, match=reason):
        spans(inbox, text)


def test_what_is_no_archive_says_so(tmp_path: Path, archive: Make) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "git" / "0.git").mkdir(parents=True)
    unborn = archive([], name="unborn")
    for folder, reason in (
        (tmp_path / "nowhere", "no such folder"),
        (tmp_path / "file", "no such folder"),
        (tmp_path / "empty", "no public-inbox archive"),
        (tmp_path / "hollow", "No such file"),
        (unborn, "no mail yet"),
    ):
        with pytest.raises(Unreadable, match=reason):
            PublicInbox("list", folder)


def damage(folder: Path, revision: str) -> None:
    bare = folder / "git" / "0.git"
    oid = git(bare, "rev-parse", revision)
    (bare / "objects" / oid[:2] / oid[2:]).unlink()
    (bare / "objects" / oid[:2] / oid[2:]).write_bytes(b"damaged")


def test_a_damaged_mail_is_a_defect_and_the_others_are_read(archive: Make) -> None:
    folder = archive(mails(1, 2, 3))
    damage(folder, "master~1:m")
    with PublicInbox("list", folder) as inbox:
        raws = list(inbox.mails(inbox.everything()))
        assert [raw.defect for raw in raws] == ["", "lost or damaged in the archive", ""]
        commit, mail = read(raws[1])
        assert commit.id == git(folder / "git" / "0.git", "rev-parse", "master~1")
        assert (commit.time, commit.author) == (NOON + timedelta(minutes=1), "Ana <ana@a.example>")
        assert commit.parent == raws[0].commit.id
        assert (mail.message_id, mail.defects) == (f"{commit.id}@archive.invalid", (raws[1].defect,))


@pytest.mark.parametrize("damaged", [[2], [0], [5], [1, 2, 4], [0, 1, 2, 3, 4, 5]])
def test_mails_damaged_inside_a_pack_are_defects_and_the_others_are_read(archive: Make, damaged: list[int]) -> None:
    """Git itself dies on these: the reader goes on behind each, in both directions."""
    folder = archive(mails(*range(6)))
    bare = folder / "git" / "0.git"
    git(bare, "repack", "-a", "-d", "-q", "--depth=0", "--window=0")
    (index,) = (bare / "objects" / "pack").glob("*.idx")
    places = {
        line.split()[0]: line.split()
        for line in git(bare, "verify-pack", "-v", str(index)).splitlines()
        if " blob " in line
    }
    pack = index.with_suffix(".pack")
    pack.chmod(0o644)
    content = bytearray(pack.read_bytes())
    for number in damaged:
        _, _, _, packed, offset = places[git(bare, "rev-parse", f"master~{5 - number}:m")]
        content[int(offset) + 4 : int(offset) + int(packed)] = b"\xff" * (int(packed) - 4)
    pack.write_bytes(content)
    with PublicInbox("list", folder) as inbox:
        forwards = list(inbox.mails(inbox.everything()))
        backwards = list(inbox.mails_of(inbox.history()))
    assert [bool(raw.defect) for raw in forwards] == [number in damaged for number in range(6)]
    assert [raw.commit.id for raw in backwards] == [raw.commit.id for raw in forwards][::-1]
    assert [raw.defect for raw in backwards] == [raw.defect for raw in forwards][::-1]


def test_a_mail_that_our_own_reader_fails_on_is_kept() -> None:
    broken = RawMail(Commit(0, "c0ffee", NOON, "A <a@a.example>"), None)  # type: ignore[arg-type]
    _, mail = read(broken)
    (defect,) = mail.defects
    assert defect in ("not read: TypeError", "not read: AttributeError")  # by compiled code, and without it


def test_a_damaged_repository_is_unreadable_and_names_itself(archive: Make) -> None:
    folder = archive(mails(1, 2))
    damage(folder, "master~1")
    with PublicInbox("list", folder) as inbox, pytest.raises(Unreadable, match=f"{folder}.*git fsck"):
        list(inbox.mails(inbox.everything()))


def test_nothing_of_ours_is_left_behind(archive: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = archive(mails(1))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    before = sorted(os.walk(folder))
    with PublicInbox("list", folder) as inbox:
        assert len(list(inbox.mails(inbox.everything()))) == 1
    assert sorted(os.walk(folder)) == before
    assert list((tmp_path / "tmp").iterdir()) == []


def hostile(archive: Make, tmp_path: Path, trap: Path) -> Path:
    """An archive that runs a program wherever git believes its config: a missing object is fetched by a remote
    that is a command, a hook is everywhere, and so is an alias."""
    folder = archive(mails(1, 2))
    bare = folder / "git" / "0.git"
    script = tmp_path / "script.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\nexit 1\n")
    script.chmod(0o755)
    settings = {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{script} %S",
        "protocol.ext.allow": "always",
        "core.fsmonitor": str(script),
        "core.hooksPath": str(tmp_path),
        "core.pager": str(script),
        "core.sshCommand": str(script),
        "gpg.program": str(script),
        "diff.external": str(script),
        "diff.evil.textconv": str(script),
        "alias.rev-list": f"!{script}",
    }
    for key, value in settings.items():
        git(bare, "config", key, value)
    (bare / "info").mkdir(exist_ok=True)
    (bare / "info" / "attributes").write_text("* diff=evil filter=evil\n")
    # A commit whose mail is not there: git that believes the config goes and fetches it.
    change(bare, f"100644 blob {'1' * 40}\tm\n")
    return folder


def test_an_archives_own_config_runs_nothing(archive: Make, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    folder = hostile(archive, tmp_path, trap)
    with PublicInbox("list", folder) as inbox:
        *read_well, lost = inbox.mails(inbox.everything())
        assert numbers(read_well) == [1, 2]
        assert lost.defect
        with pytest.raises(Misunderstood):
            spans(inbox, "HEAD:m..HEAD")
        assert len(spans(inbox, "HEAD~2..HEAD")) == 1
    assert not trap.exists()
    # The control: git inside the archive walks into the trap, so the trap works.
    subprocess.run(["git", "cat-file", "-p", "HEAD:m"], cwd=folder / "git" / "0.git", capture_output=True, check=False)
    assert trap.exists()


def test_nobodys_config_and_no_replaced_mail_is_believed(
    archive: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = archive(mails(1, 2))
    bare = folder / "git" / "0.git"
    other = git(bare, "rev-parse", "master~1:m")
    git(bare, "replace", git(bare, "rev-parse", "master:m"), other)
    assert "mail 1" in git(bare, "show", "master:m")  # git alone believes it
    (tmp_path / ".gitconfig").write_text("[core]\n\tbare = nonsense\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
    with PublicInbox("list", folder) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1, 2]


def test_a_commit_graph_that_lies_is_not_believed(archive: Make) -> None:
    folder = archive(mails(1, 2, 3))
    bare = folder / "git" / "0.git"
    git(bare, "commit-graph", "write", "--reachable")
    graph = bare / "objects" / "info" / "commit-graph"
    graph.chmod(0o644)
    graph.write_bytes(graph.read_bytes()[:-40] + b"\xff" * 40)
    with PublicInbox("list", folder) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1, 2, 3]


def test_refs_and_folders_named_like_options_are_names(archive: Make, tmp_path: Path) -> None:
    folder = archive(mails(1, 2))
    bare = folder / "git" / "0.git"
    tip = git(bare, "rev-parse", "master")
    (bare / "packed-refs").write_text(f"{tip} refs/heads/--upload-pack=touch\n{tip} refs/heads/master\n{tip} -x\n")
    shutil.rmtree(bare / "refs" / "heads")
    odd = tmp_path / '--help "quoted" \\ and\nbroken'
    shutil.move(folder, odd)
    with PublicInbox("--list", odd) as inbox:
        assert numbers(inbox.mails(inbox.everything())) == [1, 2]
        assert numbers(inbox.mails(spans(inbox, "refs/heads/--upload-pack=touch~1..HEAD"))) == [2]
