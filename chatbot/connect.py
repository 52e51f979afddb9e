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
    from typing import Any

    from chatbot.chat.platform import Platform
    from chatbot.chat.slack_workspaces import Workspaces
    from chatbot.settings import Config
    from chatbot.settings import Install as InstallTable
    from chatbot.settings import Matrix as MatrixTable
    from chatbot.settings import Slack as SlackTable
    from chatbot.store.installations import Keys


def platforms_of(
    config: Config,
    person: str,
    now: Callable[[], datetime],
    stack: ExitStack | None = None,
    engine: Any = None,  # SQLAlchemy's, whose door is store/
    *,
    called: dict[tuple[str, str], str] | None = None,
) -> dict[str, Platform]:
    """The platforms that are set up: one row each; `person` sits at the terminal. Without a stack nothing is held: they
    can be looked at, and no more; `engine` is of the database in which they remember things. `called` says for which
    rooms names of the config stand. Raises Problem.
    """
    found: dict[str, Platform] = {}
    if config.platforms.terminal:
        from chatbot.chat.terminal import Terminal
        from chatbot.commands import names

        found["terminal"] = Terminal(names(), config.platforms.terminal.color, person)
    if config.platforms.matrix:
        found["matrix"] = _matrix(config.platforms.matrix, now, stack, engine, {} if called is None else called)
    if config.platforms.slack:
        slack = config.platforms.slack
        found["slack"] = (
            workspaces_of(slack, slack.install, now, stack, engine) if slack.install else _slack(slack, now)
        )
    return found


def _slack(config: SlackTable, now: Callable[[], datetime]) -> Platform:
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
    return Slack(bot, entrance, now, files=config.files, unreadable=config.unreadable_history, unfurl=config.unfurl)


def workspaces_of(
    config: SlackTable,
    install: InstallTable,
    now: Callable[[], datetime],
    stack: ExitStack | None,
    engine: Any,
    **manners: Any,
) -> Workspaces:
    """The platform of all workspaces that install the app; `manners` are a Slack's. Raises BadConfig: for secrets that
    are missing, and for a key that is not the installations'.
    """
    from dataclasses import replace

    from chatbot.chat.sealed import Seal
    from chatbot.chat.slack import API, DIALECT, SETTLES, Slack
    from chatbot.chat.slack_entrance import Entrance, Requests
    from chatbot.chat.slack_install import PATIENCE, Install
    from chatbot.chat.slack_manifest import HOST, Options, base_of, scopes
    from chatbot.chat.slack_workspaces import Workspaces
    from chatbot.errors import BadConfig, Unauthorized
    from chatbot.store.installations import Installations, States
    from chatbot.store.undelivered import Undelivered

    signing, secret, keys = _secrets_of(config, install)
    installed, url = Installations(install.client_id, engine, keys), base_of(install.url)
    try:
        installed.renew() if stack else installed.workspaces()
    except Unauthorized as error:
        raise BadConfig((f"[platforms.slack.install] key_file: {error}",)) from error

    def make(name: str, token: str, entrance: Entrance) -> Slack:
        return Slack(
            token,
            entrance,
            now,
            seal=Seal(f"{signing} {name}"),
            files=config.files,
            unreadable=config.unreadable_history,
            unfurl=config.unfurl,
            **manners,
        )

    def back(name: str) -> None:
        Undelivered(engine).release("slack", f"{name}/")

    pages = Install(
        client_id=install.client_id,
        client_secret=secret,
        url=url,
        scopes=scopes(
            Options(
                private="private" in install.options,
                mentions="mentions" in install.options,
                files=config.files,
                admins="admins" in install.options,
                unfurl=(HOST,) if config.unfurl else (),
            )
        ),
        installations=installed,
        states=States(engine, PATIENCE),
        allowed=install.workspaces,
        api=manners.get("api", API),
    )
    return Workspaces(
        installed,
        Requests(signing, config.host, config.port),
        pages,
        make,
        now,
        url=url,
        dialect=replace(DIALECT, files=config.files),
        settles=manners.get("settles", SETTLES),
        back=back,
    )


def _secrets_of(config: SlackTable, install: InstallTable) -> tuple[str, str, Keys]:
    """What requests are signed with, the app's own secret, and what tokens are encrypted with. Raises BadConfig."""
    from chatbot.errors import BadConfig
    from chatbot.store.installations import Keys

    faults: list[str] = []
    table, how = "platforms.slack.install", "make one with: openssl rand -base64 32 | tr +/ -_"
    signing = _secret("signing_secret", config.signing_secret_file, "SLACK_SIGNING_SECRET", "", faults)
    secret = _secret("client_secret", install.client_secret_file, "SLACK_CLIENT_SECRET", "", faults, table=table)
    key = _secret("key", install.key_file, "SLACK_INSTALLATION_KEY", "", faults, table=table, make=f"{how}; then ")
    try:
        keys = Keys(key) if key else None
    except ValueError:
        faults.append(f"[{table}] key_file: {install.key_file or 'SLACK_INSTALLATION_KEY'} has no such key; {how}")
    if faults or not keys:
        raise BadConfig(tuple(faults))
    return signing, secret, keys


def _secret(
    key: str,
    file: Path | None,
    variable: str,
    begin: str,
    faults: list[str],
    *,
    table: str = "platforms.slack",
    make: str = "",
) -> str:
    """What a file or the environment says; it is shown nowhere."""
    import os

    found = (file.read_text("utf-8-sig") if file else os.environ.get(variable, "")).strip()
    where = f"[{table}] {key}_file"
    if not found:
        faults.append(f"{where}: there is no such secret; {make}set {variable}, or name a file that has it")
    elif not found.startswith(begin):
        faults.append(f"{where}: {file or variable} has something else; it begins with {begin}")
    return found


def _matrix(
    config: MatrixTable,
    now: Callable[[], datetime],
    stack: ExitStack | None,
    engine: Any,
    called: dict[tuple[str, str], str],
) -> Platform:
    import asyncio

    import structlog

    from chatbot.chat.matrix import opened, seen_from_outside
    from chatbot.chat.matrix_events import Manners
    from chatbot.commands import names
    from chatbot.store.subscriptions import Subscriptions

    async def moved(old: str, new: str) -> None:
        subscriptions = Subscriptions(engine)
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
