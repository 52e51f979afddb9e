import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from chatbot.errors import Busy, Misunderstood, Problem, Unreadable
from chatbot.sources.git import talk
from chatbot.sources.layout import epoch_folders, read_refs
from chatbot.sources.mirror import Fate, Mirrored, Progress, mirror
from chatbot.sources.public_inbox import PublicInbox
from tests.conftest import compose, git

Make = Callable[..., Path]
NEW, UPDATED, UNCHANGED, KEPT = Fate
ME = ("-c", "user.name=A", "-c", "user.email=a@a.example")


def mails(*numbers: int) -> list[bytes]:
    return [compose(f"[PATCH] mail {number}", number) for number in numbers]


@pytest.fixture
def publish(archive: Make, tmp_path: Path) -> Callable[..., str]:
    """Publishes these epochs in the place of what was there; the address."""

    def make(*epochs: list[bytes]) -> str:
        shutil.rmtree(tmp_path / "source", ignore_errors=True)
        return f"file://{archive(*epochs, name='source')}"

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirrors" / "list"


def numbers(folder: Path) -> list[int]:
    with PublicInbox("list", folder) as inbox:
        return [int(raw.data.split(b"mail ")[1].split(b"\n")[0]) for raw in inbox.mails(inbox.everything())]


def files(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.name != ".mirror.lock"}


# What comes, and what stays


def test_the_first_run_brings_all_epochs_and_the_next_touches_nothing(
    publish: Callable[..., str], folder: Path
) -> None:
    url = publish(mails(1, 2, 3), mails(4, 5))
    assert mirror(url, folder) == Mirrored({0: NEW, 1: NEW})
    assert numbers(folder) == [1, 2, 3, 4, 5]
    before = files(folder)
    again = mirror(url, folder)
    assert (again, again.changed) == (Mirrored({0: UNCHANGED, 1: UNCHANGED}), False)
    assert files(folder) == before


def test_new_mails_come_and_one_new_epoch_or_two_at_once(publish: Callable[..., str], folder: Path) -> None:
    mirror(publish(mails(1)), folder)
    for epochs, fates in (
        ([mails(1, 2)], [UPDATED]),
        ([mails(1, 2), mails(3)], [UNCHANGED, NEW]),
        ([mails(1, 2), mails(3, 4), mails(5), mails(6)], [UNCHANGED, UPDATED, NEW, NEW]),
    ):
        came = mirror(publish(*epochs), folder)
        assert (came, came.changed) == (Mirrored(dict(enumerate(fates))), True)
    assert numbers(folder) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("lost", [[0], [0, 1], [1]])
def test_an_epoch_that_is_missing_here_is_fetched_though_later_ones_are_here(
    publish: Callable[..., str], folder: Path, lost: list[int]
) -> None:
    url = publish(mails(1), mails(2), mails(3))
    mirror(url, folder)
    for number in lost:
        shutil.rmtree(folder / "git" / f"{number}.git")
    assert mirror(url, folder).epochs == {number: NEW if number in lost else UNCHANGED for number in range(3)}
    assert numbers(folder) == [1, 2, 3]


