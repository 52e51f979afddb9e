import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.mail.header import decode_bytes, decode_field, decode_words, parse_date, split_headers


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b" plain ", "plain"),
        (b" one\n two\r\n\tthree", "one two three"),
        (b" kept  inside \n   and folded", "kept  inside  and folded"),
        (b"=?utf-8?q?na=C3=AFve_x?=", "naïve x"),
        (b"=?UTF-8?B?bmHDr3Zl?= x", "naïve x"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=\n =?iso-8859-1?q?=E9?= c", "aé c"),
        (b"=?utf-8?q?=C3?= =?utf-8?q?=AF?=", "ï"),
        (b"=?utf-8*en?q?a?=", "a"),
        (b"=?utf-8?b?bmHDr3Zl", "=?utf-8?b?bmHDr3Zl"),
        (b"=?utf-8?b?YQ=?=", "a"),
        (b"=?utf-8?b?%?= x", "x"),
        (b"=?no-such?q?a=FF?=", "a\ufffd"),
        (b'"=?utf-8?q?Foo=2C?= Bar" <f@b.example>', '"Foo, Bar" <f@b.example>'),
        (b"=?utf-8?q?two=0Alines?=", "two lines"),
        (b"na\xc3\xafve", "naïve"),
        (b"one\rtwo", "one two"),
        (b"=?utf-8?q?tail=20?=", "tail"),
        (b"na\xefve", "na\ufffdve"),
    ],
)
def test_a_field_is_unfolded_and_decoded(raw: bytes, text: str) -> None:
    assert decode_field(raw) == text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60), st.integers(1, 20))
def test_whatever_a_mailer_encodes_comes_back(text: str, size: int) -> None:
    """Cut the bytes anywhere, also inside a character, as mailers do."""
    data = text.encode()
    words = [data[at : at + size] for at in range(0, len(data), size)]
    encoded = " ".join(f"=?utf-8?q?{''.join(f'={byte:02X}' for byte in word)}?=" for word in words)
    assert decode_words(encoded) == re.sub(r"[\r\n]+", " ", text)


@pytest.mark.parametrize(
    "charset", ["unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined", "hex", "rot13", "a\0b", ""]
)
def test_codecs_that_are_no_charsets_are_not_used(charset: str) -> None:
    assert decode_bytes(b"\\x41 na\xc3\xafve", charset)[0] == "\\x41 naïve"


def test_a_charset_cannot_smuggle_in_half_a_surrogate() -> None:
    text, _ = decode_bytes(b"+2AA-", "utf-7")
    text.encode()


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Mon, 17 Nov 2025 03:38:16 +0100 (CET)", datetime(2025, 11, 17, 2, 38, 16, tzinfo=UTC)),
        ("17 Nov 2025 03:38 -0800", datetime(2025, 11, 17, 11, 38, tzinfo=UTC)),
        ("Mon, 17 Nov 25 03:38:16 EST", datetime(2025, 11, 17, 8, 38, 16, tzinfo=UTC)),
        ("Mon, 17 Nov 1999 03:38:60 GMT", datetime(1999, 11, 17, 3, 38, 59, tzinfo=UTC)),
        ("Mon, 17 November 2025 03:38:16 +9999", datetime(2025, 11, 17, 3, 38, 16, tzinfo=UTC)),
        ("Mon, 32 Nov 2025 03:38:16 +0000", None),
        ("Mon, 17 Foo 2025 03:38:16 +0000", None),
        ("yesterday", None),
        ("Sat, 1 Jan 0001 00:00:00 +1400", None),
    ],
)
def test_dates_of_all_kinds_become_instants(text: str, when: datetime | None) -> None:
    assert parse_date(text) == when


@pytest.mark.parametrize(
    ("data", "headers", "body"),
    [
        (b"A: b\n\nbody", b"A: b", b"body"),
        (b"A: b\r\n\r\nbody", b"A: b\r", b"body"),
        (b"\nbody", b"", b"body"),
        (b"\r\nbody", b"", b"body"),
        (b"A: b", b"A: b", b""),
        (b"", b"", b""),
        (b"no field\n\nbody", b"", b"no field\n\nbody"),
        (b"From a mailbox\nA: b\n\nbody", b"From a mailbox\nA: b", b"body"),
    ],
)
def test_headers_end_at_the_first_empty_line(data: bytes, headers: bytes, body: bytes) -> None:
    assert split_headers(data) == (headers, body)
