"""The compiled code says of a mail what the Python beside it says, or nothing; and of plain mails it does say it."""

import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatbot import scan
from chatbot.chat.post import printable
from chatbot.mail.diff import read_diff
from chatbot.mail.header import HEADERS_LIMIT, read_date, read_stamp
from chatbot.mail.message import read_message
from chatbot.mail.patch import read_tags
from chatbot.mail.subject import Subject
from chatbot.mail.words import SAID_LIMIT, read_words
from chatbot.read import read
from chatbot.sources.delta import UnusualError, patched
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.repository import OBJECT_LIMIT
from tests.conftest import TESTS
from tests.packing import Order, delta
from tests.scanning import OF_MAILS, UNCOMPILED, both, counted

pytestmark = pytest.mark.skipif(not scan.COMPILED, reason=UNCOMPILED)

# White space of all kinds, and what is none; letters of one to four bytes.
ODD = (*(chr(code) for code in range(0x3001) if chr(code).isspace()),
    "  ", "\n\n", "\r\n", "\x00", "\x7f", "é", "“", "中", "🤖", "ſ", "K", "",
)  # fmt: skip
NUMBERS = ("0", "1", "9", "12", "007", "999999999", "1000000000", "٣")
HEADERS = (
    "Message-ID: <a@b>", "message-id :<c@d>", "Subject: x", "SUBJECT:", "From: Ana <a@b>", "Date", "Date: ", "In-Reply-To:",
    "References: <a@b> <c@d>", "<", ">", "<e@f>", "<a b>", "=?utf-8?q?=C3=A9?=", "Content-Type: text/plain", "i" * 998,
    "; charset=utf-8", "Received: from a by b; ", "Received", ":", "X-Other: y", "From a@b", ">From a@b", "\n ", "\n\t",
    "\n\r\n", "i" * 999, "Content-Transfer-Encoding: 8bit", "\nFromm: x", "\nfrom: z", "Mon, 17 Nov 2025 10:00:00 +0100",
)  # fmt: skip
DATES = (
    "Mon, ", "Mon,", "Monday, ", "17", "1", "31", "29", " ", "  ", "Nov", "feb", "FEBRUARY", "2025", "2024", "1900", "25",
    "10:00:00", "23:59:60", "24:00:00", "9:00", "+0100", "-2359", "+2400", "GMT", "(CET)", ";", "-", "+", "12:34:56",
)  # fmt: skip
SUBJECTS = (
    "[", "]", "[PATCH", "[PATCH v2 1/3]", "Re:", "RE :", "re[2]:", "Fwd:", "fw:", "AW:", "Antw:", "tr", "rebase:", "回复：",
    "[]", ":", "v 2", "1 / 3", "kvm:", "title", "[12345]", "\udc80",
)  # fmt: skip
SAID = (
    "> quoted", ">", " > a", "On Mon, Ana wrote:", "On Mon,", "Ana <a@b> wrote:", "wrote:", "On " + "x" * 299, "x" * 295,
    "-- ", "diff --git ", "diff --git a/x b/x", "words", "O", "On", "On ", "> On Mon, Ana wrote:", "Reviewed-by: Ana <a@b>",
    "Fixes: 123 (", "x)", "a-b-c-d-e-f: v", "Link:\t\thttps://a", "Acked-by:" + " " * 10 + "x", "a" * 21 + ": x",
    "x: " + "y" * 600, "é" * 200, "\udc80",
)  # fmt: skip
DIFFS = (
    "diff --git a/x.c b/x.c", "diff --git a/y b/y", "diff --git ", "index 1..2", "--- a/x.c", "+++ b/x.c", "+++ b/y",
    "--- /dev/null", "+++ /dev/null", "+++ /dev/null\t2025", "@@ -1 +1 @@", "@@ -1,2 +1,2 @@ f", "@@ -0,0 +1 @@",
    "@@ -1,2 +0,0 @@", "@@ -x", "@@ -1,1000000000 +1 @@", "+a", "-b", " c", "\\ No newline at end of file", "-- ", "2.51.0",
    "", "rename to z", "+++ x", "--- x", "+é", "+\xa0", "+" + "z" * 400,
)  # fmt: skip


