"""What a sender says themself."""

import pytest

from chatbot.mail.words import SAID_LIMIT
from tests.conftest import compose, read_one


def said(body: str, subject: str = "Re: x") -> str:
    return read_one(compose(subject, body=body)).said


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("Looks good.\n", "Looks good."),
        ("> quoted\nMine.\n", "Mine."),
        (" \t> quoted\nMine > yours.\n", "Mine > yours."),
        ("Hi,\n\n> one\n> > two\n>\n\nNo.\n\n> three\n\nYes.\n", "Hi,\n\nNo.\n\nYes."),
        ("On Mon, 3 Nov 2025, Ana wrote:\n> quoted\nMine.", "Mine."),
        ("On Mon, 3 Nov 2025,\nAna <a@a.example> wrote:\n\n> quoted\nMine.", "Mine."),
        ("On Monday Ana wrote:\nMine, about her.", "On Monday Ana wrote:\nMine, about her."),
        ("On the whole it is fine.\n\nAna wrote:\n> quoted", "On the whole it is fine.\n\nAna wrote:"),
        ("Try this:\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n", "Try this:"),
        ("Mine.\n-- \nsignature\n", "Mine."),
        ("Mine.\n-- ", "Mine."),
        ("-- \nsignature\n", ""),
        ("diff --git a/x b/x\n", ""),
        ("a\n\n \n\t\n\nb\n  c\n", "a\n\nb\n  c"),
        ("> > only quoted\n", ""),
        ("", ""),
        ("a" * (SAID_LIMIT + 1), "a" * SAID_LIMIT),
    ],
)
def test_the_words_are_the_senders_own(body: str, words: str) -> None:
    assert said(body) == words


def test_a_patch_says_it_in_its_log() -> None:
    assert said("Log.\n", subject="[PATCH] x") == ""
