"""The fake sees and refuses what Slack does, asked by the SDK's own client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.slack import BOT, BOT_TOKEN, MINIMAL, Channel, Slack, serving
from tests.fakes.slack_rules import Invalid, check_message, effects

NASTY = "<!channel> <https://evil.example|lore> @here http://bad.example <@U0MIA> :skull:"
ESCAPED = NASTY.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": text, **more}}]}


def rich(*leaves: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(leaves)}]}


@pytest.mark.parametrize(
    ("message", "mentions", "links", "emoji"),
    [
        (section(NASTY), 3, 2, 1),
        (section(ESCAPED), 1, 2, 1),
        (section(ESCAPED, verbatim=True), 0, 0, 1),
        ({"blocks": [{"type": "markdown", "text": NASTY}]}, 3, 2, 1),
        ({"text": ESCAPED}, 0, 2, 1),
        ({"text": ESCAPED, "parse": "none"}, 0, 0, 1),
        ({"text": ESCAPED, "parse": "none", "link_names": True}, 1, 0, 1),
        ({"text": ESCAPED, "parse": "none", "mrkdwn": False}, 0, 0, 0),
        ({"blocks": [rich({"type": "text", "text": NASTY})]}, 0, 0, 0),
        ({"blocks": [rich({"type": "broadcast", "range": "here"})]}, 1, 0, 0),
        ({"blocks": [rich({"type": "link", "url": "https://a.example", "text": NASTY})]}, 0, 1, 0),
    ],
)
def test_it_sees_what_a_message_would_do(message: dict[str, Any], mentions: int, links: int, emoji: int) -> None:
    found = effects(message)
    assert (len(found.mentions), len(found.links), len(found.emoji)) == (mentions, links, emoji)


def divided(blocks: int, characters: int) -> dict[str, Any]:
    text = {"type": "text", "text": "x" * characters}
    return {"blocks": [rich(text), *({"type": "divider"} for _ in range(blocks - 1))]}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        (divided(51, 1), "invalid_blocks"),
        (
            divided(1, 11_999) | {"metadata": {"event_type": "x", "event_payload": {"key": "x" * 1_000}}},
            "metadata_too_large",
        ),
        (divided(40, 8_001), "msg_blocks_too_long"),
        (section(""), "invalid_blocks"),
        (section("x" * 3_001), "invalid_blocks"),
        ({"blocks": [rich({"type": "text", "text": ""})]}, "invalid_blocks"),
        ({"blocks": [rich()]}, "invalid_blocks"),
        ({"blocks": [rich({"type": "text", "text": "\ud800"})]}, "invalid_blocks"),
        ({"blocks": [rich({"type": "link", "url": "javascript:alert(1)"})]}, "invalid_blocks"),
        ({"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
    ],
)
def test_it_refuses_what_is_too_much(message: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_message(message)
    assert refused.value.code == code


def test_it_takes_what_is_just_enough() -> None:
    check_message(divided(40, 8_000))
    check_message(divided(50, 1))
    check_message(divided(40, 8_001), budget=False)


def with_client(use: Callable[[Slack, AsyncWebClient], Awaitable[None]], *scopes: str) -> None:
    async def run() -> None:
        async with serving(Slack(scopes=scopes or MINIMAL)) as slack:
            await use(slack, AsyncWebClient(BOT_TOKEN, f"{slack.url}/api/", timeout=2, retry_handlers=[]))

    asyncio.run(run())


async def refused(calling: Awaitable[Any]) -> str:
    with pytest.raises(SlackApiError) as problem:
        await calling
    return str(problem.value.response["error"])


def test_it_knows_scopes_members_and_tokens() -> None:
    async def use(slack: Slack, client: AsyncWebClient) -> None:
        slack.channels["C0PRIVATE"] = Channel("C0PRIVATE", private=True, members={"U0MIA"})
        assert await refused(client.chat_postMessage(channel="C0NONE", text="x")) == "channel_not_found"
        assert await refused(client.chat_postMessage(channel="C0PRIVATE", text="x")) == "channel_not_found"
        slack.channels["C0PRIVATE"].members.add(BOT)
        await client.chat_postMessage(channel="C0PRIVATE", text="x")
        assert await refused(client.conversations_history(channel="C0PRIVATE")) == "missing_scope"
        assert await refused(client.users_info(user="U0MIA")) == "missing_scope"
        assert (
            await refused(client.chat_postEphemeral(channel="C0OTHER", user="U0NO", text="x")) == "user_not_in_channel"
        )
        slack.channels["C0KERNEL"].members.discard(BOT)
        assert await refused(client.chat_postMessage(channel="C0KERNEL", text="x")) == "not_in_channel"
        slack.channels["C0OTHER"].archived = True
        assert await refused(client.chat_postMessage(channel="C0OTHER", text="x")) == "is_archived"
        another = AsyncWebClient("xoxb-another", client.base_url, retry_handlers=[])
        assert await refused(another.auth_test()) == "invalid_auth"
        assert len(slack.messages) == 1

    with_client(use)


def test_its_history_has_metadata_for_who_asks() -> None:
    async def use(_: Slack, client: AsyncWebClient) -> None:
        metadata = {"event_type": "digest", "event_payload": {"key": "k"}}
        parent = (await client.chat_postMessage(channel="C0KERNEL", text="x", metadata=metadata))["ts"]
        await client.chat_postMessage(channel="C0KERNEL", text="y", thread_ts=parent, metadata=metadata)
        (plain,) = (await client.conversations_history(channel="C0KERNEL"))["messages"]
        (whole,) = (await client.conversations_history(channel="C0KERNEL", include_all_metadata=True))["messages"]
        assert (plain["metadata"], whole["metadata"]) == ({"event_type": "digest"}, metadata)
        replies = await client.conversations_replies(channel="C0KERNEL", ts=parent)
        assert [one["text"] for one in replies["messages"]] == ["x", "y"]

    with_client(use)


def test_a_response_url_is_used_up() -> None:
    async def use(slack: Slack, _: AsyncWebClient) -> None:
        hook = AsyncWebhookClient(slack.response_url("C0KERNEL", "U0MIA"), retry_handlers=[])
        assert [(await hook.send(text="x")).status_code for _ in range(6)] == [200] * 5 + [404]
        assert {(one.way, one.user) for one in slack.messages} == {("response", "U0MIA")}

    with_client(use)


def test_its_default_client_posts_twice_where_an_answer_is_lost() -> None:
    """The trap that our adapter has to avoid is there."""

    async def use(slack: Slack, client: AsyncWebClient) -> None:
        slack.faults = ["accepts, resets"]
        await AsyncWebClient(BOT_TOKEN, client.base_url).chat_postMessage(channel="C0KERNEL", text="x")
        assert len(slack.messages) == 2

    with_client(use)


MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [{"type": "divider"}]}
FIELD = {
    "type": "input",
    "label": {"type": "plain_text", "text": "x"},
    "element": {"type": "plain_text_input", "max_length": 3_000},
}


def test_it_refuses_what_is_wrong_with_a_view() -> None:
    async def use(slack: Slack, client: AsyncWebClient) -> None:
        for wrong in (
            {"title": {"type": "plain_text", "text": "x" * 25}},
            {"blocks": [{"type": "divider"}] * 101},
            {"blocks": [FIELD]},
            {"private_metadata": "x" * 3_001},
            {"callback_id": "x" * 256},
            {"no such thing": 1},
            {"type": "home"},
        ):
            calling = client.views_open(trigger_id=slack.views.trigger("U0MIA"), view={**MODAL, **wrong})
            assert await refused(calling) in ("invalid_arguments", "invalid_blocks"), wrong
        home = {"type": "home", "blocks": [{"type": "divider"}] * 100}
        had = (await client.views_publish(user_id="U0MIA", view=home))["view"]["hash"]
        await client.views_publish(user_id="U0MIA", view=home, hash=had)
        assert await refused(client.views_publish(user_id="U0MIA", view=home, hash=had)) == "hash_conflict"
        assert await refused(client.views_publish(user_id="U0MIA", view=MODAL)) == "invalid_arguments"
        assert await refused(client.views_update(view_id="V0", view=MODAL)) == "not_found"
        large = [{**FIELD, "element": {**FIELD["element"], "initial_value": "x" * 2_999}}] * 90
        submit = {"submit": {"type": "plain_text", "text": "x"}}
        calling = client.views_open(trigger_id=slack.views.trigger("U0MIA"), view={**MODAL, **submit, "blocks": large})
        assert await refused(calling) == "view_too_large"

    with_client(use)


def test_a_trigger_opens_one_view_and_not_late() -> None:
    async def use(slack: Slack, client: AsyncWebClient) -> None:
        trigger = slack.views.trigger("U0MIA")
        await client.views_open(trigger_id=trigger, view=MODAL)
        assert await refused(client.views_open(trigger_id=trigger, view=MODAL)) == "invalid_trigger_id"
        assert slack.views.modals["U0MIA"][-1].title == "x"
        late = slack.views.trigger("U0MIA", seconds=-1)
        assert await refused(client.views_open(trigger_id=late, view=MODAL)) == "expired_trigger_id"

    with_client(use)
