"""The commands around the index as a person uses them: ingest, mirror, status."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from chatbot.chat.post import Post
from chatbot.store.database import writable_database
from chatbot.store.delivery import Planned, Progress
from chatbot.store.outbox import Outbox
from tests.conftest import NOON, compose, git
from tests.test_cli import chatbot, on_a_terminal, refused

Make = Callable[..., Path]
SUMMARY = re.compile(r"(\w+): (\d+) mails?, (\d+) kept, (\d+) duplicates?, (\d+) defects?, [\d.]+ s(?:, [\d,]+/s)?\n")


def patches(*numbers: int) -> list[bytes]:
    return [compose(f"[PATCH] mail {number}", number) for number in numbers]


@pytest.fixture
def world(tmp_path: Path, archive: Make) -> Path:
    """Two lists, kvm and coco, in a config; coco is mirrored from a folder."""
    archive(patches(1, 2, 3), patches(4), name="kvm")
    archive(patches(5), name="origin")
    (tmp_path / "config.toml").write_text(
        '[store]\nurl = "sqlite:///index.sqlite3"\n[platforms.terminal]\n'
        '[[lists]]\nname = "kvm"\narchive = "kvm"\n'
        f'[[lists]]\nname = "coco"\narchive = "coco"\nurl = "file://{tmp_path}/origin"\n'
    )
    return tmp_path


def test_an_archive_goes_into_an_index_with_one_line_for_it(world: Path) -> None:
    where = ("--archive", world / "kvm", "--name", "x", "--store", f"sqlite:///{world}/own.sqlite3")
    first, second = chatbot("ingest", *where), chatbot("ingest", *where, "--jobs", "1")
    assert (first.returncode, first.stderr, second.returncode, second.stderr) == (0, "", 0, "")
    assert SUMMARY.fullmatch(first.stdout)
    assert SUMMARY.fullmatch(first.stdout).groups() == ("x", "4", "4", "0", "0")  # type: ignore[union-attr]
    assert SUMMARY.fullmatch(second.stdout).groups() == ("x", "0", "0", "0", "0")  # type: ignore[union-attr]
    (status,) = json.loads(chatbot("status", *where, "--json").stdout)["lists"]
    assert (status["name"], status["mails"], status["behind"]) == ("x", 4, 0)


def test_who_looks_at_an_index_that_is_not_there_makes_none(world: Path) -> None:
    said = refused("status", "--archive", world / "kvm", "--store", f"sqlite:///{world}/none.sqlite3", cwd=world)
    assert "none.sqlite3" in said
    assert not (world / "none.sqlite3").exists()


def test_on_a_terminal_there_is_a_bar(world: Path) -> None:
    store = f"sqlite:///{world}/own.sqlite3"
    seen = on_a_terminal("ingest", "--archive", world / "kvm", "--store", store)
    assert re.search(r"kvm .*4 of 4 mails", seen)
    assert "kvm: 4 mails, 4 kept" in seen


def test_the_lists_of_a_config_are_read_mirrored_and_told_of(world: Path) -> None:
    broken = chatbot("ingest", cwd=world)
    assert broken.returncode == 2
    assert SUMMARY.fullmatch(broken.stdout).group(1) == "kvm"  # type: ignore[union-attr]
    assert "coco: there is no such folder" in broken.stderr
    mirrored = chatbot("mirror", cwd=world)
    assert (mirrored.returncode, mirrored.stdout, mirrored.stderr) == (0, "coco: epoch 0 new\n", "")
    assert chatbot("mirror", "coco", cwd=world).stdout == "coco: epoch 0 unchanged\n"
    assert chatbot("ingest", "coco", cwd=world).stdout.startswith("coco: 1 mail, 1 kept")
    table = chatbot("status", cwd=world)
    assert table.returncode == 0
    heading, kvm, coco, index = table.stdout.splitlines()
    assert heading.split() == ["list", "epochs", "tip", "mails", "newest", "mail", "lag", "behind", "defects", "size"]
    tip = git(world / "kvm" / "git" / "1.git", "rev-parse", "master")
    assert kvm.split()[:4] == ["kvm", "2", tip[:12], "4"]
    assert coco.split()[:2] == ["coco", "1"]
    assert index.startswith("index: sqlite:///")


def test_a_status_for_programs_says_what_is_behind_and_what_is_wrong(world: Path) -> None:
    chatbot("ingest", "kvm", cwd=world)
    shutil.rmtree(world / "kvm" / "git" / "1.git")
    git(world / "kvm" / "git" / "0.git", "update-ref", "refs/heads/master", "master~1")
    held = chatbot("ingest", "kvm", cwd=world)
    assert (held.returncode, held.stdout) == (2, "")
    assert re.fullmatch(
        r"chatbot: kvm: 2 of its 4 mails are gone from the archive; .*chatbot ingest kvm --accept-shrink\n", held.stderr
    )
    kvm, coco = json.loads(chatbot("status", "--json", cwd=world).stdout)["lists"]
    assert (kvm["mails"], kvm["problem"]) == (4, "2 of its 4 mails are gone from the archive")
    assert (coco["mails"], coco["newest"], coco["behind"], coco["problem"]) == (
        0,
        None,
        None,
        "there is no such folder",
    )
    assert "2 removed" in chatbot("ingest", "kvm", "--accept-shrink", cwd=world).stdout
    (kvm,) = json.loads(chatbot("status", "kvm", "--json", cwd=world).stdout)["lists"]
    assert (kvm["mails"], kvm["behind"], kvm["problem"], len(kvm["epochs"])) == (2, 0, None, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest", "nothing"], "'nothing': the config has no such list; name one of kvm, coco"),
        (["ingest", "--jobs", "0"], "--jobs 0: this is no number of processes; write 1 or more"),
        (["ingest", "--archive", "kvm"], "--archive: it stands alone; give --store with it"),
        (["ingest", "--store", "sqlite:///x"], "--store, --name: the config has them; give --archive with them"),
        (["ingest", "--archive", "kvm", "--store", "mysql://x"], "[store] url: mysql is not supported; write sqlite"),
        (["ingest", "--archive", "kvm", "--store", "x"], "[store] url: 'x' is no database URL; write sqlite:///"),
        (
            ["ingest", "--archive", "kvm", "--store", "postgresql+psycopg://me:secret@127.0.0.1:1/x"],
            "[store] url: cannot open postgresql+psycopg://me:***@127.0.0.1:1/x",
        ),
        (["mirror", "kvm"], "kvm: the config has no url for this list; add one"),
        (["status", "kvm", "x"], "'x': the config has no such list"),
        (["status", "--archive", "kvm"], "--archive: it stands alone; give --store with it"),
        (["status", "--archive", "none", "--store", "sqlite:///x"], "none: there is no such folder; name the folder"),
        (["status", "--store", "sqlite:///x"], "--store, --name: the config has them; give --archive with them"),
        (["status", "--config", "nothing.toml"], "nothing.toml: No such file or directory; copy config.example.toml"),
    ],
)
def test_bad_input_names_the_thing_the_reason_and_the_remedy(world: Path, arguments: list[str], said: str) -> None:
    assert refused(*arguments, cwd=world).startswith(said)


def test_a_mirror_without_a_single_url_says_so(world: Path) -> None:
    (world / "config.toml").write_text('[platforms.terminal]\n[[lists]]\nname = "kvm"\narchive = "kvm"\n')
    assert refused("mirror", cwd=world) == "mirror: no list of the config has a url; add one to a [[lists]] table"


def test_a_source_that_is_down_does_not_stop_the_others(world: Path) -> None:
    with (world / "config.toml").open("a") as config:
        config.write('[[lists]]\nname = "down"\narchive = "down"\nurl = "file:///nowhere/at/all"\n')
        config.write(f'[[lists]]\nname = "last"\narchive = "last"\nurl = "file://{world}/kvm"\n')
    done = chatbot("mirror", cwd=world)
    assert (done.returncode, done.stdout) == (2, "coco: epoch 0 new\nlast: epoch 0 new, epoch 1 new\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("chatbot: file:///nowhere/at/all: ")


@pytest.fixture
def running(world: Path) -> Iterator[subprocess.Popen[str]]:
    """A bot on the same index, which waits for input that never comes."""
    command = [sys.executable, "-m", "chatbot", "run"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=world, text=True, **pipes) as process:  # type: ignore[call-overload]
        lock = world / ".index.sqlite3.lock"
        while not (lock.exists() and lock.read_text().strip()):
            time.sleep(0.02)
        yield process
        process.terminate()


def test_a_second_process_on_the_same_file_is_refused_with_the_pid_of_the_first(
    world: Path, running: subprocess.Popen[str]
) -> None:
    said = refused("ingest", "kvm", cwd=world)
    assert said.startswith(f"index.sqlite3: process {running.pid} is using it; ")
    assert chatbot("status", "kvm", cwd=world).returncode == 0  # who only looks is welcome
    os.kill(running.pid, 9)
    running.wait()
    assert chatbot("ingest", "kvm", cwd=world).returncode == 0


@pytest.mark.parametrize("command", ["run", "digest", "ingest", "mirror", "status"])
def test_every_command_explains_itself(command: str) -> None:
    done = chatbot(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: chatbot {command} ")


def test_help_names_every_command() -> None:
    assert all(f"\n    {command} " in chatbot("--help").stdout for command in ("run", "ingest", "mirror", "status"))


def test_the_outbox_is_shown_and_a_post_is_tried_again_or_dropped(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[platforms.terminal]\n[[lists]]\nname = "kvm"\narchive = "kvm"\n')
    with writable_database(f"sqlite:///{tmp_path}/chatbot.sqlite3") as engine:
        outbox = Outbox(engine)
        shown = chatbot("outbox", cwd=tmp_path)
        assert (shown.returncode, shown.stdout) == (0, "All posts have arrived.\n")
        post = Planned("abc" * 10, "terminal", "room", Post("terminal", "\x1b[1mKVM\x1b[0m: one\n"), "kvm")
        outbox.plan("k7mq", None, Progress(1, NOON), (post,))
        outbox.park(outbox.waiting(NOON)[0], "nobody lets us in")
        (line,) = chatbot("outbox", "list", cwd=tmp_path).stdout.splitlines()[1:]
        assert line.split() == [
            "abcabcabcabc",
            "terminal/room",
            "k7mq",
            "parked",
            "1",
            "–",
            "nobody",
            "lets",
            "us",
            "in",
        ]
        (found,) = json.loads(chatbot("outbox", "--json", cwd=tmp_path).stdout)["posts"]
        assert (found["state"], "body" in found) == ("parked", False)
        assert chatbot("outbox", "show", "abca", cwd=tmp_path).stdout == "KVM: one\n"
        assert chatbot("outbox", "retry", "abca", cwd=tmp_path).stdout == "terminal/room: it is sent at the next tick\n"
        assert chatbot("outbox", "drop", "abca", cwd=tmp_path).returncode == 0
        assert outbox.waiting(NOON + timedelta(days=9999)) == ()
    for arguments, said in (
        (("show",), "outbox show: it takes a key; write chatbot outbox show KEY"),
        (("list", "abc"), "outbox list: it takes no key; leave it out"),
        (("drop", "zz"), "'zz': no post that has not arrived has such a key; take it from chatbot outbox list"),
    ):
        refused = chatbot("outbox", *arguments, cwd=tmp_path)
        assert (refused.returncode, refused.stderr) == (2, f"chatbot: {said}\n")
