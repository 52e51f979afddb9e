"""Whatever a stranger writes, in every template, in a Matrix room is text that rings nowhere."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chatbot.answer import look_up
from chatbot.chat.matrix import DIALECT, Manners, Matrix
from chatbot.chat.matrix_events import LARGEST, message
from chatbot.chat.post import Post
from chatbot.commands.command import Context, Facts
from chatbot.errors import Misunderstood
from chatbot.report.digest import MailingList
from chatbot.report.render import TEMPLATES, Renderer
from chatbot.store.database import open_database
from chatbot.store.index import Index
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from tests.chat.test_matrix import run, setting_on
from tests.conftest import NOON, add, context_of, read_one
from tests.fakes.synapse import Synapse
from tests.hostile import HOSTILE

BASE = "https://lore.example/kvm/"
TAGS = {"h3", "h4", "p", "ul", "ol", "li", "pre", "blockquote", "strong", "em", "code", "br", "a"}
RENDERER = Renderer()
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0041]")


class Parser(HTMLParser):
    """As a client reads it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags, self.links, self.others = Counter[str](), list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.links += [value or "" for name, value in attrs if name == "href"]
        self.others += [name for name, value in attrs if name != "href" and not numbers(tag, name, value)]

    def handle_comment(self, data: str) -> None:
        self.others.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def numbers(tag: str, name: str, value: str | None) -> bool:
    """Whether it is what a list counts from."""
    return (tag, name) == ("ol", "start") and (value or "").isdigit()


def one_line(text: str) -> str:
    return " ".join(text.split())


