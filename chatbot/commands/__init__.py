"""The table of commands: `/help`, the README's list and the platforms' menus are made from it.

A further command is one file in this folder and one row here.
"""

from chatbot.commands import activity, contributor, digest, series, subscribe, subsystems, watch, why
from chatbot.commands.command import Command, Context, Facts
from chatbot.errors import Misunderstood


def _help(arguments: str, context: Context) -> Facts:
    """All commands, or one."""
    wanted = arguments.strip().removeprefix("/").lower()
    chosen = tuple(command for command in COMMANDS if not wanted or command.word == wanted)
    if not chosen:
        raise Misunderstood(f"/{wanted}", "there is no such command", f"there are {', '.join(names())}")
    return Facts("help", {"commands": chosen, "lists": tuple(context.lists.values())})


COMMANDS = (
    series.COMMAND,
    contributor.COMMAND,
    digest.COMMAND,
    activity.COMMAND,
    subsystems.COMMAND,
    subscribe.SUBSCRIBE,
    subscribe.UNSUBSCRIBE,
    subscribe.SUBSCRIPTIONS,
    subscribe.PAUSE,
    subscribe.RESUME,
    watch.WATCH,
    why.WHY,
    why.WHYNOT,
    Command("help", "[command]", "Say what I can do.", ("/help", "/help digest"), _help, for_all=True),
)


def names() -> tuple[str, ...]:
    """The commands as people type them."""
    return tuple(f"/{command.word}" for command in COMMANDS)
