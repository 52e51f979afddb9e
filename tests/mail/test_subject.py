from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatbot.mail.subject import Kind, Subject

# Subject, and what differs from an untagged one: all forms but the last few were found in one real archive.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("[PATCH] a: b", {"title": "a: b", "kind": Kind.PATCH, "prefixes": ("PATCH",)}),
    ("[PATCH v2 03/26] a", {"title": "a", "version": 2, "part": 3, "total": 26, "kind": Kind.PATCH}),
    ("[PATCH 0/7] a", {"part": 0, "total": 7, "kind": Kind.COVER}),
    ("[RFC PATCH 1/4] a", {"part": 1, "total": 4, "prefixes": ("RFC", "PATCH"), "kind": Kind.PATCH}),
    ("[PATCH RFC v3 0/7] a", {"version": 3, "part": 0, "total": 7, "prefixes": ("PATCH", "RFC"), "kind": Kind.COVER}),
    ("[RFC v2 1/3] a", {"version": 2, "part": 1, "total": 3, "prefixes": ("RFC",), "kind": Kind.PATCH}),
    ("[v3,2/5] a", {"version": 3, "part": 2, "total": 5, "prefixes": (), "kind": Kind.PATCH}),
    ("[patch 2/3] a", {"part": 2, "total": 3, "prefixes": ("patch",), "kind": Kind.PATCH}),
    ("[PATCHv4 1/2] a", {"version": 4, "part": 1, "total": 2, "prefixes": ("PATCH",), "kind": Kind.PATCH}),
    ("[PATCH 3/5 v2] a", {"version": 2, "part": 3, "total": 5, "kind": Kind.PATCH}),
    ("[PATCH net-next v2 1/9] a", {"version": 2, "part": 1, "total": 9, "prefixes": ("PATCH", "net-next")}),
    ("[PATCH RESEND v2 1/4] a", {"version": 2, "part": 1, "total": 4, "prefixes": ("PATCH", "RESEND")}),
    ("[RESEND PATCH] a", {"prefixes": ("RESEND", "PATCH"), "kind": Kind.PATCH}),
    ("[PATCH AUTOSEL 6.1 12/27] a", {"part": 12, "total": 27, "prefixes": ("PATCH", "AUTOSEL", "6.1")}),
    ("[PATCH v5.1 10/12] a", {"version": 5, "reroll": 1, "part": 10, "total": 12, "revision": "v5.1"}),
    ("[kvm-unit-tests PATCH] a", {"prefixes": ("kvm-unit-tests", "PATCH"), "kind": Kind.PATCH}),
    ("[PATCH -next] a", {"prefixes": ("PATCH", "-next"), "kind": Kind.PATCH}),
    ("[PATCH for-6.2/block V2 1/3] a", {"version": 2, "part": 1, "total": 3, "prefixes": ("PATCH", "for-6.2/block")}),
    ("[PATCH v2-RESEND] a", {"version": 2, "prefixes": ("PATCH", "RESEND")}),
    ("[PATCH (v3)] a", {"version": 3, "prefixes": ("PATCH",)}),
    ("[PATCH v2: second try] a", {"version": 2, "prefixes": ("PATCH", "second", "try")}),
    ("[PATCH v 4] a", {"version": 4, "prefixes": ("PATCH",)}),
    ("[PATCH for-v6.12 v6.1-rc3] a", {"version": 1, "prefixes": ("PATCH", "for-v6.12", "v6.1-rc3")}),
    ("[PATCH v6.12.y 5.10/5.15 x86/3] a", {"version": 1, "part": None}),
    ("[PATCH] [v2] a", {"version": 2, "kind": Kind.PATCH}),
    ("[PATCH v2][next] a", {"version": 2, "prefixes": ("PATCH", "next"), "title": "a"}),
    ("[RFC][PATCH] a", {"prefixes": ("RFC", "PATCH"), "kind": Kind.PATCH}),
    ("[dm-devel] [PATCH 2/3] a", {"part": 2, "total": 3, "kind": Kind.PATCH}),
    ("[PATCH 1 / 2] a", {"part": 1, "total": 2}),
    ("[PATCH1/2] a", {"part": 1, "total": 2, "prefixes": ("PATCH",)}),
    ("[PATCH 5/4] a", {"part": 5, "total": 4, "kind": Kind.PATCH}),
    ("[PATCH] x86: [RFC] in the title", {"title": "x86: [RFC] in the title", "prefixes": ("PATCH",)}),
    ("[PATCH V5 0/3] ", {"version": 5, "part": 0, "total": 3, "title": ""}),
    ("[GIT PULL] KVM fixes", {"kind": Kind.PULL, "prefixes": ("GIT", "PULL")}),
    ("[GIT PULL 2/4] ARM fixes", {"kind": Kind.PULL, "part": 2}),
    ("[PULL 01/33] a", {"kind": Kind.PATCH, "part": 1}),
    ("[pci:next] BUILD SUCCESS", {"kind": Kind.OTHER, "title": "BUILD SUCCESS", "prefixes": ("pci:next",)}),
    ("[tip:x86/core 3/5] a.c: error", {"kind": Kind.OTHER}),
    ("[syzbot] [kvm?] WARNING in a", {"kind": Kind.OTHER, "title": "WARNING in a", "prefixes": ("syzbot", "kvm?")}),
    ("Re: [PATCH v2 1/3] a", {"reply": True, "version": 2, "part": 1, "kind": Kind.PATCH, "title": "a"}),
    ("RE: [External] Re: [PATCH] a", {"reply": True, "title": "a", "prefixes": ("External", "PATCH")}),
    ("[External] Re: [PATCH] a", {"reply": True, "title": "a"}),
    ("回复：[PATCH] a", {"reply": True, "title": "a"}),
    ("Aw: Fwd: a", {"reply": True, "title": "a"}),
    ("[PATCH] Re: a", {"reply": False, "title": "Re: a", "kind": Kind.PATCH}),
    ('FAILED: patch "[PATCH] a" failed to apply', {"title": 'FAILED: patch "[PATCH] a" failed to apply'}),
    ("[PATCH riscv64 ipv6] a", {"version": 1, "prefixes": ("PATCH", "riscv64", "ipv6")}),
    ("regarding: a", {"title": "regarding: a"}),
    ("", {"title": ""}),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_every_form_is_understood(text: str, expected: dict[str, Any]) -> None:
    subject = Subject.parse(text)
    assert {key: getattr(subject, key) for key in expected} == expected
    assert str(subject) == text


