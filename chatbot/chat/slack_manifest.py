"""The manifest of the app that a workspace makes for the bot: which commands it has, and what it may do. Pure.

https://docs.slack.dev/reference/app-manifest
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

# What Slack keeps to itself, and does not hand to apps:
# https://slack.com/help/articles/201259356-Use-built-in-slash-commands
_SLACKS_OWN = {"archive", "away", "call", "dm", "feed", "help", "invite", "join", "leave", "me", "msg", "mute", "open"}
_SLACKS_OWN |= {
    "part",
    "prefs",
    "remind",
    "remove",
    "rename",
    "search",
    "shortcuts",
    "shrug",
    "star",
    "status",
    "topic",
}
_SLACKS_OWN |= {"collapse", "expand", "keys", "who", "active", "apps", "huddle"}
MOST_COMMANDS, MOST_DESCRIPTION, MOST_HINT, MOST_NAME = 50, 2_000, 1_000, 35

# What the bot cannot do without: to post, to be asked, to be told who made a channel, and to look for its own posts.
_SCOPES = ("channels:history", "channels:read", "chat:write", "commands")
_PRIVATE = ("groups:history", "groups:read")
_MENTIONS = ("app_mentions:read", "im:history")
_FILES = ("files:write",)
_ADMINS = ("users:read",)
_UNFURL = ("links:read", "links:write")
# https://docs.slack.dev/reference/app-manifest: unfurl_domains
MOST_DOMAINS = 5
# Where most archives are.
HOST = "lore.kernel.org"


# On a message: what are the mails that it names?
_SHORTCUT = {
    "name": "Look up on the lists",
    "type": "message",
    "callback_id": "look_up",
    "description": "Shows what the mails are that this message names.",
}

# What is below the address of a bot that Slack calls.
_EVENTS, INSTALL, REDIRECT = "/slack/events", "/slack/install", "/slack/oauth_redirect"


class Word(NamedTuple):
    """A command as people type it: without its slash, what stands behind it, and what it does."""

    word: str
    arguments: str
    help: str


class Options(NamedTuple):
    """What an app may have beside the least."""

    private: bool = False
    mentions: bool = False
    files: bool = False
    admins: bool = False
    # Hosts, links to which may get a card.
    unfurl: tuple[str, ...] = ()
    # Where Slack is to call the bot, /slack/events and all; without it, the bot calls Slack.
    url: str | None = None
    # Whether several workspaces install the app, from the pages of that address.
    install: bool = False
    name: str = "List digests"


def scopes(options: Options) -> list[str]:
    """What the app may do."""
    chosen = {"private": _PRIVATE, "mentions": _MENTIONS, "files": _FILES, "admins": _ADMINS, "unfurl": _UNFURL}
    more = (scope for option, scopes in chosen.items() if getattr(options, option) for scope in scopes)
    return sorted((*_SCOPES, *more))


def base_of(url: str) -> str:
    """Where people reach the bot, by where Slack calls it."""
    return url.rstrip("/").removesuffix(_EVENTS)


def manifest(words: Iterable[Word], options: Options) -> dict[str, Any]:
    """As Slack takes it."""
    known = list(words)
    url = {"url": options.url} if options.url else {}
    events = [
        "app_home_opened",
        *(["app_mention", "message.im"] if options.mentions else []),
        *(["link_shared"] if options.unfurl else []),
        *(["app_uninstalled", "tokens_revoked"] if options.install else []),
    ]
    redirect = {"redirect_urls": [base_of(options.url) + REDIRECT]} if options.install and options.url else {}
    subscriptions = {"request_url": options.url} if options.url else {}
    interactivity = {"request_url": options.url} if options.url else {}
    return {
        "display_information": {
            "name": options.name,
            "description": "What happened on the kernel's mailing lists",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": options.name, "always_online": True},
            "shortcuts": [_SHORTCUT],
            "slash_commands": [{**_slash(one), **url, "should_escape": False} for one in _typed(known)],
            **({"unfurl_domains": list(options.unfurl[:MOST_DOMAINS])} if options.unfurl else {}),
        },
        "oauth_config": {**redirect, "scopes": {"bot": scopes(options)}},
        "settings": {
            "event_subscriptions": {**subscriptions, "bot_events": events},
            "interactivity": {"is_enabled": True, **interactivity},
            "org_deploy_enabled": options.install,
            "socket_mode_enabled": options.url is None,
            "token_rotation_enabled": False,
        },
    }


def to_yaml(thing: Any, indent: int = 0) -> str:
    """Its YAML; texts are written as JSON has them, which is YAML, too."""
    return "".join(_lines(thing, indent))


def _typed(words: list[Word]) -> Iterator[Word]:
    """What Slack keeps to itself goes by another name; all go by one, where another app has taken a name."""
    for one in words:
        yield one._replace(word=f"lore-{one.word}") if one.word in _SLACKS_OWN else one
    verbs = ", ".join(one.word for one in words)
    yield Word("lore", "COMMAND …", f"The same as the other commands, where another app has their names: {verbs}.")


def _slash(one: Word) -> dict[str, str]:
    hint = {"usage_hint": one.arguments[:MOST_HINT]} if one.arguments else {}
    return {"command": f"/{one.word}", "description": one.help[:MOST_DESCRIPTION], **hint}


def _lines(thing: Any, indent: int) -> Iterator[str]:
    before = "  " * indent
    if isinstance(thing, Mapping):
        for key, inner in thing.items():
            if isinstance(inner, (Mapping, list)) and inner:
                yield f"{before}{key}:\n"
                yield from _lines(inner, indent + 1)
            else:
                yield f"{before}{key}: {json.dumps(inner, ensure_ascii=False)}\n"
    else:
        for inner in thing:
            if isinstance(inner, Mapping):
                first, *rest = _lines(inner, indent + 1)
                yield f"{before}- {first.lstrip()}"
                yield from rest
            else:
                yield f"{before}- {json.dumps(inner, ensure_ascii=False)}\n"
