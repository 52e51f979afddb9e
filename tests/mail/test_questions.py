"""What reviewers asked, and nobody has replied to."""

import pytest

from chatbot.mail.grouping import group
from chatbot.mail.mail import Mail
from chatbot.mail.questions import Question, asked, open_questions
from chatbot.mail.review import answers
from tests.conftest import thread


def is_bot(mail: Mail) -> bool:
    return mail.sender.address.endswith("@robots.example")


def questions_in(mails: list[Mail], version: int = 0) -> list[Question]:
    series = group(mails)
    after = series[version + 1] if len(series) > version + 1 else None
    return list(open_questions(series[version], answers(mails), after=after, is_bot=is_bot))


def mailbox(mail: Mail) -> str:
    return mail.message_id.partition("@")[0]


def test_what_a_human_asks_the_author_is_open_until_somebody_replies() -> None:
    found = questions_in(thread("questions-in-a-thread"))
    assert [(mailbox(one.mail), mailbox(one.on), one.sentence) for one in found] == [
        ("open", "a1", "Isn't this called with the lock held?"),
        ("open", "a1", "We could take it in f(), i.e. before the call. Thoughts?"),
        ("helped", "a2", "Are they counted twice?"),
    ]


def test_without_the_authors_reply_the_question_would_be_open() -> None:
    mails = [one for one in thread("questions-in-a-thread") if mailbox(one) not in ("answer", "helped")]
    assert "What is counted here?" in [one.sentence for one in questions_in(mails)]


def test_a_question_stays_with_the_version_that_it_was_about() -> None:
    mails = thread("questions-before-a-new-version")
    first, second = group(mails)
    assert [(one.sentence, one.after) for one in questions_in(mails)] == [
        ("Why say it at all?", second),
        ("Was this ever counted?", None),
    ]
    assert [one.sentence for one in questions_in(mails, 1)] == ["Which lock is held?"]
    assert (first.revision, second.revision) == ("v1", "v2")


@pytest.mark.parametrize(
    ("said", "questions"),
    [
        ("Why? It works. Does it?", ["Why?", "It works. Does it?"]),
        ("Is it e.g. this one?", ["Is it e.g. this one?"]),
        ("Pourquoi ce verrou ?\nIl est pris.", ["Pourquoi ce verrou ?"]),
        ('Is it "x"?\n- Or that thing here?', ['Is it "x"?', "Or that thing here?"]),
        ("x = a ? b : c", []),
        ("    is_it(a)?\n\tor_is_it(b)?", []),
        ("See https://a.example/?q=1 and this (is it?) one.", []),
        ("This needs a respin, could you resend it?", []),
    ],
)
def test_a_question_is_a_sentence_of_prose_that_ends_in_its_mark(said: str, questions: list[str]) -> None:
    assert list(asked(said)) == questions
