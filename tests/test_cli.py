"""The command line as a person uses it: real processes, good input and bad."""

import json
import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot import __version__
from tests.conftest import NOON, compose, git

Make = Callable[..., Path]


def chatbot(*arguments: str | Path, cwd: Path | None = None, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "chatbot", *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        check=False,
        **{"encoding": "utf-8", "stdin": subprocess.DEVNULL, **options},
    )


def refused(*arguments: str | Path, cwd: Path | None = None) -> str:
    """What is said about bad input: one line on standard error, exit code 2, nothing else."""
    done = chatbot(*arguments, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("chatbot: ")
    return line.removeprefix("chatbot: ")


@pytest.fixture
def kvm(archive: Make) -> Path:
    return archive([compose(f"[PATCH] mail {number}", number) for number in range(4)], name="kvm")


def test_a_range_in_all_faces(kvm: Path) -> None:
    begin = git(kvm / "git" / "0.git", "rev-parse", "master~2")
    faces = {
        face: chatbot("digest", "--archive", kvm, "--name", "KVM", "master~2..master", "--face", face)
        for face in ("classic", "text", "markdown", "json")
    }
    assert all((done.returncode, done.stderr) == (0, "") for done in faces.values())
    assert faces["classic"].stdout.startswith(f"From {begin[:9]} to ")
    assert "      2  Ana <ana@a.example>\n" in faces["classic"].stdout
    assert faces["text"].stdout.startswith("KVM mailing list  2 mails from 1 person: 2 new series, 2 patches.\n")
    assert faces["markdown"].stdout.startswith("# KVM mailing list\n\n2 mails from 1 person: 2 new series, ")
    document = json.loads(faces["json"].stdout)
    assert (document["range"]["from"], document["counts"]["patches"]) == (begin, 2)


def test_windows_by_time_and_by_number(archive: Make) -> None:
    stamped = [
        compose(f"[PATCH] mail {day}", day, received=f"by x; {day} Nov 2025 09:00:00 +0000") for day in (10, 12, 11, 17)
    ]
    folder = archive(stamped, start=NOON.replace(year=2026, month=1))  # an archive imported long after

    def titles(*window: str) -> list[str]:
        done = chatbot("digest", "--archive", folder, "--face", "json", *window)
        return [one["title"] for one in json.loads(done.stdout)["series"]]

    assert titles("--since", "2025-11-11", "--until", "2025-11-18") == ["mail 17", "mail 11", "mail 12"]
    assert titles("--since", "2025-11-11T09:00", "--until", "2025-11-12T09:00") == ["mail 11"]
    assert titles("--until", "2025-11-11") == ["mail 10"]
    assert titles("--since", "7d") == []
    assert titles("--last", "2") == ["mail 17", "mail 11"]
    assert titles("--last", "99") == ["mail 17", "mail 11", "mail 12", "mail 10"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--archive", "/nowhere", "a..b"], "/nowhere: there is no such folder; name the folder that holds git/0.git"),
        (["--archive", "/", "a..b"], "/: this is no public-inbox archive; name the folder that holds git/0.git"),
        (["nonsense..HEAD"], "'nonsense': this is no commit of {kvm}; name one that git log shows there"),
        (["HEAD"], "'HEAD': this is no range of commits; write A..B"),
        (
            ["HEAD..HEAD~1"],
            "'HEAD..HEAD~1': this range runs backwards, its end is the older commit; write HEAD~1..HEAD",
        ),
        (["HEAD..HEAD"], "'HEAD..HEAD': this range is empty"),
        ([], "digest: nothing says which mails; give one of A..B, --since with or without --until, --last"),
        (["HEAD~1..HEAD", "--last", "3"], "digest: more than one thing says which mails"),
        (["--last", "0"], "--last 0: this is no number of mails"),
        (["--since", "9999-12-31T23:59:59-23:00"], "'9999-12-31T23:59:59-23:00': this is no time"),
        (["--since", "someday"], "'someday': this is no time; write 7d, 12h, 2w, 2025-11-10"),
        (["--since", "1d", "--until", "2d"], "--since 1d --until 2d: this time ends before it begins"),
        (["--last", "1", "--output", "/nowhere/digest.txt"], "--output /nowhere/digest.txt: No such file or directory"),
        (["--last", "1", "--output", "/"], "--output /: "),
    ],
)
def test_bad_input_names_the_thing_the_reason_and_the_remedy(kvm: Path, arguments: list[str], said: str) -> None:
    own = [] if "--archive" in arguments else ["--archive", str(kvm)]
    assert refused("digest", *own, *arguments).startswith(said.format(kvm=kvm))


def test_a_repository_that_cannot_be_read_says_so(kvm: Path) -> None:
    bare = kvm / "git" / "0.git"
    tip = git(bare, "rev-parse", "master~1")
    (bare / "objects" / tip[:2] / tip[2:]).unlink()
    assert refused("digest", "--archive", kvm, "--last", "9").startswith(f"{bare}: git cannot read this archive (")


