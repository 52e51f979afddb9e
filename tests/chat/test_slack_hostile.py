"""Strangers' text in everything that a mail may hold, through every template, as Slack gets it."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from chatbot.answer import look_up
from chatbot.chat.slack import DIALECT
from chatbot.chat.slack_blocks import message
from chatbot.commands.command import Facts
from chatbot.errors import Misunderstood
from chatbot.mail.mail import Mail
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.store.index import Index
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from chatbot.subscriptions.when import parse_when
from tests.conftest import NOON, add, context_of, read_one
from tests.fakes.slack_rules import check_message, effects

PAYLOADS = (
    "<!channel>", "<!here|all>", "<!everyone>", "<@U0MIA>", "<@U0MIA|mia>", "<#C0KERNEL>", "<#C0KERNEL|kernel>",
    "<!subteam^S012|team>", "<!date^1392734382^{date}^https://evil.example|x>", "@here", "@channel", "@everyone", "#general",
    "<https://evil.example|lore.kernel.org>", "<https://evil.example>", "<mailto:a@evil.example|a>", "http://evil.example",
    "https://evil.example/a|b", "[x](https://evil.example)", "<a href='https://evil.example'>x</a>", "</li></ul><hr><h3>x",
    "<button value='/unsubscribe all'>x</button>", "<img src=https://evil.example>", "<script>alert(1)</script>", "<!--", "]]>",
    "&lt;!channel&gt;", "&#60;!channel&#62;", "&#x3c;!channel&#x3e;", "&amp;lt;!here&amp;gt;", "&nbsp;&bogus;", ":skull: :+1:",
    "*bold* _it_ ~no~ `code` ```pre```", "> quote", "{{ 7*7 }}", "{% raw %}", "{# x #}", "${7*7} #{7*7}", "%s %d {0} {}",
    "\x1b[31mred\x1b[0m", "\x00\x01\x07\x7f", "\u202eevil\u202c \u2066x\u2069", "a\u200bb\u200dc\ufeffd", "\U000e0041\U000e007f",
    "\udcff\udc80", "e" + "\u0301" * 300, "😀👨‍👩‍👧", "x" * 3_000, "\\u003c!channel\\u003e", "'\"`;--", "\u2028\u2029\u0085", "",
)  # fmt: skip
FRAMES = ("{}", "fix {} now", "<{}>", "&{};", "{} {}")
HOSTILE = tuple(frame.replace("{}", payload) for payload in PAYLOADS for frame in FRAMES)
OURS = ("https://lore.kernel.org/", "https://lists.example/")
DIFF = "---\n fs/{0} | 2 +-\n 1 file changed\n\ndiff --git a/fs/{0} b/fs/{0}\n--- a/fs/{0}\n+++ b/fs/{0}\n@@ -1 +1 @@ {0}\n-a\n+{1} {0}\n"
RENDERER = Renderer()
SHOWN = {"digest", "series", "contributor", "whynot", "misunderstood", "nothing", "subscribed"}


def mails(text: str, number: int) -> Iterator[Mail]:
    """A series and its second version, answered by others, with the text in all that people can write."""
    line = " ".join(text.split()) or "x"
    people = [f'"{line}" <p{n}.{number}@a.example>' for n in range(3)]

    def made(name: str, subject: str, body: str, who: int, under: str = "") -> Mail:
        head = [f"From: {people[who]}", f"Subject: {subject}", f"Message-ID: <{name}.{number}@a.example>"]
        head += ["Date: Mon, 3 Nov 2025 12:00:00 +0000", "Content-Type: text/plain; charset=utf-8"]
        head += [f"In-Reply-To: <{under}.{number}@a.example>"] if under else []
        return read_one("\n".join([*head, "", body]).encode("utf-8", "surrogateescape"), NOON)

    tags = f"\nReviewed-by: {people[2]}\nLink: {line}\nSigned-off-by: {people[0]}\n"
    patch = DIFF.replace("{0}", line.replace("/", "-")[:200])
    yield made("cover", f"[PATCH 0/1] {line}", f"{text}. This is what {line} is about.\n\nChangelog:\n- {line}\n", 0)
    yield made("patch", f"[PATCH 1/1] {line}: {line}", f"{text}\n{tags}{patch.replace('{1}', '1')}", 0, "cover")
    yield made(
        "reply", f"Re: [PATCH 1/1] {line}", f"> {line}\nIs {line} right?\n\nNacked-by: {people[1]}\n{tags}", 1, "patch"
    )
    yield made("other", f"Re: [PATCH 0/1] {line}", f"{text}\nReviewed-by: {people[2]}\n", 2, "cover")
    yield made("v2", f"[PATCH v2] {line}: {line}", f"{text}\n{tags}{patch.replace('{1}', '2')}", 0, "cover")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    from chatbot.store.database import open_database

    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('hostile')}/x.sqlite3")
    for number, text in enumerate(HOSTILE):
        add(Index(engine), f"l{number}", *mails(text, number))
    yield engine
    engine.dispose()


def told(asked: str, engine: Engine, number: int, text: str) -> tuple[str, str]:
    """The template of an answer, and its body."""
    lists = {f"l{number}": MailingList(f"l{number}", text or "x", "https://lists.example/")}
    subsystems = Subsystems((Subsystem(title=f"x {text}", files=(text,), lists=(text,), names=()),))
    room = Room("slack", f"C{number}")
    context = context_of(engine, lists, now=NOON + timedelta(days=9), subsystems=subsystems, room=room)
    try:
        found = look_up(asked, context)
    except Misunderstood as problem:
        found = Facts("misunderstood", {"problem": problem})
    return found.template, RENDERER.render(DIALECT, found.template, **found.values)


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 200


@pytest.mark.parametrize("place", range(len(FRAMES)))
def test_nothing_that_a_mail_holds_does_anything_in_slack(filled: Engine, place: int) -> None:
    templates = set()
    for number, text in enumerate(HOSTILE):
        if number % len(FRAMES) != place:
            continue
        of_mails = [f"/digest l{number} 30d", f"/series cover.{number}@a.example", f"/contributor p0.{number}@a.example", f"/whynot reply.{number}@a.example", text]  # fmt: skip
        of_words = [f"/series {text}", f"/contributor nobody {text}", f"/subscribe l{number} {text}", f"/help {text}"]
        for asked in of_mails + (of_words if place == 0 else []):
            template, body = told(asked, filled, number, text)
            templates.add(template)
            for part in DIALECT.parts(body):
                made = message(part)
                check_message(made)
                found = effects(made)
                assert (found.mentions, found.emoji) == ((), ()), asked
                assert all(link.startswith(OURS) for link in found.links), (asked, found.links)
                values = [
                    one["value"] for block in made["blocks"] for one in block["elements"] if one["type"] == "button"
                ]
                assert all(value.startswith(("/series ", "/watch ")) for value in values), values
    assert templates >= (SHOWN if place == 0 else SHOWN - {"nothing", "subscribed"})


def test_nothing_that_people_subscribe_to_does_anything_where_their_rooms_are_shown(sqlite: Engine) -> None:
    hourly, room = parse_when("hourly"), Room("slack", "C0KERNEL")
    context = context_of(sqlite, {"l1": MailingList("l1", "x", "https://lists.example/")}, room=room)
    # What no database keeps cannot be typed.
    hostile = [f"x {text}" for text in HOSTILE if not re.search("[\ud800-\udfff\0]", text)]
    made = [
        Subscription(
            "", "slack", f"C0{number}", text, subsystem=True, filter="", when=hourly, owner="mia", created=NOON
        )
        for number, text in enumerate(hostile)
    ]
    context.subscriptions.add(made, [()] * len(made), NOON)
    shown = 0
    for page in range(1, -(-len(made) // 10) + 1):
        found = look_up(f"/subscriptions mine page {page}", context)
        body = RENDERER.render(DIALECT, found.template, **found.values)
        for part in DIALECT.parts(body):
            drawn = message(part)
            check_message(drawn)
            done = effects(drawn)
            assert all(one.startswith("C0") for one in done.mentions)
            assert (done.links, done.emoji) == ((), ())
            shown += len(done.mentions)
    assert shown >= len(made) > 200
