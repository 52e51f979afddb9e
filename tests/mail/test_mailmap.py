"""One human behind several addresses: git says how a .mailmap is read."""

import os
import random
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.mailmap import Mailmap
from chatbot.mail.person import Person

# The four forms of gitmailmap(5), and the shapes that the kernel's own file has.
KERNEL = """\
#
# This list is used by git-shortlog to fix a few botched name translations
#
Aaron Durbin <adurbin@google.com>
Adriana Reus <adi.reus@gmail.com> <adriana.reus@intel.com>
<javier@osg.samsung.com> <javier.martinez@collabora.co.uk>
Matt Ranostay <mranostay@gmail.com> Matthew Ranostay <mranostay@embeddedalley.com>
Björn Töpel <bjorn@kernel.org> <bjorn.topel@intel.com>
Greg Kroah-Hartman <greg@echidna.(none)>
Dmitry Baryshkov <dbaryshkov@gmail.com> <[dbaryshkov@gmail.com]>
Juha Yrjola <at solidboot.com>
"""


def person(written: str) -> Person:
    return Person.parse(written)


@pytest.mark.parametrize(
    ("written", "name", "address"),
    [
        ("adurbin <adurbin@google.com>", "Aaron Durbin", "adurbin@google.com"),
        ("Adriana <adriana.reus@intel.com>", "Adriana Reus", "adi.reus@gmail.com"),
        ("Javier M <javier.martinez@collabora.co.uk>", "Javier M", "javier@osg.samsung.com"),
        ("MATTHEW RANOSTAY <mranostay@Embeddedalley.com>", "Matt Ranostay", "mranostay@gmail.com"),
        ("Matt <mranostay@embeddedalley.com>", "Matt", "mranostay@embeddedalley.com"),
        ("Björn <BJORN.TOPEL@INTEL.COM>", "Björn Töpel", "bjorn@kernel.org"),
        ("bjorn.topel@intel.com", "Björn Töpel", "bjorn@kernel.org"),
        ("Greg KH <greg@echidna.(none)>", "Greg Kroah-Hartman", "greg@echidna.(none)"),
        ("Aaron Durbin <aaron@other.example>", "Aaron Durbin", "aaron@other.example"),
        ("Nobody at all", "Nobody at all", ""),
    ],
)
def test_the_kernels_own_file_works(written: str, name: str, address: str) -> None:
    found = Mailmap.parse(KERNEL).of(person(written))
    assert (found.name, found.address) == (name, address)


def test_two_humans_of_one_name_stay_two() -> None:
    """Not even a file that says nothing but the name brings them together."""
    mailmap = Mailmap.parse("Wei Wang <wei@a.example>\nWei Wang\nWei Wang <>\nWei <wei@c.example> <>\n")
    assert mailmap.of(person("Wei Wang")) == person("Wei Wang")
    one, other = (mailmap.of(person(f"Wei Wang <wei@{house}.example>")) for house in "ab")
    assert one.identity != other.identity


def test_one_human_has_one_identity_however_the_address_is_spelled() -> None:
    mailmap = Mailmap.parse("Ana Brenner <ana@a.example> <Ana@old.example>\n")
    written = ("Ana <ANA@OLD.example>", "ana <ana@old.example>", "Brenner, Ana <ana@A.example>")
    assert {mailmap.of(person(one)).identity for one in written} == {"ana@a.example"}


def test_who_has_no_address_is_told_by_all_that_was_written() -> None:
    assert person("Wei Wang").identity != person("Wei Wang via A <list@a.example>").identity != ""


def test_without_a_mailmap_everybody_is_who_they_say_they_are() -> None:
    ana = person('"Brenner, Ana" <ana@a.example>')
    assert Mailmap().of(ana) is Mailmap.parse(KERNEL).of(ana) is ana
    assert Mailmap.parse("Brenner, Ana <ana@a.example>").of(ana) is ana  # nor does one who is right already change
    assert (len(Mailmap()), len(Mailmap.parse(KERNEL))) == (0, 8)


_NAMES = ["Ana", "ANA", "Bo B", "bÖ", "BÖ", "", "  ", "Bo  B", "#x", "a\tb", "x\vy\v"]
_ADDRESSES = ["a@x", "A@X", "b@x", "", "b@x ", "ö@x", "Ö@x", "c", "a b@x"]
_SHAPES = ["{} <{}>", "{}<{}>", "{}\t<{}>", "{} <{}", "{} {}>", "{} {}", "{} <<{}>", "{} <{}>>"]
_CHANCES = [9, 9, 3, 1, 1, 1, 1, 1]


def _line(chance: random.Random) -> str:
    def half() -> str:
        return chance.choices(_SHAPES, _CHANCES)[0].format(chance.choice(_NAMES), chance.choice(_ADDRESSES))

    if chance.random() < 0.1:
        return chance.choice(["Ana <a@x>", "<c@new> <a@x>", "Bo B <b@x>\0 <a@x>", "Zoe <z@new> Ana <a@x>"])
    halves = [half() for _ in range(chance.randint(1, 2))]
    first = chance.choices(["", " ", "#", "\r"], [17, 1, 1, 1])[0]
    return first + " ".join(halves) + chance.choice(["", "", "", "\r", " # said why", " x <y@z>"])


def test_git_reads_the_same_in_every_line(tmp_path: Path) -> None:
    """Lines of all forms, whole and damaged, against `git check-mailmap`."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    asked = [
        (name, address) for name in ("Ana", "Bo B", "bÖ", "bö", "Zoe") for address in ("a@X", "b@x", "Ö@x", "c", "d")
    ]
    contacts = "".join(f"{name} <{address}>\n" for name, address in asked)
    chance = random.Random(20251103)
    changed = 0
    for _ in range(120):
        text = "\n".join(_line(chance) for _ in range(chance.randint(1, 9)))
        (tmp_path / ".mailmap").write_text(text, encoding="utf-8", newline="")
        done = subprocess.run(
            ["git", "check-mailmap", "--stdin"], cwd=tmp_path, env={**os.environ, "LC_ALL": "C.UTF-8"}, input=contacts,
            capture_output=True, text=True, encoding="utf-8", check=True,
        )  # fmt: skip
        mailmap = Mailmap.parse(text)
        found = [mailmap.of(Person(f"{name} <{address}>", name, address)) for name, address in asked]
        assert [f"{one.name} <{one.address}>" for one in found] == done.stdout.removesuffix("\n").split("\n"), text
        changed += sum((one.name, one.address) != pair for one, pair in zip(found, asked, strict=True))
    assert changed > 500  # else the lines say too little to test anything


@given(st.text(alphabet='ab "\\<>@,;()=?', max_size=20))
def test_a_person_who_is_written_as_a_field_is_read_back(name: str) -> None:
    name = " ".join(name.split()).strip(",; ").strip('"').strip()
    if "=?" in name:
        return  # an encoded word, and not a name
    made = Person.named(name, "a@b.example")
    again = person(made.written)
    assert (again.name, again.address) == (made.name, made.address) == (name, "a@b.example")
