"""Questions to the index on the command line, for persons and for programs."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from chatbot.store.database import writable_database
from tests.conftest import TESTS, situation_mails
from tests.test_cli import chatbot

Make = Callable[..., Path]


@pytest.fixture
def store(tmp_path: Path, archive: Make) -> str:
    """An index with two versions of a series, and what was said about them."""
    folder = archive(situation_mails("lineage-change-id"), name="kvm")
    url = f"sqlite:///{tmp_path}/index.sqlite3"
    assert chatbot("ingest", "--archive", folder, "--name", "kvm", "--store", url).returncode == 0
    return url


def test_a_series_is_shown_with_its_versions(store: str) -> None:
    shown = chatbot("series", "filter", "--store", store)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "\nVersions\n  v1  " in shown.stdout
    assert "20251101-filter-talk-4f5e6d7c8b9a" in shown.stdout


def test_programs_get_the_lineage_as_json(store: str) -> None:
    found = json.loads(chatbot("series", "filter", "--store", store, "--json").stdout)
    first, second = found["lineage"]
    assert (first["version"], second["version"]) == ("v1", "v2")
    assert (first["evidence"], second["evidence"]) == (
        None,
        {"kind": "change_id", "detail": "20251101-filter-talk-4f5e6d7c8b9a"},
    )
    assert found["message_id"] == second["message_id"]
    assert second["present"] == list(range(1, second["parts"] + 1)) == [one["part"] for one in second["patches"]]
    assert (found["state"], found["waiting"]) == ("stale", None)
    assert found["possibly"] == []
    assert "`chatbot.series/1`" in (TESTS.parent / "docs" / "json.md").read_text()
    missing = {key for key in (*found, *first, *first["patches"][0]) if f"`{key}`" not in _documented()}
    assert missing == set()


def test_programs_get_what_somebody_did_as_json(store: str) -> None:
    series = json.loads(chatbot("series", "filter", "--store", store, "--json").stdout)
    address = series["lineage"][0]["author"]["address"]
    found = json.loads(chatbot("contributor", address, "--store", store, "--json").stdout)
    assert (found["address"], found["lists"]) == (address, ["kvm"])
    assert found["patches"] == sum(len(one["patches"]) for one in series["lineage"])
    assert {key for key in (*found, *found["lately"]) if f"`{key}`" not in _documented()} == set()


def test_what_is_not_found_is_said_and_ends_with_1(store: str) -> None:
    for json_too in ((), ("--json",)):
        shown = chatbot("series", "nothing", "like", "it", "--store", store, *json_too)
        assert (shown.returncode, shown.stdout) == (1, "")
        assert "No series matches nothing like it." in shown.stderr


def test_an_index_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    shown = chatbot("contributor", "ana", "--store", f"sqlite:///{tmp_path}/none.sqlite3")
    assert shown.returncode == 2
    assert f"there is no index {tmp_path}/none.sqlite3; make it with chatbot ingest" in shown.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:///{}/empty.sqlite3", "there is no index {}/empty.sqlite3; make it with chatbot ingest"),
        ("sqlite:///{}/bare.sqlite3", "there is no index {}/bare.sqlite3; make it with chatbot ingest"),
        ("sqlite://", "sqlite:// names no file; write sqlite:///chatbot.sqlite3"),
        ("sqlite:///:memory:", "sqlite:///:memory: names no file; write sqlite:///chatbot.sqlite3"),
        ("", "'' is no database URL; write sqlite:///chatbot.sqlite3"),
    ],
)
def test_what_is_no_index_does_not_become_one(tmp_path: Path, url: str, reason: str) -> None:
    (tmp_path / "empty.sqlite3").touch()
    with closing(sqlite3.connect(tmp_path / "bare.sqlite3")) as bare:
        bare.execute("PRAGMA user_version = 7")
    shown = chatbot("series", "x", "--store", url.format(tmp_path), cwd=tmp_path)
    assert (shown.returncode, shown.stdout) == (2, "")
    assert shown.stderr == f"chatbot: [store] url: {reason.format(tmp_path)}\n"
    assert (tmp_path / "empty.sqlite3").stat().st_size == 0


def test_programs_get_all_patches_and_the_open_questions(tmp_path: Path, archive: Make) -> None:
    folder = archive(situation_mails("questions-before-a-new-version"), name="kvm")
    url = f"sqlite:///{tmp_path}/index.sqlite3"
    assert chatbot("ingest", "--archive", folder, "--name", "kvm", "--store", url).returncode == 0
    found = json.loads(chatbot("series", "filter", "v1", "--store", url, "--json").stdout)
    early, late = found["questions"]
    name = "questions-before-a-new-version.example"
    assert early == {
        "sentence": "Why say it at all?",
        "asked_by": {"name": "Bo Lindqvist", "address": "bo@kernelworks.example"},
        "received": "2025-11-03T10:01:00+00:00",
        "on": f"a0@{name}",
        "message_id": f"early@{name}",
        "link": f"https://lore.kernel.org/all/early@{name}/",
        "followed_by": f"b0@{name}",
    }
    assert (late["sentence"], late["followed_by"]) == ("Was this ever counted?", None)
    assert [one["compared_with"] for one in found["lineage"]] == [None, f"a0@{name}"]
    assert {key for key in (*early, *found["lineage"][0]) if f"`{key}`" not in _documented()} == set()


def test_a_config_names_the_index_and_who_is_who(store: str, tmp_path: Path) -> None:
    (tmp_path / "orgs.toml").write_text('[domains]\nFreehold = "northgate.example"\n')
    (tmp_path / "config.toml").write_text(
        f'[store]\nurl = "{store}"\n[platforms.terminal]\n[people]\norganisations = "orgs.toml"\n'
        '[[lists]]\nname = "kvm"\narchive = "kvm"\nlink = "https://lists.example/kvm/"\n'
    )
    asked = chatbot("series", "filter", cwd=tmp_path)
    assert asked.stderr == ""
    shown = asked.stdout
    assert " · Freehold · " in shown
    assert "  https://lists.example/kvm/" in shown


def test_a_maintainer_corrects_a_lineage_while_the_bot_runs(store: str) -> None:
    shown = json.loads(chatbot("series", "filter", "--store", store, "--json").stdout)
    first, second = (one["message_id"] for one in shown["lineage"])
    with writable_database(store):  # as the bot holds it
        parted = chatbot("series", "unlink", second, "--store", store, env={**os.environ, "LOGNAME": "mia"})
        assert (parted.returncode, parted.stderr) == (0, "")
        assert parted.stdout.startswith("Parted for everyone: v2 of ")
        assert f"To take it back: /series link {second} {first}\n" in parted.stdout
    assert len(json.loads(chatbot("series", "filter", "--store", store, "--json").stdout)["lineage"]) == 1
    listed = chatbot("series", "corrections", "--store", store)
    assert "  mia  v2 of " in listed.stdout
    found = json.loads(chatbot("series", "corrections", "--store", store, "--json").stdout)
    (said,) = found["corrections"]
    assert (said["by"], said["together"], said["holds"]) == ("mia", False, True)
    assert [one["message_id"] for one in said["postings"]] == [second, first]
    assert {key for key in (*found, *said) if f"`{key}`" not in _documented()} == set()
    joined = chatbot("series", "link", first, second, "--store", store, "--json")
    assert [one["version"] for one in json.loads(joined.stdout)["lineage"]] == ["v1", "v2"]
    refused = chatbot("series", "link", first, "nobody@x.example", "--store", store)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nobody@x.example: I know no series with this mail" in refused.stderr


def _documented() -> str:
    return (TESTS.parent / "docs" / "json.md").read_text()
