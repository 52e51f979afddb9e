"""The whole path: from an archive on disk to a post in a room, and from a command to its answer."""

import asyncio
import os
import re
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
from structlog.testing import capture_logs

from chatbot.app import bot, demonstration
from chatbot.chat.platform import Answer
from chatbot.chat.styled import plain_text
from chatbot.config import check_config
from chatbot.errors import Unavailable
from chatbot.run import run
from chatbot.serve import LATER, Bot
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
        self.digest: dict[str, Any] = {"list": "kvm", "when": "daily at 09:00"}
        self.room: dict[str, Any] = {}

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
            "rooms": [{"platform": "terminal", "room": "room", **self.room}],
            "subscriptions": [{"platform": "terminal", "room": "room", **self.digest}] if self.digest else [],
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


def test_where_a_template_fails_the_room_gets_a_plain_post_and_the_log_an_alarm(tmp_path: Path, archive: Make) -> None:
    for name in ("good", "bad"):
        archive([compose("[PATCH] a", name)], name=name)  # type: ignore[arg-type]
    (tmp_path / "ours" / "terminal").mkdir(parents=True)
    (tmp_path / "ours" / "terminal" / "digest.j2").write_text(
        "{% if digest.mailing_list.name == 'bad' %}{{ nothing.here }}{% endif %}{{ digest.mailing_list.name }}"
    )
    room = {"platform": "terminal", "room": "room"}
    digests = [{**room, "list": name, "when": "hourly", "first": "1d"} for name in ("bad", "good")]
    settings = {
        "store": {"url": f"sqlite:///{tmp_path}/bot.sqlite3"},
        "templates": {"folder": "ours"},
        "platforms": {"terminal": {}},
        "lists": [{"name": name, "archive": name} for name in ("bad", "good")],
        "subscriptions": digests,
    }
    ledger = Ledger()
    with bot(check_config(settings, tmp_path), lambda: NOON) as made, capture_logs() as logs:
        made.platforms["terminal"] = ledger  # type: ignore[index]
        asyncio.run(run(made))
    plain = "bad mailing list: 1 mail from 1 person: 1 new series, 1 patch.\na https://lore.kernel.org/all/mbad@sample.example/\n"
    assert ledger.posts == [("room", plain), ("room", "good")]
    assert ledger.closed
    assert [line["log_level"] for line in logs if line["event"] == "template failed"] == ["error"]


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


