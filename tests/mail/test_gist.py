"""The first sentence of letters as people write them."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chatbot.mail.gist import LONGEST, gist
from chatbot.mail.grouping import group, pull_requests
from chatbot.mail.lineage import Lineage
from chatbot.mail.people import People
from chatbot.mail.standings import standings
from tests.conftest import compose, read_one

SAID = "Guests can be moved while they run."


@pytest.mark.parametrize(
    "greeting",
    [
        "",
        "Hi,\n\n",
        "Hi all,\n\n",
        "Hi all,\n",
        "All,\n\n",
        "Folks -\n\n",
        "Hello everyone!\n\n",
        "Hello KVM developers\n\n",
        "Dear maintainers,\n\n",
        "Hi Paolo, Sean, and whoever else reads this list,\n\n",
        "Good morning everybody:\n\n",
        "\n\n  \nHey\n\n",
    ],
)
def test_greetings_are_passed_by(greeting: str) -> None:
    assert gist(f"{greeting}{SAID} This series is how.\n") == SAID


def test_a_greeting_within_a_sentence_is_left_out() -> None:
    assert gist("Hi all, this series\nadds a filter to the memory core.\n") == (
        "this series adds a filter to the memory core."
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "All callers of kvm_foo() hold the lock, so that it need not be taken.",
        "Maintainers asked for a way to see why a filter refuses.",
        "Everyone who maps a page has to unmap it.",
        "Fixes a hang of guests that write to a read-only memslot.",
        "From a user's point of view nothing changes.",
        "Link the device to its driver before anybody can open it.",
        "Date fields of the header are read twice.",
        "History shows that nobody reads this file.",
        "Subject to review, this is the last version.",
    ],
)
def test_a_sentence_keeps_its_beginning_whatever_word_that_is(sentence: str) -> None:
    for wrapped in (sentence, "\n".join(re.findall(r".{1,30}(?:\s|$)", sentence))):
        assert gist(f"{wrapped}\nMore is said below.\n") == sentence


@pytest.mark.parametrize(
    "before",
    [
        "> Somebody said that it is slow when there are many of them.",
        "Changes since v2:\n - rebased onto the newest tree of them all\n - dropped patch 3, which nobody wanted",
        "Changes since v2: rebased, and dropped patch 3, which nobody wanted.",
        "Changelog:\nv2: said more about why a filter refuses it",
        "v2 -> v3: rebased onto the newest tree, and dropped two patches.",
        "RFC -> v1: rebased onto the newest tree, and dropped two patches.",
        "RFC v2 -> v3: rebased onto the newest tree, and dropped two patches.",
        "V1: https://lore.example/all/20251103.1@x.example/",
        "https://lore.example/all/20251103.1@x.example/",
        "[1] https://lore.example/all/20251103.1@x.example/ is the last version",
        "Table of contents:\n 1. What it is all about\n 2. How all of it works",
        "1. What it is all about and for whom\n2. How all of it works",
        "- a filter for the pages of the guest\n- a way to see it in the log",
        "* a filter for the pages of the guest\n* a way to see it in the log",
        "NOTE: this needs the patches that Sean has sent.",
        "Introduction and background\n===========================",
        "Overview of what is there today\n-------------------------------",
        "== What is there today, and why ==",
        "# What is there today, and why it is so",
        "Ana Brenner (2):\n  mm: Say why a filter refuses\n  mm: Say it once",
        " mm/filter.c         |  2 ++\n mm/other/filter.c   | 12 ++--\n 2 files changed, 4 insertions(+)",
        "mm/filter.c          |  2 ++\nmm/other/filter.c    | 12 ++--\n2 files changed, 4 insertions(+)",
        "| kernel | before | after | what it says of it |\n|--------|--------|-------|-----|",
        "Based on kvm/next as of this morning, which is old.",
        "This series is based on kvm/next as of this morning.",
        "This series applies to the newest tree of them all.",
        'Fixes: 0123456789ab ("mm: Say why a filter refuses it")',
        "Reviewed-by: Mia Roth <mia@maintainers.example>",
        "base-commit: 0123456789abcdef0123456789abcdef01234567",
        "Cc: stable@vger.example, everybody@else.example",
        "  for i in 1 2 3; do\n    echo $i | tee -a the/log\n  done",
        "Thanks, Ana",
    ],
)
def test_what_is_no_prose_is_passed_by(before: str) -> None:
    assert gist(f"Hi,\n\n{before}\n\n{SAID} More of it.\n") == SAID
    assert gist(f"{before}\n") == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Some devices, e.g. The Thing, need i.e. More time vs. Others. They get it.", "Some devices, e.g. The Thing, need i.e. More time vs. Others."),
        ("It is slow on v6.18.3 and on 2.6.32, too. Mend it.", "It is slow on v6.18.3 and on 2.6.32, too."),
        ('He said "it is slow when it should not be." So it is.', 'He said "it is slow when it should not be."'),
        ("Is it slow when it should not be? It is.", "Is it slow when it should not be?"),
        ("The lock is taken twice by a caller. kvm_foo() does it.", "The lock is taken twice by a caller."),
        ("It takes a lock that\n  is taken already.  Two\nspaces.", "It takes a lock that is taken already."),
        ("Add the counters of the newest machines\n\nSigned-off-by: A <a@b.example>", "Add the counters of the newest machines"),
        ("This series does three things:\n\n - one\n - two", "This series does three things"),
        ("Add the counters of all machines\n\nThis is what they count, and why it matters.", "This is what they count, and why it matters."),
        ("It counts what is counted by nobody else.\n---\nv2: It counts more.", "It counts what is counted by nobody else."),
        ("---\nv2: It counts more than before, and that was a lot.", ""),
        ("Overview of it all, in short\n----------------------------\nIt counts what nobody else counts. So.", "It counts what nobody else counts."),
        ("", ""),
        ("Text.", ""),
    ],
)  # fmt: skip
def test_where_a_sentence_ends(text: str, sentence: str) -> None:
    assert gist(text) == sentence


@given(st.lists(st.text("abcxyzéß", min_size=1, max_size=30), min_size=30, max_size=200))
def test_what_is_long_ends_between_two_words(words: list[str]) -> None:
    text = "It " + " ".join(words)
    assume(len(text) > LONGEST)
    shown = gist(text)
    assert shown.endswith(" …")
    assert len(shown) <= LONGEST + len(" …")
    whole = shown.removesuffix(" …").split(" ")
    assert whole == text.split(" ")[: len(whole)]
    assert len(" ".join(text.split(" ")[: len(whole) + 1])) > LONGEST - 1


def test_a_word_that_is_too_long_is_not_cut_but_left_out() -> None:
    assert gist(f"{'x' * 300} adds a filter.\n\n{SAID}") == SAID


def test_no_sentence_is_cut_where_reading_ends() -> None:
    items = "- item\n\n" * 745
    assert len(items) < 6000 < len(items + SAID * 2)
    assert gist(items + SAID) == SAID
    assert gist(f"{items}{SAID[:-1]}, as the newest of all processors let them, and so on.") == ""


@pytest.mark.parametrize(
    "text",
    ["\n", "e.g. ", "Hi\n", "\n \t", " ", "x_(", ". a", ".a_", "changes ", "changes 1", "-", "By-", "hi ", "(\n", "rfc v1 -", "dear a, ", "hi a ", "a (1", "a ", "a\n\n", "~\n"],
)  # fmt: skip
def test_hostile_letters_come_to_an_end(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """So little is read that the square of it would hardly be seen; of a million signs nobody would see the end."""
    monkeypatch.setattr("chatbot.mail.gist._READ", 10**7)
    shown = gist(text * (10**6 // len(text)))
    assert len(shown) <= LONGEST + 2
    assert set(shown.removesuffix(" …").replace(" ", "")) <= set(text)


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [("[PATCH 0/1] a", SAID), ("[PATCH] a", SAID), ("[GIT PULL] a", SAID), ("[PATCH 1/2] a", "")],
)
def test_covers_lone_patches_and_pull_requests_have_a_gist(subject: str, sentence: str) -> None:
    """One patch of several does not say what all of them are about."""
    mail = read_one(
        compose(
            subject, 1, f"Hi,\n\n{SAID}\n\nAna Brenner (1):\n  a\n\n a.c | 2 ++\n 1 file changed, 2 insertions(+)\n"
        )
    )
    (series,) = (*group([mail]), *pull_requests([mail]))
    (standing,) = standings(Lineage((series,)), (), People())
    assert standing.gist == sentence
