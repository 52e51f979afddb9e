"""/subsystems, as people type it and as programs ask for it."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from chatbot.commands.subsystems import OTHERS, subsystem_named
from chatbot.config import check_config
from chatbot.errors import BadConfig, Misunderstood
from chatbot.mail.person import Person
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from chatbot.translate import subsystems_of
from tests.conftest import TESTS, answered, context_of
from tests.subscriptions.test_maintainers import SECTIONS
from tests.test_cli import chatbot

FILE = TESTS / "subscriptions" / "MAINTAINERS"
KERNEL = Subsystems(SECTIONS)


def ask(engine: Engine, text: str, subsystems: Subsystems = KERNEL) -> str:
    context = context_of(engine, subsystems=subsystems)
    return answered(text, context)


def test_the_likeliest_is_shown_and_others_are_listed(sqlite: Engine) -> None:
    assert ask(sqlite, "/subsystems kvm") == (
        "KERNEL VIRTUAL MACHINE (KVM)\n"
        "  Supported\n"
        "  maintainer  Paul Bon <paul@a.example>\n"
        "  list        kvm@lists.example (many share it: what changes no file is not told by it)\n"
        "  files       include/*/kvm_*\n"
        "              virt/kvm/\n"
        "\n"
        "Also matching\n"
        "  KVM X86 HYPER-V  Vera K\n"
        "  KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)  Sean C\n"
        "  KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)  Marc Z\n"
        "  LETTERS\n"
        "  NET DRIVERS OF ALL ARCHITECTURES\n"
        "  A VERY LONG TITLE THAT GOES ON AND IS CONTINUED HERE\n"
    )


def test_all_that_a_section_says_is_shown(sqlite: Engine) -> None:
    assert ask(sqlite, "/subsystems drivers/bus/core.c") == (
        "EXAMPLE BUS\n"
        "  Supported\n"
        "  maintainer  Ana Brenner <ana@a.example>\n"
        '              "Okafor, Grace" <grace@b.example>\n'
        "  reviewer    bo@c.example\n"
        "  list        example@lists.example\n"
        "  files       Documentation/bus\n"
        "              drivers/bus/\n"
        "              include/linux/bus.h\n"
        "              include/linux/bus?_*.h\n"
        "  without     drivers/bus/old/\n"
        "              drivers/bus/*.md\n"
    )
    assert "  names       [^a-z]tegra\n" in ask(sqlite, "/subsystems tegra")


def test_many_come_in_pages(sqlite: Engine) -> None:
    many = Subsystems(Subsystem(f"BUS {number:02}", files=tuple("abcdefghijklmn")) for number in range(OTHERS + 4))
    first, second = ask(sqlite, "/subsystems bus", many), ask(sqlite, "/subsystems bus page 2", many)
    assert first.endswith("  BUS 20\n  +3 more: /subsystems bus page 2\n")
    assert "              +2 more\n" in first
    assert second == "bus · subsystems, page 2\n\nAlso matching\n  BUS 21\n  BUS 22\n  BUS 23\n"
    assert "page 3: of 'bus' there are 2 pages; name one of 1 to 2" in ask(sqlite, "/subsystems bus page 3", many)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/subsystems", "/subsystems: it needs words to look for; type /subsystems WORDS"),
        ("/subsystems tegar", "No subsystem matches tegar.\nClosest: TEGRA"),
        ("/subsystems " + "zq" * 3000, "No subsystem matches zqzq"),
    ],
)
def test_what_finds_nothing_is_answered_with_what_is_close(sqlite: Engine, text: str, said: str) -> None:
    assert ask(sqlite, text).startswith(said)


def test_without_subsystems_the_remedy_is_named(sqlite: Engine) -> None:
    assert ask(sqlite, "/subsystems kvm", Subsystems()) == (
        "/subsystems: I know no subsystems; name the kernel's MAINTAINERS in the config, [maintainers] file, or add"
        " [[subsystems]].\n"
    )


def test_a_name_that_is_meant_for_several_or_none_is_refused_with_those_it_may_mean() -> None:
    assert subsystem_named("kvm x86", KERNEL).title == "KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)"
    for text, said in (
        ("kernel virt", r"several subsystems have these words; name one, such as KERNEL VIRTUAL MACHINE \(KVM\) or"),
        ("tegar", "there is no such subsystem; name one, such as TEGRA"),
        ("zq", "there is no such subsystem; look for it with /subsystems"),
    ):
        with pytest.raises(Misunderstood, match=said):
            subsystem_named(text, KERNEL)


def settings(**more: object) -> dict[str, object]:
    return {"lists": [{"name": "a", "archive": "a"}], "platforms": {"terminal": {}}, **more}


def test_the_teams_own_come_first_and_stand_in_for_the_files(tmp_path: Path) -> None:
    own = [{"title": "tegra", "files": "drivers/own/", "maintainers": ["Mia <mia@a.example>"]}]
    config = check_config(settings(subsystems=own, maintainers={"file": str(FILE)}), tmp_path)
    told: list[str] = []
    found = subsystems_of(config, told.append)
    assert [one.title for one in found][:2] == ["tegra", "EXAMPLE BUS"]
    assert sum(one.title.casefold() == "tegra" for one in found) == 1
    assert next(iter(found)).maintainers == (Person.parse("Mia <mia@a.example>"),)
    assert f"{FILE}:86: N: '(?<name' is no regular expression" in told[3]


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"subsystems": [{"title": "A", "names": ["(a+)+"]}]}, r"^\[\[subsystems\]\] 1 names: .* repeats what repeats"),
        ({"subsystems": [{"title": "A", "files": ["/a"]}]}, r"\[\[subsystems\]\] 1 files: '/a' begins with a slash"),
        ({"subsystems": [{"title": "A", "lists": ["kvm"]}]}, r"1 lists: 'kvm' has no address"),
        (
            {"subsystems": [{"title": "A", "lists": ["a@b"], "maintainers": ["Ana"]}]},
            r"1 maintainers: 'Ana' has no address",
        ),
        ({"subsystems": [{"title": "A", "files": [7]}]}, r"\[\[subsystems\]\] 1 files: \[7\] is no list of texts"),
        ({"subsystems": [{"title": "A"}]}, r"1 files: this key is missing, and so are names, contents and lists"),
        (
            {"subsystems": [{"title": "A", "lists": "x@y"}, {"title": "a", "lists": "x@y"}]},
            r"2 title: 'a' is there twice",
        ),
        ({"maintainers": {"file": "none"}}, r"\[maintainers\] file: there is no file .*none; name the kernel's"),
        ({"maintainers": {"file": "empty"}}, r"\[maintainers\] file: .*empty has no sections"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(tmp_path: Path, more: dict[str, object], fault: str) -> None:
    (tmp_path / "empty").write_text("nothing\n")
    with pytest.raises(BadConfig, match=fault):
        subsystems_of(check_config(settings(**more), tmp_path), lambda _: None)


def test_blanks_in_the_teams_own_expressions_are_meant(tmp_path: Path) -> None:
    own = [{"title": "A", "contents": ["TDX Connect", "# CONFIG_[ #]X"]}]
    found = subsystems_of(check_config(settings(subsystems=own), tmp_path), lambda _: None)
    assert [found.of([], [text]) != () for text in ("about TDX Connect", "TDXConnect", "# CONFIG_#X", "all else")] == [
        True,
        False,
        True,
        False,
    ]


def test_programs_get_them_as_json(tmp_path: Path) -> None:
    lists = '[platforms.terminal]\n[[lists]]\nname = "kvm"\narchive = "kvm"\n'
    (tmp_path / "config.toml").write_text(f'[maintainers]\nfile = "{FILE}"\n{lists}')
    shown = chatbot("subsystems", "kvm", "x86", "--json", cwd=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")  # what is wrong with the file is told where the bot runs
    found = json.loads(shown.stdout)
    best = found["subsystems"][0]
    assert best["title"] == "KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)"
    assert best["maintainers"] == [{"name": "Sean C", "address": "sean@a.example"}]
    documented = (TESTS.parent / "docs" / "json.md").read_text()
    assert {key for key in (*found, *best) if f"`{key}`" not in documented} == set()
    assert chatbot("subsystems", "nothing", cwd=tmp_path).returncode == 1
    (tmp_path / "config.toml").write_text(lists)
    none = chatbot("subsystems", "kvm", cwd=tmp_path)
    assert (none.returncode, none.stdout) == (2, "")
    assert none.stderr.startswith("chatbot: /subsystems: I know no subsystems; name the kernel's MAINTAINERS")
