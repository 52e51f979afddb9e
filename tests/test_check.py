"""`chatbot check`: each thing with a tick, or with a remedy."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.oauth.installation_store import Bot

import chatbot.check
from chatbot import scan
from chatbot.chat.post import Post
from chatbot.check import check
from chatbot.errors import Closed, Unavailable
from chatbot.finding import Finding
from chatbot.store.database import open_database
from chatbot.store.delivery import Planned, Progress
from chatbot.store.installations import Installations, Keys
from chatbot.store.outbox import Outbox
from chatbot.store.subscriptions import Subscriptions
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.when import parse_when
from tests.chat.test_slack_workspaces import KEY, OTHER_KEY
from tests.conftest import NOON, compose
from tests.fakes.platform import Ledger
from tests.test_cli import chatbot as run

Make = Callable[..., Path]
CONFIG = """
[platforms.terminal]
[people]
mailmap = "mailmap"
bots = "bots.toml"
[maintainers]
file = "MAINTAINERS"
[templates]
folder = "ours"
[[lists]]
name = "kvm"
archive = "kvm"
url = "file://{folder}/published"
[[lists]]
name = "coco"
archive = "coco"
[[rooms]]
platform = "terminal"
room = "ops"
[[subscriptions]]
platform = "terminal"
room = "terminal"
list = "kvm"
[[subscriptions]]
platform = "terminal"
room = "terminal"
subsystem = "KVM X86"
"""


@pytest.fixture
def folder(tmp_path: Path, archive: Make, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a config by which all is well."""
    monkeypatch.setattr(scan, "COMPILED", True)
    for name in ("kvm", "coco", "published"):
        archive([compose("[PATCH] confidential", 1)], name=name)
    (tmp_path / "mailmap").write_text("Ana <ana@a.example> <a@b.example>\n")
    (tmp_path / "bots.toml").write_text("")
    (tmp_path / "MAINTAINERS").write_text("KVM X86\nF:\tarch/x86/kvm/\n\nKVM\nF:\tvirt/kvm/\nK:\t(a+)+\n")
    (tmp_path / "ours" / "terminal").mkdir(parents=True)
    (tmp_path / "config.toml").write_text(CONFIG.format(folder=tmp_path))
    open_database(store(tmp_path)).dispose()
    return tmp_path


def store(folder: Path) -> str:
    return f"sqlite:///{folder}/chatbot.sqlite3"


def found(folder: Path, *, online: bool = False, **platforms: Any) -> list[str]:
    findings = check(folder / "config.toml", NOON, online=online, platforms=platforms or None)
    return [f"{'✓' if one.well else '✗'} {one.what}: {one.said}" for one in findings]


def faults(folder: Path, **options: Any) -> list[str]:
    return [line for line in found(folder, **options) if line.startswith("✗")]


