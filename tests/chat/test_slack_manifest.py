import json
import re
import subprocess
import sys
from typing import Any

import pytest

from chatbot.chat.slack_cards import LOOK_UP
from chatbot.chat.slack_listener import command_of
from chatbot.chat.slack_manifest import Options, Word, manifest, to_yaml
from chatbot.cli import main
from chatbot.commands import COMMANDS
from chatbot.once import slack_manifest

# https://docs.slack.dev/reference/app-manifest: what may stand where, as far as ours goes.
KEYS: dict[str, Any] = {
    "display_information": {"name": None, "description": None, "long_description": None, "background_color": None},
    "features": {
        "app_home": {"home_tab_enabled": None, "messages_tab_enabled": None, "messages_tab_read_only_enabled": None},
        "bot_user": {"display_name": None, "always_online": None},
        "slash_commands": [{"command": None, "description": None, "usage_hint": None, "url": None, "should_escape": None}],
        "shortcuts": [{"name": None, "type": None, "callback_id": None, "description": None}],
        "unfurl_domains": None,
    },
    "oauth_config": {"scopes": {"bot": None, "user": None}, "redirect_urls": None},
    "settings": {
        "event_subscriptions": {"request_url": None, "bot_events": None, "user_events": None},
        "interactivity": {"is_enabled": None, "request_url": None, "message_menu_options_url": None},
        "org_deploy_enabled": None,
        "socket_mode_enabled": None,
        "token_rotation_enabled": None,
    },
}  # fmt: skip
MINIMAL = ["channels:history", "channels:read", "chat:write", "commands"]


def unknown(thing: Any, known: Any, where: str = "") -> list[str]:
    if isinstance(known, list):
        return [one for inner in thing for one in unknown(inner, known[0], where)]
    if known is None:
        return []
    found = [f"{where}/{key}" for key in thing if key not in known]
    return found + [one for key in thing if key in known for one in unknown(thing[key], known[key], f"{where}/{key}")]


@pytest.mark.parametrize("options", [{}, {"private": True, "mentions": True, "files": True, "admins": True}, {"url": "https://a.example/slack/events", "mentions": True}, {"url": "https://a.example/slack/events", "install": True}])  # fmt: skip
def test_the_manifest_has_what_slack_takes_and_no_more(options: dict[str, Any]) -> None:
    made = slack_manifest(**options)
    assert unknown(made, KEYS) == []
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert len(made["features"]["bot_user"]["display_name"]) <= 80
    commands = made["features"]["slash_commands"]
    assert 0 < len(commands) <= 50
    assert len({one["command"] for one in commands}) == len(commands)
    for one in commands:
        assert re.fullmatch(r"/[a-z0-9_-]{1,31}", one["command"])
        assert 0 < len(one["description"]) <= 2_000
        assert 0 < len(one.get("usage_hint", "x")) <= 1_000
        assert ("url" in one) == ("url" in options)
    assert made["settings"]["socket_mode_enabled"] == ("url" not in options)
    (shortcut,) = made["features"]["shortcuts"]
    assert (shortcut["type"], shortcut["callback_id"], len(shortcut["name"]) <= 24) == ("message", LOOK_UP, True)


def test_hosts_are_named_only_where_their_links_are_to_get_cards(capsys: pytest.CaptureFixture[str]) -> None:
    assert "unfurl_domains" not in slack_manifest()["features"]
    assert main(["slack-manifest", "--json", "--unfurl", "lists.example", "lore.kernel.org"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["features"]["unfurl_domains"] == ["lore.kernel.org", "lists.example"]
    assert made["settings"]["event_subscriptions"]["bot_events"] == ["app_home_opened", "link_shared"]
    assert {"links:read", "links:write"} <= set(made["oauth_config"]["scopes"]["bot"])
    command = [sys.executable, "-m", "chatbot", "slack-manifest", "--unfurl", *"abcde"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "name fewer" in done.stderr) == (2, True)


def test_every_command_of_the_table_is_in_it_by_a_name_that_slack_has_not() -> None:
    commands = [one["command"] for one in slack_manifest()["features"]["slash_commands"]]
    assert "/help" not in commands
    assert {"/lore", "/lore-help", "/series", "/subscribe"} <= set(commands)
    asked = [command_of(one, "") for one in commands if one != "/lore"]
    assert asked == [f"/{one.word}" for one in COMMANDS]


def test_its_scopes_are_the_least_and_each_option_adds_its_own() -> None:
    def scopes(**options: Any) -> set[str]:
        return set(slack_manifest(**options)["oauth_config"]["scopes"]["bot"])

    assert sorted(scopes()) == MINIMAL
    assert scopes(private=True) - scopes() == {"groups:history", "groups:read"}
    assert scopes(mentions=True) - scopes() == {"app_mentions:read", "im:history"}
    assert scopes(files=True) - scopes() == {"files:write"}
    assert scopes(admins=True) - scopes() == {"users:read"}


def test_home_is_a_page_of_it_and_what_it_is_told_of_needs_no_further_scope() -> None:
    def events(**options: Any) -> list[str]:
        return list(slack_manifest(**options)["settings"]["event_subscriptions"]["bot_events"])

    assert slack_manifest()["features"]["app_home"]["home_tab_enabled"]
    assert events() == ["app_home_opened"]
    assert events(mentions=True) == ["app_home_opened", "app_mention", "message.im"]


def test_what_several_workspaces_install_says_where_they_come_back_to_and_is_told_when_they_go() -> None:
    for url in ("https://a.example/bot/slack/events", "https://a.example/bot/slack/events/"):
        made = slack_manifest(url=url, install=True)
        assert made["oauth_config"]["redirect_urls"] == ["https://a.example/bot/slack/oauth_redirect"]
        told = ["app_home_opened", "app_uninstalled", "tokens_revoked"]
        assert made["settings"]["event_subscriptions"]["bot_events"] == told
        assert made["settings"]["org_deploy_enabled"]
    assert not slack_manifest(url=url)["settings"]["org_deploy_enabled"]
    assert "redirect_urls" not in slack_manifest(url=url)["oauth_config"]


def test_yaml_says_what_json_says(capsys: pytest.CaptureFixture[str]) -> None:
    made = manifest([Word("a", "[x: y]", 'say "…"')], Options())
    assert to_yaml(made["features"]["slash_commands"]).splitlines()[:4] == [
        '- command: "/a"',
        '  description: "say \\"…\\""',
        '  usage_hint: "[x: y]"',
        "  should_escape: false",
    ]
    assert main(["slack-manifest", "--json", "--private"]) == 0
    assert json.loads(capsys.readouterr().out) == slack_manifest(private=True)
    assert main(["slack-manifest"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "display_information:"
    assert '      - "chat:write"' in lines
    leaves = [line.partition(": ")[2] or line.strip().removeprefix("- ") for line in lines if not line.endswith(":")]
    assert all(json.loads(leaf) is not None for leaf in leaves)


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        (("--name", "x" * 36), "1 to 35 characters"),
        (("--url", "http://a.example"), "https alone"),
        (("--install", "--private"), "add --url https://"),
    ],
)
def test_what_slack_would_not_take_is_refused(option: tuple[str, str], fault: str) -> None:
    command = [sys.executable, "-m", "chatbot", "slack-manifest", *option]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert fault in done.stderr
