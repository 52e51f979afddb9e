"""Commands over real sockets and real requests, by bolt's and the SDK's own code, to the Slack of tests/fakes."""

import asyncio
import hmac
import json
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from structlog.testing import capture_logs

from chatbot.chat.platform import Request
from chatbot.chat.post import File, Post
from chatbot.chat.slack import Slack
from chatbot.chat.slack_entrance import Requests, Signatures, Sockets
from chatbot.chat.slack_listener import (
    BUSY,
    OLD,
    SHOW,
    SHOW_FIRST,
    command_of,
    unwrapped,
)
from chatbot.chat.turns import PATIENCE
from chatbot.errors import BadConfig
from tests.conftest import NOON
from tests.fakes import slack as fake
from tests.fakes.slack import APP_TOKEN, BOT, BOT_TOKEN, MINIMAL, SECRET, TEAM, Channel, Message, serving

MENTIONS = MINIMAL | {"app_mentions:read", "im:history"}
PAGES = "<h3>{}</h3><p>page</p><button value='/series x page 2'>More</button>"


class Answers:
    """What is asked of the bot; it answers with the question, or what it is told to."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.body = "<p>{}</p>"
        self.file: File | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, request: Request) -> Post:
        self.asked.append(request)
        await self.gate.wait()
        if self.file and request.text.endswith(" text"):
            return Post("slack", "<p>a file</p>", self.file)
        return Post("slack", self.body.replace("{}", request.text))

    @property
    def texts(self) -> list[str]:
        return [one.text for one in self.asked]


Use = Callable[[fake.Slack, Answers], Awaitable[None]]


def listening(
    use: Use, *, http: bool = False, scopes: frozenset[str] = MINIMAL, answers: Answers | None = None
) -> None:
    async def run() -> None:
        async with serving(fake.Slack(scopes=scopes)) as server:
            told = answers or Answers()
            port = free_port()
            entrance = Requests(SECRET, "127.0.0.1", port) if http else Sockets(APP_TOKEN)
            adapter = Slack(BOT_TOKEN, entrance, lambda: datetime.now(UTC), api=f"{server.url}/api/")
            task = asyncio.ensure_future(adapter.listen(told))
            if http:
                server.request_url = f"http://127.0.0.1:{port}/slack/events"
                await answering(port)
            else:
                await asyncio.wait_for(server.connected.wait(), 10)
            try:
                await asyncio.wait_for(use(server, told), 30)
            finally:
                told.gate.set()
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                await adapter.close()

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


async def answering(port: int) -> None:
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.01)


async def until(true: Callable[[], object]) -> None:
    while not true():  # noqa: ASYNC110  # of what another party does
        await asyncio.sleep(0.01)


async def shown(server: fake.Slack, number: int) -> list[Message]:
    await until(lambda: len(server.messages) >= number)
    return server.messages


@pytest.mark.parametrize("http", [False, True], ids=["socket", "requests"])
def test_a_command_is_acknowledged_and_answered_to_who_asked(http: bool) -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.gate.clear()
        await server.command("/series", "tdx-connect", channel="C0OTHER")
        (ack,) = server.acks.values()
        assert ack[1] in (None, {}, "")
        assert not server.messages  # the acknowledgement does not wait for the answer
        answers.gate.set()
        (message,) = await shown(server, 1)
        assert answers.asked == [Request("C0OTHER", "U0MIA", "/series tdx-connect")]
        assert (message.way, message.channel, message.user) == ("response", "C0OTHER", "U0MIA")
        assert message.words.startswith("/series tdx-connect")

    listening(use, http=http)


@pytest.mark.parametrize(
    ("command", "text", "asked"),
    [
        ("/series", "x", "/series x"),
        ("/lore", "series x", "/series x"),
        ("/lore", "/series x", "/series x"),
        ("/lore", "  ", "/help"),
        ("/lore-help", "", "/help"),
        ("/lore-help", "digest", "/help digest"),
        ("/contributor", "<mailto:maz@kernel.org|maz@kernel.org>", "/contributor maz@kernel.org"),
        (
            "/series",
            "<https://lore.kernel.org/kvm/a@b/|lore.kernel.org/kvm/a@b/>",
            "/series https://lore.kernel.org/kvm/a@b/",
        ),
        ("/series", "<https://lore.kernel.org/kvm/a@b/>", "/series https://lore.kernel.org/kvm/a@b/"),
        ("/series", "&lt;<mailto:a.1@b.example|a.1@b.example>&gt;", "/series <a.1@b.example>"),
        ("/series", "a &amp;lt; b", "/series a &lt; b"),
    ],
)
def test_what_is_typed_comes_without_what_slack_makes_of_it(command: str, text: str, asked: str) -> None:
    assert command_of(command, text) == asked


def test_unwrapping_leaves_what_slack_did_not_make() -> None:
    for text in ("a < b > c", "<x@y>", "x|y", ""):
        assert unwrapped(text) == text


def test_an_answer_is_shown_to_the_channel_once_and_taken_from_its_reader() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await server.command("/why")
        (private,) = await shown(server, 1)
        assert "why" not in json.dumps(private.buttons()[SHOW]["value"])
        await server.click(private, SHOW)
        _, public = await shown(server, 2)
        assert (public.user, public.words, list(public.buttons())) == (None, "/why", [])
        await until(lambda: server.deleted == ["U0MIA"])
        await server.click(private, SHOW)
        assert (await shown(server, 3))[-1].words == OLD
        assert answers.texts == ["/why"]

    listening(use)


def test_an_answer_whose_answer_is_lost_is_not_shown_twice() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        server.resets = 1
        await server.command("/why", "one")
        await server.command("/why", "two")
        await shown(server, 2)
        assert [one.words for one in server.messages] == [f"/why one {SHOW}", f"/why two {SHOW}"]
        assert answers.texts == ["/why one", "/why two"]

    listening(use)


def test_buttons_ask_what_nobody_can_read_or_forge_in_them() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.body = PAGES
        await server.command("/series", "x")
        (first,) = await shown(server, 1)
        assert set(first.buttons()) == {"More", SHOW}
        assert "series" not in first.buttons()["More"]["value"]
        await server.click(first, "More", person="U0EVE")
        _, second = await shown(server, 2)
        assert answers.asked[-1] == Request("C0KERNEL", "U0EVE", "/series x page 2")
        assert (second.body["replace_original"], second.user) == (True, "U0EVE")
        forged = {**first.buttons()["More"], "value": "/unsubscribe all"}
        await server.click(first, "More", actions=[forged])
        assert (await shown(server, 3))[-1].words == OLD
        assert len(answers.asked) == 2

    listening(use)


def test_a_button_of_a_post_works_after_a_restart_and_leaves_the_post() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        earlier = Slack(BOT_TOKEN, Sockets(APP_TOKEN), lambda: datetime.now(UTC), api=f"{server.url}/api/")
        await earlier.send("C0KERNEL", Post("slack", PAGES), "key")
        await server.click(server.messages[0], "More")
        _, told = await shown(server, 2)
        assert (answers.texts, told.body["replace_original"], told.user) == (["/series x page 2"], False, "U0MIA")

    listening(use)


@pytest.mark.parametrize("http", [False, True], ids=["socket", "requests"])
def test_what_is_delivered_again_is_answered_once(http: bool) -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        mention = {"type": "app_mention", "channel": "C0KERNEL", "user": "U0MIA", "text": f"<@{BOT}> help", "ts": "7.1"}
        for _ in range(3):
            await server.command("/help", trigger_id="7.SAME")
            await server.event(mention, event_id="Ev0SAME")
        await server.event(mention)  # the same message, as another event
        await server.event({**mention, "ts": "7.2"}, event_id="Ev0SAME")
        (first,) = (one for one in await shown(server, 2) if one.way == "response")
        for _ in range(2):
            await server.click(first, SHOW, trigger_id="this one")
        await server.command("/help", "again")
        await shown(server, 4)
        assert sorted(answers.texts) == ["/help", "/help", "/help again"]
        assert len(server.messages) == 4

    listening(use, http=http, scopes=MENTIONS)


def test_a_mention_is_answered_where_it_stands_to_its_author() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        for under, text in ((None, f"<@{BOT}> series tdx"), ("5.0", f" <@{BOT}|bot>: /series tdx ")):
            more = {"thread_ts": under} if under else {}
            event = {"type": "app_mention", "channel": "C0KERNEL", "user": "U0MIA", "text": text}
            await server.event({**event, **more})
        first, second = await shown(server, 2)
        assert answers.texts == ["/series tdx"] * 2
        assert (first.way, first.user, first.under, second.under) == ("ephemeral", "U0MIA", None, "5.0")
        assert SHOW in first.buttons()

    listening(use, scopes=MENTIONS)


def test_a_direct_message_is_answered_in_its_room_and_other_messages_are_not() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        server.channels["D0MIA"] = Channel("D0MIA", direct=True)
        message = {"type": "message", "channel_type": "im", "channel": "D0MIA", "user": "U0MIA", "text": "series tdx"}
        await server.event({**message, "bot_id": "B0OTHER"})
        await server.event({**message, "subtype": "message_changed"})
        await server.event({**message, "user": BOT})
        await server.event({**message, "channel_type": "channel", "channel": "C0KERNEL"})
        await server.event({"type": "channel_rename", "channel": {"id": "C0KERNEL", "name": "x"}})
        await server.event(message)
        (answer,) = await shown(server, 1)
        assert (answers.texts, answer.way, answer.channel) == (["/series tdx"], "post", "D0MIA")
        assert SHOW not in answer.buttons()

    listening(use, scopes=MENTIONS)


def test_whoever_asks_too_much_is_told_so_and_nobody_else_waits() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.gate.clear()
        said = [await server.command("/help", str(number), person="U0FLOOD") for number in range(PATIENCE + 5)]
        assert [one for one in said if one] == [{"text": BUSY}] * 5
        answers.gate.set()
        await shown(server, PATIENCE)
        assert answers.texts == [f"/help {number}" for number in range(PATIENCE)]
        answers.gate.clear()
        await server.command("/help", "slow", person="U0FLOOD")
        await server.command("/help", "slower", person="U0FLOOD")
        await server.command("/help", "other", person="U0MIA")
        await asyncio.sleep(0.05)
        assert answers.texts[PATIENCE:] == ["/help slow", "/help other"]

    listening(use)


TEXT = "<p>digest</p><button value='/digest 1f0c7b text'>Full text</button>"


def test_a_file_goes_below_the_post_that_it_belongs_to() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.file, answers.body = File.of_text("kvm-1f0c7b.txt", "All of it, <!here>\n"), TEXT
        earlier = Slack(BOT_TOKEN, Sockets(APP_TOKEN), lambda: datetime.now(UTC), api=f"{server.url}/api/")
        post = await earlier.send("C0KERNEL", Post("slack", TEXT), "key")
        await server.click(server.messages[0], "Full text")
        _, file = await shown(server, 2)
        assert (file.way, file.channel, file.under) == ("file", "C0KERNEL", post.remote_id)
        (uploaded,) = server.files
        assert (uploaded["data"], uploaded["filename"], uploaded["snippet_type"]) == (
            b"All of it, <!here>\n",
            "kvm-1f0c7b.txt",
            "text",
        )
        answers.file = File.of_text("large.txt", "x" * 1_000_001)
        await server.command("/digest", "1f0c7b text")
        await until(lambda: len(server.files) == 2)
        assert server.messages[-1].under is None

    listening(use, scopes=MINIMAL | {"files:write"})


def test_a_picture_stands_beside_the_text_that_says_what_it_shows() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.file = File("kvm-activity.png", b"\x89PNG", "image/png", (4, 2))
        await server.command("/activity", "kvm text")
        text, picture = await shown(server, 2)
        assert (text.user, text.words.startswith("a file")) == ("U0MIA", True)
        assert (picture.way, picture.channel, picture.under) == ("file", "C0KERNEL", None)
        (uploaded,) = server.files
        assert (uploaded["data"], uploaded["filename"]) == (b"\x89PNG", "kvm-activity.png")
        assert not uploaded.get("snippet_type")

    listening(use, scopes=MINIMAL | {"files:write"})


def test_a_file_is_not_shown_to_all_by_who_looks_alone() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.file, answers.body = File.of_text("kvm-1f0c7b.txt", "All of it\n"), TEXT
        await server.command("/digest")
        (private,) = await shown(server, 1)
        await server.click(private, "Full text")
        assert (await shown(server, 2))[-1].words.startswith(SHOW_FIRST)
        assert server.files == []

    listening(use, scopes=MINIMAL | {"files:write"})


def test_where_files_may_not_be_uploaded_who_asks_is_told_why() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        answers.file = File.of_text("kvm-1f0c7b.txt", "All of it\n")
        await server.command("/digest", "1f0c7b text")
        (told,) = await shown(server, 1)
        assert (told.user, "files:write" in told.words) == ("U0MIA", True)

    listening(use)


def test_told_to_stop_it_takes_nothing_more_and_answers_who_has_asked() -> None:
    async def run() -> None:
        async with serving(fake.Slack()) as server:
            answers = Answers()
            slack = Slack(BOT_TOKEN, Sockets(APP_TOKEN), lambda: datetime.now(UTC), api=f"{server.url}/api/")
            task = asyncio.ensure_future(slack.listen(answers))
            await asyncio.wait_for(server.connected.wait(), 10)
            answers.gate.clear()
            await server.command("/why")
            task.cancel()
            await until(lambda: not server.connected.is_set())
            assert not task.done()
            answers.gate.set()
            with suppress(asyncio.CancelledError):
                await task
            assert [one.words.split(" ")[0] for one in server.messages] == ["/why"]

    asyncio.run(run())


def test_a_socket_that_slack_ends_is_followed_by_another() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await server.refresh()
        await asyncio.wait_for(server.connected.wait(), 10)
        await server.command("/help")
        await shown(server, 1)
        assert answers.texts == ["/help"]
        assert server.calls["apps.connections.open"] == 2

    listening(use)


def test_a_socket_that_is_gone_without_a_word_is_followed_by_another() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        await server.drop()
        await asyncio.wait_for(server.connected.wait(), 20)
        await server.command("/help")
        await shown(server, 1)
        assert answers.texts == ["/help"]

    listening(use)


def test_an_app_token_that_slack_does_not_take_is_told_and_does_not_end_the_bot() -> None:
    async def run() -> None:
        async with serving(fake.Slack()) as server:
            slack = Slack(BOT_TOKEN, Sockets("xapp-wrong"), lambda: datetime.now(UTC), api=f"{server.url}/api/")
            task = asyncio.ensure_future(slack.listen(Answers()))
            await until(lambda: server.calls["apps.connections.open"])
            await asyncio.sleep(0.05)
            assert not task.done()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    with capture_logs() as logs:
        asyncio.run(run())
    assert [(one["event"], "invalid_auth" in one["reason"]) for one in logs] == [("no commands from Slack", True)]
    assert "xapp" not in str(logs)


COMMAND = {
    "command": "/help",
    "text": "the secret words",
    "user_id": "U0MIA",
    "channel_id": "C0KERNEL",
    "team_id": TEAM,
    "response_url": "http://127.0.0.1:1/",
}
GOOD = urlencode(COMMAND).encode()


@pytest.mark.parametrize(
    ("body", "how"),
    [
        (GOOD, {"secret": "another"}),
        (GOOD, {"signature": ""}),
        (GOOD, {"signature": "v0="}),
        (GOOD, {"signature": "v0=ü"}),
        (GOOD, {"signature": "nonsense"}),
        (GOOD, {"stamp": ""}),
        (GOOD, {"stamp": "now"}),
        (GOOD, {"stamp": "1e9"}),
        (GOOD, {"stamp": "-1"}),
        (GOOD, {"stamp": "9" * 400}),
        (GOOD, {"stamp": "old"}),
        (GOOD, {"stamp": "new"}),
        (b"ssl_check=1", {"signature": ""}),
        (b"", {}),
        (b"\xff\xfe", {}),
        (b"payload=", {}),
        (b"payload=%7B", {}),
        (b"payload=[]", {}),
        (b"command=/help", {}),
        (b"{", {"kind": "events_api"}),
        (b"[1]", {"kind": "events_api"}),
        (b'{"event": 1}', {"kind": "events_api"}),
        (b"[" * 100_000, {"kind": "events_api"}),
        (b"\xff", {"kind": "events_api"}),
    ],
)
def test_a_request_that_slack_did_not_make_now_is_401_and_goes_nowhere(
    body: bytes, how: dict[str, Any], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    stamps = {"old": str(int(time.time()) - 301), "new": str(int(time.time()) + 302)}
    how = {**how, "stamp": stamps.get(how.get("stamp", ""), how.get("stamp"))}

    async def use(server: fake.Slack, answers: Answers) -> None:
        assert await server.request(how.pop("kind", "slash_commands"), body, **how) == (401, "")
        assert answers.texts == []

    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        listening(use, http=True)
    assert "secret words" not in f"{capsys.readouterr()} {caplog.text} {logs}"


def test_what_fails_before_it_is_ours_is_told_to_the_log_without_a_word_of_what_was_sent(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async def use(server: fake.Slack, _: Answers) -> None:
        said = {"user": "U0MIA", "text": "the secret words"}
        server.revoked = "token_revoked"
        await server.event({"type": "app_mention", "channel": "C0KERNEL", **said})
        server.revoked = ""
        await server.event({"type": "app_mention", "the secret words": 1, **said})  # in no channel
        await until(lambda: len(logs) == 2)

    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        listening(use, scopes=MENTIONS)
    assert [(one["event"], one["error"]) for one in logs] == [
        ("request not handled", kind) for kind in ("", "KeyError")
    ]
    assert "authorization" in logs[0]["where"]
    assert "secret words" not in f"{capsys.readouterr()} {caplog.text} {logs}"


def test_a_request_that_is_made_again_is_401() -> None:
    async def use(server: fake.Slack, answers: Answers) -> None:
        stamp = str(int(time.time()))
        body = urlencode({**COMMAND, "response_url": server.response_url("C0KERNEL", "U0MIA")}).encode()
        said = [await server.request("slash_commands", body, stamp=stamp) for _ in range(3)]
        assert [status for status, _ in said] == [200, 401, 401]
        assert answers.texts == ["/help the secret words"]

    listening(use, http=True)


def test_a_signature_is_forgotten_when_its_request_is_too_old_to_count() -> None:
    now = [NOON]
    signatures = Signatures(SECRET, lambda: now[0])

    def genuine(minutes: float) -> bool:
        now[0] = NOON + timedelta(minutes=minutes)
        stamp = str(int(now[0].timestamp()))
        made = hmac.digest(SECRET.encode(), f"v0:{stamp}:".encode(), "sha256").hex()
        return signatures.genuine({"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={made}"}, b"")

    assert [genuine(at) for at in (0, 0, 1, 9, 9)] == [True, False, True, True, False]
    assert (genuine(12), len(signatures.seen)) == (True, 2)


def test_a_port_that_is_taken_is_a_fault_of_the_config() -> None:
    async def run() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            requests = Requests(SECRET, "127.0.0.1", taken.getsockname()[1])
            with pytest.raises(BadConfig, match=r"\[platforms.slack\] port: .* cannot be listened on"):
                await Slack(BOT_TOKEN, requests, lambda: datetime.now(UTC)).listen(Answers())

    asyncio.run(run())


def test_slack_is_told_that_the_address_is_ours() -> None:
    async def use(server: fake.Slack, _: Answers) -> None:
        body = json.dumps({"type": "url_verification", "token": "x", "challenge": "c-1"}).encode()
        status, said = await server.request("events_api", body)
        assert (status, json.loads(said)) == (200, {"challenge": "c-1"})

    listening(use, http=True)
