"""A file of the kernel's format, with each of its oddities."""

from chatbot.subscriptions.maintainers import read_maintainers
from tests.conftest import TESTS

DATA = (TESTS / "subscriptions" / "MAINTAINERS").read_bytes()
SECTIONS, LEFT_OUT = read_maintainers(DATA)


def test_sections_are_read_and_the_prose_before_them_is_not() -> None:
    assert [one.title for one in SECTIONS] == [
        "EXAMPLE BUS",
        "KERNEL VIRTUAL MACHINE (KVM)",
        "KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)",
        "KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)",
        "KVM X86 HYPER-V",
        "A VERY LONG TITLE THAT GOES ON AND IS CONTINUED HERE",
        "NET DRIVERS OF ALL ARCHITECTURES",
        "TEGRA",
        "CLANG",
        "DAMAGED",
        "LETTERS",
        "THE REST",
    ]
    old = b"Maintainers List\n\nNote: read it.\n\nP: Person\nM: Mail patches to\n\n\tOrphan:\tNobody.\n\nACPI\nM:\tlen@a.example\n"
    assert [one.title for one in read_maintainers(old)[0]] == ["ACPI"]
    assert read_maintainers(b"\xff\x00 no such file\n\nF:\tdrivers/\n") == ((), ())


def test_a_section_says_who_where_and_what() -> None:
    bus = SECTIONS[0]
    assert [(one.name, one.address) for one in bus.maintainers] == [
        ("Ana Brenner", "ana@a.example"),
        ("Okafor, Grace", "grace@b.example"),
    ]
    assert [(one.name, one.address) for one in bus.reviewers] == [("", "bo@c.example")]
    assert (bus.status, bus.lists) == ("Supported", ("example@lists.example",))
    assert bus.files == ("Documentation/bus", "drivers/bus/", "include/linux/bus.h", "include/linux/bus?_*.h")
    assert bus.excluded == ("drivers/bus/old/", "drivers/bus/*.md")


def test_what_is_left_out_is_told_with_its_line_and_the_rest_of_the_section_stays() -> None:
    lines = DATA.decode().split("\n")
    assert {lines[one.line - 1] for one in LEFT_OUT} == {
        "M\tdmo@odd.example",
        "M:\tnobody at all",
        "L:\thttps://lists.example/info",
        "N:\t(?<name",
        "K:\t(a+)+$",
        "K:\tx.*y.*z.*",
        "F:\t/drivers/absolute/",
    }
    assert all(": " in one.reason or "; " in one.reason for one in LEFT_OUT)
    damaged = next(one for one in SECTIONS if one.title == "DAMAGED")
    assert (damaged.files, damaged.names, damaged.contents, damaged.people) == (("drivers/damaged/",), (), (), ())


def test_line_ends_and_blank_lines_inside_a_section_change_nothing() -> None:
    assert read_maintainers(b"\xef\xbb\xbf" + DATA.replace(b"\n", b"\r\n")) == (SECTIONS, LEFT_OUT)
    (one,) = read_maintainers(b"BUS\nM:\tana@a.example\n\nF:\tdrivers/bus/\n")[0]
    assert one.files == ("drivers/bus/",)


def test_what_stands_below_a_title_that_ended_is_nobodys_and_told() -> None:
    (only,), left_out = read_maintainers(b"A\nM: a@b.c\nF: a/\n\nB\n\nF: b/\nL: b@b.c\n")
    assert (only.title, only.files) == ("A", ("a/",))
    assert [(one.line, one.reason) for one in left_out] == [
        (7, "'F: b/' has no title above it; take out the blank line there"),
        (8, "'L: b@b.c' has no title above it; take out the blank line there"),
    ]
