"""Whole mails: one file in tests/mails is one situation."""

import email
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.diff import Change, Diffstat
from chatbot.mail.mail import EARLIEST, LATEST, Mail
from chatbot.mail.message import read_message
from tests.conftest import CORPUS, NOON, TESTS, compose, read_one, situation, situation_bytes


def log_of(mail: Mail) -> str:
    assert mail.patch
    return mail.patch.log


def test_a_folded_subject_is_one_line() -> None:
    assert (
        str(situation("folded-subject").subject) == "[PATCH v2 3/7] KVM: arm64: Say why a filter was refused, and where"
    )


def test_a_character_cut_in_two_by_the_encoding_is_whole_again() -> None:
    mail = situation("encoded-header-split-inside-a-character")
    assert str(mail.subject) == "[PATCH] KVM: naïve fix für x86"
    assert (mail.sender.name, mail.sender.address) == ("Inês Carvalho", "ines@cloudreach.example")


def test_raw_bytes_in_a_header_are_utf_8_or_marked() -> None:
    mail = situation("raw-8-bit-header")
    assert mail.sender.name == "Inês Carvalho"
    assert mail.subject.title == "naïve \ufffd"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("charset-that-lies-ascii-is-utf-8", "naïve"),
        ("charset-that-lies-gb2312-is-larger", "様子"),
        ("charset-unknown", "naïve"),
        ("text-not-in-its-charset", "na\ufffdve"),
    ],
)
def test_a_charset_that_lies_is_found_out(name: str, text: str) -> None:
    mail = situation(name)
    assert log_of(mail).strip() == text
    assert ("text not in its charset" in mail.defects) == ("\ufffd" in text)


def test_quoted_printable_with_encoded_line_ends_is_a_patch_like_any_other() -> None:
    mail = situation("quoted-printable-with-crlf")
    assert mail.patch
    assert mail.author.written == "John Doe <john@doe.example>"
    assert mail.patch.log.startswith("\nA log that is long enough to be folded by the encoding.\n---\n")
    assert mail.patch.log.endswith(" 1 file changed, 1 insertion(+), 1 deletion(-)")
    assert mail.patch.diff.changes == (Change("a.c", 1, 1),)


def test_base64_ends_where_a_list_server_adds_its_footer() -> None:
    mail = situation("base64-with-a-list-footer")
    assert [(tag.kind, tag.person.address) for tag in mail.tags] == [("Reviewed-by", "bo@kernelworks.example")]
    assert mail.reply
    assert not mail.defects


def test_text_that_only_claims_to_be_base64_is_kept_with_a_defect() -> None:
    fields = {"content_transfer_encoding": "base64"}
    mail = read_one(compose("[PATCH] a", body="From: Bo <bo@b.example>\n\nPlain, after all.\n", **fields))
    assert (mail.author.name, log_of(mail), mail.defects) == ("Bo", "\nPlain, after all.", ("broken base64",))
    indented = read_one(compose("[PATCH] a", body="  RW5jb2RlZC4=\n", **fields))
    assert (log_of(indented), indented.defects) == ("Encoded.", ())


def test_a_part_without_headers_is_all_text() -> None:
    body = "--b\nno field here\n\nbut text\n--b--\n"
    mail = read_one(compose("[PATCH] a", body=body, content_type="multipart/mixed; boundary=b"))
    assert log_of(mail) == "no field here\n\nbut text"


def test_the_first_plain_part_is_the_text_and_an_attached_patch_is_counted() -> None:
    mail = situation("multipart-with-the-patch-attached")
    assert mail.patch
    assert mail.patch.log == "See the patch, für you."
    assert mail.patch.diff.changes == (Change("b.c", 1, 0),)


def test_a_signed_patch_is_read_through_its_envelope() -> None:
    mail = situation("multipart-signed-patch-inside")
    assert mail.patch
    assert mail.patch.log.endswith(" 1 file changed, 1 insertion(+)")
    assert Diffstat.of(mail.patch.diff.changes) == Diffstat(1, 1, 0)


def test_tags_in_flowing_text_are_put_together_and_quoted_ones_left_out() -> None:
    mail = situation("format-flowed-tags")
    assert [(tag.kind, tag.value) for tag in mail.tags] == [
        ("Reviewed-by", "A Very Long Name <long@kernelworks.example>")
    ]


def test_a_patch_in_flowing_text_is_counted() -> None:
    mail = situation("format-flowed-patch")
    assert mail.patch
    assert mail.patch.diff.changes == (Change("c.c", 1, 1),)
    assert log_of(mail).endswith("\n  1 file changed, 1 insertion(+), 1 deletion(-)")


def test_crlf_is_read_as_lf() -> None:
    mail = situation("crlf-throughout")
    assert "\r" not in log_of(mail) + str(mail.subject)
    assert mail.message_id == "crlf@sample.example"
    assert mail.tags[0].value == "Bo Lindqvist <bo@kernelworks.example>"
    assert mail.patch
    assert Diffstat.of(mail.patch.diff.changes) == Diffstat(1, 0, 1)


