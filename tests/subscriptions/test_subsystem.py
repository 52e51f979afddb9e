"""Which subsystems a posting belongs to."""

import time
from collections.abc import Iterable
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.subscriptions.finding import find, named
from chatbot.subscriptions.pattern import LONGEST, FilePattern, expression_fault, file_fault
from chatbot.subscriptions.subsystem import FEW, TEXT, Subsystem, Subsystems
from tests.subscriptions.test_maintainers import SECTIONS

KERNEL = Subsystems(SECTIONS)
X86 = SECTIONS[3]


def titles(found: Iterable[Subsystem]) -> list[str]:
    return [one.title for one in found]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("drivers/bus/core.c", ["EXAMPLE BUS"]),
        ("drivers/bus/a/b/c.c", ["EXAMPLE BUS"]),
        ("drivers/bus/old/core.c", []),
        ("drivers/bus/notes.md", []),
        ("drivers/bus/a/notes.md", ["EXAMPLE BUS"]),
        ("drivers/bus", []),
        ("drivers/busybox.c", []),
        ("Documentation/bus", ["EXAMPLE BUS"]),
        ("Documentation/bus/index.rst", ["EXAMPLE BUS"]),
        ("Documentation/bus.rst", []),
        ("include/linux/bus.h", ["EXAMPLE BUS"]),
        ("include/linux/bus2_core.h", ["EXAMPLE BUS"]),
        ("include/linux/bus_core.h", []),
        ("include/linux/bus2_/x.h", []),
        ("arch/arm64/kvm/mmu.c", ["KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)"]),
        ("arch/x86/kvm/hyperv.c", ["KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)", "KVM X86 HYPER-V"]),
        ("tools/testing/selftests/kvm/x86/a.c", ["KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)"]),
        ("tools/testing/kvm/x86/a.c", []),
        ("include/linux/kvm_host.h", ["KERNEL VIRTUAL MACHINE (KVM)"]),
        ("include/uapi/linux/kvm_host.h", []),
        ("fs/ext4/xattr_user.c", ["A VERY LONG TITLE THAT GOES ON AND IS CONTINUED HERE"]),
        ("fs/a/b/xattr.h", ["A VERY LONG TITLE THAT GOES ON AND IS CONTINUED HERE"]),
        ("fs/xattr.c", []),
        ("fs/ext4/xattr.o", []),
        ("drivers/net/tun.c", ["NET DRIVERS OF ALL ARCHITECTURES"]),
        ("drivers/net/wifi/tun.c", []),
        ("drivers/clk/tegra/clk.c", ["TEGRA"]),
        ("drivers/clk/integra/clk.c", []),
        ("drivers/gpu/tegra/drm.c", []),
        (".clang-format", ["CLANG"]),
        ("xclang-format", []),
        ("Makefile", []),
        ("", []),
        ("/", []),
    ],
)
def test_a_file_belongs_to(path: str, expected: list[str]) -> None:
    assert titles(KERNEL.having(path)) == expected == titles(one for one in KERNEL if one.takes(path))
    assert titles(KERNEL.of([path])) == expected == titles(one for one in KERNEL if KERNEL.claims(one, [path]))


def test_a_series_belongs_to_all_that_have_one_of_its_files_and_where_it_was_sent_does_not_matter() -> None:
    sent = {"lists": ["kvm@lists.example", "kvmarm@lists.example", "example@lists.example"]}
    assert titles(KERNEL.of(["arch/arm64/kvm/mmu.c"], **sent)) == ["KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)"]
    assert not KERNEL.claims(X86, ["arch/arm64/kvm/mmu.c"], **sent)
    assert titles(KERNEL.of(["drivers/bus/x.c", "drivers/bus/old/x.c", "virt/kvm/x.c"])) == [
        "EXAMPLE BUS",
        "KERNEL VIRTUAL MACHINE (KVM)",
    ]


def test_without_files_the_lists_tell_but_catch_alls_do_not() -> None:
    """Six sections share kvm, which is more than few."""
    assert titles(KERNEL.of([], lists=["KVMARM@lists.example"])) == ["KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)"]
    assert sum("kvm@lists.example" in one.lists for one in KERNEL) > FEW
    assert KERNEL.catch_all("kvm@lists.example")
    assert not KERNEL.of([], lists=["kvm@lists.example", "linux-kernel@vger.kernel.org", "other@lists.example"])


def test_who_has_nothing_but_lists_is_told_by_them_though_there_are_files() -> None:
    sent = ["letters@lists.example"]
    assert titles(KERNEL.of(["drivers/bus/x.c"], lists=sent)) == ["EXAMPLE BUS", "LETTERS"]


