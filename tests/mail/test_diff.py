"""The key of a diff's content: the same as long as every line is."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.diff import read_diff

HEAD = "diff --git a/x.c b/x.c\nindex 1..2 100644\n--- a/x.c\n+++ b/x.c\n"
DIFF = HEAD + "@@ -1,2 +1,2 @@\n a\n-b\n+c\n@@ -9 +9 @@ int f(void)\n-d\n+e\n"


def key(text: str) -> str:
    return read_diff([text])[1]


@pytest.mark.parametrize(
    "same",
    [
        "Log.\n---\n" + DIFF,
        DIFF + "-- \n2.43.0\n",
        DIFF + "-- \n2.43.0\n\n_______________________________________________\nList mailing list\n",
        DIFF + "---\nbase-commit: 0123\nchange-id: 20250101-a-b\n\nBest regards,\n-- \nAna\n",
        DIFF.replace("-1,2 +1,2", "-101,2 +99,2"),
        DIFF.replace("@@ int f(void)", "@@ int g(void)"),
        DIFF.replace("index 1..2", "index 3..4"),
        DIFF[DIFF.index("---") :],
        DIFF + "\n\n",
    ],
)
def test_where_a_diff_stands_and_what_surrounds_it_does_not_change_its_key(same: str) -> None:
    assert key(same) == key(DIFF) != ""


@pytest.mark.parametrize(
    "other",
    [
        DIFF.replace("+e", "+f"),
        DIFF.replace(" a\n", " b\n"),
        DIFF.replace("x.c", "y.c"),
        DIFF[: DIFF.index("@@ -9")],
        DIFF.replace("-b\n+c\n", "+c\n-b\n"),
        DIFF + DIFF.replace("x.c", "y.c"),
    ],
)
def test_another_line_or_file_makes_another_key(other: str) -> None:
    assert key(other) != key(DIFF)


def test_what_has_no_diff_has_no_key() -> None:
    assert key("Gist.\n\n 3 files changed\n-- \n2.43.0\n") == ""


WORDS = ["a", "b", "- c", "+ d", "@@ -1 +1 @@", "", "--- e", "-- ", "diff --git a/q b/q"]
LINES = st.lists(st.sampled_from(WORDS), max_size=12)


@given(LINES, LINES, st.integers(0, 5000))
def test_lines_put_before_a_hunk_do_not_change_its_key(old: list[str], new: list[str], shift: int) -> None:
    """The same hunks at other places, read in one go or line by line."""

    def text(start: int, header: str) -> str:
        lines = list(difflib.unified_diff(old, new, "a/f", "b/f", lineterm="", n=99))
        if not lines:
            return ""
        lines[2] = lines[2].replace("-1,", f"-{1 + start},").replace("+1,", f"+{1 + start},")
        return header + "\n".join(lines) + "\n-- \n2.51.0\n"

    keys = {key(text(0, "diff --git a/f b/f\n")), key(text(shift, "diff --git a/f b/f\n")), key(text(shift, ""))}
    assert len(keys) == 1
