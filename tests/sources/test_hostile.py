"""Archives that would like to run something, or to have something written: nothing is, by any command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import compose, git

Make = Callable[..., Path]
COMMANDS = ("ingest", "digest", "status")


class Trap:
    """A program that leaves a trace, and a folder in which nothing else may be left."""

    def __init__(self, folder: Path) -> None:
        self.sprung = folder / "sprung"
        self.script = folder / "script.sh"
        self.script.write_text(f"#!/bin/sh\necho \"$0 $*\" >> '{self.sprung}'\nexit 1\n")
        self.script.chmod(0o755)


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    (tmp_path / "trap").mkdir()
    return Trap(tmp_path / "trap")


def everything(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that lies below a folder: kind, rights, time and bytes."""
    found: dict[str, tuple[object, ...]] = {}
    for path in folder.rglob("*"):
        state = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        found[str(path)] = (state.st_mode, state.st_mtime_ns, content)
    return found


def with_config(bare: Path, trap: Trap) -> None:
    """Whatever in a config names a program, names ours; a missing object would be fetched by it."""
    script = str(trap.script)
    settings = {
        "core.repositoryformatversion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
        "remote.origin.url": f"ext::{script} %S",
        "protocol.ext.allow": "always",
        "core.fsmonitor": script,
        "core.pager": script,
        "core.editor": script,
        "core.askPass": script,
        "core.sshCommand": script,
        "core.alternateRefsCommand": script,
        "credential.helper": f"!{script}",
        "gpg.program": script,
        "diff.external": script,
        "uploadpack.packObjectsHook": script,
        "include.path": str(trap.script.parent / "more"),
        **{f"alias.{name}": f"!{script}" for name in ("rev-list", "cat-file", "log", "show")},
    }
    (trap.script.parent / "more").write_text(f"[core]\n\tsshCommand = {script}\n")
    for key, value in settings.items():
        git(bare, "config", key, value)
    lose_a_mail(bare)


def with_attributes_and_hooks(bare: Path, trap: Trap) -> None:
    """Filters and drivers by attributes, and a hook of every name."""
    (bare / "info").mkdir(exist_ok=True)
    (bare / "info" / "attributes").write_text(
        "* diff=evil filter=evil merge=evil text eol=crlf working-tree-encoding=x\n"
    )
    for key in (
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.smudge",
        "filter.evil.clean",
        "merge.evil.driver",
    ):
        git(bare, "config", key, str(trap.script))
    hooks = bare / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "pre-auto-gc", "reference-transaction", "post-index-change", "fsmonitor-watchman"):
        shutil.copy(trap.script, hooks / name)
    git(bare, "config", "core.hooksPath", str(hooks))
    lose_a_mail(bare)


def with_alternates(bare: Path, trap: Trap) -> None:
    """Objects are borrowed from elsewhere, by ways that lead out, round in circles, and nowhere."""
    lose_a_mail(bare)
    elsewhere = trap.script.parent / "elsewhere"
    shutil.copytree(bare, elsewhere)
    with_config(elsewhere, trap)
    lines = (elsewhere / "objects", bare / "objects", "../../../../../../etc", "/dev/stdin", f"|{trap.script}", "--x")
    (bare / "objects" / "info" / "alternates").write_text("".join(f"{line}\n" for line in lines))
    (bare / "objects" / "info" / "http-alternates").write_text(f"ext::{trap.script}\n")


