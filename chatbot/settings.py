"""What may stand in the configuration file, as values: a class for each table. See config.py.

`config.example.toml` names every setting; a test compares the two.
"""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from chatbot.errors import Misunderstood
from chatbot.rhythm import parse_duration
from chatbot.subscriptions.room import Hours
from chatbot.subscriptions.when import DEFAULT, When, parse_when, zone_named


def _zone(value: object) -> ZoneInfo:
    if found := zone_named(str(value)):
        return found
    raise ValueError(f"there is no time zone {value!r}; write one such as Europe/Berlin or UTC")


def _when(value: object) -> When:
    try:
        return parse_when(str(value))
    except Misunderstood as problem:
        raise ValueError(str(problem)) from None


def _hours(value: object) -> Hours:
    begin, _, end = str(value).partition("-")
    try:
        return Hours(time.fromisoformat(begin.strip()), time.fromisoformat(end.strip()))
    except ValueError:
        raise ValueError(f"{value!r} is no part of the day; write 22:00-07:00") from None


def _days(value: object) -> object:
    if not isinstance(value, list) or not all(type(one) is date for one in value):
        raise ValueError(f"{value!r} is no list of days; write them without quotes, [2026-12-25, 2026-12-26]")
    return frozenset(value)


def _duration(value: object) -> timedelta:
    try:
        return parse_duration(str(value))
    except Misunderstood as problem:
        raise ValueError(str(problem)) from None


def _not_empty(value: object) -> object:
    if value == "":
        raise ValueError("this is empty; name a folder")
    return value


def _no_token(value: object) -> object:
    if str(value).startswith(("xox", "xapp-")):  # it is not to be shown, as a file's name would be
        raise ValueError("a token stands here; write it into a file, and name that")
    return value


def _texts(value: object) -> object:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
        raise ValueError(f"{value!r} is no list of texts; write them in quotes, between brackets")
    return tuple(given)