@pytest.mark.parametrize(("hours", "step"), [(6, 1), (30 * 24, 120)])
def test_a_platform_that_was_down_costs_nobody_anything(world: World, hours: int, step: int) -> None:
    """What piled up arrives as one digest, which tells all of it."""
    world.digest["when"] = "hourly"
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.ledger.failures = [Unavailable("down")] * 1000
    mails = 0
    for hour in range(step, hours + 1, step):
        world.mail(f"[PATCH] in hour {hour}")
        mails += 1
        assert world.run(NOON + timedelta(hours=hour)) == []
    world.ledger.failures.clear()
    (told,) = world.run(NOON + timedelta(hours=hours + 1))
    full = min(mails, 14 * 24 // step)
    assert told.startswith(f"{full} mails")
    assert told.endswith(f"from 1 person: {full} new series, {full} patches.")
    assert (f"{mails - full} mails" in world.ledger.posts[-1][1]) == (mails > full)  # what is older is counted
    assert world.run(NOON + timedelta(hours=hours + 2)) == []


def test_who_was_off_for_thirty_days_gets_one_digest_of_all_of_them(world: World) -> None:
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.mail("[PATCH] one", "[PATCH] two")
    assert world.run(NOON + 30 * DAY) == ["Nothing new."]
    assert "2 mails" in world.ledger.posts[-1][1]  # so old that they are only counted
    assert world.run(NOON + 30 * DAY) == []


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
        "\x1b[1m/series WORDS | MESSAGE-ID | LINK [patches | versions | tags | card]\x1b[0m",
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
        "[[subscriptions]]\nplatform = 'terminal'\nroom = 'terminal'\n"
        "list = 'ours'\nwhen = 'daily at 9:00'\nfirst = '1d'\n"
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


def test_as_it_happens_a_new_series_is_told_within_minutes_and_those_beside_it_in_one_post(world: World) -> None:
    world.digest["when"] = "as it happens"
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.now = NOON + timedelta(minutes=10)
    world.mail("[PATCH 0/2] two", "[PATCH 1/2] one of two")
    assert world.run(NOON + timedelta(minutes=11)) == []  # the others are on their way
    world.now = NOON + timedelta(minutes=13)
    world.mail("[PATCH 2/2] two of two", "[PATCH] another", "Re: [PATCH] talk")
    assert world.run(NOON + timedelta(minutes=15)) == ["2 new series."]
    assert world.run(NOON + timedelta(minutes=30)) == []
    world.mail("Re: [PATCH] more talk")
    assert world.run(NOON + timedelta(minutes=60)) == []


@pytest.mark.parametrize("when", ["daily at 09:00", "hourly", "every 1 mails", "as it happens"])
def test_a_clock_that_jumps_back_repeats_nothing_and_loses_nothing(world: World, when: str) -> None:
    world.digest["when"] = when
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.mail("[PATCH] a")
    world.ledger.failures = [Unavailable("busy")]
    assert world.run(NOON + DAY) == []
    told = [*world.run(NOON - DAY), *world.run(NOON + timedelta(hours=1))]
    world.mail("[PATCH] b")
    for hours in (2, 26, 27, 20, 50, 51):
        told += world.run(NOON + timedelta(hours=hours))
    bodies = "".join(plain_text(body) for _, body in world.ledger.posts)
    assert [bodies.count(f"  {title}\n") for title in ("before the bot", "a", "b")] == [0, 1, 1], bodies


def test_every_so_many_mails(world: World) -> None:
    world.digest["when"] = "every 3 mails"
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.mail("[PATCH] a", "[PATCH] b")
    assert world.run(NOON + DAY) == []
    world.mail("[PATCH] c", "[PATCH] d")
    assert world.run(NOON + 2 * DAY) == ["4 mails from 1 person: 4 new series, 4 patches."]
    assert world.run(NOON + 3 * DAY) == []


@pytest.mark.parametrize("when", ["every 2 mails", "0 9 1 * *", "as it happens"])
def test_who_is_told_rarely_has_missed_nothing(world: World, when: str) -> None:
    world.digest["when"] = when
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.now = NOON + 5 * DAY
    world.mail("[PATCH] early")
    world.run(NOON + 6 * DAY)
    world.now = NOON + 26 * DAY
    world.mail("[PATCH] late")
    world.run(NOON + 29 * DAY)
    posts = "".join(plain_text(body) for _, body in world.ledger.posts)
    assert "Nothing was posted" not in posts
    began = posts.partition("New series\n")[2]  # before it stands what nobody has answered
    assert (began.count("  early"), began.count("  late")) == (1, 1)


def test_what_happened_in_a_long_absence_is_counted_if_it_is_old(world: World) -> None:
    world.digest["when"] = "as it happens"
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.now = NOON + 5 * DAY
    world.mail("[PATCH] early")
    world.now = NOON + 26 * DAY
    world.mail("[PATCH] late")
    assert world.run(NOON + 29 * DAY) == ["1 new series."]
    assert "what came until 2025-11-18 12:00 is only counted, 1 mail, and the rest is here" in plain_text(
        world.ledger.posts[-1][1]
    )


def test_what_a_filter_does_not_want_is_no_post_and_is_not_told_later(world: World) -> None:
    world.digest["filter"] = "s:tdx"
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.mail("[PATCH] sev")
    assert world.run(NOON + DAY) == []
    world.mail("[PATCH] tdx: one", "[PATCH] sev again")
    assert world.run(NOON + 2 * DAY) == ["1 new series."]
    assert world.run(NOON + 3 * DAY) == []


def test_a_long_absence_is_told_in_one_digest_and_its_beginning_is_counted(world: World) -> None:
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []
    world.now = NOON + DAY
    world.mail("[PATCH] long ago", "[PATCH] long ago too")
    world.now = NOON + 38 * DAY
    world.mail("[PATCH] lately")
    assert len(world.run(NOON + 40 * DAY)) == 1
    text = plain_text(world.ledger.posts[-1][1])
    assert (
        "Nothing was posted since 2025-11-03 12:00 UTC; what came until 2025-11-29 09:00 is only counted, 2 mails, and the rest is here  https://lore.kernel.org/all/\n"
        in text
    )
    assert ("lately" in text, "long ago" in text) == (True, False)
    assert world.run(NOON + 41 * DAY) == []
    world.mail("[PATCH] new")
    assert len(world.run(NOON + 43 * DAY)) == 1
    assert "Nothing was posted" in (late := plain_text(world.ledger.posts[-1][1]))
    assert "only counted" not in late


def test_a_room_has_its_digest_when_it_wants_to_hear_anything(world: World) -> None:
    world.room = {"zone": "Europe/Berlin", "weekends": False, "quiet": "22:00-11:00"}
    world.mail("[PATCH] before the bot")
    friday = NOON + 4 * DAY
    assert world.run(friday) == []
    world.mail("[PATCH] for Monday")
    assert world.run(friday + 2 * DAY) == []
    assert world.run(friday + 3 * DAY - timedelta(hours=3)) == []  # ten in Berlin
    assert len(world.run(friday + 3 * DAY - timedelta(hours=2))) == 1


async def ask(world: World, made: Bot, texts: tuple[str, ...]) -> None:
    world.ledger.asks = texts
    await world.ledger.listen(lambda request: made.answer(world.ledger, request))


def test_where_the_platform_cannot_say_who_may_manage_one_is_asked_to_try_again(world: World) -> None:
    world.mail("[PATCH] a")
    world.ledger.silences = [Unavailable("ratelimited")]
    with capture_logs() as logs:
        world.run(NOON, lambda made: asyncio.run(ask(world, made, ("/subscribe kvm", "/subscribe kvm"))))
    assert [LATER in plain_text(one) for one in world.ledger.answers] == [True, False]
    told = [(one["log_level"], one["problem"]) for one in logs if one["event"].startswith("command")]
    assert told == [("warning", "ratelimited")]


def test_an_answer_that_all_share_is_of_after_what_was_read_and_corrected(world: World) -> None:
    world.mail("[PATCH] one thing")
    world.mail("[PATCH] quite another")
    world.run(NOON)

    async def use(made: Bot) -> None:
        await ask(world, made, ("/series quite", "/series link m0@sample.example m1@sample.example", "/series quite"))
        world.mail("[PATCH] quite new")
        await made.tick()
        await ask(world, made, ("/series quite",))

    world.run(NOON + DAY, lambda made: asyncio.run(use(made)))
    before, _, corrected, read = map(plain_text, world.ledger.answers)
    assert "one thing" not in before
    assert "one thing" in corrected
    assert "quite new" in read


def test_what_is_subscribed_to_in_a_room_comes_there_until_it_is_paused_and_after(world: World) -> None:
    world.digest = {}
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []  # the list is read

    def asked(*texts: str) -> None:
        world.run(world.now, lambda made: asyncio.run(ask(world, made, texts)))

    asked("/subscribe kvm s:tdx daily at 9:00")
    one = plain_text(world.ledger.answers[-1]).split()[3]
    world.mail("[PATCH] tdx: one", "[PATCH] sev")
    assert world.run(NOON + DAY) == ["1 new series."]
    asked("/subscriptions")
    assert "its newest post: sent\n" in plain_text(world.ledger.answers[-1])
    asked(f"/pause {one} 3d")
    world.mail("[PATCH] tdx: while it waits")
    assert world.run(NOON + 2 * DAY) == []
    assert world.run(NOON + 5 * DAY) == ["1 new series."]
    asked(f"/pause {one}")
    world.mail("[PATCH] tdx: skipped")
    assert world.run(NOON + 6 * DAY) == []
    asked(f"/resume {one} --skip")
    assert world.run(NOON + 7 * DAY) == []
    asked(f"/unsubscribe {one}")
    world.mail("[PATCH] tdx: nobody hears of it")
    assert world.run(NOON + 8 * DAY) == []


def test_a_right_that_was_taken_away_counts_at_once(world: World) -> None:
    world.digest, world.room = {}, {"managers": ["mia"]}
    world.mail("[PATCH] a")
    for managers, first in (({"person"}, "Subscribed to kvm"), (set[str](), "/subscribe: you may not manage")):
        world.ledger.managers = managers
        world.run(NOON, lambda made: asyncio.run(ask(world, made, ("/subscribe kvm s:a daily",))))
        assert plain_text(world.ledger.answers[-1]).startswith(first)
    assert "ask mia" in plain_text(world.ledger.answers[-1])


X86 = """Log.
---
 arch/x86/kvm/a.c | 1 +

diff --git a/arch/x86/kvm/a.c b/arch/x86/kvm/a.c
--- a/arch/x86/kvm/a.c
+++ b/arch/x86/kvm/a.c
@@ -1 +1,2 @@
 x
+y
"""


def test_a_subsystem_is_followed_on_all_lists_and_a_list_that_is_new_brings_no_past_along(
    tmp_path: Path, archive: Make
) -> None:
    ledger, mails = Ledger(), {"one": list[bytes]()}

    def send(title: str, when: datetime, *names: str, body: str = X86) -> None:
        for name in names:
            mails.setdefault(name, []).append(
                compose(
                    title, len(title), body.replace("+y", f"+{title}"), received=f"by x; {when:%d %b %Y %H:%M:%S} +0000"
                )
            )

    def run(now: datetime) -> list[str]:
        for name, those in mails.items():
            shutil.rmtree(tmp_path / name, ignore_errors=True)
            archive(those, name=name)
        settings = {
            "store": {"url": f"sqlite:///{tmp_path}/bot.sqlite3"},
            "platforms": {"terminal": {}},
            "lists": [{"name": name, "archive": name, "link": f"https://l.example/{name}/"} for name in mails],
            "subsystems": [{"title": "KVM X86", "files": "arch/x86/kvm/"}],
            "subscriptions": [{"platform": "terminal", "room": "room", "subsystem": "kvm x86"}],
        }
        before = len(ledger.posts)
        with bot(check_config(settings, tmp_path), lambda: now) as made:
            made.platforms["terminal"] = ledger  # type: ignore[index]
            asyncio.run(made.tick())
        return [plain_text(body) for _, body in ledger.posts[before:]]

    send("[PATCH] before the bot", NOON, "one")
    assert run(NOON) == []
    send("[PATCH] long ago", NOON - 60 * DAY, "two")
    send("[PATCH] on both", NOON + timedelta(hours=1), "one", "two")
    send("[PATCH] on the other", NOON + timedelta(hours=2), "two")
    send("[PATCH] of no concern", NOON + timedelta(hours=3), "two", body="Log.\n")
    (post,) = run(NOON + DAY)
    assert post.startswith("KVM X86  2 new series.\n")
    assert (post.count("  on both"), post.count("  on the other")) == (1, 1)
    assert f"https://l.example/two/m{len('[PATCH] on the other')}@sample.example/" in post
    assert "of no concern" not in post
    assert "long ago" not in post
    assert run(NOON + 2 * DAY) == []


def test_why_a_line_is_in_a_post_and_why_a_mail_is_in_none(world: World) -> None:
    world.digest = {}
    world.mail("[PATCH] before the bot")
    assert world.run(NOON) == []

    def told(text: str) -> str:
        world.run(world.now, lambda made: asyncio.run(ask(world, made, (text,))))
        return plain_text(world.ledger.answers[-1])

    one = told("/subscribe kvm s:tdx -f:bo daily at 9:00").split()[3]
    other = told("/subscribe kvm as it happens").split()[3]
    world.mail("[PATCH] tdx: one", "[PATCH] sev")
    assert sorted(world.run(NOON + DAY)) == ["1 new series.", "2 new series."]
    (post,) = (plain_text(body) for _, body in world.ledger.posts if "1 new series" in body)
    digest = re.search(r"Digest ([0-9a-f]{12}) ", post)
    assert digest
    for name in (one, digest[1][:8]):
        shown = told(f"/why {name}")
        assert shown.startswith(f"{one}  kvm s:tdx AND NOT f:bo daily at 9:00\n      of person, since 2025-11-03\n")
        assert '      filter: subject has "tdx"; not from "bo"\n' in shown
        assert "      post: sent, what came after Mon 2025-11-03 12:00\n      commits: kvm, epoch 0, " in shown
    assert "\n  tdx: one  v1 · Ana\n    2025-11-03 12:00  kvm, epoch 0, " in told(f"/why {one} m1@sample.example")
    assert "no mail with which this posting begins is in what the post covers" in told(f"/why {one} m0@sample.example")
    for text, fault in (
        ("/why", "it needs a post"),
        ("/why zzzz", "no post of this room"),
        ("/why abcdef", "no such post"),
    ):
        assert fault in told(text)
    assert f"{one}  kvm" in (sev := told("/whynot <m2@sample.example>"))
    assert '      the filter wants what this has not: subject has "tdx"\n' in sev
    assert "      it is in a post, which is sent; " in sev
    assert "came before somebody subscribed" in told("/whynot m0@sample.example").partition(other)[2]
    world.mail("Re: [PATCH] talk", "[PATCH] tdx: two")
    assert world.run(NOON + DAY + timedelta(minutes=1)) == []
    talk = told("/whynot m3@sample.example")
    assert "it is about no patch" in talk
    assert "it begins no series or version" in talk
    assert "it will be told: Wed 2025-11-05 09:00 UTC" in told("/whynot https://lore.kernel.org/kvm/m4@sample.example/")
    assert told("/whynot nobody@x.example") == "nobody@x.example  I have not seen this mail on any list.\n"
    assert "it needs a mail" in told("/whynot tdx")