def with_names(bare: Path, trap: Trap) -> None:
    """Refs and folders whose names are options and paths."""
    tip = git(bare, "rev-parse", "master")
    outside = f"--output={trap.sprung}"
    refs = (outside, f"--upload-pack={trap.script}", "-x", "refs/heads/--all", "refs/../../escape", "refs/heads/master")
    (bare / "packed-refs").write_text("".join(f"{tip} {ref}\n" for ref in refs))
    shutil.rmtree(bare / "refs" / "heads")
    (bare / "refs" / "heads").mkdir()
    (bare / "refs" / "heads" / f"--exec={trap.script.name}").write_text(f"{tip}\n")
    (bare / "refs" / "heads" / "link").symlink_to(trap.script)
    for name in ("--help.git", "-1.git", "1.git --x", "..git", "0x1.git"):
        (bare.parent / name).mkdir()
    for number, head in enumerate(
        (f"--output={trap.sprung}", f"ref: ../../../../{trap.sprung}", "ref: refs/heads/--all"), 1
    ):
        shutil.copytree(bare, bare.parent / f"{number}.git", symlinks=True)
        (bare.parent / f"{number}.git" / "HEAD").write_text(f"{head}\n")


def lose_a_mail(bare: Path) -> None:
    """A further commit whose mail is not there."""
    tree = subprocess.run(
        ["git", "mktree", "--missing"],
        cwd=bare,
        input=f"100644 blob {'1' * 40}\tm\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    identity = ("-c", "user.name=A", "-c", "user.email=a@a.example")
    commit = git(bare, *identity, "commit-tree", tree, "-p", "master", "-m", "x")
    (bare / "refs" / "heads" / "master").write_text(f"{commit}\n")


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (with_config, "list"),
        (with_attributes_and_hooks, "--config=x"),
        (with_alternates, "../../escape"),
        (with_names, "-o/tmp/x; touch y"),
    ],
)
def test_nothing_is_executed_and_nothing_is_written_but_the_store(
    archive: Make, tmp_path: Path, trap: Trap, spoil: Callable[[Path, Trap], None], name: str
) -> None:
    folder = archive([compose(f"[PATCH] mail {number}", number) for number in range(3)], name="-rf --all")
    spoil(folder / "git" / "0.git", trap)
    trap.sprung.unlink(missing_ok=True)
    (tmp_path / "store").mkdir()
    (tmp_path / "work").mkdir()
    (tmp_path / "tmp").mkdir()
    store = f"sqlite:///{tmp_path}/store/index.sqlite3"
    config = tmp_path / "store" / "config.toml"
    config.write_text(
        f"[store]\nurl = '{store}'\n[platforms.terminal]\n[[lists]]\nname = 'kvm'\narchive = '{folder}'\n"
        "[[subscriptions]]\nplatform = 'terminal'\nroom = 'room'\nlist = 'kvm'\nwhen = 'daily at 09:00'\n"
    )
    before = {place: everything(tmp_path / place) for place in ("trap", "-rf --all", "work", "tmp")}
    for arguments in (
        ("ingest", "--archive", str(folder), f"--name={name}", "--store", store),
        ("ingest", "--config", str(config)),
        ("digest", "--archive", str(folder), "--last", "5", f"--name={name}"),
        ("digest", "--archive", str(folder), "--since", "2020-01-01", "--face", "json"),
        ("digest", "--archive", str(folder), "0:HEAD~1..0:HEAD"),
        ("status", "--config", str(config)),
        ("status", "--config", str(config), "--json"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "chatbot", *arguments],
            cwd=tmp_path / "work",
            env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "work")},
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == 0, (arguments, done.stderr)
    assert not trap.sprung.exists(), trap.sprung.read_text()
    assert {place: everything(tmp_path / place) for place in before} == before
    assert {path.name.partition("-")[0] for path in (tmp_path / "store").iterdir()} == {
        ".index.sqlite3.lock",
        "config.toml",
        "index.sqlite3",
    }
    shown = subprocess.run(
        [sys.executable, "-m", "chatbot", "digest", "--archive", str(folder), "--last", "9", "--face", "json"],
        cwd=tmp_path / "work",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert all(f"mail {number}" in shown for number in range(3))


def test_the_traps_work(archive: Make, trap: Trap) -> None:
    """The control: git inside such an archive walks into them."""
    bare = archive([compose("[PATCH] mail", 1)]) / "git" / "0.git"
    with_config(bare, trap)
    subprocess.run(["git", "cat-file", "-p", "master:m"], cwd=bare, capture_output=True, check=False)
    assert trap.sprung.exists()
