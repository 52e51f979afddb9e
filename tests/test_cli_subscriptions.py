"""`chatbot subscriptions`: what rooms follow, from the command line."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from chatbot.store.database import open_database
from chatbot.store.subscriptions import Subscriptions
from tests.conftest import compose
from tests.test_cli import chatbot

CONFIG = """
[platforms.terminal]
[[lists]]
name = "kvm"
archive = "kvm"
[[subsystems]]
title = "TDX Connect"
files = "a/"
[[rooms]]
platform = "terminal"
room = "team"
zone = "Europe/Berlin"
[[subscriptions]]
platform = "terminal"
room = "team"
list = "kvm"
"""


@pytest.fixture
def told(tmp_path: Path, archive: Callable[..., Path]) -> Callable[..., str]:
    """Runs it; what it printed, or what was wrong."""
    archive([compose("[PATCH] a", 1)], name="kvm")
    (tmp_path / "config.toml").write_text(CONFIG)
    config = ("--config", tmp_path / "config.toml")
    assert chatbot("ingest", *config).returncode == 0

    def run(*arguments: object) -> str:
        done = chatbot("subscriptions", *arguments, *config)
        assert "Traceback" not in done.stderr
        return done.stdout or done.stderr

    return run


def test_what_rooms_follow_is_listed_added_changed_and_removed(told: Callable[..., str]) -> None:
    assert told().startswith("terminal/team\n")
    one = told("add", "kvm s:tdx -is:bot daily at 9:00").split()[3]
    two = told("add", "tdx", "as", "it", "happens", "--room", "terminal/other").split()[4]
    listed = told("list")
    assert listed.index("terminal/team") < listed.index(f"\n{one}  kvm s:tdx AND NOT is:bot daily at 9:00\n")
    assert f'terminal/other\n{two}  "TDX Connect" as it happens\n' in listed
    assert one not in told("list", "--room", "other")
    assert "paused until somebody resumes it" in told("pause", one)
    assert told("resume", one, "--skip").startswith("Resumed, without")
    assert "it is not clear which room is meant" in told("add", "kvm hourly")
    assert "it is not clear which room is meant" in told("add", "kvm hourly", "--room", "nowhere")
    assert told("remove", two).startswith(f"Unsubscribed\n{two}")
    assert "the config keeps this one" in told("remove", listed.split()[1])
    assert told("remove", "all", "--room", "team").startswith(f"Unsubscribed\n{one}")


def test_a_room_is_meant_by_whatever_name_it_had(told: Callable[..., str], tmp_path: Path) -> None:
    kept = Subscriptions(open_database(f"sqlite:///{tmp_path}/chatbot.sqlite3"))
    kept.name("matrix", "#kvm:x", "!old:x")
    kept.move("matrix", "!old:x", "!new:x")
    (tmp_path / "config.toml").write_text(f"{CONFIG}\n[platforms.matrix]\n")
    for hour, name in enumerate(("matrix/#kvm:x", "matrix/!old:x", "!new:x", "#kvm:x"), 1):
        assert told("add", f"kvm daily at {hour}:00", "--room", name).startswith("Subscribed")
    assert "no room is known by this alias yet" in told("add", "kvm hourly", "--room", "matrix/#other:x")
    text = told("export", "--room", "!new:x")
    assert {one["room"] for one in tomllib.loads(text)["subscriptions"]} == {"!new:x"}
    for name, answer in (("#kvm:x", "0 subscriptions added, 4"), ("#other:x", "no room is known by this alias yet")):
        (tmp_path / "kept.toml").write_text(text.replace("!new:x", name), encoding="utf-8")
        assert answer in told("import", tmp_path / "kept.toml")


def test_what_is_exported_can_be_imported(told: Callable[..., str], tmp_path: Path) -> None:
    told("add", 'kvm s:"ünïcode" every 200 mails aloud badge')
    paused = told("add", "tdx weekdays 08:30 UTC").split()[4]
    told("pause", paused, "2999-01-01")
    text = told("export")
    one, two = tomllib.loads(text)["subscriptions"]
    assert set(one) == {"id", "platform", "room", "list", "filter", "when", "owner", "created", "aloud", "badge"}
    assert set(two) == {*one, "subsystem", "paused_until"} - {"list", "aloud", "badge"}
    (tmp_path / "kept.toml").write_text(text, encoding="utf-8")
    assert told("import", tmp_path / "kept.toml") == "0 subscriptions added, 2 there already\n"
    told("remove", "all")
    assert told("export") == ""
    assert told("import", tmp_path / "kept.toml") == "2 subscriptions added, 0 there already\n"
    assert told("export") == text
    for wrong, fault in (
        (text.replace("weekdays 08:30", "now"), "[[subscriptions]] 2 when: 'now UTC': this schedule says nothing"),
        (text.replace('"kvm"', '"kmv"'), "[[subscriptions]] 1 list: there is no list 'kmv'; name one of kvm"),
        (text.replace("s:", "x:"), "[[subscriptions]] 1 filter: 'x:': at column 1"),
        ("[[", "this is no TOML"),
    ):
        (tmp_path / "bad.toml").write_text(wrong, encoding="utf-8")
        assert fault in told("import", tmp_path / "bad.toml")
    assert told("export") == text
