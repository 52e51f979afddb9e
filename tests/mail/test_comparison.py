"""What changed from one version to the next: as the author says, and as the patches show."""

import pytest

from chatbot.mail.changelog import CHANGELOG_LIMIT, changelog, changelogs
from chatbot.mail.comparison import Outcome, compare
from chatbot.mail.grouping import group
from tests.conftest import thread


def test_patches_are_added_dropped_changed_or_unchanged() -> None:
    earlier, later = group(thread("changed-changelogs"))
    assert [
        (one.patch and one.patch.subject.part, one.before and one.before.subject.part, one.outcome)
        for one in compare(later, earlier)
    ] == [
        (1, 1, Outcome.UNCHANGED),  # at another line
        (2, 2, Outcome.CHANGED),  # and retitled: the only ones that touch their file
        (3, None, Outcome.ADDED),
        (None, 3, Outcome.DROPPED),
    ]


def test_a_retitled_patch_is_known_by_its_content() -> None:
    earlier, later = group(thread("lineage-retitled-shares-contents"))
    assert {one.outcome for one in compare(later, earlier)} == {Outcome.UNCHANGED}


def test_a_rerolled_part_is_what_is_compared() -> None:
    (series,) = group(thread("series-part-rerolled"))
    outcomes = [one.outcome for one in compare(series, type(series)(series.parts))]
    assert outcomes == [Outcome.CHANGED if part == 3 else Outcome.UNCHANGED for part in range(1, 8)]


def test_the_authors_own_changelog_is_that_of_this_version() -> None:
    _, later = group(thread("changed-changelogs"))
    assert [(mail.partition("@")[0], text) for mail, text in changelogs(later)] == [
        ("v0", "- Drop the trace (Bo)\n- Count per node"),
        ("v1", "no change"),
        ("v2", " * per node"),
        ("v3", " - new patch"),
    ]


@pytest.mark.parametrize(
    "heading",
    [
        "v3:",
        "V3",
        "- v3:",
        "Changes in v3:",
        "Changes since v2:",
        "Changes since V2 [1]:",
        "Changes from v2",
        "Changes v2 -> v3:",
        "v2->v3:",
        "v2..v3:",
        "v2 [2] -> v3 [3]:",
        "v3 changes:",
        "v3 updates:",
        "Changelog v3:",
        "Changes since v2 RESEND:",
        "Since v2:",
        "Changes for v3:",
        "Changes in v3: (from Bo's review)",
        "Changes since v2 (Bo):",
        "Changes since v1:",
    ],
)
def test_people_head_their_changelogs_in_many_ways(heading: str) -> None:
    text = f"Gist.\n---\n{heading}\n- one\n\n- two\n\nv1 -> v2:\n- old\n---\n a.c | 2 +-\n"
    found = changelog(text.replace("v1 -> v2", "v0.9") if "v1:" in heading else text, 3)
    assert found.endswith("- one\n\n- two")
    assert "old" not in found


@pytest.mark.parametrize(
    "text",
    [
        "v3 of this patch is better.\n- not a changelog\n",
        "v3: https://lore.kernel.org/r/a@b.example\n",
        "Changes in v2:\n- older\n",
        "As said on v3, it works\n- not a changelog\n",
        "Change the v3: no\n" * 0,
    ],
)
def test_what_only_mentions_a_version_is_no_changelog(text: str) -> None:
    assert "changelog" not in changelog(text, 3)
    assert "older" not in changelog(text, 3)


@pytest.mark.parametrize(
    "end",
    [
        "---\n",
        " a.c | 2 +-\n",
        " 3 files changed, 1 insertion(+)\n",
        "Ana Brenner (2):\n",
        "base-commit: 0123\n",
        "Best regards,\n",
        "diff --git a/a b/a\n",
        "-- \n",
    ],
)
def test_a_changelog_ends_where_the_mail_speaks_of_something_else(end: str) -> None:
    assert changelog(f"Changes in v2:\n- one\n\n{end}rest\n", 2) == "- one"


def test_nobody_reads_a_changelog_for_ever() -> None:
    assert len(changelog("v2:\n" + "- word\n" * 100_000, 2)) <= CHANGELOG_LIMIT


def test_what_stands_in_brackets_behind_the_version_is_no_change() -> None:
    assert changelog("Text.\n\nChanges since V5 (what Alison found):\n- a\n- b\n", 6) == "- a\n- b"