def texts(pieces: Sequence[str], between: str = "") -> st.SearchStrategy[str]:
    """Pieces one behind the other, most of them as they come; some with what is odd between them."""
    one = st.sampled_from(pieces) | st.sampled_from(ODD) | st.sampled_from(NUMBERS)
    return st.lists(one, max_size=24).map(between.join)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@settings(max_examples=400)
@given(texts(HEADERS) | texts(HEADERS, "\n"), texts(SAID, "\n"))
def test_it_reads_the_same_headers(headers: str, body: str) -> None:
    compiled, python = both(lambda: read_message(_raw(headers + "\n\n" + body)))
    assert compiled == python


@settings(max_examples=400)
@given(texts(DATES) | texts(DATES, " "))
def test_it_reads_the_same_dates(text: str) -> None:
    compiled, python = both(lambda: (read_date(_raw(text)), read_stamp(_raw(text))))
    assert compiled == python


@given(st.datetimes(), st.integers(-1500, 1500), st.sampled_from(["Mon, ", ""]), st.booleans())
def test_it_reads_the_same_days(when: Any, ahead: int, day: str, two: bool) -> None:
    number = f"{when.day:02}" if two else str(when.day)
    written = f"{day}{number} {when:%b} {when.year:04} {when:%H:%M:%S} {'-' if ahead < 0 else '+'}{abs(ahead):04}"
    compiled, python = both(lambda: read_date(written.encode()))
    assert compiled == python


@settings(max_examples=400)
@given(texts(SUBJECTS) | texts(SUBJECTS, " "))
def test_it_finds_the_same_titles(subject: str) -> None:
    compiled, python = both(lambda: Subject.parse(subject))
    assert compiled == python


@settings(max_examples=800)
@given(texts(SAID) | texts(SAID, "\n"))
def test_it_finds_the_same_words_and_trailers(body: str) -> None:
    compiled, python = both(lambda: (read_words(body), read_tags(body, flowed=False), printable(body)))
    assert compiled == python


@settings(max_examples=800)
@given(texts(DIFFS) | texts(DIFFS, "\n"))
def test_it_counts_the_same_diffs(body: str) -> None:
    compiled, python = both(lambda: (read_diff([body]), read_tags(body, flowed=False, patch=True)))
    assert compiled == python


BASES = st.binary(max_size=60) | st.sampled_from([b"a", b"words " * 20, bytes(range(256)) * 300])
ORDERS = st.lists(st.tuples(st.integers(0, 80_000), st.integers(0, 80_000)) | st.binary(min_size=1, max_size=127))


@settings(max_examples=800)
@given(BASES, ORDERS)
def test_it_follows_the_same_deltas(base: bytes, orders: list[Order]) -> None:
    fitting = [order for order in orders if isinstance(order, bytes) or (order[1] and sum(order) <= len(base))]
    told, made = delta(base, fitting)
    with counted("patched") as declined:
        compiled, python = both(lambda: _followed(base, told))
    assert compiled == python == (made or None)
    assert declined == [not made]


@settings(max_examples=800)
@given(BASES, ORDERS, st.integers(0, 300), st.binary(max_size=4))
def test_it_follows_no_delta_that_makes_no_sense(base: bytes, orders: list[Order], at: int, odd: bytes) -> None:
    told = delta(base, orders)[0]
    told[at : at + len(odd)] = odd
    compiled, python = both(lambda: _followed(base, told))
    assert compiled == python


def _followed(base: bytes, told: bytearray) -> bytes | None:
    try:
        return patched(base, told)
    except (UnusualError, IndexError):
        return None


def test_it_reads_the_same_of_mails_that_were_damaged() -> None:
    """Bytes are changed, lines lost, doubled and moved, in mails of all situations."""
    dice = random.Random(7)
    for file in sorted(TESTS.glob("mails/*.mbox")):
        for _ in range(40):
            lines = file.read_bytes().split(b"\n")
            for _ in range(dice.randrange(6)):
                at = dice.randrange(len(lines))
                lines[at : at + 1] = dice.choice(([], [lines[at]] * 2, [dice.choice(lines)], [lines[at] + b" "]))
                lines = lines or [b""]
            data = bytearray(b"\n".join(lines))
            for _ in range(dice.randrange(4)):
                if data:
                    data[dice.randrange(len(data))] = dice.choice(b"\n\r >-+@:;<=\x80\xe2\xff")
            compiled, python = both(lambda data=bytes(data): _known(data))
            assert compiled == python