def test_a_mail_without_headers_is_kept_with_its_defects() -> None:
    mail = situation("no-headers-needed-are-there")
    assert mail.message_id == "fallback@archive.invalid"
    assert mail.received == NOON
    assert set(mail.defects) == {"no Message-ID", "no From", "no Subject", "no readable Date"}


def test_a_cover_without_a_body_is_a_cover() -> None:
    mail = situation("no-body")
    assert mail.subject.part == 0
    assert log_of(mail) == ""


def test_html_alone_is_a_defect_and_no_text() -> None:
    mail = situation("html-only")
    assert mail.defects == ("no text/plain part",)
    assert mail.patch is None


def test_the_in_body_author_is_the_author() -> None:
    mail = situation("sender-stands-for-the-author")
    assert mail.sender.name == "Ana Brenner"
    assert mail.author.written == "Inga König <inga@freehold.example>"
    assert log_of(mail).startswith("\n\n")  # the lines around the in-body From stay
    assert log_of(mail).endswith('\nFixes: 877324a1b541 ("KVM: Break it")')
    assert [tag.kind for tag in mail.tags] == ["Reviewed-by", "Signed-off-by", "Fixes"]


def test_a_sentence_is_no_author() -> None:
    mail = situation("a-sentence-that-begins-with-from")
    assert mail.author.address == "ana@northgate.example"
    assert log_of(mail).startswith("From: the manual")


def test_a_field_given_twice_counts_once() -> None:
    mail = situation("duplicate-fields")
    assert (mail.subject.title, mail.message_id) == ("first", "dup@sample.example")


def test_a_message_id_without_brackets_is_taken() -> None:
    mail = situation("message-id-without-brackets")
    assert mail.message_id == "bare@sample.example"
    assert set(mail.defects) == {"Message-ID without brackets", "no readable Date"}


@pytest.mark.parametrize("name", ["newest-received-wins", "unreadable-newest-received"])
def test_the_newest_stamp_dates_a_mail_and_not_its_date_field(name: str) -> None:
    second = 0 if name == "newest-received-wins" else -10
    mail = situation(name)
    assert (mail.received - datetime(2025, 11, 17, 23, 30, tzinfo=UTC)).total_seconds() == second
    assert mail.date == datetime(2025, 11, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize(("stamp", "bound"), [("1 Jan 1970", EARLIEST), ("1 Jan 2999", LATEST)])
def test_impossible_times_are_clamped(stamp: str, bound: datetime) -> None:
    assert read_one(compose("a", received=f"by x; {stamp} 00:00:00 +0000")).received == bound


@pytest.mark.parametrize(
    ("subject", "diff", "patch"),
    [
        ("[RFC] a question", False, False),
        ("[RFC] a sketch", True, True),
        ("[v2] forgot the word", True, True),
        ("[PATCH] no diff", False, True),
        ("[RFC 0/2] wordless cover", False, True),
        ("[GIT PULL] fixes", True, False),
        ("a diff in prose", True, False),
        ("Re: [PATCH] quoted", True, False),
    ],
)
def test_what_makes_a_mail_a_patch(subject: str, diff: bool, patch: bool) -> None:
    body = "Log.\n---\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+x\n" if diff else "Log.\n"
    assert (read_one(compose(subject, body=body)).patch is not None) == patch


ALL_SITUATIONS = sorted(path.stem for path in (TESTS / "mails").glob("*.mbox"))


@given(st.binary(max_size=400) | st.builds(lambda head, body: head + b"\n\n" + body, st.binary(), st.binary()))
def test_any_bytes_are_a_mail(data: bytes) -> None:
    mail = read_one(data)
    f"{mail.subject} {mail.sender.written} {log_of(mail) if mail.patch else ''}".encode()


def test_damaged_mails_are_mails() -> None:
    """Real situations with bytes cut out, doubled, and replaced."""
    chance = random.Random(7)
    for name in ALL_SITUATIONS:
        whole = situation_bytes(name)
        for _ in range(200):
            a, b = sorted(chance.randrange(len(whole) + 1) for _ in range(2))
            filling = chance.choice([b"", whole[a:b] * 2, bytes(chance.randrange(256) for _ in range(5))])
            mail = read_one(whole[:a] + filling + whole[b:])
            f"{mail.subject} {mail.author.written}".encode()


def standard_library_text(data: bytes) -> str:
    for part in email.message_from_bytes(data).walk():
        if part.get_content_type() == "text/plain" and not part.is_multipart():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            return payload.decode(part.get_content_charset() or "utf-8").replace("\r\n", "\n")
    return ""


@pytest.mark.parametrize(
    "name", [name for name in ALL_SITUATIONS if "charset" not in name and "footer" not in name and "raw" not in name]
)
def test_the_standard_library_reads_the_same_text(name: str) -> None:
    data = situation_bytes(name)
    assert read_message(data).body == standard_library_text(data)


def test_the_odd_mails_of_other_projects_are_read() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the other projects' mails are not on this machine (they are theirs, not ours to ship)")
    files = [path for path in Path(CORPUS / "mails").rglob("*") if path.is_file()]
    mails = [read_one(path.read_bytes()) for path in files]
    assert len(mails) == len(files) > 400
    assert sum(bool(mail.message_id) for mail in mails) == len(mails)
