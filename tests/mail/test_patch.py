import difflib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.diff import Change, Diff, Diffstat, read_diff
from chatbot.mail.patch import read_patch, read_tags, split_author
from chatbot.mail.person import Person

ANA = Person.parse("Ana <ana@a.example>")
DIFF = "diff --git a/x.c b/x.c\n--- a/x.c\n+++ b/x.c\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"


@pytest.mark.parametrize(
    ("body", "log"),
    [
        ("Log.\n---\n x | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n" + DIFF, "Log.\n---\n x | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)"),
        ("Log.\n 2 files changed\nmore", "Log.\n 2 files changed"),
        ("Log.\n 12 files changed, 3 deletions(-)", "Log.\n 12 files changed, 3 deletions(-)"),
        ("Log.\n\n\n" + DIFF, "Log."),
        ("Log.\n" + DIFF + " 3 files changed, 1 insertion(+)\n", "Log."),
        ("Log.\n-- \nsignature\n", "Log."),
        ("Log.\n-- \nsig\n" + DIFF, "Log."),
        ("Log.\n--\nno signature\n", "Log.\n--\nno signature"),
        ("Log.\n \n\t\n\n", "Log."),
        ("\nLog.", "\nLog."),
        ("The 2 files changed by this", "The 2 files changed by this"),
        ("  3 files changed, 1 insertion(+)\nrest", "  3 files changed, 1 insertion(+)\nrest"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_log_ends_with_the_diffstat_or_before_diff_or_signature(body: str, log: str) -> None:
    assert read_patch(body, (), ANA).log == log


@pytest.mark.parametrize(
    ("body", "author", "rest"),
    [
        ("From: Bo <bo@b.example>\n\nLog", "Bo <bo@b.example>", "\nLog"),
        ("\n \nFrom: Bo <bo@b.example>\n\nLog", "Bo <bo@b.example>", "\n \n\nLog"),
        ('From: "Bo (B)" <bo@b.example>\nLog', '"Bo (B)" <bo@b.example>', "Log"),
        ("From: =?utf-8?q?B=C3=B6?= <bo@b.example>\nLog", "Bö <bo@b.example>", "Log"),
        ("From: bo@b.example", "bo@b.example", ""),
        ("From: A Very Long Name\n  <bo@b.example>\n\nLog", "A Very Long Name <bo@b.example>", "\nLog"),
        ("From: bo@b.example\n Indented text", "bo@b.example", " Indented text"),
        ("From: Bo <bo@b.example>\rLog", "Bo <bo@b.example>", "Log"),
        ("Log\nFrom: Bo <bo@b.example>", None, "Log\nFrom: Bo <bo@b.example>"),
        (" From: Bo <bo@b.example>\n", None, " From: Bo <bo@b.example>\n"),
        ("From: here on it is wrong\n", None, "From: here on it is wrong\n"),
        ("", None, ""),
    ],
)
def test_the_in_body_author_is_the_first_line_and_is_taken_out(body: str, author: str | None, rest: str) -> None:
    found, without = split_author(body)
    assert (found.written if found else None, without) == (author, rest)


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "- c", "+ d", "@@ -1 +1 @@", "", "--- e", "+++ f"]), max_size=12),
        min_size=2,
        max_size=8,
    )
)
def test_a_diff_is_counted_as_the_one_who_made_it_counts(versions: list[list[str]]) -> None:
    """Files whose lines look like diff syntax themselves, in one diff of several files."""
    text, expected = "Log\n---\n", []
    for number, (old, new) in enumerate(itertools.pairwise(versions)):
        lines = list(difflib.unified_diff(old, new, f"a/f{number}", f"b/f{number}", lineterm=""))
        if lines:
            added = sum(line.startswith("+") for line in lines[2:])
            removed = sum(line.startswith("-") for line in lines[2:])
            expected.append(Change(f"f{number}", added, removed))
            text += f"diff --git a/f{number} b/f{number}\nindex 1..2 100644\n" + "\n".join(lines) + "\n"
    assert read_diff([text + "-- \n2.51.0\n"])[0] == Diff.of(expected)


