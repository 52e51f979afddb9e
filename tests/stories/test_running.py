"""The bot as a process: how it ends, and how it takes another configuration."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from chatbot.app import bot
from chatbot.config import load_config
from chatbot.errors import Unavailable
from chatbot.store import tables
from chatbot.store.database import open_database, reading
from tests.conftest import NOON, compose, git
from tests.fakes.platform import Ledger

Make = Callable[..., Path]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
LISTS = "[[lists]]\nname = 'kvm'\narchive = 'kvm'\n"
ROOM = "platform = 'terminal'\nroom = 'terminal'\n"
# More than go into one transaction.
MANY = 5_800


def configure(folder: Path, *more: str) -> Path:
    file = folder / "config.toml"
    file.write_text("\n".join(("[platforms.terminal]", LISTS, *more)))
    return file


@contextmanager
def running(*arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-m", *map(str, arguments)], text=True, **PIPES) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def told(stream: IO[str] | None, event: str) -> dict[str, object]:
    """The next line of the log that has this event."""
    assert stream
    for line in stream:
        if (found := json.loads(line))["event"] == event:
            return dict(found)
    raise AssertionError(f"the log ended without {event!r}")


def states(folder: Path) -> list[str]:
    engine = open_database(f"sqlite:///{folder}/chatbot.sqlite3")
    with reading(engine) as connection:
        found = connection.execute(select(tables.delivery.c.state).order_by(tables.delivery.c.id)).scalars().all()
    engine.dispose()
    return list(found)


def test_told_to_stop_it_answers_who_has_asked_and_nobody_else(tmp_path: Path, archive: Make) -> None:
    archive([compose("[PATCH] one", 1)], name="kvm")
    (tmp_path / "ours" / "terminal").mkdir(parents=True)
    (tmp_path / "ours" / "terminal" / "help.j2").write_text(
        "{% for _ in range(99999) %}{% for _ in range(30) %}{% endfor %}{% endfor %}at last\n"
    )
    config = configure(tmp_path, "[templates]\nfolder = 'ours'")
    with running("chatbot", "run", "--config", config) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write("/help\n/help\n")
        process.stdin.flush()
        assert process.stdout.readline() == "> /help\n"
        process.terminate()
        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == "at last\n\n"


def test_told_to_stop_it_ends_an_ingest_after_its_transaction(tmp_path: Path, archive: Make) -> None:
    archive([compose(f"[PATCH] mail {number}", number) for number in range(MANY)], name="kvm")
    config = configure(tmp_path)
    with running("chatbot", "run", "--config", config) as process:
        told(process.stderr, "reading a list for the first time")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    engine = open_database(f"sqlite:///{tmp_path}/chatbot.sqlite3")
    with reading(engine) as connection:
        read = connection.execute(select(func.count()).select_from(tables.seen)).scalar()
        mark = connection.execute(select(tables.mark.c.commit)).scalar_one()
    engine.dispose()
    assert 0 < read < MANY
    assert read == int(git(tmp_path / "kvm" / "git" / "0.git", "rev-list", "--count", mark))


@pytest.mark.parametrize(
    ("patience", "signals", "end"),
    [
        ((1, 9), [signal.SIGTERM], (0, "begun arrived", "sent")),
        ((60, 1), [signal.SIGTERM], (0, "begun", "sending")),
        ((60, 9), [signal.SIGTERM, signal.SIGTERM], (143, "begun", "sending")),
        ((60, 9), [signal.SIGTERM, signal.SIGINT], (130, "begun", "sending")),
    ],
    ids=["it arrives", "it never arrives", "in a hurry", "in a hurry, at a keyboard"],
)
def test_told_to_stop_it_waits_for_the_post_that_is_on_its_way(
    tmp_path: Path, archive: Make, patience: tuple[int, int], signals: list[signal.Signals], end: tuple[int, str, str]
) -> None:
    for name in ("kvm", "arm"):
        archive([compose("[PATCH] one", name)], name=name)  # type: ignore[arg-type]
    digests = (f"[[subscriptions]]\n{ROOM}list = '{name}'\nwhen = 'hourly'\nfirst = '1d'" for name in ("kvm", "arm"))
    config = configure(tmp_path, *digests, "[[lists]]\nname = 'arm'\narchive = 'arm'")
    file = tmp_path / "ledger"
    with running("tests.fakes.slow", config, file, *map(str, patience)) as process:
        until(file.exists)
        for number in signals:
            process.send_signal(number)
            time.sleep(0.2)  # two signals of one kind at once are one
        code, ledger, state = end
        assert process.wait(timeout=10) == code
    assert " ".join(file.read_text().split()) == ledger
    assert states(tmp_path) == [state, "pending"]


def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def test_told_to_read_its_config_again_it_takes_a_good_one_and_keeps_the_old_one_for_a_bad_one(
    tmp_path: Path, archive: Make
) -> None:
    for name in ("kvm", "arm"):
        archive([compose(f"[PATCH] on {name}", name)], name=name)  # type: ignore[arg-type]
    (tmp_path / "ours" / "terminal").mkdir(parents=True)
    (tmp_path / "ours" / "terminal" / "help.j2").write_text("{% endif %}")
    digest = f"[[subscriptions]]\n{ROOM}list = 'arm'\nwhen = 'hourly'\nfirst = '1d'\n"
    more = "[[lists]]\nname = 'arm'\ntitle = 'ARM'\narchive = 'arm'\n"
    config = configure(tmp_path)
    with running("chatbot", "run", "--config", config) as process:
        assert process.stdin
        assert process.stdout
        told(process.stderr, "list read")

        configure(tmp_path, "[[lists]]\nname = 7", "colour = 1")
        process.send_signal(signal.SIGHUP)
        faults = [str(told(process.stderr, "config not taken")["fault"]) for _ in range(3)]
        assert [fault.removeprefix(f"{config}: ").split(":")[0] for fault in faults] == [
            "[[lists]] 2 name",
            "[[lists]] 2 archive",
            "[[lists]] 2 colour",
        ]
        configure(tmp_path, "[templates]\nfolder = 'ours'")
        process.send_signal(signal.SIGHUP)
        assert "terminal/help.j2 line 1" in str(told(process.stderr, "config not taken")["fault"])
        process.stdin.write("/digest kvm 1\n")
        process.stdin.flush()
        assert process.stdout.readline() == "> /digest kvm 1\n"
        assert process.stdout.readline().startswith("kvm mailing list  1 mail from 1 person: 1 new series")

        configure(
            tmp_path,
            digest,
            more,
            "[sources]\nrefresh = '1 minute'\njobs = 1\n",
            "[store]\nurl = 'sqlite:///b.sqlite3'\n",
        )
        process.send_signal(signal.SIGHUP)
        kept = [told(process.stderr, "setting kept until the next start")["setting"] for _ in range(2)]
        assert kept == ["[store]", "[sources] jobs"]
        taken = told(process.stderr, "config taken")
        assert taken["lists"] == 2
        assert next(line for line in process.stdout if line.startswith("ARM")).startswith("ARM mailing list  1 mail")
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert not (tmp_path / "b.sqlite3").exists()


def test_a_supervisor_is_told_how_it_is_and_nothing_of_what_was_said(tmp_path: Path, archive: Make) -> None:
    archive([compose("[PATCH] confidential", 1)], name="kvm")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    digest = f"[[subscriptions]]\n{ROOM}list = 'kvm'\nwhen = 'hourly'\nfirst = '1d'"
    config = configure(tmp_path, digest, f"[health]\nport = {port}")

    def page(path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            return str(error)

    with running("chatbot", "run", "--config", config) as process:
        assert process.stdin
        until(lambda: page("/readyz") == "ok\n")
        assert page("/healthz") == "ok\n"
        process.stdin.write("/help\n/confidential\n")
        process.stdin.flush()
        until(lambda: 'chatbot_command_seconds_count{command="other"} 1.0' in page("/metrics"))
        metrics = page("/metrics")
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert 'chatbot_command_seconds_count{command="help"} 1.0' in metrics
    assert 'chatbot_sends_total{platform="terminal",result="arrived"} 1.0' in metrics
    assert 'chatbot_ingest_lag_seconds{list="kvm"}' in metrics
    assert "chatbot_digests_missing 0.0" in metrics
    assert "confidential" not in metrics


def test_the_alarm_sounds_once_for_a_digest_that_does_not_go_out(tmp_path: Path, archive: Make) -> None:
    digest = f"[[subscriptions]]\n{ROOM}list = 'kvm'\nwhen = 'hourly'\neven_empty = true"
    archive([compose("[PATCH] one", 1)], name="kvm")
    config, now, ledger = load_config(configure(tmp_path, digest)), NOON, Ledger()
    with bot(config, lambda: now) as made, capture_logs() as logs:
        made.platforms["terminal"] = ledger  # type: ignore[index]
        ledger.failures = [Unavailable("down"), Unavailable("down", 900.0)]
        for minutes in (0, 60, 70, 80, 81, 87):
            now = NOON + timedelta(minutes=minutes)
            asyncio.run(made.tick())
        alarms = [one for one in logs if one["event"] == "digest missing"]
        assert [(one["log_level"], one["subscription"], one["slot"]) for one in alarms] == [
            ("error", "terminal/terminal/kvm", (NOON + timedelta(hours=1)).isoformat())
        ]
        assert (len(ledger.posts), made.vitals.missing) == (1, ())
        assert made.vitals.sends == {("terminal", "unavailable"): 2, ("terminal", "arrived"): 1}