def _known(data: bytes) -> tuple[Any, ...]:
    message = read_message(data)
    body = message.body
    return message, Subject.parse(message.subject), read_words(body), read_diff([body]), read_tags(body, flowed=False)


@pytest.mark.parametrize("name", ["nvdimm", "kvm-2025-11-17"])
def test_it_reads_the_same_of_a_real_archive(name: str, corpus: Callable[[str], Path]) -> None:
    with PublicInbox(name, corpus(name)) as source:
        source.refresh()
        with source.after(0, ()) as stretch:
            for chunk in stretch.chunks():
                for raw in chunk.mails():
                    compiled, python = both(lambda raw=raw: read(raw))
                    assert compiled == python


@pytest.mark.parametrize("name", OF_MAILS)
def test_of_plain_mails_it_says_it(name: str, sample: dict[str, Path]) -> None:
    """Else all of the above would be shown of nothing."""
    with PublicInbox("kvm", sample["kvm"]) as source, counted(name) as declined:
        source.refresh()
        with source.after(0, ()) as stretch:
            mails = [raw for chunk in stretch.chunks() for raw in chunk.mails()]
        for raw in mails:
            printable(read(raw)[1].said)
    assert len(declined) >= len(mails) / 4
    assert sum(declined) < len(declined) / 10


def test_it_declines_headers_beyond_the_limit() -> None:
    mail = b"Subject: x\nX: " + b"y" * HEADERS_LIMIT + b"\n\nbody"
    assert scan.fields(mail, HEADERS_LIMIT) is None
    assert scan.fields(b"Subject: x\n\nbody", HEADERS_LIMIT) == ({b"subject": b" x"}, b"body")


def test_words_are_cut_by_characters() -> None:
    compiled, python = both(lambda: read_words("é" * 100 + "\n" + ("ab é\n" * SAID_LIMIT)))
    assert compiled == python
    assert len(compiled[1]) == SAID_LIMIT


@pytest.mark.parametrize("wrong", [None, 1, "text"])
def test_what_is_no_mail_is_a_type_error(wrong: Any) -> None:
    for function in (scan.ids, scan.date, scan.stamp):
        with pytest.raises(TypeError):
            function(wrong)
    for function in (scan.lead, scan.trailers, scan.printable, scan.diff):
        with pytest.raises(TypeError):
            function(wrong if wrong != "text" else b"bytes")
    for arguments in ((), (b"",), (wrong, 1), (b"", "1")):
        with pytest.raises(TypeError):
            scan.fields(*arguments)
    for arguments in ((), ("",), (b"", 1), ("", "1")):
        with pytest.raises(TypeError):
            scan.said(*arguments)
    for arguments in ((), (b"", b""), ("", b"", 1), (b"", wrong, "1")):
        with pytest.raises(TypeError):
            scan.patched(*arguments)


def test_nothing_is_lost_by_reading_a_thousand_times() -> None:
    """A count of references that grows with each call would be memory that is never given back."""
    body = "Reviewed-by: Ana <a@b>\n> x\n" + "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"
    for function, arguments in (
        (scan.fields, (b"Subject: x\n\nbody", HEADERS_LIMIT)),
        (scan.ids, (b"<a@b> <c@d>",)),
        (scan.trailers, (body,)),
        (scan.said, (body, SAID_LIMIT)),
        (scan.diff, (body,)),
        (scan.lead, ("Re: x",)),
        (scan.printable, ("é",)),
        (scan.patched, (b"words", delta(b"words", [(0, 5), b"more"])[0], OBJECT_LIMIT)),
        (scan.patched, (b"words", bytearray(b"nonsense"), OBJECT_LIMIT)),
    ):
        function(*arguments)
        before, kept = sys.getallocatedblocks(), [sys.getrefcount(argument) for argument in arguments]
        for _ in range(1000):
            function(*arguments)
        assert sys.getallocatedblocks() - before < 100
        assert [sys.getrefcount(argument) for argument in arguments] == kept
