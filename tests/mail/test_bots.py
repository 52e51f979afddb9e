"""Which senders are programs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.errors import BadConfig
from chatbot.mail.bots import Bot, Bots, Kind, Pattern
from chatbot.mail.person import Person
from tests.conftest import TESTS, compose, read_one, situation

OURS = Bots.parse((TESTS.parent / "config" / "bots.example.toml").read_text(), "bots.example.toml")


@pytest.mark.parametrize(
    ("name", "bot"),
    [
        ("bot-kernel-test-robot", Bot("kernel test robot", Kind.TEST)),
        ("bot-kernel-test-robot-by-its-keeper", Bot("kernel test robot", Kind.TEST)),
        ("bot-kernelci", Bot("KernelCI", Kind.TEST)),
        ("bot-syzbot", Bot("syzbot", Kind.FUZZER)),
        ("bot-syzbot-through-a-list", Bot("syzbot", Kind.FUZZER)),
        ("bot-patchwork", Bot("patchwork-bot", Kind.NOTICE)),
        ("bot-tip", Bot("tip-bot", Kind.NOTICE)),
        ("bot-stable-added-to", Bot("stable queue", Kind.STABLE)),
        ("bot-stable-autosel", Bot("AUTOSEL", Kind.STABLE)),
        ("bot-of-a-forge", Bot("dependabot", Kind.UPDATE)),
        ("bot-answers-by-itself", Bot("mailer", Kind.MAILER)),
        ("human-who-keeps-a-bot", None),
        ("human-who-answers-about-autosel", None),
        ("relayed-by-b4", None),
        ("sender-stands-for-the-author", None),
    ],
)
def test_programs_are_told_from_humans(name: str, bot: Bot | None) -> None:
    assert OURS.of(situation(name)) == bot


@pytest.mark.parametrize(
    ("sender", "subject", "bot"),
    [
        ("Patchwork <patchwork@emeril.freedesktop.org>", "✓ Fi.CI.BAT: success for a (rev2)", "freedesktop CI"),
        ("bot+bpf-ci@kernel.org", "Re: [PATCH bpf-next 1/2] bpf: Count", "BPF CI"),
        ("sashiko-bot@kernel.org", "Re: [PATCH 1/2] a", "Sashiko"),
        ("pr-tracker-bot@kernel.org", "Re: [GIT PULL] KVM", "pr-tracker-bot"),
        ("Michael Ellerman <patch-notifications@ellerman.id.au>", "Re: [PATCH] a", "powerpc patch notifications"),
        ("Michael Ellerman <mpe@ellerman.id.au>", "Re: [PATCH] a", None),
        ("bugzilla-daemon@kernel.org", "[Bug 1] New: a", "Bugzilla"),
        ("Andrew Morton <akpm@linux-foundation.org>", "+ a-b.patch added to mm-unstable branch", "mm-commits"),
        ("Andrew Morton <akpm@linux-foundation.org>", "[merged] a-b.patch removed from -mm tree", "mm-commits"),
        ("Andrew Morton <akpm@linux-foundation.org>", "[PATCH] mm: what is removed from -mm tree", None),
        ("Greg KH <gregkh@linuxfoundation.org>", "[PATCH 6.12 001/345] KVM: Count", "stable review"),
        ("Greg KH <gregkh@linuxfoundation.org>", 'FAILED: patch "[PATCH] a" failed to apply to 6.1-stable tree', "stable queue"),
        ("Greg KH <gregkh@linuxfoundation.org>", 'Re: Patch "a" has been added to the 6.1-stable tree', None),
        ("Greg KH <gregkh@linuxfoundation.org>", "[PATCH 1/6] sysfs: Make it const", None),
        ("Ana <ana@a.example>", 'Patch "a" has been added to the 6.1-stable tree', None),
        ("Mail Delivery System <Mailer-Daemon@ns.a.example>", "Mail delivery failed", "mailer"),
        ("renovate[bot] <1+renovate[bot]@users.noreply.github.com>", "Update a", "Renovate"),
        ("Bob Abbot <abbot@a.example>", "[PATCH] a", None),
        ("", "", None),
    ],
)  # fmt: skip
def test_the_rules_that_are_built_in(sender: str, subject: str, bot: str | None) -> None:
    found = OURS.of(read_one(compose(subject, sender=sender)))
    assert (found.name if found else None) == bot


def test_whom_a_tag_names_is_told_without_a_mail() -> None:
    assert OURS.named(Person.parse("kernel test robot <lkp@intel.com>")) == Bot("kernel test robot", Kind.TEST)
    # A script of theirs is told by its subject; in a tag it is they who speak.
    assert OURS.named(Person.parse("Sasha Levin <sashal@kernel.org>")) is None
    assert OURS.named(Person.parse("Ana <ana@a.example>")) is None


def test_a_teams_own_rules_come_first_and_may_free_somebody() -> None:
    own = Bots.parse(
        '[[bots]]\nbot = "nobody"\nkind = "human"\naddress = "lkp@intel.com"\n'
        '[[bots]]\nbot = "our bot"\nkind = "test"\naddress = "*@ci.a.example"\nsubject = ["build *", "*passed"]\n',
        "bots.toml",
    )
    both = own.then(OURS)
    lkp, syzbot = situation("bot-kernel-test-robot"), situation("bot-syzbot")
    assert (both.of(lkp), both.of(syzbot)) == (None, OURS.of(syzbot))
    assert both.named(lkp.sender) is None
    subjects = {"build 7": True, "All PASSED": True, "rebuild 7": False}
    assert {one: both.of(read_one(compose(one, sender="x@CI.a.example"))) is not None for one in subjects} == subjects
    assert both.of(read_one(compose("build 7", sender="x@ci.b.example"))) is None


def test_without_rules_all_are_human() -> None:
    assert Bots().of(situation("bot-syzbot")) is None


@given(st.lists(st.text(alphabet="ab[.", max_size=3), min_size=1, max_size=5), st.text(alphabet="ab[.", max_size=12))
def test_a_star_stands_for_any_characters_and_all_else_for_itself(pieces: list[str], text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pieces)), text, re.DOTALL) is not None
    assert Pattern.parse("*".join(pieces)).fits(text) == expected


@pytest.mark.parametrize(("pattern", "text"), [("a*a*a", "aa"), ("a*b*b", "ab"), ("ab*ba", "aba")])
def test_no_sign_of_a_text_fits_two_pieces(pattern: str, text: str) -> None:
    assert not Pattern.parse(pattern).fits(text)


def test_a_pattern_of_many_stars_takes_no_longer_than_one() -> None:
    """A pattern that tries all ways of sharing the text among its stars would not end."""
    assert not Pattern.parse("*a" * 120 + "b").fits("a" * 998)


def test_what_is_remembered_of_persons_is_bounded() -> None:
    bots = Bots.parse('[[bots]]\nbot = "b"\nkind = "test"\nname = "*bot"\n', "bots.toml")
    long = read_one(compose("a", sender="x" * 500 + "bot <a@b.example>"))
    assert [bots.of(long) is not None for _ in range(2)] == [True, True]
    assert bots._recall.cache_info().currsize == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('kind = "test"\naddress = "a"', "b: [[bots]] 1 bot: this key is missing; add it"),
        ('bot = "x"\naddress = "a"', "b: [[bots]] 1 kind: this key is missing; add it"),
        ('bot = "x"\nkind = "robot"\naddress = "a"', "b: [[bots]] 1 kind: 'robot' is not known; write one of test, fuzzer"),
        ('bot = "x"\nkind = "test"', "b: [[bots]] 1 address: this key is missing, and so are name and subject; add one of them"),
        ('bot = "x"\nkind = "test"\nadress = "a"\nname = "a"', "b: [[bots]] 1 adress: there is no such key; write address, or leave it out"),
        ('bot = "x"\nkind = "test"\naddress = ""', "b: [[bots]] 1 address: this is empty"),
        ('bot = "x"\nkind = "test"\naddress = []', "b: [[bots]] 1 address: this is empty"),
        ('bot = "x"\nkind = "test"\naddress = [7]', "b: [[bots]] 1 address: 7 is of the wrong type; write text in quotes"),
        ('bot = "x"\nkind = "test"\naddress = "' + "a" * 251 + '"', "is too long; write 250 characters or less"),
    ],
)  # fmt: skip
def test_every_fault_in_the_rules_has_one_line(text: str, fault: str) -> None:
    with pytest.raises(BadConfig) as caught:
        Bots.parse(f"[[bots]]\n{text}\n", "b")
    (found,) = caught.value.faults
    assert fault in found
    assert "\n" not in found
