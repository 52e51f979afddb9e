"""/activity: how much happens on a list."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Engine

from chatbot.answer import answer
from chatbot.chat.post import Post
from chatbot.chat.styled import DIALECT, plain_text
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.report.render import Renderer
from chatbot.store.following import Following
from chatbot.store.index import Index
from tests.commands.test_digest import KVM, MONDAY, sent
from tests.conftest import add, answered, context_of

NOW = MONDAY + timedelta(days=13, hours=9)
MAILS = (
    sent(1, -100, "[PATCH] before all that"),
    sent(2, 0.5, "[PATCH] one"),
    sent(3, 0.6, "[PATCH 0/1] two"),
    sent(4, 0.6, "[PATCH 1/1] two, in parts", in_reply_to="<m3@sample.example>"),
    sent(5, 1.5, "Re: [PATCH] one", "Bo <bo@b.example>", in_reply_to="<m2@sample.example>"),
    sent(6, 12.9, "[PATCH v2] one"),
    sent(7, 13.9, "hello"),  # later today
)


def asked(engine: Engine, text: str, *mails: Mail, pictures: bool = False, followed: bool = True) -> Post:
    if mails:
        add(Index(engine), "kvm", *mails)
    if followed:
        Following(engine).keep_up(People(), NOW)
    context = context_of(engine, KVM, now=NOW)
    assert answered(text, context)  # in Slack and Matrix, too
    return answer(text, context, Renderer(), replace(DIALECT, files=pictures))


def test_it_counts_mails_and_postings_by_the_week_and_by_the_day(engine: Engine) -> None:
    assert plain_text(asked(engine, "/activity kvm", *MAILS).body) == (
        "KVM, the last 13 weeks\n2025-08-18 to 2025-11-16 UTC\n"
        "  mails         ···········█▄  6, at most 4 a week\n"
        "  new series    ···········█·  2, at most 2 a week\n"
        "  new versions  ············█  1, at most 1 a week\n"
    )
    by_day = plain_text(asked(engine, "/activity 2w").body)
    assert "  mails         █▃··········▃▃  6, at most 3 a day\n" in by_day
    assert "  new versions  ············█·  1, at most 1 a day\n" in by_day


def test_what_is_not_known_is_said(engine: Engine) -> None:
    assert "not counted yet" in asked(engine, "/activity kvm", *MAILS, followed=False).body
    assert "counted since 2025-07-18" in asked(engine, "/activity kvm 30").body
    assert "write one of 1 to 60" in asked(engine, "/activity kvm 61w").body
    assert "no such list" in asked(engine, "/activity xfs").body


def test_a_room_that_takes_pictures_gets_one_beside_the_text(engine: Engine) -> None:
    post = asked(engine, "/activity kvm", *MAILS, pictures=True)
    assert post.file
    assert (post.file.name, post.file.media, post.file.data[:4]) == ("kvm-activity.png", "image/png", b"\x89PNG")
    assert post.body == asked(engine, "/activity kvm").body


def test_nothing_that_draws_is_loaded_before_a_chart_is_asked_for() -> None:
    script = "import sys, chatbot.answer; print('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"False\n"