Zone = Annotated[ZoneInfo, BeforeValidator(_zone)]
Due = Annotated[When, BeforeValidator(_when)]
Quiet = Annotated[Hours, BeforeValidator(_hours)]
Days = Annotated[frozenset[date], BeforeValidator(_days)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Secret = Annotated[Path | None, Field(strict=False), BeforeValidator(_no_token)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
# What stands before a command: a blank before it would hide it.
Prefix = Annotated[str, Field(min_length=1, pattern=r"^\S.*$")]
Platform = Literal["terminal", "slack", "matrix"]
Name = Annotated[str, Field(min_length=1, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Table(BaseModel):
    """A table of the file: as strict as TOML's types are, and without keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, strict=True)


class Store(Table):
    """`[store]`: where the bot remembers."""

    url: str = "sqlite:///chatbot.sqlite3"


class Sources(Table):
    """`[sources]`: how the archives are looked at."""

    refresh: Duration = timedelta(minutes=1)
    jobs: Annotated[int, Field(ge=1, le=64)] | None = None


class Templates(Table):
    """`[templates]`: the user's own texts."""

    folder: Annotated[Path | None, Field(strict=False)] = None


class People(Table):
    """`[people]`: what the team knows of the people on its lists, each in a file of its own."""

    mailmap: Annotated[Path | None, Field(strict=False)] = None
    organisations: Annotated[Path | None, Field(strict=False)] = None
    bots: Annotated[Path | None, Field(strict=False)] = None


class Maintainers(Table):
    """`[maintainers]`: the kernel's own division of itself."""

    file: Annotated[Path | None, Field(strict=False)] = None


class Subsystem(Table):
    """`[[subsystems]]`: one of the team's own; the keys mean what MAINTAINERS calls F, X, N, K, L and M."""

    title: Annotated[str, Field(min_length=1, pattern=r"\w")]
    files: Texts = ()
    excluded: Texts = ()
    names: Texts = ()
    contents: Texts = ()
    lists: Texts = ()
    maintainers: Texts = ()


class Digests(Table):
    """`[digests]`: what all digests have in common."""

    silent_after: Annotated[int, Field(ge=1, le=60)] = 5


class Health(Table):
    """`[health]`: where supervisors ask."""

    port: Annotated[int, Field(ge=1, le=65535)] | None = None


class Log(Table):
    """`[log]`: how much is told."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Terminal(Table):
    """`[platforms.terminal]`: a room in the terminal that the bot runs in."""

    color: Literal["auto", "always", "never"] = "auto"


class Matrix(Table):
    """`[platforms.matrix]`: the rooms that the bot's account is in."""

    device: Annotated[Path, Field(strict=False), BeforeValidator(_not_empty)] = Path("matrix")
    prefix: Prefix = "!"
    prefixes: dict[str, Prefix] = Field(default_factory=dict)
    inviters: Texts = ()
    level: Annotated[int, Field(ge=0)] = 50
    unthreaded: Texts = ()


class Install(Table):
    """`[platforms.slack.install]`: several workspaces, each of which installs the app."""

    url: Annotated[str, Field(pattern=r"^https://[^\s|<>\"?#]*[^\s|<>\"?#/]$")]
    client_id: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+$")]
    client_secret_file: Secret = None
    key_file: Secret = None
    options: Annotated[tuple[Literal["private", "mentions", "admins"], ...], Field(strict=False)] = ()
    workspaces: Texts = ()


class Slack(Table):
    """`[platforms.slack]`: a workspace of Slack, by an app of its own; or several."""

    mode: Literal["socket", "http"] = "socket"
    bot_token_file: Secret = None
    app_token_file: Secret = None
    signing_secret_file: Secret = None
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 3000
    files: bool = False
    unreadable_history: Literal["hold", "resend"] = "hold"
    install: Install | None = None
    unfurl: bool = False


class Platforms(Table):
    """`[platforms]`: a platform is on when its table is there."""

    terminal: Terminal | None = None
    matrix: Matrix | None = None
    slack: Slack | None = None


class MailingList(Table):
    """`[[lists]]`: one mailing list and its archive."""

    name: Name
    title: str | None = None
    archive: Annotated[Path, Field(strict=False), BeforeValidator(_not_empty)]
    url: Annotated[str, Field(min_length=1)] | None = None
    link: Annotated[str, Field(pattern=r"^https?://[^\s|<>\"]+$")] = "https://lore.kernel.org/all/"


class Room(Table):
    """`[[rooms]]`: what a room of a platform wants of all that is posted in it."""

    platform: Platform
    room: Annotated[str, Field(min_length=1)]
    zone: Zone = ZoneInfo("UTC")
    managers: Texts = ()
    quiet: Quiet | None = None
    weekends: bool = True
    holidays: Days = frozenset()


class Followed(Table):
    """What a room follows, and when it is told; a list, a subsystem, or a series."""

    platform: Platform
    room: Annotated[str, Field(min_length=1)]
    list: Name | None = None
    subsystem: Annotated[str, Field(min_length=1)] | None = None
    series: Annotated[str, Field(pattern=r"^<[^<>\s]{3,998}>$")] | None = None
    filter: str = ""
    when: Due = DEFAULT
    zone: Zone | None = None
    aloud: bool = False
    badge: bool = False
    chart: bool = False


class Subscription(Followed):
    """`[[subscriptions]]`: one that the config keeps."""

    first: Duration | None = None
    even_empty: bool = False


class Exported(Followed):
    """`[[subscriptions]]` as they are exported: those that were typed."""

    id: str = ""
    owner: str = ""
    created: datetime | None = None
    paused_until: datetime | None = None


class Exports(Table):
    """A file of what was exported."""

    subscriptions: tuple[Exported, ...] = Field(default=(), strict=False)


class Config(Table):
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
    subscriptions: tuple[Subscription, ...] = Field(default=(), strict=False)
    subsystems: tuple[Subsystem, ...] = Field(default=(), strict=False)


def keys() -> list[str]:
    """All keys that any table has."""
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
        Matrix,
        Install,
        Slack,
        MailingList,
        Room,
        Subscription,
    )
    return sorted({key for table in tables for key in table.model_fields})
