import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from chatbot.config import Config, check_config, load_config
from chatbot.errors import BadConfig
from tests.conftest import TESTS

EXAMPLE = TESTS.parent / "config.example.toml"
GOOD = """
[platforms.terminal]
[[lists]]
name = "kvm"
archive = "lists/kvm"
[[rooms]]
platform = "terminal"
room = "terminal"
[[rooms.digests]]
list = "kvm"
schedule = "daily at 9:00"
"""


def keys(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        yield name
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from keys(inner)


def test_the_example_loads_and_names_every_setting() -> None:
    config = load_config(EXAMPLE)
    assert [one.name for one in config.lists] == ["kvm", "linux-coco"]
    text = EXAMPLE.read_text()
    assert set(keys(Config)) >= {"even_empty", "refresh", "color", "folder"}
    missing = [
        key for key in keys(Config) if f"{key} = " not in text and f"[{key}" not in text and f".{key}]" not in text
    ]
    assert missing == []


def test_what_the_example_calls_a_default_is_one() -> None:
    config = load_config(EXAMPLE)
    least = check_config({"lists": [{"name": "a", "archive": "a"}], "platforms": {"terminal": {}}}, EXAMPLE.parent)
    for table in ("store", "sources", "templates", "people", "log", "platforms"):
        assert getattr(config, table) == getattr(least, table)
    assert least.lists[0].link == "https://lore.kernel.org/all/"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    files = {"mailmap": ".mailmap", "organisations": "organisations.toml", "bots": "bots.toml"}
    named = "".join(f'{key} = "people/{name}"\n' for key, name in files.items())
    (tmp_path / "people").mkdir()
    for name in files.values():
        (tmp_path / "people" / name).touch()
    (tmp_path / "config.toml").write_text(f'{GOOD}[store]\nurl = "sqlite:///x.sqlite3"\n[people]\n{named}')
    config = load_config(tmp_path / "config.toml")
    assert config.lists[0].archive == tmp_path / "lists/kvm"
    assert config.store.url == f"sqlite:///{tmp_path}/x.sqlite3"
    assert dict(config.people) == {key: tmp_path / "people" / name for key, name in files.items()}


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('name = "kvm"\n', 'nmae = "kvm"\nname = "kvm"\n', "[[lists]] 1 nmae: there is no such key; did you mean 'name'?"),
        ('name = "kvm"\n', "", "[[lists]] 1 name: this key is missing"),
        ('name = "kvm"', "name = 7", "[[lists]] 1 name: 7 is of the wrong type; write text in quotes"),
        ('name = "kvm"', 'name = "../kvm"', "[[lists]] 1 name: '../kvm' has not the right form"),
        ('name = "kvm"', 'name = "kvm"\nlink = "javascript:x"', "[[lists]] 1 link: 'javascript:x' has not the right form"),
        ('schedule = "daily at 9:00"', 'schedule = "now and then"', "[[rooms]] 1 [[rooms.digests]] 1 schedule: 'now and then': this schedule says nothing"),
        ('schedule = "daily at 9:00"', "", "[[rooms]] 1 [[rooms.digests]] 1 schedule: this key is missing"),
        ('schedule = "daily', 'zone = "Europe/Berlinn"\nschedule = "daily', "[[rooms]] 1 [[rooms.digests]] 1 zone: there is no time zone 'Europe/Berlinn'"),
        ('schedule = "daily', 'zone = "../etc"\nschedule = "daily', "[[rooms]] 1 [[rooms.digests]] 1 zone: there is no time zone '../etc'"),
        ('schedule = "daily', 'even_empty = "yes"\nschedule = "daily', "[[rooms]] 1 [[rooms.digests]] 1 even_empty: 'yes' is of the wrong type; write true or false"),
        ('schedule = "daily', 'first = "yesterday"\nschedule = "daily', "[[rooms]] 1 [[rooms.digests]] 1 first: 'yesterday': this is no span of time"),
        ('list = "kvm"', 'list = "kmv"', "[[rooms]] 1 [[rooms.digests]] list: there is no list 'kmv'; name one of kvm"),
        ('platform = "terminal"', 'platform = "irc"', "[[rooms]] 1 platform: 'irc' is not known; write one of 'terminal'"),
        ("[platforms.terminal]", "", "[[rooms]] 1 platform: 'terminal' is not set up; add [platforms.terminal]"),
        ("[platforms.terminal]", '[platforms.terminal]\ncolor = "red"', "[platforms.terminal] color: 'red' is not known"),
        ("[platforms.terminal]", "[platforms.terminal]\n[platforms.irc]", "[platforms] irc: there is no such key"),
        ("[platforms.terminal]", "[stoer]\n[platforms.terminal]", "stoer: there is no such key; did you mean 'store'?"),
        ("[platforms.terminal]", "store = 7\n[platforms.terminal]", "store: 7 is no table"),
        ("[platforms.terminal]", '[templates]\nfolder = "nowhere"\n[platforms.terminal]', "[templates] folder: there is no folder"),
        ("[platforms.terminal]", '[people]\nmailmap = "nowhere"\n[platforms.terminal]', "[people] mailmap: there is no file"),
        ("[platforms.terminal]", '[people]\nbots = 7\n[platforms.terminal]', "[people] bots: 7 is of the wrong type; write text in quotes"),
        ("[[rooms]]", '[[lists]]\nname = "kvm"\narchive = "x"\n[[rooms]]', "[[lists]] name: 'kvm' is there twice"),
        ("[[rooms.digests]]", '[[rooms.digests]]\nlist = "kvm"\nschedule = "hourly"\n[[rooms.digests]]', "this room has 'kvm' already"),
        ("[[lists]]", "[[lists]", "this is no TOML"),
        ("[[lists]]", "[lists]", "lists: this is no list of tables; write its name in double brackets"),
        ('archive = "lists/kvm"', 'archive = ""', "[[lists]] 1 archive: this is empty"),
    ],
)  # fmt: skip
def test_every_fault_has_one_line_with_table_and_key(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in GOOD
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(BadConfig) as caught:
        load_config(path)
    (found,) = caught.value.faults
    assert found.startswith(f"{path}: ")
    assert fault in found
    assert "\n" not in found


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(GOOD.replace('name = "kvm"', "nmae = 7").replace("daily at 9:00", "never"))
    with pytest.raises(BadConfig) as caught:
        load_config(path)
    assert len(caught.value.faults) == 3


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD, encoding="utf-8-sig")
    assert load_config(tmp_path / "config.toml").lists[0].name == "kvm"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"No such file.*copy config.example.toml"):
        load_config(tmp_path / "nowhere.toml")


def test_a_bot_without_lists_or_platforms_is_no_bot() -> None:
    assert tomllib.loads(GOOD)["lists"]
    for settings, fault in (
        ({"platforms": {"terminal": {}}}, "no list is set up"),
        ({"lists": [{"name": "a", "archive": "a"}]}, "no platform"),
    ):
        with pytest.raises(BadConfig, match=fault):
            check_config(settings, Path())