def test_rewritten_history_arrives_and_a_branch_that_went_goes(
    publish: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    url = publish(mails(1, 2, 3))
    git(tmp_path / "source" / "git" / "0.git", "branch", "old", "master~1")
    mirror(url, folder)
    assert set(read_refs(folder / "git" / "0.git")) == {"refs/heads/master", "refs/heads/old"}
    publish(mails(1, 7, 8))
    assert mirror(url, folder) == Mirrored({0: UPDATED})
    assert numbers(folder) == [1, 7, 8]
    assert set(read_refs(folder / "git" / "0.git")) == {"refs/heads/master"}


@pytest.mark.parametrize("detached", [False, True])
def test_head_means_here_what_it_means_at_the_source(
    publish: Callable[..., str], folder: Path, tmp_path: Path, detached: bool
) -> None:
    url, bare = publish(mails(1, 2)), tmp_path / "source" / "git" / "0.git"
    mirror(url, folder)
    git(bare, "branch", "fewer", "master~1")
    (bare / "HEAD").write_text(f"{git(bare, 'rev-parse', 'fewer')}\n" if detached else "ref: refs/heads/fewer\n")
    assert mirror(url, folder) == Mirrored({0: UPDATED})
    assert numbers(folder) == [1]
    assert (folder / "git" / "0.git" / "HEAD").read_text() == "ref: refs/heads/fewer\n"


def test_an_epoch_that_went_or_was_emptied_at_the_source_is_kept(
    publish: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    url = publish(mails(1), mails(2), mails(3), mails(4))
    mirror(url, folder)
    for number in (0, 3):
        shutil.rmtree(tmp_path / "source" / "git" / f"{number}.git")
    git(tmp_path / "source" / "git" / "1.git", "update-ref", "-d", "refs/heads/master")
    assert mirror(url, folder) == Mirrored({0: KEPT, 1: KEPT, 2: UNCHANGED, 3: KEPT})
    assert numbers(folder) == [1, 2, 3, 4]


def test_progress_is_told_in_steps_that_only_rise_within_a_phase(publish: Callable[..., str], folder: Path) -> None:
    told: list[Progress] = []
    mirror(publish(mails(*range(30)), mails(31)), folder, told.append)
    assert {step.epoch for step in told} == {0, 1}
    assert {"Counting objects", "Receiving objects"} <= {step.phase for step in told}
    for one, next_one in pairwise(told):
        assert one != next_one
        assert one.percent < next_one.percent or (one.epoch, one.phase) != (next_one.epoch, next_one.phase)
    assert {step.percent for step in told} <= set(range(101))


def test_an_archive_of_sha256_ids_is_mirrored_too(tmp_path: Path, folder: Path) -> None:
    bare = tmp_path / "source" / "0.git"
    git(tmp_path, "init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", str(bare))
    tree = git(bare, "hash-object", "-t", "tree", "-w", "--stdin-paths") or git(bare, "write-tree")
    git(bare, "update-ref", "refs/heads/main", git(bare, *ME, "commit-tree", tree, "-m", "first"))
    assert mirror(f"file://{tmp_path}/source", folder) == Mirrored({0: NEW})
    with PublicInbox("list", folder) as inbox:
        assert inbox.tips == {0: git(bare, "rev-parse", "main")}


def test_epochs_that_lie_in_the_folder_itself_are_updated_where_they_are(
    publish: Callable[..., str], tmp_path: Path
) -> None:
    flat = tmp_path / "flat"
    mirror(publish(mails(1)), tmp_path / "made")
    shutil.move(tmp_path / "made" / "git", flat)
    assert mirror(publish(mails(1, 2), mails(3)), flat) == Mirrored({0: UPDATED, 1: NEW})
    assert numbers(flat) == [1, 2, 3]
    with pytest.raises(Unreadable, match="this is one epoch"):
        mirror(publish(mails(1)), flat / "0.git")


def test_many_small_packs_are_rolled_up_and_the_large_one_is_left_alone(
    publish: Callable[..., str], folder: Path
) -> None:
    mirror(publish(mails(*range(100))), folder)
    packs = folder / "git" / "0.git" / "objects" / "pack"
    (large,) = packs.glob("*.pack")
    for number in range(101, 123):
        mirror(publish(mails(*range(number))), folder)
    assert 2 <= len(list(packs.glob("*.pack"))) <= 4
    assert large.exists()
    assert numbers(folder) == list(range(122))


# Trouble here


def test_what_killed_runs_have_left_is_not_seen_and_removed(publish: Callable[..., str], folder: Path) -> None:
    url = publish(mails(1), mails(2))
    shutil.copytree(folder.parent.parent / "source" / "git" / "0.git", folder / "git" / ".0.git.partial")
    with pytest.raises(Unreadable):
        epoch_folders(folder)
    mirror(url, folder)
    epoch = folder / "git" / "0.git"
    stale = [epoch / name for name in ("packed-refs.lock", "refs/heads/master.lock", "objects/pack/tmp_pack_a1")]
    for path in stale:
        path.touch()
        os.utime(path, (time.time() - 7200,) * 2)
    fresh = epoch / "objects" / "pack" / "tmp_pack_a2"
    fresh.touch()
    assert mirror(publish(mails(3), mails(2)), folder) == Mirrored({0: UPDATED, 1: UNCHANGED})
    assert numbers(folder) == [3, 2]
    assert not any(path.exists() for path in stale)
    assert fresh.exists()
    assert sorted(path.name for path in (folder / "git").iterdir()) == ["0.git", "1.git"]


def test_an_epoch_that_is_broken_here_is_named_and_does_not_hinder_the_others(
    publish: Callable[..., str], folder: Path
) -> None:
    mirror(publish(mails(1), mails(2)), folder)
    (folder / "git" / "0.git" / "HEAD").unlink()
    url = publish(mails(1, 4), mails(2, 3))
    with pytest.raises(Unreadable, match=r"0\.git: this is no repository any more .*; remove it"):
        mirror(url, folder)
    assert numbers(folder / "git" / "1.git") == [2, 3]
    shutil.rmtree(folder / "git" / "0.git")
    assert mirror(url, folder) == Mirrored({0: NEW, 1: UNCHANGED})


def test_a_folder_that_cannot_be_written_is_named(publish: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", tmp_path / "file" / "list", Path("/proc/list")):
        with pytest.raises(Problem, match=rf"^{place}: cannot be written"):
            mirror(publish(mails(1)), place)


def test_trouble_of_the_one_who_is_told_is_not_taken_for_the_disks(publish: Callable[..., str], folder: Path) -> None:
    def told(_: Progress) -> None:
        raise BrokenPipeError

    url = publish(mails(1))
    with pytest.raises(BrokenPipeError):
        mirror(url, folder, told)
    assert list((folder / "git").iterdir()) == []
    assert mirror(url, folder) == Mirrored({0: NEW})


def test_without_git_the_error_says_what_to_install(
    publish: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = publish(mails(1))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unreadable, match="install git"):
        mirror(url, folder)


# Trouble at the source


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ssh://lists.example/kvm", "fetched by https"),
        ("ext::sh -c touch% /tmp/x", "no blanks"),
        ("ext::sh", "fetched by https"),
        ("--upload-pack=touch", "fetched by https"),
        ("-x", "fetched by https"),
        ("lore.kernel.org/kvm", "fetched by https"),
        ("/srv/kvm", "fetched by https"),
        ("", "fetched by https"),
        ("https://lists.example/kvm\n", "no control"),
        ("https://lists.example/k\x1b[2Jvm", "no control"),
        ("https://lists.example/k vm", "no blanks"),
        ("https:///kvm", "no address of a list"),
        ("https://lists.example/?q=kvm", "no address of a list"),
        ("https://lists.example/kvm#top", "no address of a list"),
        ("file://srv/kvm", "no address of a list"),
        ("https://[lists.example/kvm", "no address"),
    ],
)
def test_what_is_no_address_of_a_list_is_refused_before_anything_happens(folder: Path, url: str, reason: str) -> None:
    with pytest.raises(Misunderstood, match=rf"{reason}.*; write it as https://lore"):
        mirror(url, folder)
    assert not folder.exists()


def test_a_source_that_is_gone_or_is_no_archive_says_so_and_what_is_here_stays(
    publish: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    mirror(publish(mails(1)), folder)
    (tmp_path / "hollow" / "git" / "0.git").mkdir(parents=True)
    git(tmp_path, "init", "--quiet", "--bare", str(tmp_path / "empty" / "0.git"))
    for url in (f"file://{tmp_path}/{name}" for name in ("nowhere", "hollow", "empty")):
        with pytest.raises(Unreadable, match=rf"^{url}: no epoch of a public-inbox archive is at.*git ls-remote"):
            mirror(url, folder)
    assert numbers(folder) == [1]


def test_an_epoch_that_is_damaged_at_the_source_does_not_hinder_the_others(
    publish: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    url = publish(mails(1), mails(2))
    bare = tmp_path / "source" / "git" / "0.git"
    oid = git(bare, "rev-parse", "master:m")
    (bare / "objects" / oid[:2] / oid[2:]).unlink()
    with pytest.raises(Unreadable, match=rf"^{url}/git/0.git: .*"):
        mirror(url, folder)
    assert sorted(path.name for path in (folder / "git").iterdir()) == ["1.git"]


class Site(http.server.SimpleHTTPRequestHandler):
    """Serves files, in the old way of git; `odd` answers instead where it wants to."""

    odd: Callable[["Site"], bool]

    def do_GET(self) -> None:
        if not type(self).odd(self):
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """A site on this machine with the files of `source`; `odd` says by a truth value if it has answered itself."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    servers = []

    def start(odd: Callable[[Site], object] = lambda _: False) -> str:
        class Here(Site):
            def __init__(self, *arguments: object) -> None:
                super().__init__(*arguments, directory=str(tmp_path / "source"))  # type: ignore[arg-type]

        Here.odd = lambda self: bool(odd(self))
        servers.append(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Here))
        threading.Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def dumb(tmp_path: Path) -> None:
    for bare in (tmp_path / "source" / "git").iterdir():
        git(bare, "update-server-info")


def test_a_web_server_with_a_v2_folder_is_a_source(
    publish: Callable[..., str], serve: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    publish(mails(1, 2), mails(3))
    dumb(tmp_path)
    assert mirror(serve(), folder) == Mirrored({0: NEW, 1: NEW})
    assert numbers(folder) == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (503, "error: 503"),
        (500, "error: 500"),
        (403, "error: 403"),
        (404, "no epoch of a public-inbox archive is at this address .*not found"),
        (401, "no epoch of a public-inbox archive is at this address .*"),
        (b"<html>Prove that you are human\x1b[2J", "no epoch of a public-inbox archive is at this address"),
        (b"", "no epoch of a public-inbox archive is at this address .it is empty"),
    ],
)
def test_a_site_that_refuses_errs_or_talks_of_something_else_raises_ours(
    serve: Callable[..., str], folder: Path, answer: int | bytes, reason: str
) -> None:
    def odd(site: Site) -> bool:
        if isinstance(answer, int):
            site.send_error(answer)
            return True
        site.send_response(200)
        site.end_headers()
        site.wfile.write(answer)
        return True

    url = serve(odd).replace("//", "//ana:secret@")
    with pytest.raises(Unreadable, match=reason) as caught:
        mirror(url, folder)
    assert str(caught.value).isprintable()
    assert "secret" not in str(caught.value)


def test_a_source_that_fails_midway_is_down_and_what_came_before_stays(
    publish: Callable[..., str], serve: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    publish(mails(1), mails(2))
    dumb(tmp_path)
    url = serve(lambda site: "/1.git/" in site.path and not site.send_error(503))
    with pytest.raises(Unreadable, match="503"):
        mirror(url, folder)
    assert numbers(folder) == [1]


def test_no_password_of_an_address_gets_on_the_disk(
    publish: Callable[..., str], serve: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    publish(mails(1))
    dumb(tmp_path)
    mirror(serve().replace("//", "//ana:secret@"), folder)
    assert numbers(folder) == [1]
    for path in folder.rglob("*"):
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_nobody_is_at_the_port(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for scheme, user in (("http", ""), ("http", "ana:secret@"), ("git", ""), ("git", "ana:s@secret@")):
        with pytest.raises(Unreadable, match=rf"^{scheme}://127.0.0.1:{port}/kvm/0: .*(onnect|look up)") as caught:
            mirror(f"{scheme}://{user}127.0.0.1:{port}/kvm/", folder)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "git"])
def test_who_takes_the_call_and_never_speaks_is_given_up(tmp_path: Path, scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}/kvm"
        begin = time.monotonic()
        reply = talk(tmp_path, ("ls-remote", "--", url), patience=0.5)
    assert (reply.done, reply.reason) == (False, "nothing was heard for 0.5 seconds")
    assert time.monotonic() - begin < 5


# Hostile sources


def test_nothing_that_a_source_or_a_mirror_brings_along_is_run(
    publish: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    script = f"#!/bin/sh\ntouch {canary}\n"
    url, bare = publish(mails(1)), tmp_path / "source" / "git" / "0.git"
    mirror(url, folder)
    publish(mails(1, 2), mails(3))
    (tmp_path / "evil").write_text(script)
    (tmp_path / "evil").chmod(0o755)
    for repository in (bare, folder / "git" / "0.git"):
        (repository / "hooks").mkdir(exist_ok=True)
        for hook in ("reference-transaction", "post-checkout", "pre-auto-gc", "post-update", "post-rewrite"):
            shutil.copy(tmp_path / "evil", repository / "hooks" / hook)
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text("* filter=evil diff=evil\n")
    with (bare / "config").open("a") as config:
        config.write(
            f"[uploadpack]\n\tpackObjectsHook = {tmp_path}/evil\n"
            f'[filter "evil"]\n\tsmudge = {tmp_path}/evil\n[core]\n\tfsmonitor = {tmp_path}/evil\n'
            f"\tsshCommand = {tmp_path}/evil\n\thooksPath = {bare}/hooks\n"
        )
    assert mirror(url, folder) == Mirrored({0: UPDATED, 1: NEW})
    assert numbers(folder) == [1, 2, 3]
    assert not canary.exists()
    assert "evil" not in (folder / "git" / "0.git" / "config").read_text()


def test_evil_names_of_refs_and_evil_trees_write_nothing_outside(
    publish: Callable[..., str], serve: Callable[..., str], folder: Path, tmp_path: Path
) -> None:
    publish(mails(1, 2))
    bare = tmp_path / "source" / "git" / "0.git"
    blob = git(bare, "rev-parse", "master:m")
    (bare / "evil").write_bytes(b"100644 ../../../evil\0" + bytes.fromhex(blob))
    tree = git(bare, "hash-object", "-t", "tree", "-w", "--literally", "evil")
    commit = git(bare, *ME, "commit-tree", tree, "-m", "evil")
    git(bare, "update-ref", "refs/heads/evil", commit)
    dumb(tmp_path)
    names = ("refs/heads/../../../../../evil", "refs/../config", "refs/heads/-evil", "refs/heads/a\x1b[2Jb", "evil")
    names = (*names, "refs/heads/x.lock", "../evil", "/evil", "HEAD^{}", "refs/heads/ok")
    (bare / "info" / "refs").write_text(
        (bare / "info" / "refs").read_text() + "".join(f"{commit}\t{name}\n" for name in names)
    )
    before = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    assert mirror(serve(), folder) == Mirrored({0: NEW})
    assert {path for path in tmp_path.rglob("*") if folder not in path.parents} - before == {folder.parent, folder}
    assert {"refs/heads/master", "refs/heads/evil", "refs/heads/ok"} <= set(read_refs(folder / "git" / "0.git"))
    assert {path.name for path in folder.rglob("*evil*")} <= {"evil", "-evil"}
    assert numbers(folder) == [1, 2]
    assert mirror(serve(), folder) == Mirrored({0: UNCHANGED})


def test_a_source_does_not_lead_to_a_file_of_this_machine(
    publish: Callable[..., str], serve: Callable[..., str], folder: Path
) -> None:
    target = publish(mails(1))

    def odd(site: Site) -> bool:
        site.send_response(302)
        site.send_header("Location", target + site.path)
        site.end_headers()
        return True

    with pytest.raises(Unreadable):
        mirror(serve(odd), folder)
    assert list((folder / "git").iterdir()) == []


# Ends in the middle

RUN = """
import sys
from pathlib import Path
from chatbot.sources.mirror import mirror
mirror(sys.argv[1], Path(sys.argv[2]))
"""


@pytest.fixture
def stalled(
    publish: Callable[..., str], serve: Callable[..., str], folder: Path, tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the middle of a clone that does not go on."""
    publish(mails(1, 2))
    dumb(tmp_path)
    reached, end = threading.Event(), threading.Event()

    def odd(site: Site) -> bool:
        if "/objects/" not in site.path:
            return False
        reached.set()
        return end.wait(30)

    process = subprocess.Popen([sys.executable, "-c", RUN, serve(odd), str(folder)], stderr=subprocess.DEVNULL)
    assert reached.wait(30)
    yield process
    end.set()
    process.kill()
    process.wait()


def gits(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if process.joinpath("cwd").readlink().is_relative_to(folder):
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def test_a_second_run_at_the_same_time_is_told_who_is_at_it(
    stalled: subprocess.Popen[bytes], publish: Callable[..., str], folder: Path
) -> None:
    with pytest.raises(Busy, match=rf"^{folder}: process {stalled.pid} is using it; end that process, or wait"):
        mirror(publish(mails(1)), folder)
    assert stalled.poll() is None


def test_a_clone_that_was_killed_is_never_seen_and_the_next_run_brings_it(
    stalled: subprocess.Popen[bytes], publish: Callable[..., str], folder: Path
) -> None:
    assert [path.name for path in (folder / "git").iterdir()] == [".0.git.partial"]
    with pytest.raises(Unreadable, match="no public-inbox archive"):
        epoch_folders(folder)
    stalled.kill()
    stalled.wait()
    assert mirror(publish(mails(1, 2)), folder) == Mirrored({0: NEW})
    assert [path.name for path in (folder / "git").iterdir()] == ["0.git"]
    assert numbers(folder) == [1, 2]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_an_interrupt_ends_git_and_leaves_nothing(
    stalled: subprocess.Popen[bytes], folder: Path, number: signal.Signals, code: int
) -> None:
    assert gits(folder)
    stalled.send_signal(number)
    assert stalled.wait(10) == code
    assert gits(folder) == []
    assert list((folder / "git").iterdir()) == []
