"""The configuration file: what may stand in it, and what is wrong with it, one line a fault.

`config.example.toml` names every setting; a test compares the two.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from chatbot.errors import BadConfig, Misunderstood
from chatbot.rhythm import Rhythm, parse_duration, parse_rhythm


def _zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value!r}; write one such as Europe/Berlin or UTC") from None


def _rhythm(value: object) -> Rhythm:
    try:
        return parse_rhythm(str(value))
    except Misunderstood as problem:
        raise ValueError(str(problem)) from None


def _duration(value: object) -> timedelta:
    try:
        return parse_duration(str(value))
    except Misunderstood as problem:
        raise ValueError(str(problem)) from None


def _not_empty(value: object) -> object:
    if value == "":
        raise ValueError("this is empty; name the folder of the archive")
    return value


def _texts(value: object) -> object:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
        raise ValueError(f"{value!r} is no list of texts; write them in quotes, between brackets")
    return tuple(given)


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
When = Annotated[Rhythm, BeforeValidator(_rhythm)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=True)


class Store(_Table):
    """`[store]`: where the bot remembers."""

    url: str = "sqlite:///chatbot.sqlite3"


class Sources(_Table):
    """`[sources]`: how the archives are looked at."""

    refresh: Duration = timedelta(minutes=1)
    jobs: Annotated[int, Field(ge=1, le=64)] | None = None


class Templates(_Table):
    """`[templates]`: the user's own texts."""

    folder: Annotated[Path | None, Field(strict=False)] = None


class People(_Table):
    """`[people]`: what the team knows of the people on its lists, each in a file of its own."""

    mailmap: Annotated[Path | None, Field(strict=False)] = None
    organisations: Annotated[Path | None, Field(strict=False)] = None
    bots: Annotated[Path | None, Field(strict=False)] = None


class Maintainers(_Table):
    """`[maintainers]`: the kernel's own division of itself."""

    file: Annotated[Path | None, Field(strict=False)] = None


class Subsystem(_Table):
    """`[[subsystems]]`: one of the team's own; the keys mean what MAINTAINERS calls F, X, N, K, L and M."""

    title: Annotated[str, Field(min_length=1, pattern=r"\w")]
    files: Texts = ()
    excluded: Texts = ()
    names: Texts = ()
    contents: Texts = ()
    lists: Texts = ()
    maintainers: Texts = ()


class Digests(_Table):
    """`[digests]`: what all digests have in common."""

    silent_after: Annotated[int, Field(ge=1, le=60)] = 5


class Health(_Table):
    """`[health]`: where supervisors ask."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Log(_Table):
    """`[log]`: how much is told."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Terminal(_Table):
    """`[platforms.terminal]`: a room in the terminal that the bot runs in."""

    color: Literal["auto", "always", "never"] = "auto"


class Platforms(_Table):
    """`[platforms]`: a platform is on when its table is there."""

    terminal: Terminal | None = None


class MailingList(_Table):
    """`[[lists]]`: one mailing list and its archive."""

    name: Name
    title: str | None = None
    archive: Annotated[Path, Field(strict=False), BeforeValidator(_not_empty)]
    url: Annotated[str, Field(min_length=1)] | None = None
    link: Annotated[str, Field(pattern=r"^https?://[^\s|<>\"]+$")] = "https://lore.kernel.org/all/"


class RoomDigest(_Table):
    """`[[rooms.digests]]`: a digest that a room gets."""

    list: Name
    schedule: When
    zone: Zone = ZoneInfo("UTC")
    first: Duration | None = None
    even_empty: bool = False


class Room(_Table):
    """`[[rooms]]`: a room on a platform, and what it gets."""

    platform: Literal["terminal"]
    room: Annotated[str, Field(min_length=1)]
    digests: tuple[RoomDigest, ...] = Field(default=(), strict=False)


class Config(_Table):
    """The whole file."""

    store: Store = Store()
    sources: Sources = Sources()
    templates: Templates = Templates()
    people: People = People()
    maintainers: Maintainers = Maintainers()
    digests: Digests = Digests()
    health: Health = Health()
    log: Log = Log()
    platforms: Platforms = Platforms()
    lists: tuple[MailingList, ...] = Field(default=(), strict=False)
    rooms: tuple[Room, ...] = Field(default=(), strict=False)
    subsystems: tuple[Subsystem, ...] = Field(default=(), strict=False)


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
    placed = {"lists": lists, "templates": templates, "people": people, "maintainers": maintainers}
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


def _contradictions(config: Config) -> Iterator[str]:
    names = [one.name for one in config.lists]
    folded = [name.casefold() for name in names]
    for name in sorted({name for name in names if folded.count(name.casefold()) > 1}):
        yield f"[[lists]] name: {name!r} is there twice; give each list one table"
    if not names:
        yield "[[lists]]: no list is set up; add one, see config.example.toml"
    if not config.rooms and not config.platforms.model_fields_set:
        yield "[platforms]: no platform is set up; add [platforms.terminal]"
    yield from _unclear(config.subsystems)
    yield from _missing(config)
    taken: set[tuple[str, str, str]] = set()
    for place, room in enumerate(config.rooms, 1):
        if getattr(config.platforms, room.platform) is None:
            yield f"[[rooms]] {place} platform: {room.platform!r} is not set up; add [platforms.{room.platform}]"
        for digest in room.digests:
            here = f"[[rooms]] {place} [[rooms.digests]] list"
            if digest.list not in names:
                yield f"{here}: there is no list {digest.list!r}; name one of {', '.join(names)}"
            if (room.platform, room.room, digest.list) in taken:
                yield f"{here}: this room has {digest.list!r} already; keep one of them"
            taken.add((room.platform, room.room, digest.list))


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
    likest = difflib.get_close_matches(str(error["loc"][-1]), _keys(), n=1)
    context["likest"] = f"did you mean {likest[0]!r}?" if likest else "see config.example.toml"
    reason = _REASONS.get(error["type"], "{given!r}: {message}")
    return reason.format(given=error["input"], message=error["msg"], **context)


def _keys() -> list[str]:
    tables = (
        Config,
        Store,
        Sources,
        Templates,
        People,
        Maintainers,
        Subsystem,
        Digests,
        Health,
        Log,
        Platforms,
        Terminal,
        MailingList,
        Room,
        RoomDigest,
    )
    return sorted({key for table in tables for key in table.model_fields})