def mails(number: int, text: str) -> Iterator[bytes]:
    """A posting, its second version, and what people say of both, with the text wherever a mail has some."""
    ids = [f"<m{number}.{part}@s.example>" for part in range(4)]
    diff = f"diff --git a/{text} b/{text}\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-{text}\n+x {number}\n"
    body = f"{text}\n\nThis series does {text}.\n---\n a | 2 +-\n\n{diff}"
    tags = "".join(f"{tag}: {text} <{tag[0]}{number}@r.example>\n" for tag in ("Reviewed-by", "Nacked-by"))
    asks = f"> {text}\n\nWhat about {text}?\n\n{tags}"

    def mail(place: int, subject: str, says: str, **more: str) -> bytes:
        at = NOON + timedelta(minutes=number, seconds=place)
        fields = {"Message-Id": ids[place], "Received": f"by x; {at:%d %b %Y %H:%M:%S} +0000", **more}
        lines = [f'From: "{text}" <a{number}@a.example>', f"Subject: {subject}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\n".join([*lines, "", says]).encode("utf-8", "surrogatepass")

    yield mail(0, f"[PATCH] {text} one", body)
    yield mail(1, f"Re: [PATCH] {text} one", asks, **{"In-Reply-To": ids[0]})
    yield mail(2, f"[PATCH v2] {text} one", body + "+y\n", **{"In-Reply-To": ids[0]})
    yield mail(3, f"Re: [PATCH v2] {text} one", asks, **{"In-Reply-To": ids[2]})


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """An index of a list where everybody writes such things, in a room with such a name."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('hostile')}/index.sqlite3")
    for number, text in enumerate(map(one_line, HOSTILE)):
        add(Index(engine), "kvm", *map(read_one, mails(number, text)), epoch=number)
    subsystems = Subsystems(
        [
            Subsystem(f"x {text}", files=("a/",), lists=(f"{text}@l.example",))
            for text in map(one_line, HOSTILE)
            if text.isprintable()
        ]
    )
    room = Room("matrix", "room", managers=frozenset({"mia", HOSTILE[0]}))
    lists = {"kvm": MailingList("kvm", "KVM", BASE)}
    yield context_of(engine, lists, now=NOON + timedelta(days=9), subsystems=subsystems, room=room)
    engine.dispose()


def found(context: Context) -> Iterator[Facts]:
    """What there is to say to commands about each of them."""

    def ask(text: str, context: Context = context) -> Iterator[Facts]:
        try:
            yield look_up(text, context)
        except Misunderstood as problem:
            yield Facts("misunderstood", {"problem": problem})

    yield from ask("/help")
    digests = [*ask("/digest kvm 30d"), *ask("/digest kvm 500")]
    yield from digests
    yield from ask(f"/digest diff {' '.join(one.values['digest'].id for one in digests)}")
    for number, text in enumerate(map(one_line, HOSTILE)):
        yield from ask(f"/series m{number}.2@s.example")
        if number % 6 == 0:
            yield from ask(f"/contributor a{number}@a.example")
        yield from ask(f"/help {text}")
        yield from ask(f"/{text}")
        yield from ask(f"/digest {text}")
        if number % 30 == 0:  # these look at the whole list
            yield from ask(f"/whynot m{number}.0@s.example")
            yield from ask(f"/series {text}")
            yield from ask(f"/subsystems {text}")
            yield from ask(f"/subscribe {text}")
    for number in range(0, len(HOSTILE), 90):
        yield from ask(f'/subscribe kvm s:"{one_line(HOSTILE[number])}" hourly')
        yield from ask(f"/watch m{number}.2@s.example")
        yield from ask("/subscribe kvm", replace(context, manager=False))
    yield from ask("/series link m1.0@s.example m2.0@s.example")
    yield from ask("/series corrections")
    yield from ask("/subscriptions")
    yield from ask("/subscriptions mine")
    one, *others = context.subscriptions.of_room("matrix", "room")
    yield from ask(f"/pause {one.id}")
    yield from ask(f"/unsubscribe {others[0].id}")


def test_of_all_that_strangers_write_nothing_is_more_than_text_in_any_template(context: Context) -> None:
    assert len(HOSTILE) >= 200
    used, shown = Counter[str](), Counter[str]()
    for facts in found(context):
        used[facts.template] += 1
        body = RENDERER.render(DIALECT, facts.template, **facts.values)
        for part in DIALECT.parts(body):
            content = message(part, "key")
            parser = Parser()
            parser.feed(content["formatted_body"])
            parser.close()
            shown.update(parser.tags)
            assert not parser.tags.keys() - TAGS
            assert not parser.others
            assert all(link.startswith((BASE, "https://matrix.to/#/room")) for link in parser.links), parser.links
            assert not UNSEEN.search(content["formatted_body"] + content["body"])
            assert content["m.mentions"] == {}
            assert len(str(content).encode()) < 1.2 * LARGEST
    templates = {path.stem for path in (TEMPLATES / "rich").glob("[a-z]*.j2")}
    # `failed` says nothing of anybody; what the other two say is said with the macros of the rest.
    assert templates - used.keys() == {"failed", "news", "why"}
    assert shown.keys() == TAGS - {"pre", "blockquote"}


def test_a_homeserver_takes_them_all_and_rings_for_none(homeserver: Synapse, tmp_path: Path) -> None:
    setting = setting_on(homeserver, tmp_path / "device")
    manners = Manners(badges=frozenset({setting.room}))
    name = setting.mia.id.removeprefix("@").partition(":")[0]

    async def send(matrix: Matrix) -> None:
        for number, text in enumerate((*HOSTILE, f"{name}: look", f"{setting.mia.id} @room")):
            body = f"<h3>{DIALECT.escape(text)}</h3><p>{DIALECT.escape(text)}</p>"
            for place, part in enumerate(DIALECT.parts(body)):
                await matrix.send(setting.room, Post("matrix", part), f"{number}-{place}")

    def rung() -> tuple[int, int]:
        rooms = setting.mia.call("GET", "sync")["rooms"]["join"]
        counts = rooms[setting.room]["unread_notifications"]
        return counts["notification_count"], counts["highlight_count"]

    setting.mia.set_state(setting.room, "m.room.power_levels", {"users": {setting.device.user: 50}})
    run(setting, send, manners)
    unread, ringing = rung()
    assert unread >= len(HOSTILE)
    assert ringing == 0
    setting.user.say(setting.room, f"{name}: look")  # who says it without care rings
    assert rung() == (unread + 1, 1)
