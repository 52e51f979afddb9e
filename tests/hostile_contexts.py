"""Everything that is said in Slack and Matrix, about what strangers may write: for each template facts that are full of it.

A template that is not among them fails `uncovered`.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from chatbot.answer import look_up
from chatbot.chat.post import Post
from chatbot.commands.command import Context, Facts
from chatbot.errors import Misunderstood
from chatbot.mail.people import People
from chatbot.report.digest import MailingList
from chatbot.report.links import mail_link
from chatbot.report.news import news
from chatbot.report.render import TEMPLATES
from chatbot.store.database import open_database
from chatbot.store.delivery import Planned, Progress
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.subsystem import Subsystem, Subsystems
from tests.conftest import NOON, add, context_of, read_one
from tests.hostile import HOSTILE

BASE = "https://lore.example/kvm/"


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


@contextmanager
def hostile_context(folder: Path, platform: str) -> Iterator[Context]:
    """An index of a list where everybody writes such things, and a room whose managers are called so."""
    engine = open_database(f"sqlite:///{folder}/index.sqlite3")
    for number, text in enumerate(map(one_line, HOSTILE)):
        add(Index(engine), "kvm", *map(read_one, mails(number, text)), epoch=number)
    now = NOON + timedelta(days=9)
    Following(engine).keep_up(People(), now)
    subsystems = Subsystems(
        [
            Subsystem(f"x {text}", files=("a/",), lists=(f"{text}@l.example",))
            for text in map(one_line, HOSTILE)
            if text.isprintable()
        ]
    )
    room = Room(platform, "room", managers=frozenset({"mia", HOSTILE[0]}))
    lists = {"kvm": MailingList("kvm", "KVM", BASE)}
    yield context_of(engine, lists, now=now, subsystems=subsystems, room=room)
    engine.dispose()


def every_template(context: Context) -> Iterator[Facts]:
    """What there is to say about each of them, in answers and of its own accord."""

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
            for aspect in ("patches", "versions", "tags", "card"):
                yield from ask(f"/series m{number}.2@s.example {aspect}")
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
    yield from ask("/activity kvm")
    yield from ask("/subscriptions mine")
    one, *others = context.subscriptions.of_room(context.room.platform, "room")
    yield from _posted(next(each for each in (one, *others) if not each.series), context, ask)
    yield from _news(context)
    yield Facts("failed", {})
    yield from ask(f"/pause {one.id}")
    yield from ask(f"/unsubscribe {others[0].id}")


def _posted(one: Subscription, context: Context, ask: Callable[[str], Iterator[Facts]]) -> Iterator[Facts]:
    """Of a post, why each of its lines is there."""
    (fresh,) = context.subscriptions.add([replace(one, id="")], [["a list that was never read"]], context.now)
    assert not fresh.series
    planned = Planned("key", fresh.platform, fresh.room, Post(fresh.platform, "body"), "kvm")
    assert context.outbox.plan(fresh.key, None, Progress(context.index.newest("kvm"), context.now), [planned])
    for number in range(0, len(HOSTILE), 9):
        yield from ask(f"/why {fresh.id} m{number}.2@s.example")


def _news(context: Context) -> Iterator[Facts]:
    """Of watched series."""
    for number in range(0, len(HOSTILE), 9):
        came = frozenset(f"m{number}.{part}@s.example" for part in range(4))
        told = news(context.search.standings(sorted(came), context.people), came)
        assert told
        links = {one.standing.mail: mail_link(BASE, one.standing.message_id) for one in told}
        yield Facts("news", {"news": told, "links": links, "id": "k7mq"})


def uncovered(used: Collection[str]) -> set[str]:
    """The templates of rich bodies that were not among these."""
    return {path.stem for path in (TEMPLATES / "rich").glob("[a-z]*.j2")} - set(used)
