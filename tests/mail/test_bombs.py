"""Mails made to stall a parser, as long as an archive's reader hands them on. A pattern that takes the square of
their length would need minutes here, so that this file ends at once is the test."""

import pytest

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
