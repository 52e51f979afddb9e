import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from chatbot.config import check_config, load_config
from chatbot.errors import BadConfig
from chatbot.settings import Config
from chatbot.translate import subscriptions_of, subsystems_of
from tests.conftest import NOON, TESTS

EXAMPLE = TESTS.parent / "config.example.toml"
GOOD = """
[platforms.terminal]
[[lists]]
name = "kvm"
archive = "lists/kvm"
[[rooms]]
platform = "terminal"
room = "terminal"
[[subscriptions]]
platform = "terminal"
room = "terminal"
list = "kvm"
when = "daily at 9:00"
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
        ('when = "daily at 9:00"', 'when = "now and then"', "[[subscriptions]] 1 when: 'now and then': this schedule says nothing"),
        ('room = "terminal"', 'quiet = "22 to 7"\nroom = "terminal"', "[[rooms]] 1 quiet: '22 to 7' is no part of the day; write 22:00-07:00"),
        ('room = "terminal"', 'holidays = ["2026-12-25"]\nroom = "terminal"', "[[rooms]] 1 holidays: ['2026-12-25'] is no list of days; write them without quotes"),
        ('room = "terminal"', 'managers = 7\nroom = "terminal"', "[[rooms]] 1 managers: 7 is no list of texts"),
        ("[[rooms]]", '[[rooms]]\nplatform = "terminal"\nroom = "terminal"\n[[rooms]]', "[[rooms]] 2 room: 'terminal' is there twice"),
        ('list = "kvm"', "", "[[subscriptions]] 1 list: it follows a list, a subsystem or a series; name one of them"),
        ('list = "kvm"', 'list = "kvm"\nsubsystem = "KVM"', "[[subscriptions]] 1 list: it follows a list, a subsystem or a series; name one of them"),
        ('list = "kvm"', 'series = "<m@x.example>"', "[[subscriptions]] 1 series: it is told as it happens, all of it; leave out filter, when, first and even_empty"),
        ('list = "kvm"', 'series = "m@x.example"', "[[subscriptions]] 1 series: 'm@x.example' has not the right form"),
        ("[platforms.terminal]", '[platforms.slack]\nbot_token_file = "xoxb-geheim"\n[platforms.terminal]', "[platforms.slack] bot_token_file: a token stands here; write it into a file, and name that"),
        ('when = "daily', 'zone = "Europe/Berlinn"\nwhen = "daily', "[[subscriptions]] 1 zone: there is no time zone 'Europe/Berlinn'"),
        ('when = "daily', 'zone = "../etc"\nwhen = "daily', "[[subscriptions]] 1 zone: there is no time zone '../etc'"),
        ('when = "daily', 'even_empty = "yes"\nwhen = "daily', "[[subscriptions]] 1 even_empty: 'yes' is of the wrong type; write true or false"),
        ('when = "daily', 'first = "yesterday"\nwhen = "daily', "[[subscriptions]] 1 first: 'yesterday': this is no span of time"),
        ('list = "kvm"', 'list = "kmv"', "[[subscriptions]] 1 list: there is no list 'kmv'; name one of kvm"),
        ('platform = "terminal"', 'platform = "irc"', "[[rooms]] 1 platform: 'irc' is not known; write one of 'terminal', 'slack' or 'matrix'"),
        ("[platforms.terminal]", '[platforms.terminal]\ncolor = "red"', "[platforms.terminal] color: 'red' is not known"),
        ("[platforms.terminal]", "[platforms.terminal]\n[platforms.irc]", "[platforms] irc: there is no such key"),
        ("[platforms.terminal]", '[platforms.slack]\nmode = "ftp"\n[platforms.terminal]', "[platforms.slack] mode: 'ftp' is not known"),
        ("[platforms.terminal]", '[platforms.slack]\nport = 0\n[platforms.terminal]', "[platforms.slack] port: 0 is too small; write 1 or more"),
        ("[platforms.terminal]", '[platforms.slack]\napp_token_file = "x"\n[platforms.terminal]', "[platforms.slack] app_token_file: there is no file"),
        ('[[rooms]]\n', '[platforms.slack]\n[[rooms]]\nplatform = "slack"\nroom = "#kernel"\n[[rooms]]\n', "[[rooms]] 1 room: '#kernel' is no id of a channel"),
        ("[platforms.terminal]", "[platforms.slack.install]\nurl = 'https://a.example'\nclient_id = '1.2'\n[platforms.terminal]", '[platforms.slack] mode: workspaces that install the app need mode = "http"; write that'),
        ("[platforms.terminal]", "[platforms.slack]\nmode = 'http'\n[platforms.slack.install]\nurl = 'http://a.example'\nclient_id = '1.2'\n[platforms.terminal]", "[platforms.slack.install] url: 'http://a.example' has not the right form"),
        ("[platforms.terminal]", "[platforms.slack]\nmode = 'http'\n[platforms.slack.install]\nurl = 'https://a.example'\nclient_id = '1.2'\nkey_file = 'x'\n[platforms.terminal]", "[platforms.slack.install] key_file: there is no file"),
        ("[platforms.terminal]", "[platforms.slack]\nmode = 'http'\nbot_token_file = 'config.toml'\n[platforms.slack.install]\nurl = 'https://a.example'\nclient_id = '1.2'\n[platforms.terminal]", "[platforms.slack] bot_token_file: each workspace has a token of its own; leave this out"),
        ("[[rooms]]\n", "[platforms.slack]\nmode = 'http'\n[platforms.slack.install]\nurl = 'https://a.example'\nclient_id = '1.2'\n[[rooms]]\nplatform = 'slack'\nroom = 'C0KERNEL'\n[[rooms]]\n", "[[rooms]] 1 room: 'C0KERNEL' is no id of a channel; write the workspace's id and the channel's, such as T0123ABCD/C0123ABCD"),
        ('[[rooms]]\n', '[platforms.matrix]\n[[rooms]]\nplatform = "matrix"\nroom = "kvm"\n[[rooms]]\n', "[[rooms]] 1 room: 'kvm' is no room of Matrix; write its id, such as !abc"),
        ('[[rooms]]\n', '[platforms.matrix]\n[[rooms]]\nplatform = "matrix"\nroom = "#kvm"\n[[rooms]]\n', "[[rooms]] 1 room: '#kvm' is no room of Matrix; write its id, such as !abc"),
        ('[[rooms]]\n', '[[rooms]]\nplatform = "terminal"\nroom = "#kvm"\n[[rooms]]\n', "[[rooms]] 1 room: '#kvm' looks like an alias of Matrix; leave out the #"),
        ("[platforms.terminal]", "[stoer]\n[platforms.terminal]", "stoer: there is no such key; did you mean 'store'?"),
        ("[platforms.terminal]", "store = 7\n[platforms.terminal]", "store: 7 is no table"),
        ("[platforms.terminal]", '[templates]\nfolder = "nowhere"\n[platforms.terminal]', "[templates] folder: there is no folder"),
        ("[platforms.terminal]", '[people]\nmailmap = "nowhere"\n[platforms.terminal]', "[people] mailmap: there is no file"),
        ("[platforms.terminal]", '[people]\nbots = 7\n[platforms.terminal]', "[people] bots: 7 is of the wrong type; write text in quotes"),
        ("[[rooms]]", '[[lists]]\nname = "kvm"\narchive = "x"\n[[rooms]]', "[[lists]] name: 'kvm' is there twice"),
        ("[platforms.terminal]", "[platforms.matrix]\nprefix = ''\n[platforms.terminal]", "[platforms.matrix] prefix: this is empty"),
        ("[platforms.terminal]", "[platforms.matrix]\nlevel = -1\n[platforms.terminal]", "[platforms.matrix] level: -1 is too small; write 0 or more"),
        ("[platforms.terminal]", "[platforms.matrix]\ndevice = ''\n[platforms.terminal]", "[platforms.matrix] device: this is empty; name a folder"),
        ("[platforms.terminal]", "[platforms.matrix]\ninviters = 7\n[platforms.terminal]", "[platforms.matrix] inviters: 7 is no list of texts"),
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


def test_a_platform_that_is_not_set_up_is_named_wherever_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(GOOD.replace("[platforms.terminal]", ""))
    with pytest.raises(BadConfig) as caught:
        load_config(tmp_path / "config.toml")
    fault = "platform: 'terminal' is not set up; add [platforms.terminal]"
    assert caught.value.faults == tuple(
        f"{tmp_path}/config.toml: [[{table}]] 1 {fault}" for table in ("rooms", "subscriptions")
    )


def test_subscriptions_of_the_config_are_read_and_checked_once_the_subsystems_are_known(tmp_path: Path) -> None:
    settings = tomllib.loads(GOOD)
    again = {**settings["subscriptions"][0], "when": "hourly"}
    other = {"platform": "terminal", "room": "terminal", "subsystem": "tdx", "filter": "s:x -is:bot", "zone": "UTC"}
    settings["subsystems"] = [{"title": "TDX Connect", "files": "a/"}]
    settings["subscriptions"].append(other)
    config = check_config(settings, tmp_path)
    one, two = subscriptions_of(config, lambda: subsystems_of(config, print), NOON)
    assert (one.key, one.asked, one.owner) == ("terminal/terminal/kvm", "kvm daily at 9:00", "config")
    assert two.asked == '"TDX Connect" s:x AND NOT is:bot daily at 09:00 UTC'
    assert (len(one.id), len(two.id)) == (5, 5)
    settings["subscriptions"] += [again, {**other, "subsystem": "sev", "filter": "x:y"}]
    config = check_config(settings, tmp_path)
    with pytest.raises(BadConfig) as caught:
        subscriptions_of(config, lambda: subsystems_of(config, print), NOON)
    assert [fault.split(";")[0] for fault in caught.value.faults] == [
        "[[subscriptions]] 3: this room follows 'kvm' so already",
        "[[subscriptions]] 4 subsystem: there is not one 'sev'",
        "[[subscriptions]] 4 filter: 'x:': at column 1, there is no such prefix",
    ]


def test_the_folder_of_the_matrix_device_is_relative_to_the_file(tmp_path: Path) -> None:
    settings = tomllib.loads(GOOD) | {"platforms": {"matrix": {}, "terminal": {}}}
    matrix = check_config(settings, tmp_path).platforms.matrix
    assert matrix
    assert matrix.device == tmp_path / "matrix"


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
