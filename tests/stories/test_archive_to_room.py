"""The whole path: from an archive on disk to a post in a room, and from a command to its answer."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatbot.app import bot, demonstration
from chatbot.chat.platform import Answer
from chatbot.chat.styled import plain_text
from chatbot.config import check_config
from chatbot.run import run
from chatbot.serve import Bot
from tests.conftest import NOON, compose, git
from tests.fakes.platform import Ledger

Make = Callable[..., Path]
DAY = timedelta(days=1)


class World:
    """A bot on an archive that grows, on a day that can be chosen; started anew as often as one likes."""

    def __init__(self, folder: Path, archive: Make) -> None:
        self.folder, self.archive, self.now = folder, archive, NOON
        self.mails: list[bytes] = []
        self.ledger = Ledger()
        self.digest: dict[str, Any] = {"list": "kvm", "schedule": "daily at 09:00"}

    def mail(self, *subjects: str) -> None:
        for subject in subjects:
            stamp = f"by x; {self.now:%d %b %Y %H:%M:%S} +0000"
            self.mails.append(compose(subject, len(self.mails), received=stamp))
        shutil.rmtree(self.folder / "kvm", ignore_errors=True)
        self.archive(self.mails, name="kvm")

    def run(self, when: datetime, do: Callable[[Bot], None] = lambda made: asyncio.run(made.tick())) -> list[str]:
        """Start the bot at a time, tick once, stop it; the first lines of what the room got."""
        self.now = when
        settings = {
            "store": {"url": f"sqlite:///{self.folder}/bot.sqlite3"},
            "platforms": {"terminal": {}},
            "lists": [{"name": "kvm", "title": "KVM", "archive": "kvm"}],
            "rooms": [{"platform": "terminal", "room": "room", "digests": [self.digest]}],
        }
        before = len(self.ledger.posts)
        with ExitStack() as stack:
            made = stack.enter_context(bot(check_config(settings, self.folder), lambda: self.now))
            made.platforms["terminal"] = self.ledger  # type: ignore[index]
            do(made)
        return [plain_text(body).splitlines()[0].partition("  ")[2] for _, body in self.ledger.posts[before:]]


@pytest.fixture
def world(tmp_path: Path, archive: Make) -> World:
    return World(tmp_path, archive)


def test_each_mail_is_in_one_digest_whenever_the_bot_is_started(world: World) -> None:
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []  # a new room starts now
    world.mail("[PATCH] one")
    assert world.run(NOON + timedelta(hours=2)) == []  # nine o'clock is tomorrow
    world.mail("[PATCH] two")
    assert world.run(NOON + DAY) == ["2 mails from 1 person: 2 new series, 2 patches."]
    assert world.run(NOON + DAY) == []
    world.mail("[PATCH] three")
    assert world.run(NOON + DAY + timedelta(hours=1)) == []
    assert world.run(NOON + 5 * DAY) == ["1 mail from 1 person: 1 new series, 1 patch."]
    assert world.run(NOON + 6 * DAY) == []  # nothing happened, nothing is said
    assert world.run(NOON - 30 * DAY) == []  # the clock was put back
    world.mail("[PATCH] four")
    assert world.run(NOON + 7 * DAY) == ["1 mail from 1 person: 1 new series, 1 patch."]


def test_a_digest_is_compared_from_where_the_last_one_ended_however_late_its_first_mail_came(world: World) -> None:
    world.mail("[PATCH] long ago")
    world.now += 10 * DAY
    world.mail("[PATCH] before the bot")
    assert world.run(NOON + 10 * DAY) == []
    world.now += timedelta(hours=1)
    world.mail("[PATCH] a", "[PATCH] b", "[PATCH] c")
    assert world.run(NOON + 11 * DAY) == ["3 mails (2 more than before) from 1 person: 3 new series, 3 patches."]
    world.now = NOON + 11 * DAY + timedelta(hours=20)  # an hour before it is due
    world.mail("[PATCH] d")
    assert world.run(NOON + 12 * DAY) == ["1 mail (3 fewer than before) from 1 person: 1 new series, 1 patch."]


def test_a_running_bot_sees_what_comes_in_and_posts_it_when_it_is_time(world: World) -> None:
    class Patient(Ledger):
        async def listen(self, answer: Answer) -> None:  # noqa: ARG002  # nobody asks anything
            world.mail("[PATCH] while it runs")
            world.now = NOON + DAY
            async with asyncio.timeout(20):
                while not self.posts:  # noqa: ASYNC110  # the bot is watched from outside
                    await asyncio.sleep(0.05)

    world.ledger = Patient()
    world.mail("[PATCH] before the bot")
    came = world.run(NOON, lambda made: asyncio.run(run(replace(made, refresh=timedelta(seconds=1)))))
    assert came == ["1 mail from 1 person: 1 new series, 1 patch."]


def test_what_is_corrected_in_a_room_is_said_by_who_asked(world: World) -> None:
    world.mail("[PATCH] one", "[PATCH] another")
    ids = " ".join(f"m{number}@sample.example" for number in range(2))
    world.ledger = Ledger(asks=[f"/series link {ids}", "/series corrections"])
    world.run(NOON, lambda made: asyncio.run(run(made)))
    linked, listed = map(plain_text, world.ledger.answers)
    assert linked.startswith("Linked for everyone: v1 of one and v1 of another.")
    assert "  person  v1 of one belongs to v1 of another\n" in listed


def test_a_room_may_ask_for_a_first_look_back(world: World) -> None:
    world.digest["first"] = "1d"
    world.mail("[PATCH] old")
    world.now += 3 * DAY
    world.mail("[PATCH] new")
    assert world.run(world.now) == ["1 mail (1 more than before) from 1 person: 1 new series, 1 patch."]
    assert world.run(world.now) == []


def test_the_first_look_back_is_still_owed_while_the_archive_cannot_be_read(world: World) -> None:
    world.digest["first"] = "1d"
    assert world.run(NOON) == []
    world.mail("[PATCH] there at last")
    assert world.run(NOON) == ["1 mail from 1 person: 1 new series, 1 patch."]


def test_a_room_whose_archive_was_not_there_at_first_does_not_get_all_of_it(world: World) -> None:
    assert world.run(NOON) == []
    world.mail("[PATCH] long ago", "[PATCH] long ago too")
    assert world.run(NOON + DAY) == []
    world.mail("[PATCH] new")
    assert world.run(NOON + 2 * DAY) == ["1 mail from 1 person: 1 new series, 1 patch."]


def test_a_mail_from_the_future_pushes_no_other_out(world: World) -> None:
    world.digest["first"] = "1d"
    world.mail("[PATCH] now")
    world.now = NOON.replace(year=2099)
    world.mail("[PATCH] from the future")
    assert world.run(NOON) == ["2 mails from 1 person: 2 new series, 2 patches."]


def test_one_digest_that_cannot_be_built_does_not_stop_the_others(tmp_path: Path, archive: Make) -> None:
    for name in ("good", "bad"):
        archive([compose("[PATCH] a", name)], name=name)  # type: ignore[arg-type]
    (tmp_path / "ours" / "terminal").mkdir(parents=True)
    (tmp_path / "ours" / "terminal" / "digest.j2").write_text(
        "{% if digest.mailing_list.name == 'bad' %}{{ nothing.here }}{% endif %}{{ digest.mailing_list.name }}"
    )
    digests = [{"list": name, "schedule": "hourly", "first": "1d"} for name in ("bad", "good")]
    settings = {
        "store": {"url": f"sqlite:///{tmp_path}/bot.sqlite3"},
        "templates": {"folder": "ours"},
        "platforms": {"terminal": {}},
        "lists": [{"name": name, "archive": name} for name in ("bad", "good")],
        "rooms": [{"platform": "terminal", "room": "room", "digests": digests}],
    }
    ledger = Ledger()
    with bot(check_config(settings, tmp_path), lambda: NOON) as made:
        made.platforms["terminal"] = ledger  # type: ignore[index]
        asyncio.run(run(made))
    assert ledger.posts == [("room", "good")]
    assert ledger.closed


def test_a_room_may_ask_to_be_told_that_nothing_happened(world: World) -> None:
    world.digest["even_empty"] = True
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    assert world.run(NOON + DAY) == ["Nothing new."]
    assert world.run(NOON + 2 * DAY) == ["Nothing new."]


def test_what_was_planned_is_sent_after_a_crash_and_only_once(world: World) -> None:
    world.digest["first"] = "1d"
    world.mail("[PATCH] one")
    assert world.run(NOON, lambda made: made._publish(made._refresh())) == []  # the power goes before the delivery
    assert world.run(NOON) == ["1 mail from 1 person: 1 new series, 1 patch."]
    assert world.run(NOON + DAY) == []


def test_one_list_that_cannot_be_read_does_not_stop_the_others(tmp_path: Path, archive: Make) -> None:
    archive([compose("[PATCH] here", 1)], name="kvm")
    settings = {
        "store": {"url": f"sqlite:///{tmp_path}/bot.sqlite3"},
        "platforms": {"terminal": {}},
        "lists": [{"name": "gone", "archive": "gone"}, {"name": "kvm", "archive": "kvm"}],
    }
    ledger = Ledger(asks=["/digest kvm 1", "/digest gone 1"])
    with bot(check_config(settings, tmp_path), lambda: NOON) as made:
        made.platforms["terminal"] = ledger  # type: ignore[index]
        asyncio.run(run(made))
    assert ["1 new series" in answer for answer in ledger.answers] == [True, False]


def test_a_command_that_fails_is_answered_and_so_is_the_next(world: World) -> None:
    """The index goes away under the bot: each command says so, and none ends it."""
    world.mail("[PATCH] one")
    world.ledger.asks = ["/digest kvm 1", "/help"]

    def do(made: Bot) -> None:
        (world.folder / "kvm").rename(world.folder / "gone")
        made.index._engine.dispose()
        for path in world.folder.glob("bot.sqlite3*"):
            path.write_bytes(b"no database any more" * 1000)
        asyncio.run(run(made))

    world.run(NOON, do)
    assert [answer.split(";")[0].splitlines()[0] for answer in world.ledger.answers] == [
        "Something went wrong while I worked out the answer",
        "\x1b[1m/series WORDS | MESSAGE-ID | LINK\x1b[0m",
    ]


def test_told_to_stop_the_bot_cleans_up_and_ends_well(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "chatbot", "run"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        env=environment,
    ) as running:
        assert running.stdout
        assert b"KVM mailing list" in running.stdout.readline()
        time.sleep(0.5)  # the digest is out, now it waits for commands
        running.terminate()
        assert running.wait(timeout=10) == 0
    assert list(tmp_path.iterdir()) == []


# What the demonstration begins with.
FIRST_LINE = (
    "KVM mailing list  48 mails (42 more than before) from 11 people:"
    " 3 new series, 1 new version, 34 patches, 13 replies.\n"
)


def demo(commands: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatbot", "run"], input=commands, capture_output=True, text=True, cwd=cwd, check=False
    )


def test_the_demonstration_shows_a_digest_and_answers_and_ends_with_its_input(tmp_path: Path) -> None:
    done = demo("/series tdx-connect\n\n/contributor marc\n/help", tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(FIRST_LINE)
    blocks = [block.splitlines()[0] for block in done.stdout.split("\n> ")[1:]]
    assert blocks == ["/series tdx-connect", "/contributor marc", "/help"]
    assert "  v1 · 26 of 26 patches · +373 −108 in 6 files" in done.stdout
    assert "Marc Ziegler <marc@kernelworks.example>" in done.stdout
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
    # All but the id, in which there is the second.
    first, again = done.stdout.partition("> /series")[0], demo("", tmp_path).stdout
    assert first.partition("\nDigest ")[0] == again.partition("\nDigest ")[0] != again


def test_a_reader_that_goes_away_ends_the_bot_quietly(tmp_path: Path) -> None:
    command = f"printf '/help\\n/help\\n/help\\n' | '{sys.executable}' -m chatbot run 2> errors | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout[:16]) == (0, "KVM mailing list")
    assert "Traceback" not in (tmp_path / "errors").read_text()


def test_a_config_in_the_folder_is_used_and_what_was_posted_is_remembered(tmp_path: Path, archive: Make) -> None:
    archive([compose("[PATCH] of ours", 1)], name="ours")
    (tmp_path / "config.toml").write_text(
        "[platforms.terminal]\n[[lists]]\nname = 'ours'\narchive = 'ours'\n"
        "[[rooms]]\nplatform = 'terminal'\nroom = 'terminal'\n"
        "[[rooms.digests]]\nlist = 'ours'\nschedule = 'daily at 9:00'\nfirst = '1d'\n"
    )
    first, second = demo("/digest ours 1\n", tmp_path), demo("", tmp_path)
    assert first.stdout.count("ours mailing list  1 mail from 1 person: 1 new series, 1 patch.") == 2
    assert '"event": "digest planned"' in first.stderr
    assert (second.returncode, second.stdout) == (0, "")


def test_the_demonstrations_clock_stands_on_the_samples_last_evening() -> None:
    with demonstration() as (config, now):
        assert f"{now():%Y-%m-%d %H}" == "2025-11-14 18"
        folders = [one.archive for one in config.lists]
        assert all(folder.is_dir() for folder in folders)
    assert not any(folder.exists() for folder in folders)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PATH", str(tmp_path))
    yield
    assert os.environ["PATH"] == str(tmp_path)


@pytest.mark.usefixtures("on_path")
def test_without_git_the_remedy_is_named(sample: dict[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "chatbot", "digest", "--archive", sample["kvm"], "--last", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "chatbot: git: the program is not installed; install git 2.34 or newer\n",
    )


def test_the_sample_is_a_real_archive_with_all_that_a_list_has(sample: dict[str, Path]) -> None:
    for folder in sample.values():
        git(folder / "git" / "0.git", "fsck", "--strict")
    subjects = git(sample["kvm"] / "git" / "0.git", "log", "--format=%an")
    assert len(subjects.splitlines()) == 142
    assert git(sample["kvm"] / "git" / "0.git", "show", "HEAD:m").startswith("Received: from")
