"""Mails made to stall a parser, each 1 MiB or as long as headers get. A pattern that takes the square of their
length would need minutes here, so that this file ends at once is the test."""

import pytest

from tests.conftest import read_one

MIB = 1024 * 1024
HEAD = b"From: Ana <ana@a.example>\nSubject: [PATCH] x\nMessage-ID: <bomb@sample.example>\n"
NESTED = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (depth, depth) for depth in range(1000))
PARTS = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"


def subject(text: bytes) -> bytes:
    return HEAD.replace(b"[PATCH] x", text) + b"\nText.\n"


def sender(text: bytes) -> bytes:
    return HEAD.replace(b"Ana <ana@a.example>", text) + b"\nText.\n"


def body(text: bytes) -> bytes:
    return HEAD + b"\n" + text


BOMBS = {
    "parts in parts": HEAD + NESTED,
    "mails in mails": HEAD + b"Content-Type: message/rfc822\n\n" * 30_000,
    "parts": PARTS + b"--b\n\nx\n" * 100_000,
    "empty parts": PARTS + b"--b\n" * 250_000,
    "longer boundaries": PARTS + b"--b\n\nx\n" + b"--bx\n" * 200_000,
    "references": HEAD + b"References: " + b"<a@b.example>\n " * 7_000 + b"\n\nx",
    "open references": HEAD + b"In-Reply-To: " + b"<a" * 45_000 + b"\n\nx",
    "encoded words": subject(b"=?utf-8?q?a?= " * 6_000),
    "open encoded words": subject(b"=?utf-8?q?" * 9_000),
    "open brackets": subject(b"[" * 90_000),
    "tags": subject(b"[PATCH] " * 12_000),
    "replies": subject(b"Re: " * 20_000),
    "parts of parts": subject(b"[PATCH " + b"1 / " * 22_000 + b"]"),
    "folds": subject(b"x" + b"\n " * 40_000),
    "open angles": sender(b"<" * 90_000),
    "angles and blanks": sender(b"< a" * 30_000),
    "open quotes": sender(b'"\\' * 45_000),
    "quotes": sender(b'"' * 90_001),
    "at signs": sender(b"a@" * 45_000),
    "open comments": sender(b"a@b " + b"(" * 90_000),
    "stamps": b"Received: x\n" * 8_000 + HEAD + b"\nx",
    "days": HEAD + b"Date: " + b"1 " * 45_000 + b"\n\nx",
    "charsets": HEAD + b"Content-Type: text/plain" + b"; charset" * 10_000 + b"\n\nx",
    "names": HEAD + b"Content-Type: text/x; " + b"name=" * 18_000 + b"\n\nx",
    "a long boundary": HEAD + b'Content-Type: multipart/mixed; boundary="' + b"b" * 90_000 + b'"\n\nx',
    "newlines": body(b"\n" * MIB),
    "blanks": body(b" " * MIB),
    "in-body authors": body(b"From: " * 170_000),
    "empty in-body authors": body(b"From: \n" * 150_000),
    "file headers": body(b"diff --git a/x b/x\n" * 55_000),
    "an endless file header": body(b"diff --git " + b"a " * 500_000),
    "endless hunks": body(b"diff --git a/x b/x\n" + b"@@ -1,999999999 +1,999999999 @@\n" * 30_000),
    "empty hunks": body(b"--- a\n+++ b\n" + b"@@ -1,0 +1,0 @@\n" * 60_000),
    "files": body(b"--- a\n+++ b\n" * 80_000),
    "totals": body(b" 1 file changed,x\n" * 55_000),
    "trailers": body(b"Reviewed-by: a <a@b.example>\n" * 35_000),
    "hyphens": body(b"a-" * (MIB // 2)),
    "base64": HEAD + b"Content-Transfer-Encoding: base64\n\n" + b"YWFh" * 250_000,
    "broken base64": HEAD + b"Content-Transfer-Encoding: base64\n\n" + b"Y=\n" * 300_000,
    "soft line breaks": HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 500_000,
    "flowing lines": HEAD + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 300_000,
}


TOO_MANY = {"parts in parts", "mails in mails", "parts", "empty parts"}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_mail_like_any_other(name: str) -> None:
    mail = read_one(BOMBS[name][:MIB])
    assert mail.message_id == "bomb@sample.example"
    assert ("more parts than anyone writes" in mail.defects) == (name in TOO_MANY)
    f"{mail.subject} {mail.author.name}".encode()


@pytest.mark.parametrize(("depth", "read"), [(19, True), (30, False)])
def test_parts_are_read_as_deep_as_anyone_nests_them(depth: int, read: bool) -> None:
    opened = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(depth))
    mail = read_one(HEAD + opened + b"Content-Type: text/plain\n\nDeep.")
    assert mail.patch
    assert mail.patch.log == ("Deep." if read else "")
    assert ("more parts than anyone writes" in mail.defects) != read


def test_headers_are_read_as_far_as_anyone_writes_them() -> None:
    mail = read_one(HEAD + b"X: " + b"x" * 100_000 + b"\nReferences: <late@b.example>\n\nText.")
    assert mail.references == ()
