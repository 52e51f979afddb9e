"""The platforms that the config sets up. A further one is one row here, one file in chat/, and one table of the config.

It imports inside its functions, as app.py does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from datetime import datetime
    from pathlib import Path

    from chatbot.chat.platform import Platform
    from chatbot.chat.slack import Slack
    from chatbot.config import Config
    from chatbot.config import Matrix as MatrixTable
    from chatbot.config import Slack as SlackTable
    from chatbot.store.subscriptions import Subscriptions


def platforms_of(
    config: Config,
    person: str,
    now: Callable[[], datetime],
    stack: ExitStack | None = None,
    *,
    subscriptions: Subscriptions | None = None,
    called: dict[tuple[str, str], str] | None = None,
) -> dict[str, Platform]:
    """The platforms that are set up: one row each; `person` sits at the terminal. Without a stack nothing is held: they
    can be looked at, and no more. `called` says for which rooms names of the config stand. Raises
    Problem.
    """
    found: dict[str, Platform] = {}
    if config.platforms.terminal:
        from chatbot.chat.terminal import Terminal
        from chatbot.commands import names

        found["terminal"] = Terminal(names(), config.platforms.terminal.color, person)
    if config.platforms.matrix:
        found["matrix"] = _matrix(config.platforms.matrix, now, stack, subscriptions, {} if called is None else called)
    if config.platforms.slack:
        found["slack"] = _slack(config.platforms.slack, now)
    return found


def _slack(config: SlackTable, now: Callable[[], datetime]) -> Slack:
    """Raises BadConfig: for tokens that are missing, or in each other's places."""
    from chatbot.chat.slack import Slack
    from chatbot.chat.slack_entrance import Entrance, Requests, Sockets
    from chatbot.errors import BadConfig

    faults: list[str] = []
    bot = _secret("bot_token", config.bot_token_file, "SLACK_BOT_TOKEN", "xoxb-", faults)
    entrance: Entrance
    if config.mode == "http":
        secret = _secret("signing_secret", config.signing_secret_file, "SLACK_SIGNING_SECRET", "", faults)
        entrance = Requests(secret, config.host, config.port)
    else:
        entrance = Sockets(_secret("app_token", config.app_token_file, "SLACK_APP_TOKEN", "xapp-", faults))
    if faults:
        raise BadConfig(tuple(faults))
    return Slack(bot, entrance, now, files=config.files, unreadable=config.unreadable_history)


def _secret(key: str, file: Path | None, variable: str, begin: str, faults: list[str]) -> str:
    """What a file or the environment says; it is shown nowhere."""
    import os

    found = (file.read_text("utf-8-sig") if file else os.environ.get(variable, "")).strip()
    where = f"[platforms.slack] {key}_file"
    if not found:
        faults.append(f"{where}: there is no such secret; set {variable}, or name a file that has it")
    elif not found.startswith(begin):
        faults.append(f"{where}: {file or variable} has something else; it begins with {begin}")
    return found


def _matrix(
    config: MatrixTable,
    now: Callable[[], datetime],
    stack: ExitStack | None,
    subscriptions: Subscriptions | None,
    called: dict[tuple[str, str], str],
) -> Platform:
    import asyncio

    import structlog

    from chatbot.chat.matrix import opened, seen_from_outside
    from chatbot.chat.matrix_events import Manners
    from chatbot.commands import names

    async def moved(old: str, new: str) -> None:
        came = 0
        if subscriptions:
            came = await asyncio.to_thread(subscriptions.move, "matrix", old, new)
            called.update(await asyncio.to_thread(subscriptions.names))
        structlog.get_logger(__name__).info("room moved", room=old, new=new, subscriptions=came)

    def names_of(room: str) -> tuple[str, ...]:
        return (room, *(name for (platform, name), now in called.items() if (platform, now) == ("matrix", room)))

    manners = Manners(
        names_of=names_of,
        prefix=config.prefix,
        prefixes=config.prefixes,
        inviters=config.inviters,
        level=config.level,
        unthreaded=frozenset(config.unthreaded),
    )
    if stack is None:
        return seen_from_outside(config.device, names(), now)
    return stack.enter_context(opened(config.device, names(), manners, moved=moved, now=now))