@given(
    st.text()
    | st.lists(st.sampled_from(["[", "]", "PATCH", " ", "v2", "1/3", "Re:", "：", ",", "a", "\t"])).map("".join)
)
@example("[PATCH")
@example("[[PATCH]] a")
def test_printing_gives_the_subject_back(text: str) -> None:
    assert str(Subject.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "counted", "head"),
    [
        ("[PATCH] a", True, True),
        ("[PATCH v2] a", True, False),
        ("[PATCH v1] a", True, True),
        ("[PATCH v3 0/2] a", True, True),
        ("[PATCH v3 01/12] a", True, True),
        ("[PATCH 2/2] a", True, False),
        ("[PATCHSETS] a", True, True),
        ("[RFC 1/2] a", False, True),
        ("Re: [PATCH] a", False, True),
        ("[GIT PULL] a", False, True),
        ("a PATCH", False, True),
    ],
)
def test_what_the_classic_digest_counts_and_lists(text: str, counted: bool, head: bool) -> None:
    assert (Subject.parse(text).counted, Subject.parse(text).head) == (counted, head)


@given(st.text(alphabet="[]PATCHpatchREre: v2/31,\t", max_size=40) | st.sampled_from([text for text, _ in CASES]))
def test_a_subject_whose_lead_is_known_is_the_same(text: str) -> None:
    subject = Subject.parse(text)
    assert Subject.split(text, len(subject.lead)) == subject


def test_ten_thousand_brackets_are_read_at_once() -> None:
    subject = Subject.parse("[PATCH] " * 10_000 + "a" + " [" * 10_000)
    assert len(subject.tags) == 10_000
