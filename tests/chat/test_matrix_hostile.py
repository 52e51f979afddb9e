"""Whatever a stranger writes, in every template, in a Matrix room is text that rings nowhere."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chatbot.chat.matrix import DIALECT, Matrix
from chatbot.chat.matrix_events import LARGEST, message
from chatbot.chat.post import Manner, Post
from chatbot.commands.command import Context
from chatbot.report.render import Renderer
from tests.chat.test_matrix import run, setting_on
from tests.fakes.synapse import Synapse
from tests.hostile import HOSTILE
from tests.hostile_contexts import BASE, every_template, hostile_context, uncovered

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


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    with hostile_context(tmp_path_factory.mktemp("hostile"), "matrix") as made:
        yield made


def test_of_all_that_strangers_write_nothing_is_more_than_text_in_any_template(context: Context) -> None:
    assert len(HOSTILE) >= 200
    used, shown = Counter[str](), Counter[str]()
    for facts in every_template(context):
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
    assert not uncovered(used)
    assert shown.keys() == TAGS - {"pre", "blockquote"}


def test_a_homeserver_takes_them_all_and_rings_for_none(homeserver: Synapse, tmp_path: Path) -> None:
    setting = setting_on(homeserver, tmp_path / "device")
    name = setting.mia.id.removeprefix("@").partition(":")[0]

    async def send(matrix: Matrix) -> None:
        for number, text in enumerate((*HOSTILE, f"{name}: look", f"{setting.mia.id} @room")):
            body = f"<h3>{DIALECT.escape(text)}</h3><p>{DIALECT.escape(text)}</p>"
            for place, part in enumerate(DIALECT.parts(body)):
                post = Post("matrix", part, manner=Manner(badge=True))
                await matrix.send(setting.room, post, f"{number}-{place}")

    def rung() -> tuple[int, int]:
        rooms = setting.mia.call("GET", "sync")["rooms"]["join"]
        counts = rooms[setting.room]["unread_notifications"]
        return counts["notification_count"], counts["highlight_count"]

    setting.mia.set_state(setting.room, "m.room.power_levels", {"users": {setting.device.user: 50}})
    run(setting, send)
    unread, ringing = rung()
    assert unread >= len(HOSTILE)
    assert ringing == 0
    setting.user.say(setting.room, f"{name}: look")  # who says it without care rings
    assert rung() == (unread + 1, 1)
