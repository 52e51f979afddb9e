from typing import Any

import pytest

from chatbot.chat.matrix_events import LARGEST, asked, fits, message, power, root_of, typed_here

ME, WORDS = "@bot:a.example", ("/series", "/subscribe", "/help")


def event(body: object, sender: str = "@mia:a.example", **content: Any) -> dict[str, Any]:
    return {"event_id": "$1", "sender": sender, "content": {"msgtype": "m.text", "body": body, **content}}


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("!series tdx connect", "/series tdx connect"),
        ("  !Help", "/Help"),
        ("!seris tdx", "/seris tdx"),  # told what is likest
        ("!lore", "/help"),
        ("!lore series tdx", "/series tdx"),
        ("!lore nonsense", "/nonsense"),
        ("!LORE help", "/help"),
        ("!hookshot help", None),
        ("! series", None),
        ("!", None),
        ("series tdx", None),
        ("what does !series do?", None),
        ("bot: series tdx", "/series tdx"),
        ("@bot, !series tdx", "/series tdx"),
        ("Lore Bot: /series tdx", "/series tdx"),
        ("@bot:a.example series tdx", "/series tdx"),
        ("bot:", "/help"),
        ("bot said so", None),
        ("bottle: series", None),
        (7, None),
        (None, None),
    ],
)
def test_what_asks_us_and_what_does_not(said: object, heard: str | None) -> None:
    assert asked(event(said), ME, "Lore Bot", "!", WORDS) == heard


def test_a_name_that_a_client_has_made_a_mention_needs_no_colon() -> None:
    mentioned = event("bot series x", **{"m.mentions": {"user_ids": [ME]}})
    assert asked(mentioned, ME, "", "!", WORDS) == "/series x"


@pytest.mark.parametrize(
    "one",
    [
        event("!help", sender=ME),
        event("!help", msgtype="m.notice"),
        event("!help", msgtype="m.emote"),
        event("!help", **{"m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}}),
        {"event_id": "$1", "sender": "@mia:a.example", "content": "!help"},
        {"event_id": "$1", "sender": "@mia:a.example", "content": {}},
    ],
)
def test_programs_edits_and_nonsense_ask_nothing(one: dict[str, Any]) -> None:
    assert asked(one, ME, "", "!", WORDS) is None


def test_of_an_answer_what_it_quotes_is_left_out() -> None:
    quoting = event(
        "> <@ben:a.example> !help\n> more\n\n!series x", **{"m.relates_to": {"m.in_reply_to": {"event_id": "$0"}}}
    )
    assert asked(quoting, ME, "", "!", WORDS) == "/series x"
    assert root_of(quoting) == "$1"


def test_a_prefix_may_be_anything() -> None:
    assert asked(event("lore> series x"), ME, "", "lore> ", WORDS) == "/series x"
    assert asked(event("!series x"), ME, "", "%", WORDS) is None


def test_commands_are_written_as_they_are_typed_here_and_links_stay() -> None:
    body = (
        '<p>Type <code>/help</code> or /series x; <a href="https://a.example/series/help">/series</a> in fs/series, '
        "/series.c; type /help.</p>"
    )
    assert typed_here(body, "!", WORDS) == (
        '<p>Type <code>!help</code> or !series x; <a href="https://a.example/series/help">!series</a> in fs/series, /series.c; type !help.</p>'
    )


def test_buttons_and_rules_are_left_to_those_who_have_them() -> None:
    content = message('<p>one</p><hr><button value="/series x page 2">Page 2</button><p>two</p>')
    assert content["formatted_body"] == "<p>one</p>\n<p>two</p>"
    assert content["body"] == "one\ntwo"


def test_what_fits_counts_bytes_as_they_are_sent() -> None:
    room = LARGEST - len(str(message("<p></p>", "0" * 64)).encode())
    assert fits(f"<p>{'x' * (room // 2 - 100)}</p>")
    assert not fits(f"<p>{'x' * (room // 2 + 100)}</p>")
    assert not fits(f"<p>{'一' * (room // 4)}</p>")
    assert not fits(f"<p>{'&quot;' * (room // 6)}</p>")


@pytest.mark.parametrize(
    ("create", "levels", "found"),
    [
        ({"room_version": "11"}, {"users": {"@a:x": 50}, "users_default": 7}, (50, 7)),
        ({"room_version": "11"}, {"users": {"@a:x": "50"}}, (50, 0)),
        ({"room_version": "11"}, {"users": {"@a:x": "much"}}, (0, 0)),
        ({}, None, (100, 0)),
        ({"room_version": "12"}, None, (1 << 60, 0)),
        ({"room_version": "13", "additional_creators": ["@b:x"]}, {"users": {}}, (1 << 60, 1 << 60)),
        ({"room_version": "org.example.wild"}, {"users": {}}, (0, 0)),
    ],
)
def test_power_is_what_the_rooms_state_says(
    create: dict[str, Any], levels: dict[str, Any] | None, found: tuple[int, int]
) -> None:
    event = {"sender": "@a:x", "content": create}
    assert (power("@a:x", event, levels), power("@b:x", event, levels)) == found


def test_a_room_is_shown_as_clients_show_one() -> None:
    made = message("<p><room>!a&lt;:x.example</room></p>")
    assert made["formatted_body"] == '<p><a href="https://matrix.to/#/%21a%3C%3Ax.example">!a&lt;:x.example</a></p>'
    assert made["m.mentions"] == {}
