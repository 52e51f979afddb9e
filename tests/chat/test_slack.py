"""The adapter, on bolt's and the SDK's real code, against the Slack of tests/fakes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from chatbot.chat.platform import still_ours
from chatbot.chat.post import File, Manner, Post
from chatbot.chat.slack import Slack
from chatbot.chat.slack_entrance import Sockets
from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unavailable, Unknown
from tests.fakes import slack as fake
from tests.fakes.slack import APP_TOKEN, BOT, BOT_TOKEN, MINIMAL, Channel, serving

DIGEST = Post("slack", "<h3>KVM</h3><p>12 mails</p><ul><li><a href='https://lore.kernel.org/all/x/'>One</a></li></ul>")
ROOM, OTHER = "C0KERNEL", "C0OTHER"
Use = Callable[[fake.Slack, Slack], Awaitable[None]]


def made(server: fake.Slack, token: str = BOT_TOKEN, **options: Any) -> Slack:
    return Slack(token, Sockets(APP_TOKEN), before, api=f"{server.url}/api/", **options)


def with_slack(use: Use, *, scopes: frozenset[str] = MINIMAL, token: str = BOT_TOKEN, **options: Any) -> None:
    async def run() -> None:
        async with serving(fake.Slack(scopes=scopes)) as server:
            adapter = made(server, token, **{"pace": 0, "minute": 0, "patience": 0.3, "apart": 0.01} | options)
            try:
                await use(server, adapter)
            finally:
                await adapter.close()

    asyncio.run(run())


def before() -> datetime:
    return datetime.now(UTC)


def test_a_post_is_sent_with_nothing_that_slack_would_make_more_of() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        receipt = await slack.send(ROOM, DIGEST, "the key")
        below = await slack.send(ROOM, Post("slack", "<p>more</p>"), "another", receipt.remote_id)
        first, second = server.messages
        assert (first.ts, first.under, second.ts, second.under) == (receipt.remote_id, None, below.remote_id, first.ts)
        assert first.effects.links == ("https://lore.kernel.org/all/x/",)
        assert first.body["text"] == "KVM\n12 mails\n- One &lt;https://lore.kernel.org/all/x/&gt;"
        sent = {key: first.body[key] for key in ("parse", "mrkdwn", "unfurl_links", "unfurl_media")}
        assert sent == {"parse": "none", "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
        assert first.body["metadata"]["event_payload"] == {"key": "the key"}
        assert (first.broadcast, second.broadcast) == (False, False)

    with_slack(use)


def test_a_part_that_is_to_be_said_aloud_is_seen_in_the_channel_too() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        above = await slack.send(ROOM, replace(DIGEST, manner=Manner(aloud=True)), "1")
        below = await slack.send(ROOM, replace(DIGEST, manner=Manner(aloud=True)), "2", above.remote_id)
        assert [(one.under, one.broadcast) for one in server.messages] == [(None, False), (above.remote_id, True)]
        assert await slack.find(ROOM, "2", before() - timedelta(minutes=1), above.remote_id) == below

    with_slack(use)


def test_a_chart_is_below_the_text_that_says_the_same_and_where_it_may_not_be_the_text_stands_alone() -> None:
    chart = Post("slack", "<p>KVM, the last 13 weeks</p>", File("x.png", b"\x89PNG", "image/png", (4, 2)))

    async def use(server: fake.Slack, slack: Slack) -> None:
        above = await slack.send(ROOM, DIGEST, "1")
        await slack.send(ROOM, chart, "2", above.remote_id)
        seen = [(one.way, one.under) for one in server.messages[1:]]
        allowed = "files:write" in server.scopes
        assert seen == [("post", above.remote_id), *([("file", above.remote_id)] if allowed else [])]

    with capture_logs() as logs:
        with_slack(use, scopes=MINIMAL | {"files:write"})
        assert logs == []
        with_slack(use)
    assert [(one["event"], "files:write" in one["reason"]) for one in logs] == [("picture not shown", True)]


@pytest.mark.parametrize(
    ("answer", "kind", "said", "posted"),
    [
        ("too many", Unavailable, "ratelimited", 0),
        ("message_limit_exceeded", Unavailable, "message_limit_exceeded", 0),
        ("500 before", Unknown, "500", 0),
        ("500 after", Unknown, "500", 1),
        ("no JSON after", Unknown, "no JSON", 1),
        ("text after", Unknown, "lost", 1),
        ("503 and a code after", Unknown, "invalid_blocks", 1),
        ("fatal_error after", Unknown, "fatal_error", 1),
        ("accepts, resets", Unknown, "lost", 1),
        ("accepts, hangs", Unknown, "lost", 1),
        ("accepts late", Unknown, "lost", 0),
        ("internal_error", Unknown, "internal_error", 0),
        ("invalid_blocks", Refused, "invalid_blocks", 0),
        ("a_code_of_tomorrow", Refused, "a_code_of_tomorrow", 0),
        ("is_archived", Closed, "unarchive", 0),
        ("restricted_action", Closed, "restricted_action", 0),
        ("team_not_found", Closed, "team_not_found", 0),
        ("team_access_not_granted", Unauthorized, "team_access_not_granted", 0),
        ("token_revoked", Unauthorized, "token_revoked", 0),
        ("account_inactive", Unauthorized, "account_inactive", 0),
    ],
)
def test_each_answer_means_what_slack_means_and_nothing_is_sent_twice(
    answer: str, kind: type[DeliveryError], said: str, posted: int
) -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        server.faults = [answer]
        with pytest.raises(kind, match=said) as error:
            await slack.send(ROOM, DIGEST, "key")
        assert type(error.value) is kind
        assert BOT_TOKEN not in str(error.value)
        assert (len(server.messages), server.calls["chat.postMessage"]) == (posted, 1)

    with_slack(use, patience=0.1 if answer == "accepts, hangs" else 2)


def test_it_says_how_long_slack_wants_to_be_left_alone() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        server.paced = True
        await slack.send(ROOM, DIGEST, "key")
        with pytest.raises(Unavailable) as error:
            await slack.send(ROOM, DIGEST, "key")
        assert error.value.after == 1.0

    with_slack(use)


def test_it_keeps_slacks_pace_in_each_room() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        await asyncio.gather(*(slack.send(room, DIGEST, f"{n}") for room in (ROOM, OTHER) for n in range(3)))
        times = {room: sorted(one.at for one in server.messages if one.channel == room) for room in (ROOM, OTHER)}
        gaps = [later - sooner for sooner, later in zip(times[ROOM], times[ROOM][1:], strict=False)]
        assert min(gaps) > 0.15
        assert times[OTHER][0] < times[ROOM][1]

        server.messages.clear()
        server.minute = 4.0
        server.channels |= {f"C{n}": Channel(f"C{n}") for n in range(30)}
        rooms = [*server.channels, ROOM, ROOM]  # which wait for the others first
        await asyncio.gather(*(slack.send(room, DIGEST, f"late {n}") for n, room in enumerate(rooms[2:])))
        first, second = (one.at for one in server.messages if one.channel == ROOM)
        assert second - first > 0.15

    with_slack(use, pace=0.2, minute=4.0, patience=5)


def test_messages_to_many_rooms_do_not_come_all_at_once() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        server.minute = 20.0
        server.channels |= {f"C{n}": Channel(f"C{n}") for n in range(40)}
        await asyncio.gather(*(slack.send(f"C{n}", DIGEST, f"{n}") for n in range(40)))
        assert (len(server.messages), server.too_many) == (40, {})

    with_slack(use, minute=20.0, patience=30)


def test_what_it_asks_keeps_within_the_workspaces_tiers() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        server.minute = 4.0
        for _ in range(26):
            assert await slack.find(ROOM, "none", before()) is None
        await slack.check([ROOM] * 5)
        assert (server.calls["conversations.history"], server.too_many) == (57, {})

    with_slack(use, minute=4.0, patience=30, apart=0)


def test_what_is_no_longer_ours_after_the_wait_is_not_sent() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        def not_ours() -> None:
            raise Unavailable("another replica may have the room")

        await slack.send(ROOM, DIGEST, "one")
        still_ours.set(not_ours)
        with pytest.raises(Unavailable, match="another replica"):
            await slack.send(ROOM, DIGEST, "two")
        assert server.calls["chat.postMessage"] == 1

    with_slack(use)


def test_a_slack_that_is_not_there_has_taken_nothing() -> None:
    async def use(server: fake.Slack, _: Slack) -> None:
        server.url = "http://127.0.0.1:1"
        slack = made(server, pace=0, minute=0)
        with pytest.raises(Unavailable):
            await slack.send(ROOM, DIGEST, "key")
        assert not server.messages

    with_slack(use)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lambda server: server.channels[ROOM].members.discard(BOT), Closed),
        (lambda server: setattr(server.channels[ROOM], "archived", True), Closed),
        (lambda server: server.channels.pop(ROOM), Closed),
        (lambda server: setattr(server, "revoked", "account_inactive"), Unauthorized),
        (lambda server: server.scopes.discard("chat:write"), Unauthorized),
    ],
    ids=["removed", "archived", "deleted", "uninstalled", "without its scope"],
)
def test_what_becomes_of_a_channel_or_an_app_is_told(
    spoil: Callable[[fake.Slack], object], kind: type[DeliveryError]
) -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        await slack.send(ROOM, DIGEST, "key")
        spoil(server)
        with pytest.raises(kind):
            await slack.send(ROOM, DIGEST, "another")
        assert len(server.messages) == 1

    with_slack(use)


@pytest.mark.parametrize(
    "change",
    [
        lambda channel: setattr(channel, "name", "renamed"),
        lambda channel: setattr(channel, "private", True),
    ],
    ids=["renamed", "made private"],
)
def test_what_else_becomes_of_a_channel_stops_nothing(change: Callable[[Channel], object]) -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        change(server.channels[ROOM])
        await slack.send(ROOM, DIGEST, "key")
        assert len(server.messages) == 1

    with_slack(use)


def test_another_token_is_another_login_and_shows_nothing_of_the_token() -> None:
    one, other = (made(fake.Slack(), token).login for token in ("xoxb-1", "xoxb-2"))
    assert one != other
    assert "xoxb" not in one


def test_a_post_is_found_by_its_key_among_many_and_in_threads() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        since = before()
        parent = await slack.send(ROOM, DIGEST, "first")
        below = await slack.send(ROOM, DIGEST, "below", parent.remote_id)
        for number in range(250):
            server._keep("post", ROOM, {"text": f"{number}"})
        assert await slack.find(ROOM, "first", since) == parent
        assert await slack.find(ROOM, "below", since) is None
        assert await slack.find(ROOM, "below", since, parent.remote_id) == below
        assert await slack.find(OTHER, "first", since) is None
        assert await slack.find(ROOM, "none", since) is None
        assert await slack.find(ROOM, "first", since + timedelta(hours=1)) is None

    with_slack(use, patience=5)


def test_a_history_that_is_behind_is_looked_at_once_more() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        since, receipt = before(), await slack.send(ROOM, DIGEST, "key")
        server.silences = ["stale"]
        assert await slack.find(ROOM, "key", since) == receipt

    with_slack(use)


@pytest.mark.parametrize(
    ("silence", "kind"),
    [("500", Unknown), ("too many", Unavailable), ("invalid_cursor", Unknown), ("not_in_channel", Closed)],
)
def test_a_history_that_says_nothing_does_not_say_that_nothing_is_there(
    silence: str, kind: type[DeliveryError]
) -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        server.silences = [silence]
        with pytest.raises(kind):
            await slack.find(ROOM, "key", before())

    with_slack(use)


def test_where_the_history_may_not_be_read_the_config_says_what_follows() -> None:
    async def hold(_: fake.Slack, slack: Slack) -> None:
        with pytest.raises(Closed, match=r"channels:history.*unreadable_history"):
            await slack.find(ROOM, "key", before())

    async def resend(_: fake.Slack, slack: Slack) -> None:
        assert await slack.find(ROOM, "key", before()) is None

    with_slack(hold, scopes=MINIMAL - {"channels:history"})
    with_slack(resend, scopes=MINIMAL - {"channels:history"}, unreadable="resend")


def test_who_made_a_channel_may_manage_it_and_admins_where_the_app_may_know_them() -> None:
    async def minimal(server: fake.Slack, slack: Slack) -> None:
        server.admins = {"U0ADMIN"}
        found = [await slack.may_manage(person, ROOM) for person in ("U0CREATOR", "U0MIA", "U0ADMIN")]
        assert found == [True, False, False]
        server.channels["C0PRIVATE"] = Channel("C0PRIVATE", private=True)
        assert not await slack.may_manage("U0CREATOR", "C0PRIVATE")
        assert not await slack.may_manage("U0CREATOR", "C0NONE")
        assert await slack.may_manage("U0MIA", "D0MIA")

    async def with_users(server: fake.Slack, slack: Slack) -> None:
        server.admins = {"U0ADMIN"}
        assert [await slack.may_manage(person, ROOM) for person in ("U0MIA", "U0ADMIN")] == [False, True]

    with_slack(minimal)
    with_slack(with_users, scopes=MINIMAL | {"users:read"})


def test_one_person_is_told_in_their_own_room() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        await slack.tell("U0MIA", DIGEST)
        (told,) = server.messages
        assert (told.channel, told.effects.mentions) == ("D0MIA", ())

    with_slack(use)


def test_a_check_says_how_it_is_with_the_tokens_and_each_room() -> None:
    async def use(server: fake.Slack, slack: Slack) -> None:
        server.channels["C0ARCHIVED"] = Channel("C0ARCHIVED", "old", archived=True)
        server.channels["C0NOTIN"] = Channel("C0NOTIN", "new", members=set())
        rooms = [ROOM, "C0ARCHIVED", "C0NOTIN", "C0NONE"]
        token, *found = await slack.check(rooms)
        assert (token.what, token.well, token.said) == ("token slack", True, "digest in Kernel")
        assert [one.what for one in found] == [f"room slack/{room}" for room in rooms]
        assert [one.well for one in found] == [True, False, False, False]
        assert [
            part in one.said
            for part, one in zip(("we are in #kernel", "#old is archived", "/invite", "by its id"), found, strict=True)
        ] == [True] * 4
        assert server.messages == []
        server.scopes.discard("channels:history")
        (_, room) = await slack.check([ROOM])
        assert (room.well, "history" in room.said) == (True, True)
        server.revoked = "token_revoked"
        (token,) = await slack.check(rooms)
        assert (token.well, "token_revoked" in token.said) == (False, True)

    with_slack(use)


def test_a_check_does_not_take_another_token_for_the_apps() -> None:
    async def use(server: fake.Slack, _: Slack) -> None:
        slack = Slack(BOT_TOKEN, Sockets("xapp-wrong"), before, api=f"{server.url}/api/")
        (token,) = await slack.check([ROOM])
        assert (token.well, "xapp" in token.said) == (False, False)

    with_slack(use)