def test_where_all_is_well_each_thing_has_a_tick(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert found(folder) == [
        f"✓ config: {folder}/config.toml: 2 lists, 2 subscriptions",
        "✓ archive kvm: 1 epoch, the newest mail of 2025-11-03 12:00",
        "✓ archive coco: 1 epoch, the newest mail of 2025-11-03 12:00",
        "✓ people: mailmap, bots",
        "✓ subsystems: 2 known, 1 line left out",
        "✓ subscriptions: 2 of the config",
        f"✓ store: {folder}/chatbot.sqlite3: 0 posts to be sent",
        "✓ platforms: terminal",
        "✓ templates terminal: a digest of 88 lines in 1 post",
    ]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def rewrite(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def follow(folder: Path, platform: str = "terminal", topic: str = "kvm", *, subsystem: bool = False) -> None:
    engine = open_database(store(folder))
    one = Subscription("abcd", platform, "den", topic, subsystem, "", parse_when("hourly"), "mia", NOON)
    Subscriptions(engine).add([one], [[]], NOON)
    engine.dispose()


def plan(folder: Path, *, park: bool) -> None:
    engine = open_database(store(folder))
    outbox = Outbox(engine)
    post = Post("terminal", "confidential")
    outbox.plan("s", None, Progress(1, NOON), [Planned("feedbead" * 8, "terminal", "ops", post, "kvm")])
    if park:
        outbox.park(outbox.waiting(NOON)[0], "nobody is in")
    engine.dispose()


def age(folder: Path, version: str) -> None:
    with sqlite3.connect(folder / "chatbot.sqlite3") as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.close()


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "the config is gone": (lambda folder: (folder / "config.toml").unlink(), "config: {folder}/config.toml: No such file"),
    "two keys that are none": (
        lambda folder: rewrite(folder / "config.toml", "[platforms.terminal]\n", "[platforms.terminal]\nkolor = 1\n[log]\nlvl = 1\n"),
        "config: {folder}/config.toml: [log] lvl: there is no such key; did you mean 'level'?",
    ),
    "an archive that can be mirrored": (
        lambda folder: (folder / "kvm").rename(folder / "away"),
        "archive kvm: {folder}/kvm: there is no such folder; clone it with chatbot mirror kvm",
    ),
    "an archive that cannot": (
        lambda folder: (folder / "coco").rename(folder / "away"),
        "archive coco: {folder}/coco: there is no such folder; name the folder that holds git/0.git",
    ),
    "half an epoch": (
        lambda folder: (folder / "kvm" / "git" / "1.git").mkdir(),
        "archive kvm: {folder}/kvm: epoch 1 has no mail; fetch it again, or remove it",
    ),
    "a commit that is lost": (
        lambda folder: shutil.rmtree(folder / "kvm" / "git" / "0.git" / "objects"),
        "archive kvm: {folder}/kvm/git/0.git: ",
    ),
    "rules about people": (lambda folder: (folder / "bots.toml").write_text("x"), "people: {folder}/bots.toml"),
    "maintainers": (
        lambda folder: (folder / "MAINTAINERS").write_text("nobody"),
        "subsystems: [maintainers] file: {folder}/MAINTAINERS has no sections; name the kernel's MAINTAINERS",
    ),
    "a subsystem that is none": (
        lambda folder: rewrite(folder / "config.toml", "KVM X86", "KVM X87"),
        "subscriptions: [[subscriptions]] 2 subsystem: there is not one 'KVM X87'; ask `chatbot subsystems`",
    ),
    "a typed subscription of a list that is gone": (
        lambda folder: follow(folder, topic="arm"),
        "subscription abcd: arm: this list is in the config no more; subscribe to another",
    ),
    "a typed subscription of a platform that is gone": (
        lambda folder: follow(folder, platform="pigeons"),
        "subscription abcd: 'pigeons' is not set up; add [platforms.pigeons], or chatbot subscriptions remove abcd",
    ),
    "no store": (
        lambda folder: (folder / "chatbot.sqlite3").unlink(),
        "store: [store] url: there is no index {folder}/chatbot.sqlite3; make it with chatbot ingest",
    ),
    "an old store": (
        lambda folder: age(folder, "0003"),
        "store: [store] url: {folder}/chatbot.sqlite3 is of version 0003, and today's is ",
    ),
    "a store of tomorrow": (lambda folder: age(folder, "9999"), "store: [store] url: {folder}/chatbot.sqlite3 is of version 9999"),
    "a store that is none": (
        lambda folder: (folder / "chatbot.sqlite3").write_text("a poem"),
        "store: [store] url: cannot open {folder}/chatbot.sqlite3: file is not a database",
    ),
    "a room that is parked": (
        lambda folder: plan(folder, park=True),
        "room terminal/ops: it is parked: nobody is in; mend that, then chatbot outbox retry feedbeadfeed",
    ),
    "a template that does not compile": (
        lambda folder: (folder / "ours" / "terminal" / "help.j2").write_text("{% if %}"),
        "templates terminal: templates: terminal/help.j2 line 1",
    ),
    "a template that fails at a digest": (
        lambda folder: (folder / "ours" / "terminal" / "digest.j2").write_text("{{ digest.mails / 0 }}"),
        "templates terminal: templates: terminal/digest.j2: division by zero; mend it",
    ),
    "a template that names what is not there": (
        lambda folder: (folder / "ours" / "terminal" / "digest.j2").write_text("{{ digest.males }}"),
        "templates terminal: templates: terminal/digest.j2: ",
    ),
    "a template that says nothing": (
        lambda folder: (folder / "ours" / "terminal" / "digest.j2").write_text("{# #}\n"),
        "templates terminal: templates: terminal/digest.j2 says nothing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_is_said_with_its_remedy(folder: Path, damage: str) -> None:
    assert faults(folder) == []
    harm, expected = DAMAGES[damage]
    harm(folder)
    lines = faults(folder)
    assert any(line.startswith(f"✗ {expected.format(folder=folder)}") for line in lines), lines


def test_where_nothing_is_compiled_the_remedy_is_said_and_it_is_no_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "COMPILED", False)
    assert found(folder)[1].startswith(
        "✓ reader of mails: Python alone, which takes twice the time; to halve it, install"
    )
    assert faults(folder) == []


def test_one_fault_hides_no_other_and_none_is_said_twice(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    for damage in ("an archive that cannot", "rules about people", "maintainers", "no store", "a template that says nothing"):  # fmt: skip
        DAMAGES[damage][0](folder)
    assert [line.split(":")[0] for line in faults(folder)] == [
        "✗ archive coco",
        "✗ people",
        "✗ subsystems",
        "✗ store",
        "✗ templates terminal",
    ]
    assert not (folder / "chatbot.sqlite3").exists()
    assert before  # what is not there is not made


@dataclass
class Asked(Ledger):
    """A platform that can be asked; it is in no room but `den`."""

    trouble: Exception | None = None

    async def check(self, rooms: Sequence[str]) -> Iterable[Finding]:
        if self.trouble:
            raise self.trouble
        found = {room: Finding(f"room terminal/{room}", "we are not in it; invite us", well=False) for room in rooms}
        return [Finding("token terminal", "we are digest"), *(found | {"den": Finding("room den", "well")}).values()]


def test_online_the_platforms_tell_of_tokens_and_of_every_room(folder: Path) -> None:
    follow(folder)
    asked = Asked()
    lines = found(folder, online=True, terminal=asked)
    here = lines.index("✓ token terminal: we are digest")
    assert lines[here + 1 :] == [
        "✓ room den: well",
        "✗ room terminal/ops: we are not in it; invite us",
        "✗ room terminal/terminal: we are not in it; invite us",
        "✓ url kvm: an archive is published there",
    ]
    assert (asked.closed, asked.posts) == (True, [])
    assert not any("token" in line for line in found(folder, terminal=Asked()))


@pytest.mark.parametrize("trouble", [Unavailable("it is down"), Closed("it is down")])
def test_online_a_platform_that_is_down_and_a_url_that_leads_nowhere_have_remedies(
    folder: Path, trouble: Exception
) -> None:
    (folder / "published").rename(folder / "away")
    asked = Asked(trouble=trouble)
    lines = faults(folder, online=True, terminal=asked)
    assert lines[0] == "✗ platform terminal: it is down; see that it can be reached, and try again"
    assert lines[1].startswith(f"✗ url kvm: file://{folder}/published: no epoch of a public-inbox archive is at this")
    assert asked.closed


def test_online_what_a_platform_did_not_foresee_is_a_fault_and_says_no_token(folder: Path) -> None:
    lines = faults(folder, online=True, terminal=Asked(trouble=ValueError("xoxb-secret")))
    assert lines == ["✗ platform terminal: it failed by ValueError; tell those who write its adapter"]


def test_online_a_platform_that_does_not_answer_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chatbot.check, "PATIENCE", 0.0)

    class Silent(Asked):
        async def check(self, rooms: Sequence[str]) -> Iterable[Finding]:  # noqa: ARG002
            import asyncio

            await asyncio.sleep(60)
            return ()

    assert faults(folder, online=True, terminal=Silent())[0].startswith("✗ platform terminal: it has not answered")


@pytest.mark.parametrize(
    ("key", "well", "said"),
    [(KEY, True, "terminal, slack"), (OTHER_KEY, False, "another key"), ("short", False, "openssl rand -base64 32")],
)
def test_the_key_of_installations_is_tried(
    folder: Path, monkeypatch: pytest.MonkeyPatch, key: str, well: bool, said: str
) -> None:
    """With a workspace that has installed the bot."""
    install = (
        "[platforms.slack]\nmode = 'http'\n[platforms.slack.install]\nurl = 'https://a.example'\nclient_id = '1.2'\n"
    )
    rewrite(folder / "config.toml", "[platforms.terminal]", f"{install}[platforms.terminal]")
    for name, value in {"SIGNING_SECRET": "x", "CLIENT_SECRET": "y", "INSTALLATION_KEY": key}.items():
        monkeypatch.setenv(f"SLACK_{name}", value)
    engine = open_database(store(folder))
    bot = {"bot_token": "xoxb-1", "bot_id": "B0BOT", "bot_user_id": "U0BOT", "team_id": "T0ONE", "app_id": "A0APP"}
    Installations("1.2", engine, Keys(KEY)).save_bot(Bot(**bot, installed_at=0.0))  # type: ignore[arg-type]
    engine.dispose()
    (platforms,) = [one for one in check(folder / "config.toml", NOON, online=False) if one.what == "platforms"]
    assert (platforms.well, said in platforms.said) == (well, True)


def test_a_platform_that_cannot_be_asked_has_its_tick(folder: Path) -> None:
    assert "✓ platform terminal: there is nothing to ask it" in found(folder, online=True, terminal=Ledger())


def test_on_the_command_line(folder: Path) -> None:
    done = run("check", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[:2] == [
        "✓ config              config.toml: 2 lists, 2 subscriptions",
        "✓ archive kvm         1 epoch, the newest mail of 2025-11-03 12:00",
    ]
    DAMAGES["no store"][0](folder)
    done = run("check", "--config", folder / "config.toml", env={"FORCE_COLOR": "1"})
    assert (done.returncode, done.stderr) == (2, "")
    assert "\x1b[31m✗\x1b[0m store " in done.stdout
    done = run("check", "--json", "--online", cwd=folder)
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"], document["well"]) == (2, "chatbot.check/1", False)
    assert document["findings"][-2:] == [
        {"what": "token terminal", "said": "none is needed", "well": True},
        {"what": "url kvm", "said": "an archive is published there", "well": True},
    ]


def test_nothing_of_a_mail_is_told(folder: Path) -> None:
    plan(folder, park=True)
    done = run("check", cwd=folder)
    assert "parked" in done.stdout
    assert "confidential" not in done.stdout


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+psycopg//bot:geheim@host/db", "'…@host/db' is no database URL"),
        ("postgresql+psycopg://bot:geheim@127.0.0.1:1/db", "cannot open postgresql+psycopg://bot:***@127.0.0.1:1/db"),
    ],
)
def test_no_password_is_told(folder: Path, url: str, said: str) -> None:
    rewrite(folder / "config.toml", "[people]", f"[store]\nurl = '{url}'\n[people]")
    lines = faults(folder)
    assert [line for line in lines if line.startswith("✗ store") and said in line], lines
    assert "geheim" not in "".join(lines)