@pytest.mark.parametrize(
    ("diff", "changes"),
    [
        ("diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new\n", [Change("new", 0, 0)]),
        ("diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n", [Change("x", 2, 0)]),
        ("diff --git a/x b/x\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n", [Change("x", 0, 1)]),
        ("diff --git a/x.png b/x.png\nGIT binary patch\nliteral 3\n", [Change("x.png", 0, 0)]),
        ("--- linux/x.c.orig\t2025-01-01\n+++ linux/x.c\t2025-01-02\n@@ -1 +1 @@\n-a\n+b\n", [Change("linux/x.c", 1, 1)]),
        ("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1,2 @@\n a\n+b\n", [Change("x", 1, 1), Change("y", 1, 0)]),
        ("diff --git a/a b b/a b\n--- a/a b\n+++ b/a b\n@@ -1 +1 @@\n-a\n+b\n", [Change("a b", 1, 1)]),
        (DIFF.replace(" a\n", "\n"), [Change("x.c", 1, 1)]),
        ("> " + DIFF.replace("\n", "\n> "), []),
    ],
)  # fmt: skip
def test_diffs_of_all_kinds(diff: str, changes: list[Change]) -> None:
    assert list(read_diff([diff])[0].changes) == changes
    assert list(Diff.of(changes).paths) == [change.path for change in changes]


def test_a_cover_states_a_diffstat_and_a_patch_has_a_diff_to_count() -> None:
    cover = read_patch("Gist.\n\n 3 files changed, 7 insertions(+), 1 deletion(-)\n", (), ANA)
    assert (cover.stated, cover.diff.changes) == (Diffstat(3, 7, 1), ())
    patch = read_patch("Log.\n---\n 3 files changed, 7 insertions(+)\n\n" + DIFF, (), ANA)
    assert Diffstat.of(patch.diff.changes) == Diffstat(1, 1, 1)


def test_only_the_senders_own_tags_count() -> None:
    body = (
        "Hi,\n> Acked-by: Quoted <q@q.example>\n Tested-by: Indented <i@i.example>\n"
        "Reviewed-by: Bo <bo@b.example>\nNote: this is prose\nLink: https://a.example/x\nREVIEWED-BY: Di <di@d.example>\n"
        "-- \nAcked-by: Signature <s@s.example>\n"
    )
    assert [(tag.kind, tag.value) for tag in read_tags(body, flowed=False)] == [
        ("Reviewed-by", "Bo <bo@b.example>"),
        ("Link", "https://a.example/x"),
        ("Reviewed-by", "Di <di@d.example>"),
    ]
    assert not read_tags("Log\n" + DIFF + "Acked-by: In the Diff <d@d.example>\n", flowed=False, patch=True)


@pytest.mark.parametrize(
    ("written", "name", "address", "domain"),
    [
        ("Ana Brenner <ana@A.Example>", "Ana Brenner", "ana@A.Example", "a.example"),
        ('"Brenner, Ana" <ana@a.example>', "Brenner, Ana", "ana@a.example", "a.example"),
        ('"Ana \\"A\\" Brenner" <ana@a.example>', 'Ana "A" Brenner', "ana@a.example", "a.example"),
        ('"ana@old.example <x@y.example>" <ana@a.example>', "ana@old.example <x@y.example>", "ana@a.example", "a.example"),
        ("ana@a.example (Ana Brenner)", "Ana Brenner", "ana@a.example", "a.example"),
        ("<ana@a.example>", "", "ana@a.example", "a.example"),
        ("ana@a.example", "", "ana@a.example", "a.example"),
        ("Ana <ana@a.example>, Bo <bo@b.example>", "Ana", "ana@a.example", "a.example"),
        ("Ana Brenner", "Ana Brenner", "", ""),
        ("Ana <not an address>", "Ana", "", ""),
        ("", "", "", ""),
    ],
)  # fmt: skip
def test_a_person_is_read_as_they_are_written(written: str, name: str, address: str, domain: str) -> None:
    person = Person.parse(written)
    assert (person.written, person.name, person.address, person.domain) == (written, name, address, domain)


def test_a_name_that_looks_like_an_address_once_it_is_decoded_is_a_name() -> None:
    person = Person.parse("=?utf-8?q?J=C3=B6rg_=3Cx=40evil=2Eexample=3E?= <joerg@b.example>")
    assert (person.name, person.address) == ("Jörg <x@evil.example>", "joerg@b.example")
    assert person.written == "Jörg <x@evil.example> <joerg@b.example>"