@pytest.mark.parametrize("arguments", [["digest", "--face", "mime"], ["digest", "--last", "many"], ["dijest"], []])
def test_options_that_make_no_sense_end_with_the_usage(arguments: list[str]) -> None:
    done = chatbot(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: chatbot")


def test_a_file_is_there_whole_or_not_at_all(kvm: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "digest.txt"
    target.parent.mkdir()
    target.write_text("old")
    done = chatbot("digest", "--archive", kvm, "--last", "1", "--output", target)
    assert (done.returncode, done.stdout) == (0, "")
    assert target.read_text().startswith("kvm mailing list  1 mail from 1 person: 1 new series")
    assert "\x1b" not in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    before = target.read_text()
    assert chatbot("digest", "--archive", kvm, "nonsense..HEAD", "--output", target).returncode == 2
    assert target.read_text() == before
    assert [path.name for path in target.parent.iterdir()] == ["digest.txt"]


def test_a_link_is_followed_and_a_pipe_is_written_to(kvm: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    assert chatbot("digest", "--archive", kvm, "--last", "1", "--output", tmp_path / "link").returncode == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text().startswith("kvm mailing list")
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["head", "-n", "1", tmp_path / "pipe"], stdout=subprocess.PIPE, text=True)
    assert chatbot("digest", "--archive", kvm, "--last", "1", "--output", tmp_path / "pipe").returncode == 0
    assert reader.communicate()[0].startswith("kvm mailing list")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("face", ["text", "json"])
@pytest.mark.parametrize(
    ("redirection", "reason"), [("> /dev/full", "No space left on device"), (">&-", "it is closed")]
)
def test_an_output_that_fails_is_one_line(kvm: Path, face: str, redirection: str, reason: str) -> None:
    command = f"'{sys.executable}' -m chatbot digest --archive '{kvm}' --last 1 --face {face} {redirection}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        f"chatbot: standard output: {reason}; name a place that can be read and written\n",
    )


def test_a_number_beyond_all_numbers_means_all_mails(kvm: Path) -> None:
    assert "4 patches" in chatbot("digest", "--archive", kvm, "--last", "9" * 30).stdout


def test_a_reader_that_goes_away_is_no_error(sample: dict[str, Path]) -> None:
    command = f"'{sys.executable}' -m chatbot digest --archive '{sample['kvm']}' --last 142 --face json | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_output_is_utf_8_whatever_the_locale(archive: Make) -> None:
    folder = archive([compose("[PATCH] naïve \u2713", 1)])
    environment = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for face in ("classic", "text", "markdown", "json"):
        done = chatbot("digest", "--archive", folder, "--last", "1", "--face", face, env=environment)
        assert "naïve \u2713" in done.stdout


def on_a_terminal(*arguments: str | Path, typed: bytes = b"", after: bytes = b"> ", cwd: Path | None = None) -> str:
    """What a person sees: the output of a process on a pseudo-terminal. `typed` is typed when `after` has come."""
    seen = bytearray()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="200")
        os.chdir(cwd or Path.cwd())
        os.execv(sys.executable, [sys.executable, "-m", "chatbot", *map(str, arguments)])  # noqa: S606
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
            if b"\x1b[6n" in chunk:
                os.write(terminal, b"\x1b[1;1R")  # the prompt asks where the cursor is, and a terminal says
            if typed and after in seen:
                os.write(terminal, typed)
                typed = b""
    except OSError:
        pass  # how Linux says that the other end is closed
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    return seen.decode()


def test_on_a_terminal_there_are_colours_and_no_mail_can_steer_it(archive: Make) -> None:
    folder = archive([compose("[PATCH] \x1b]0;owned\x07 \x1b[5m blink", 1)])
    text = on_a_terminal("digest", "--archive", folder, "--last", "1")
    assert "\x1b[1;36m" in text
    classic = on_a_terminal("digest", "--archive", folder, "--last", "1", "--face", "classic")
    assert "blink" in text
    assert "blink" in classic
    for shown in (re.sub(r"\x1b\[[0-9;]*m", "", text), classic):
        assert "\x1b" not in shown
        assert "\x07" not in shown


def test_at_a_prompt_commands_are_typed_and_the_end_of_input_ends_the_bot(tmp_path: Path) -> None:
    seen = on_a_terminal("run", typed=b"/contributor marc\r\r\x04", after=b"\x1b[?2004h", cwd=tmp_path)
    assert "this is a demonstration" in seen
    assert seen.index("34 patches") < seen.index("11 patches · 5 replies")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            "[[lists]]\nname = 'a'\narchive = 'a'\ncolour = 1\n[platforms.terminal]\n",
            "[[lists]] 1 colour: there is no such key",
        ),
        (
            "[[lists]]\nname = 'a'\narchive = 'a'\n[platforms.terminal]\n[store]\nurl = 'mysql://x'\n",
            "[store] url: mysql is not supported",
        ),
    ],
)
def test_a_bad_config_is_refused_with_its_fault(tmp_path: Path, settings: str, said: str) -> None:
    path = tmp_path / "bot.toml"
    path.write_text(settings)
    assert said in refused("run", "--config", path)
    path.rename(tmp_path / "config.toml")
    assert said in refused("run", cwd=tmp_path)


def test_a_broken_template_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "ours" / "terminal").mkdir(parents=True)
    (tmp_path / "ours" / "terminal" / "digest.j2").write_text("{% endif %}")
    (tmp_path / "config.toml").write_text(
        "[[lists]]\nname = 'a'\narchive = 'a'\n[platforms.terminal]\n[templates]\nfolder = 'ours'\n"
    )
    assert refused("run", cwd=tmp_path).startswith("templates: terminal/digest.j2 line 1: ")


def test_it_tells_its_version_and_helps() -> None:
    assert chatbot("--version").stdout == f"chatbot {__version__}\n"
    assert "A mail's time is when the archive" in " ".join(chatbot("digest", "--help").stdout.split())
