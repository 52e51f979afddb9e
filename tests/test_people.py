"""The files of the config's [people], read."""

from pathlib import Path

import pytest

from chatbot.cli import main
from chatbot.errors import BadConfig
from chatbot.mail.person import Person
from chatbot.people import read_people
from tests.conftest import NOON, situation
from tests.test_config import GOOD

ANA = Person.parse("Ana <ana@old.example>")


def test_the_files_are_read_and_the_teams_bots_come_before_ours(tmp_path: Path) -> None:
    (tmp_path / "map").write_bytes(b"\xff <x@y.example>\r\nAna Brenner <ana@new.example> <ana@old.example>\r\n")
    (tmp_path / "orgs").write_text('[domains]\nFreehold = "old.example"\n', encoding="utf-8-sig")
    (tmp_path / "bots").write_text('[[bots]]\nbot = "x"\nkind = "human"\naddress = "lkp@intel.com"\n')
    people = read_people(mailmap=tmp_path / "map", organisations=tmp_path / "orgs", bots=tmp_path / "bots")
    assert people.mailmap.of(ANA).written == "Ana Brenner <ana@new.example>"
    assert people.organisation(ANA, NOON).name == "Freehold"
    assert people.bots.of(situation("bot-kernel-test-robot")) is None
    assert people.bots.of(situation("bot-syzbot"))


def test_without_files_there_are_our_own_rules_for_bots_alone() -> None:
    people = read_people()
    assert people.mailmap.of(ANA) is ANA
    assert people.organisation(ANA, NOON).name == "old.example"
    assert people.bots.of(situation("bot-kernel-test-robot"))


def test_the_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "orgs").write_text("foo = 1\nbar = 2\n")
    (tmp_path / "bots").write_bytes(b"x = '\xff'\n")
    with pytest.raises(BadConfig) as caught:
        read_people(organisations=tmp_path / "orgs", bots=tmp_path / "bots")
    *orgs, bots = caught.value.faults
    assert len(orgs) == 2
    assert all(fault.startswith(f"{tmp_path}/orgs: ") for fault in orgs)
    assert bots == f"{tmp_path}/bots: this is no UTF-8 at byte 5; save it as UTF-8"


def test_a_file_that_is_not_there_ends_the_bot_with_a_word_about_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD + '[people]\norganisations = "orgs.toml"\n')
    assert main(["run", "--config", str(path)]) == 2
    said = f"{path}: [people] organisations: there is no file {tmp_path}/orgs.toml; make it, or leave the key out"
    assert said in capfd.readouterr().err
