"""Mails made to stall a parser, as long as an archive's reader hands them on. A pattern that takes the square of
their length would need minutes here, so that this file ends at once is the test."""

import pytest

from chatbot.mail.changelog import changelog
from chatbot.mail.mentions import mentions_in
from chatbot.mail.patch import read_tags
from chatbot.mail.questions import asked
from chatbot.mail.said import applied_parts, asks_for_changes
from chatbot.mail.series import Series
from chatbot.mail.traits import title_key
from chatbot.sources.repository import OBJECT_LIMIT
from tests.bombs import BOMBS, HEAD, TOO_MANY_PARTS, nested
from tests.conftest import read_one


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_a_mail_like_any_other(name: str) -> None:
    mail = read_one(BOMBS[name]()[:OBJECT_LIMIT])
    assert mail.message_id == "bomb@sample.example"
    assert ("more parts than anyone writes" in mail.defects) == (name in TOO_MANY_PARTS)
    f"{mail.subject} {mail.author.name} {mail.said}".encode()


@pytest.mark.parametrize(("depth", "read"), [(19, True), (30, False)])
def test_parts_are_read_as_deep_as_anyone_nests_them(depth: int, read: bool) -> None:
    mail = read_one(HEAD + nested(depth) + b"Content-Type: text/plain\n\nDeep.")
    assert mail.patch
    assert mail.patch.log == ("Deep." if read else "")
    assert ("more parts than anyone writes" in mail.defects) != read


def test_headers_are_read_as_far_as_anyone_writes_them() -> None:
    mail = read_one(HEAD + b"X: " + b"x" * 100_000 + b"\nReferences: <late@b.example>\n\nText.")
    assert mail.references == ()


PIECES = [
    "please ",
    "thanks, ",
    "\nok ",
    "\n",
    "\n[1/3] a\n",
    "[1/3",
    "Changes in for from ",
    "v1 -> ",
    "v1[1]",
    "https://a@b/",
]
MORE = [
    "message-id: <",
    "\nFixes: a (",
    "\nAbc-by: x",
    "rfc previous ",
    "\nchange-id: ",
    "send a ",
    "applied to ",
    "(",
    "v",
    "@",
    "? ",
    'a?" ',
    "\n ? ",
]


@pytest.mark.parametrize("piece", PIECES + MORE)
def test_what_is_said_is_understood_in_time_however_long_it_is(piece: str) -> None:
    """A megabyte each, of what the patterns look for, again and again and never quite."""
    text = piece * (1_000_000 // len(piece)) + "@"
    asks_for_changes(text)
    changelog(text, 2)
    mentions_in(text)
    title_key(text)
    assert len("".join(asked(text))) < len(text)
    read_tags(text + "\nReviewed-by: unfinished", flowed=False)
    data = HEAD + text.encode()
    applied_parts(read_one(data), read_one(data), Series((read_one(data),)))
