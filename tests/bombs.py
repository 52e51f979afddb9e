"""Mails made to stall a parser, at the size that an archive may hold; the source cuts them at its MAIL_LIMIT.

Each is made when it is asked for: `BOMBS[name]()`.
"""

from collections.abc import Callable

MIB = 1024 * 1024
# The Message-ID stands first, for headers are read no further than 100,000 bytes.
HEAD = b"Message-ID: <bomb@sample.example>\nFrom: Ana <ana@a.example>\nSubject: [PATCH] x\n"
PARTS = HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"
BASE64 = HEAD + b"Content-Transfer-Encoding: base64\n\n"


def nested(depth: int) -> bytes:
    """Parts in parts, so many deep."""
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(depth))


def subject(text: bytes) -> bytes:
    return HEAD.replace(b"[PATCH] x", text) + b"\nText.\n"


def sender(text: bytes) -> bytes:
    return HEAD.replace(b"Ana <ana@a.example>", text) + b"\nText.\n"


def relay(text: bytes) -> bytes:
    return HEAD.replace(b"Ana <ana@a.example>", b"Ana via B4 Relay <devnull+ana.a.example@kernel.org>") + text


def body(text: bytes) -> bytes:
    return HEAD + b"\n" + text


def reply(text: bytes) -> bytes:
    return subject(b"Re: x").replace(b"Text.\n", text)


BOMBS: dict[str, Callable[[], bytes]] = {
    "parts in parts": lambda: HEAD + nested(1000),
    "mails in mails": lambda: HEAD + b"Content-Type: message/rfc822\n\n" * 30_000,
    "parts": lambda: PARTS + b"--b\n\nx\n" * 100_000,
    "large parts": lambda: PARTS + (b"--b\n\n" + b"x" * 990 + b"\n") * 100_000,
    "empty parts": lambda: PARTS + b"--b\n" * 1_000_000,
    "longer boundaries": lambda: PARTS + b"--b\n\nx\n" + b"--bx\n" * 200_000,
    "references": lambda: HEAD + b"References:" + b" <a@b.example>\n" * 100_000 + b"\nx",
    "unfolded references": lambda: HEAD + b"References:" + b" <a@b.example>" * 100_000 + b"\n\nx",
    "open references": lambda: HEAD + b"In-Reply-To: " + b"<a" * 45_000 + b"\n\nx",
    "encoded words": lambda: subject(b"=?utf-8?q?a?= " * 20_000),
    "encoded words of many charsets": lambda: subject(b"=?utf-8?q?a?= =?latin1?b?5A==?= " * 10_000),
    "open encoded words": lambda: subject(b"=?utf-8?q?" * 9_000),
    "open brackets": lambda: subject(b"[" * 90_000),
    "tags": lambda: subject(b"[PATCH] " * 12_000),
    "replies": lambda: subject(b"Re: " * 20_000),
    "parts of parts": lambda: subject(b"[PATCH " + b"1 / " * 22_000 + b"]"),
    "folds": lambda: subject(b"x" + b"\n " * 40_000),
    "recipients": lambda: HEAD + b"Cc: " + b"Ana Brenner <ana@a.example>,\n " * 20_000 + b"x@a.example\n\nx",
    "open angles": lambda: sender(b"<" * 90_000),
    "angles and blanks": lambda: sender(b"< a" * 30_000),
    "open quotes": lambda: sender(b'"\\' * 45_000),
    "quotes": lambda: sender(b'"' * 90_001),
    "at signs": lambda: sender(b"a@" * 45_000),
    "open comments": lambda: sender(b"a@b " + b"(" * 90_000),
    "relays of relays": lambda: sender(b"a via " * 20_000 + b"<a@b>"),
    "hidden addresses": lambda: sender(b"Ana via X <devnull+" + b"a." * 400 + b"=" + b".a" * 80 + b"@kernel.org>"),
    "who answers for a relay": lambda: relay(
        b"Reply-To: " + b'"\\' * 20_000 + b"\nX-Original-From: " + b"<a@b>," * 9_000 + b"\n\n"
    ),
    "who signed for a relay": lambda: relay(b"\n" + b"Signed-off-by: a <a@b.example>\n" * 33_000),
    "stamps": lambda: b"Received: x\n" * 8_000 + HEAD + b"\nx",
    "days": lambda: HEAD + b"Date: " + b"1 " * 45_000 + b"\n\nx",
    "charsets": lambda: HEAD + b"Content-Type: text/plain" + b"; charset" * 10_000 + b"\n\nx",
    "names": lambda: HEAD + b"Content-Type: text/x; " + b"name=" * 18_000 + b"\n\nx",
    "a long boundary": lambda: HEAD + b'Content-Type: multipart/mixed; boundary="' + b"b" * 90_000 + b'"\n\nx',
    "newlines": lambda: body(b"\n" * 50 * MIB),
    "newlines in a reply": lambda: reply(b"\n" * 50 * MIB),
    "blanks": lambda: body(b" " * MIB),
    "blanks in a reply": lambda: reply(b"\n \n" + b" " * MIB),
    "quotations": lambda: reply(b"> a\nb\n" * 200_000),
    "blanks before quotations": lambda: reply(b"\n     " * 200_000 + b">"),
    "attributions": lambda: reply(b">\n" + b"On a\n" * 200_000),
    "long attributions": lambda: reply(b">\n" + (b"On " + b"wrote:" * 100 + b"\n") * 2_000),
    "in-body authors": lambda: body(b"From: " * 170_000),
    "empty in-body authors": lambda: body(b"From: \n" * 150_000),
    "file headers": lambda: body(b"diff --git a/x b/x\n" * 55_000),
    "an endless file header": lambda: body(b"diff --git " + b"a " * 500_000),
    "endless hunks": lambda: body(b"diff --git a/x b/x\n" + b"@@ -1,999999999 +1,999999999 @@\n" * 30_000),
    "empty hunks": lambda: body(b"--- a\n+++ b\n" + b"@@ -1,0 +1,0 @@\n" * 60_000),
    "hunks": lambda: body(b"diff --git a/x b/x\n--- a/x\n+++ b/x\n" + b"@@ -1,0 +1 @@\n+\n" * 60_000),
    "files": lambda: body(b"--- a\n+++ b\n" * 80_000),
    "totals": lambda: body(b" 1 file changed,x\n" * 55_000),
    "trailers": lambda: body(b"Reviewed-by: a <a@b.example>\n" * 35_000),
    "hyphens": lambda: body(b"a-" * (MIB // 2)),
    "base64": lambda: BASE64 + (b"YWFh" * 19 + b"\n") * (50 * MIB // 77),
    "base64 in one line": lambda: BASE64 + b"YWFh" * (50 * MIB // 4),
    "broken base64": lambda: BASE64 + b"Y=\n" * 300_000,
    "blanks in base64": lambda: BASE64 + b" " * MIB + b"?",
    "soft line breaks": lambda: HEAD + b"Content-Transfer-Encoding: quoted-printable\n\n" + b"=\n" * 500_000,
    "flowing lines": lambda: HEAD + b"Content-Type: text/plain; format=flowed\n\n" + b"a \n" * 300_000,
}
TOO_MANY_PARTS = frozenset({"parts in parts", "mails in mails", "parts", "large parts", "empty parts"})