def test_a_text_belongs_to_who_asks_for_what_it_says_or_changes() -> None:
    context = "diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/clang.c\n@@ -1,2 +1,2 @@\n clang here\n"
    for text, expected in (
        ("Build it with Clang 19.\n", ["CLANG"]),
        ("Build it with clangd.\n", []),
        (context, []),
        (context + "-#ifdef llvm\n", ["CLANG"]),
        ("x\n" * (TEXT // 2) + "clang", []),
    ):
        for texts in ([text], [context, text], ["Cover.\n", text]):
            fits = sum(map(len, texts)) < TEXT
            assert titles(KERNEL.of(["a.c"], texts)) == titles(KERNEL.of([], texts)) == expected or not fits
            found = titles(one for one in KERNEL if KERNEL.claims(one, ["a.c"], lambda said=texts: said))
            assert found == titles(KERNEL.of(["a.c"], texts))


_PARTS = st.sampled_from(["a", "b", "ab", "a.c", "ba.h"])
_PATHS = st.lists(_PARTS, min_size=1, max_size=5).map("/".join)
_PIECES = st.sampled_from(["a", "b", "ab", "a.c", "*", "?", "*a*", "a*b", "*.c", "b?*", "*a", "*ab*a"])
_PATTERNS = st.builds(
    lambda pieces, slash: "/".join(pieces) + slash,
    st.lists(_PIECES, min_size=1, max_size=4),
    st.sampled_from(["", "/"]),
)


def _naively(pattern: str, path: str) -> bool:
    """By segments, as the words of MAINTAINERS have it."""
    asked, parts = pattern.rstrip("/").split("/"), path.split("/")
    if not all(map(fnmatchcase, parts, asked)) or len(parts) < len(asked):
        return False
    below = len(parts) > len(asked)
    return below if pattern.endswith("/") else not below or not set("*?") & set(pattern)


@given(st.lists(st.tuples(st.lists(_PATTERNS, max_size=3), st.lists(_PATTERNS, max_size=1)), max_size=6), _PATHS)
def test_the_index_finds_what_looking_at_each_pattern_finds(
    rules: list[tuple[list[str], list[str]]], path: str
) -> None:
    made = [Subsystem(str(at), files=tuple(has), excluded=tuple(not_)) for at, (has, not_) in enumerate(rules)]
    expected = [
        str(at)
        for at, (has, not_) in enumerate(rules)
        if any(_naively(one, path) for one in has if one.strip("*?/")) and not any(_naively(one, path) for one in not_)
    ]
    assert titles(Subsystems(made).having(path)) == expected == titles(one for one in made if one.takes(path))


def test_two_stars_cross_what_one_does_not() -> None:
    assert FilePattern("a/**/b*c").takes("a/x/b/y/bxc")
    assert not FilePattern("a/**/b*c").takes("a/x/b/yc")
    assert not FilePattern("a/**/b").takes("a/b")


def test_brackets_leave_out_signs_with_either_mark() -> None:
    for pattern in ("drivers/[!a]x.c", "drivers/[^a]x.c"):
        assert FilePattern(pattern).takes("drivers/bx.c")
        assert not FilePattern(pattern).takes("drivers/ax.c")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("(a+)+", "repeats what repeats"),
        ("(?:a|ab)*", "repeats what repeats"),
        ("((a*)b){9}", "repeats what repeats"),
        (r"(\w\w?)*", "repeats what repeats"),
        ("(a+) (?#blanks say nothing) *", "repeats what repeats"),
        (".*x.*y.*", "has 3 repetitions"),
        ("(a*)(?#one)*b", "repeats what repeats"),
        ("((?#:)a*)*b", "repeats what repeats"),
        ("a?" * 11, "has too many ?"),
        ("(?u)(?a)a", "is no regular expression"),
        ("tdx|", "takes whatever there is"),
        ("# TDX", "takes whatever there is"),
        ("(?<!", "is no regular expression"),
        ("[z-a]", "is no regular expression"),
        ("[^a-z]tegra", ""),
        (r"\b(?:of_)?(clk|gpio)d?_[a-z]+\(", ""),
        ("[(+*]a{2}", ""),
    ],
)
def test_an_expression_that_cannot_be_read_or_takes_too_long_is_refused(written: str, fault: str) -> None:
    assert fault in expression_fault(written)
    assert bool(fault) == bool(expression_fault(written))


def test_hostile_texts_and_paths_take_no_time() -> None:
    assert file_fault("**a**b**c")
    assert not expression_fault(r"\w+x\w+y")
    hostile = Subsystem("x", files=("**a**b", "*a*a*a*a*a*a*a*b"), names=(r"\w+x\w+y",), contents=(r"\w+x\w+y",))
    found = Subsystems([hostile])
    start = time.process_time()
    for path in ("a" * LONGEST, "a/" * (LONGEST // 2), "x" * LONGEST, "x" * 1_000_000, "/" * 1_000_000):
        assert not found.having(path)
    assert not found.of([], [("x" * 10_000 + "\n") * 1_000])
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("tegra", "TEGRA"),
        ("KVM X86", "KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)"),
        ("kvm/ARM64", "KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)"),
        ("kvm", "KERNEL VIRTUAL MACHINE (KVM)"),
        ("kernel virtual machine", "KERNEL VIRTUAL MACHINE (KVM)"),
        ("hyper", "KVM X86 HYPER-V"),
        ("exam", "EXAMPLE BUS"),
        ("kernel virt", None),
        ("machine for", None),
        ("nothing", None),
        ("()", None),
    ],
)
def test_a_subsystem_is_named_by_its_title_its_other_name_or_what_only_it_has(text: str, title: str | None) -> None:
    found = named(KERNEL, text)
    assert (found and found.title) == title


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kvm x86", ["KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)", "KVM X86 HYPER-V"]),
        ("kvm v", ["KVM X86 HYPER-V", "KERNEL VIRTUAL MACHINE (KVM)"]),
        ("marc", ["KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)"]),
        ("arch", ["NET DRIVERS OF ALL ARCHITECTURES", "KVM X86 HYPER-V"]),
        ("sean@a.example", ["KERNEL VIRTUAL MACHINE FOR X86 (KVM/x86)"]),
        ("kvmarm@", ["KERNEL VIRTUAL MACHINE FOR ARM64 (KVM/arm64)"]),
        ("virt/kvm/kvm_main.c", ["KERNEL VIRTUAL MACHINE (KVM)"]),
        ("the rest", ["THE REST"]),
        ("nothing", []),
        ("--", []),
    ],
)
def test_words_find_subsystems_the_likeliest_first(text: str, expected: list[str]) -> None:
    found = titles(find(KERNEL, text))
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)
