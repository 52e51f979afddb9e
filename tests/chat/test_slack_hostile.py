"""Strangers' text in everything that a mail may hold, through every template, as Slack gets it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import chain

import pytest
from sqlalchemy import Engine

from chatbot.answer import look_up
from chatbot.chat.rich import addressed
from chatbot.chat.slack import DIALECT
from chatbot.chat.slack_blocks import message
from chatbot.commands.command import Facts
from chatbot.errors import Misunderstood
from chatbot.mail.lineage import Correction
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.mail.state import status
from chatbot.report.digest import MailingList
from chatbot.report.news import News, What
from chatbot.report.render import Renderer
from chatbot.store.corrections import Corrections
from chatbot.store.delivery import Progress, planned
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.search import Search
from chatbot.store.subscriptions import Subscriptions
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subscription import CONFIG_LETTERS, Origin, Subscription, config_key, make_id
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from chatbot.subscriptions.when import DEFAULT, parse_when
from tests.conftest import NOON, TESTS, add, context_of, read_one
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
OURS = ("https://lore.kernel.org/", "https://lists.example/")
DIFF = "---\n fs/{0} | 2 +-\n 1 file changed\n\ndiff --git a/fs/{0} b/fs/{0}\n--- a/fs/{0}\n+++ b/fs/{0}\n@@ -1 +1 @@ {0}\n-a\n+{1} {0}\n"
RENDERER = Renderer()
TEMPLATES = {one.stem for one in (TESTS.parent / "templates" / "rich").glob("[!_]*.j2")}
# What buttons may ask.
ASKED = (
    "/series ",
    "/watch ",
    "/subscriptions page ",
    "/subscribe\n",
    "/subscribe --replace ",
    "/pause ",
    "/unsubscribe ",
)


def framed(frame: str) -> tuple[str, ...]:
    return tuple(frame.replace("{}", payload) for payload in PAYLOADS)


HOSTILE = tuple(chain.from_iterable(map(framed, FRAMES)))


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


def person_of(text: str) -> str:
    """Who asks, as a platform names them: of no surrogates."""
    return text.encode("utf-8", "replace").decode()


def fill(engine: Engine, texts: Sequence[str]) -> None:
    """A list for each text."""
    for number, text in enumerate(texts):
        add(Index(engine), f"l{number}", *mails(text, number))
        names = (f"cover.{number}@a.example", f"v2.{number}@a.example")
        at = NOON + timedelta(seconds=number)
        Corrections(engine).add(Correction(*names, together=True, by=person_of(text), at=at))
    Following(engine).keep_up(People(), NOON)


class Remembering(Search):
    """What belongs to a series stays the same while one thing after another is asked about it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.family_of = cache(super().family_of)  # type: ignore[method-assign]


def answers(engine: Engine, number: int, text: str) -> Iterator[tuple[str, str, str]]:
    """What was asked, the template of the answer, and its body: all that can be asked of these mails, and with the text
    as what is asked for.
    """
    name, cover = f"l{number}", f"cover.{number}@a.example"
    lists = {name: MailingList(name, text or "x", "https://lists.example/")}
    subsystems = Subsystems((Subsystem(title=f"x {text}", files=(text,), lists=(text,), names=()),))
    room = Room("slack", f"C{number}")
    kept = followed(name, room, text)
    now = NOON + timedelta(days=9)
    context = context_of(engine, lists, now=now, asker=person_of(text), subsystems=subsystems, room=room)
    context = replace(context, subscriptions=Subscriptions(engine, [kept]), search=Remembering(engine))
    had, until = Progress(0, NOON), Progress(10**6, now)
    context.outbox.plan(kept.key, None, had, ())
    context.outbox.plan(kept.key, had, until, planned(kept, DIALECT, "x", name, start=0))

    def told(asked: str) -> tuple[str, str, str]:
        try:
            found = look_up(asked, context)
        except Misunderstood as problem:
            found = Facts("misunderstood", {"problem": problem})
        if "digest" in found.values:
            digests.append(found.values["digest"].id)
        return asked, found.template, RENDERER.render(DIALECT, found.template, **found.values)

    digests: list[str] = []
    of_mails = [f"/digest {name} 30d", f"/digest {name} 1", f"/series {cover}", f"/contributor p0.{number}@a.example"]
    of_mails += [f"/series {cover} {aspect}" for aspect in ("patches", "versions", "tags", "card")]
    of_mails += [f"/whynot reply.{number}@a.example", f"/watch {cover}", "/subscriptions", f"/why {kept.id} {cover}"]
    of_mails += [f"/activity {name}", "/subscriptions mine", "/series corrections", "/subsystems x", "/help", text]
    of_words = [f"/series {text}", f"/contributor nobody {text}", f"/subscribe {name} {text}", f"/help {text}"]
    yield from map(told, of_mails + of_words)
    yield told(f"/digest diff {digests[1]} {digests[0]}")
    yield told("/unsubscribe all")
    yield "", "failed", RENDERER.render(DIALECT, "failed")
    family = context.search.standings([cover, f"v2.{number}@a.example"], context.people)
    said = [
        News(what, one, status(one, now).seen[-1] if what != What.VERSION else None) for one in family for what in What
    ]
    link_of = context.links(one.message_id for one in family)
    links = {one.mail: link_of(one.message_id) for one in family}
    yield "", "news", RENDERER.render(DIALECT, "news", news=said, links=links, id=kept.id)


def followed(name: str, room: Room, text: str) -> Subscription:
    """What the config has the room follow, the text as its owner."""
    key = config_key(room.platform, room.name, name, "s:x")
    return Subscription(
        id=make_id(key, CONFIG_LETTERS),
        platform=room.platform,
        room=room.name,
        topic=name,
        subsystem=False,
        filter="s:x",
        when=DEFAULT,
        owner=text,
        created=NOON,
        origin=Origin.CONFIG,
    )


def test_there_are_enough_of_them() -> None:
    assert len(set(HOSTILE)) >= 200


@pytest.mark.parametrize("frame", FRAMES)
def test_nothing_that_a_mail_holds_does_anything_in_slack(sqlite: Engine, frame: str) -> None:
    texts, templates = framed(frame), set()
    fill(sqlite, texts)
    for number, text in enumerate(texts):
        for asked, template, body in answers(sqlite, number, text):
            templates.add(template)
            for part in DIALECT.parts(body):
                made = message(part)
                check_message(made)
                found = effects(made)
                # In what one follows in all rooms stands which room it is.
                rooms = (f"C{number}",) if template == "mine" else ()
                assert (set(found.mentions) <= set(rooms), found.emoji) == (True, ()), asked
                assert all(link.startswith(OURS) for link in found.links), (asked, found.links)
                values = [
                    one["value"] for block in made["blocks"] for one in block["elements"] if one["type"] == "button"
                ]
                assert all(addressed(value, "")[1].startswith(ASKED) for value in values), values
    assert templates == TEMPLATES


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
