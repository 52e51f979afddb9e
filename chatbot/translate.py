"""What the config says, as the program has it: lists, people, subsystems, rooms and subscriptions.

It imports inside its functions, as app.py does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from chatbot.chat.post import Manner
    from chatbot.mail.people import People
    from chatbot.report.digest import MailingList
    from chatbot.settings import Config, Exported
    from chatbot.settings import Subscription as Table
    from chatbot.subscriptions.room import Room
    from chatbot.subscriptions.subscription import Subscription
    from chatbot.subscriptions.subsystem import Subsystem, Subsystems
    from chatbot.subscriptions.when import When


def lists_of(config: Config) -> dict[str, MailingList]:
    """The lists as digests name them and link to them, by their names in the index."""
    from chatbot.report.digest import MailingList

    return {one.name: MailingList(one.name, one.title or one.name, one.link) for one in config.lists}


def people_of(config: Config) -> People:
    """Who is who, by the built-in rules and those of the team. Raises BadConfig."""
    from chatbot.people import read_people

    files = config.people
    return read_people(files.mailmap, files.organisations, files.bots)


def subsystems_of(config: Config, tell: Callable[[str], None]) -> Subsystems:
    """The team's own subsystems, and after them those of MAINTAINERS that have other titles; `tell` is told what was
    left out of that file, each line by its number. Raises BadConfig.
    """
    from chatbot.errors import BadConfig
    from chatbot.subscriptions.maintainers import read_maintainers
    from chatbot.subscriptions.subsystem import Subsystems

    own = _own_subsystems(config)
    file = config.maintainers.file
    if file is None:
        return Subsystems(own)
    sections, left_out = read_maintainers(file.read_bytes())
    if not sections:
        raise BadConfig((f"[maintainers] file: {file} has no sections; name the kernel's MAINTAINERS",))
    for one in left_out:
        tell(f"{file}:{one.line}: {one.reason}")
    titles = {one.title.casefold() for one in own}
    return Subsystems((*own, *(one for one in sections if one.title.casefold() not in titles)))


def _own_subsystems(config: Config) -> tuple[Subsystem, ...]:
    from chatbot.errors import BadConfig
    from chatbot.mail.person import Person
    from chatbot.subscriptions.maintainers import entry_fault
    from chatbot.subscriptions.pattern import with_blanks
    from chatbot.subscriptions.subsystem import Subsystem

    kinds = {"files": "F", "excluded": "X", "names": "N", "contents": "K", "lists": "L", "maintainers": "M"}
    faults = [
        f"[[subsystems]] {place} {key}: {fault}"
        for place, one in enumerate(config.subsystems, 1)
        for key, kind in kinds.items()
        for text in getattr(one, key)
        if (fault := entry_fault(kind, with_blanks(text) if kind in "NK" else text))
    ]
    if faults:
        raise BadConfig(tuple(faults))
    return tuple(
        Subsystem(
            title=one.title,
            maintainers=tuple(map(Person.parse, one.maintainers)),
            lists=one.lists,
            files=one.files,
            excluded=one.excluded,
            names=tuple(map(with_blanks, one.names)),
            contents=tuple(map(with_blanks, one.contents)),
        )
        for one in config.subsystems
    )


def rooms_of(config: Config) -> dict[tuple[str, str], Room]:
    """What is said of each room, by its platform and name."""
    from chatbot.subscriptions.room import Room

    return {
        (one.platform, one.room): Room(
            one.platform, one.room, one.zone, frozenset(one.managers), one.quiet, one.weekends, one.holidays
        )
        for one in config.rooms
    }


def aliases_of(config: Config) -> set[tuple[str, str]]:
    """What the config calls rooms by, and stands for a room that is to be found: by platform and alias."""
    from chatbot.subscriptions.subscription import is_alias

    matrix = config.platforms.matrix
    named = {(one.platform, one.room) for one in config.rooms}
    named |= {(one.platform, one.room) for one in config.subscriptions}
    own = {("matrix", name) for name in (*matrix.prefixes, *matrix.unthreaded)} if matrix else set()
    return {one for one in named | own if is_alias(one[1])}


def subscriptions_of(config: Config, subsystems: Callable[[], Subsystems], now: datetime) -> tuple[Subscription, ...]:
    """Those of the config; subsystems are asked for where one is followed. Raises BadConfig."""
    from chatbot.errors import BadConfig
    from chatbot.subscriptions.subscription import CONFIG_LETTERS, Origin, Subscription, config_key, make_id

    found: dict[str, Subscription] = {}
    faults: list[str] = []
    for place, one in enumerate(config.subscriptions, 1):
        followed = followed_by(one, place, subsystems, faults)
        key = config_key(one.platform, one.room, followed.topic, followed.filter)
        if key in found:
            faults.append(
                f"[[subscriptions]] {place}: this room follows {followed.topic!r} so already; keep one of them"
            )
        found[key] = Subscription(
            id=make_id(key, CONFIG_LETTERS),
            platform=one.platform,
            room=one.room,
            **followed._asdict(),
            owner="config",
            created=now,
            origin=Origin.CONFIG,
            first=one.first,
            even_empty=one.even_empty,
        )
    if faults:
        raise BadConfig(tuple(faults))
    return tuple(found.values())


class Followed(NamedTuple):
    """What a table of subscriptions says, as a Subscription has it."""

    topic: str
    subsystem: bool
    filter: str
    when: When
    manner: Manner


def followed_by(one: Table | Exported, place: int, subsystems: Callable[[], Subsystems], faults: list[str]) -> Followed:
    """Of the table at a place; what is wrong with it is added to the faults."""
    from dataclasses import replace

    from chatbot.chat.post import Manner
    from chatbot.errors import Misunderstood
    from chatbot.subscriptions.filter import parse_filter
    from chatbot.subscriptions.finding import named
    from chatbot.subscriptions.when import When

    topic, wanted = one.list or one.subsystem or one.series or "", ""
    if one.subsystem is not None:
        if known := named(subsystems(), one.subsystem):
            topic = known.title
        else:
            remedy = "ask `chatbot subsystems`"
            faults.append(f"[[subscriptions]] {place} subsystem: there is not one {one.subsystem!r}; {remedy}")
    try:
        wanted = str(parse_filter(one.filter))
    except Misunderstood as problem:
        faults.append(f"[[subscriptions]] {place} filter: {problem}")
    when = replace(one.when, zone=one.when.zone or one.zone) if one.when.rhythm else one.when
    if one.series and "when" not in one.model_fields_set:
        when = When()
    return Followed(
        topic, one.subsystem is not None, wanted, when, Manner(aloud=one.aloud, badge=one.badge, chart=one.chart)
    )
