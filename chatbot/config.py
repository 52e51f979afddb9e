"""The configuration file: read, and what is wrong with it, one line a fault. What may stand in it: settings.py."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from chatbot.errors import BadConfig
from chatbot.settings import (
    Config,
    Exported,
    Exports,
    Followed,
    Maintainers,
    People,
    Platforms,
    Room,
    Slack,
    Store,
    Subscription,
    Subsystem,
    Table,
    Templates,
    keys,
)

# Rooms of Matrix, by id or alias.
_ADDRESS = re.compile(r"!\S+|#[^\s:]+:\S+")
# Channels, private groups of old, and direct messages.
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{2,}")
# The same of one of several workspaces, or of a whole organisation.
_WHOLE = re.compile(r"[TE][A-Z0-9]{2,}/[CGD][A-Z0-9]{2,}")


def load_config(path: Path) -> Config:
    """The file's settings; relative paths in it are relative to its folder. Raises BadConfig with every fault."""
    try:
        settings = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise BadConfig((f"{path}: {error.strerror}; copy config.example.toml, or name another file",)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig((f"{path}: this is no TOML: {error}",)) from error
    try:
        return check_config(settings, path.parent)
    except BadConfig as error:
        raise BadConfig(tuple(f"{path}: {fault}" for fault in error.faults)) from None


def check_config(settings: Mapping[str, Any], folder: Path) -> Config:
    """The settings as values, with relative paths put below `folder`. Raises BadConfig with every fault."""
    try:
        config = Config.model_validate(settings)
    except ValidationError as error:
        raise BadConfig(tuple(_fault(one) for one in error.errors())) from error
    lists = tuple(one.model_copy(update={"archive": folder / one.archive.expanduser()}) for one in config.lists)
    own = config.templates.folder
    templates = Templates(folder=folder / own.expanduser() if own else None)
    people = People(**{key: folder / path.expanduser() for key, path in config.people if path})
    named = config.maintainers.file
    maintainers = Maintainers(file=folder / named.expanduser() if named else None)
    placed = {
        "lists": lists,
        "templates": templates,
        "people": people,
        "maintainers": maintainers,
        "platforms": _with_files(config.platforms, folder),
    }
    config = config.model_copy(update={**placed, "store": _placed(config.store, folder)})
    faults = tuple(_contradictions(config))
    if faults:
        raise BadConfig(faults)
    return config


def settled(config: Config, running: Config) -> tuple[Config, tuple[str, ...]]:
    """A changed config for a process that runs by another: with what only a start can change as it is there, and the
    names of what would have changed. Raises BadConfig where the rest does not go with it.
    """
    sources = config.sources.model_copy(update={"jobs": running.sources.jobs})
    fixed = {
        "[store]": running.store,
        "[platforms]": running.platforms,
        "[sources] jobs": sources,
        "[health]": running.health,
    }
    tables = {name: name.partition("]")[0].removeprefix("[") for name in fixed}
    kept = tuple(name for name, table in tables.items() if getattr(config, table) != fixed[name])
    config = config.model_copy(update={tables[name]: fixed[name] for name in kept})
    if faults := tuple(_contradictions(config)):
        raise BadConfig(faults)
    return config, kept


def _placed(store: Store, folder: Path) -> Store:
    """A relative file of SQLite lies in the config's folder, wherever the bot is started."""
    prefix = "sqlite:///"
    if not store.url.startswith(prefix) or store.url == prefix:
        return store
    return Store(url=prefix + str((folder / store.url.removeprefix(prefix)).absolute()))


def _with_files(platforms: Platforms, folder: Path) -> Platforms:
    """The same, with the files of tokens put below the folder."""
    placed: dict[str, Table] = {}
    for name, table in platforms:
        if table is not None:
            placed[name] = _with_paths(table, folder)
    return platforms.model_copy(update=placed)


def _with_paths(table: Table, folder: Path) -> Table:
    """The same, with paths below the folder, in the tables of the table, too."""
    placed: dict[str, Path | Table] = {}
    for key, value in table:
        if isinstance(value, Path):
            placed[key] = folder / value.expanduser()
        elif isinstance(value, Table):
            placed[key] = _with_paths(value, folder)
    return table.model_copy(update=placed)


def _contradictions(config: Config) -> Iterator[str]:
    names = [one.name for one in config.lists]
    folded = [name.casefold() for name in names]
    for name in sorted({name for name in names if folded.count(name.casefold()) > 1}):
        yield f"[[lists]] name: {name!r} is there twice; give each list one table"
    if not names:
        yield "[[lists]]: no list is set up; add one, see config.example.toml"
    if not (config.rooms or config.subscriptions) and not config.platforms.model_fields_set:
        yield "[platforms]: no platform is set up; add [platforms.slack] or [platforms.terminal]"
    yield from _unclear(config.subsystems)
    yield from _missing(config)
    yield from _rooms(config)
    yield from _installed(config.platforms.slack)
    yield from _unfollowable(config.subscriptions, config)


def read_exported(text: str, config: Config) -> tuple[Exported, ...]:
    """What was exported, or written in the same way. Raises BadConfig with every fault."""
    try:
        found = Exports.model_validate(tomllib.loads(text)).subscriptions
    except tomllib.TOMLDecodeError as error:
        raise BadConfig((f"this is no TOML: {error}",)) from error
    except ValidationError as error:
        raise BadConfig(tuple(_fault(one) for one in error.errors())) from error
    if faults := tuple(_unfollowable(found, config)):
        raise BadConfig(faults)
    return found


def _unfollowable(those: Sequence[Followed], config: Config) -> Iterator[str]:
    names = [one.name for one in config.lists]
    for place, one in enumerate(those, 1):
        here = f"[[subscriptions]] {place}"
        if getattr(config.platforms, one.platform) is None:
            yield f"{here} platform: {one.platform!r} is not set up; add [platforms.{one.platform}]"
        yield from _unnamed(one, here, config)
        if [one.list, one.subsystem, one.series].count(None) != 2:  # noqa: PLR2004  # all but one
            yield f"{here} list: it follows a list, a subsystem or a series; name one of them"
        if one.series and (one.filter or not (one.when.at_once or "when" not in one.model_fields_set) or _beside(one)):
            yield f"{here} series: it is told as it happens, all of it; leave out filter, when, first and even_empty"
        if one.chart and (one.list is None or one.when.at_once):
            yield f"{here} chart: a list's scheduled digests alone have one; leave it out"
        if one.list is not None and one.list not in names:
            yield f"{here} list: there is no list {one.list!r}; name one of {', '.join(names)}"


def _beside(one: Followed) -> bool:
    """Whether it asks for what only digests have."""
    return isinstance(one, Subscription) and (one.first is not None or one.even_empty)


def _rooms(config: Config) -> Iterator[str]:
    taken: set[tuple[str, str]] = set()
    for place, room in enumerate(config.rooms, 1):
        if getattr(config.platforms, room.platform) is None:
            yield f"[[rooms]] {place} platform: {room.platform!r} is not set up; add [platforms.{room.platform}]"
        yield from _unnamed(room, f"[[rooms]] {place}", config)
        if (room.platform, room.room) in taken:
            yield f"[[rooms]] {place} room: {room.room!r} is there twice; give each room one table"
        taken.add((room.platform, room.room))


def _unnamed(one: Room | Followed, here: str, config: Config) -> Iterator[str]:
    """Channels of Slack are renamed, and their ids stay; rooms of Matrix have both, told by their first sign."""
    if one.platform == "terminal" and one.room.startswith("#"):
        yield f"{here} room: {one.room!r} looks like an alias of Matrix; leave out the #"
    if one.platform == "matrix" and not _ADDRESS.fullmatch(one.room):
        remedy = "write its id, such as !abc, from its settings, or an alias, such as #kvm:corp.example"
        yield f"{here} room: {one.room!r} is no room of Matrix; {remedy}"
    several = config.platforms.slack and config.platforms.slack.install
    if one.platform == "slack" and not (_WHOLE if several else _CHANNEL).fullmatch(one.room):
        if several:
            remedy = "write the workspace's id and the channel's, such as T0123ABCD/C0123ABCD"
        else:
            remedy = "write its id, such as C0123ABCD, from the end of its details"
        yield f"{here} room: {one.room!r} is no id of a channel; {remedy}"


def _installed(slack: Slack | None) -> Iterator[str]:
    """Where each workspace installs the app, Slack has to call us, and each has a token of its own."""
    if slack and slack.install:
        if slack.mode != "http":
            yield '[platforms.slack] mode: workspaces that install the app need mode = "http"; write that'
        if slack.bot_token_file:
            yield "[platforms.slack] bot_token_file: each workspace has a token of its own; leave this out"


def _unclear(subsystems: tuple[Subsystem, ...]) -> Iterator[str]:
    """Subsystems that cannot be told from others, or from nothing."""
    titles: set[str] = set()
    for place, one in enumerate(subsystems, 1):
        if one.title.casefold() in titles:
            yield f"[[subsystems]] {place} title: {one.title!r} is there twice; give each subsystem one table"
        if not (one.files or one.names or one.contents or one.lists):
            yield f"[[subsystems]] {place} files: this key is missing, and so are names, contents and lists; add one"
        titles.add(one.title.casefold())


def _missing(config: Config) -> Iterator[str]:
    """Files and folders that are named and not there."""
    templates = config.templates.folder
    if templates and not templates.is_dir():
        yield f"[templates] folder: there is no folder {templates}; make it, or leave the key out"
    file = config.maintainers.file
    if file and not file.is_file():
        yield f"[maintainers] file: there is no file {file}; name the kernel's MAINTAINERS, or leave the key out"
    slack = config.platforms.slack
    for table, name in ((slack, "platforms.slack"), (slack and slack.install, "platforms.slack.install")):
        for key, path in table or ():
            if isinstance(path, Path) and not path.is_file():
                yield f"[{name}] {key}: there is no file {path}; make it, or leave the key out"
    for key, path in config.people:
        if path and not path.is_file():
            yield f"[people] {key}: there is no file {path}; make it, or leave the key out"


def _fault(error: Any) -> str:
    """One line: the table, the key, what is wrong, and what to write instead."""
    *tables, key = error["loc"]
    if isinstance(key, int):
        tables.append(key)
    names: list[str] = []
    where: list[str] = []
    for part in tables:
        if isinstance(part, int):
            where.append(f"[[{'.'.join(names)}]] {part + 1}")
        else:
            names.append(part)
    if tables and not isinstance(tables[-1], int):
        where.append(f"[{'.'.join(names)}]")
    if not isinstance(key, int):
        where.append(key)
    return f"{' '.join(where)}: {_reason(error)}"


# pydantic's words for what is wrong, and ours.
_REASONS = {
    "missing": "this key is missing; see config.example.toml",
    "literal_error": "{given!r} is not known; write one of {expected}",
    "string_pattern_mismatch": "{given!r} has not the right form; see config.example.toml",
    "string_type": "{given!r} is of the wrong type; write text in quotes",
    "path_type": "{given!r} is of the wrong type; write text in quotes",
    "int_type": "{given!r} is of the wrong type; write a number",
    "greater_than_equal": "{given!r} is too small; write {ge} or more",
    "less_than_equal": "{given!r} is too large; write {le} or less",
    "bool_type": "{given!r} is of the wrong type; write true or false",
    "model_type": "{given!r} is no table; see config.example.toml",
    "string_too_short": "this is empty; see config.example.toml",
    "tuple_type": "this is no list of tables; write its name in double brackets",
    "value_error": "{error}",
    "extra_forbidden": "there is no such key; {likest}",
}


def _reason(error: Any) -> str:
    context = dict(error.get("ctx", {}))
    key = str(error["loc"][-1])  # in another table there may be one
    likest = difflib.get_close_matches(key, [one for one in keys() if one != key], n=1)
    context["likest"] = f"did you mean {likest[0]!r}?" if likest else "see config.example.toml"
    reason = _REASONS.get(error["type"], "{given!r}: {message}")
    return reason.format(given=error["input"], message=error["msg"], **context)
