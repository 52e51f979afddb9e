"""/subscribe and its kin: what a room follows. Only what belongs to the room is seen, and changed, in it."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import groupby

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.pages import page_of
from chatbot.errors import Misunderstood, Problem, Unavailable
from chatbot.report.digest import amount
from chatbot.report.rehearsal import REHEARSED, rehearse
from chatbot.report.subscriptions import Listed
from chatbot.rhythm import duration
from chatbot.sift import topic_of
from chatbot.subscriptions.due import next_slots
from chatbot.subscriptions.filter import parse_filter
from chatbot.subscriptions.finding import find, named
from chatbot.subscriptions.room import Room
from chatbot.subscriptions.subscription import FOREVER, Subscription
from chatbot.subscriptions.when import DEFAULT, split

# So many are on a page, and so many a room has at most: more digests than anybody reads.
ON_PAGE, MOST = 10, 100
# The next times that are shown of one, and of each of many.
_TIMES, _TIMES_OF_MANY = 3, 1
_FILLING = frozenset({"until", "for", "to"})
# What is in quotes is no option.
_OPTION = re.compile(r'"[^"]*"?|(?<!\S)--(?:(?P<tried>try)|replace\s+(?P<id>\w+))(?!\S)')


def subscribe(arguments: str, context: Context) -> Facts:
    """A list or a subsystem, then a filter, then when, then how it is shown; in the place of another one; or only
    rehearsed.
    """
    options = [found for found in _OPTION.finditer(arguments) if found.lastgroup]
    tried = any(found["tried"] for found in options)
    old = next((_own(found["id"], context) for found in options if found["id"]), None)
    if old and old.series:
        raise Misunderstood(old.id, "it watches a series", "unsubscribe from it, and subscribe to something else")
    # Blanks in their places, so that columns still count in the whole command.
    words = _OPTION.sub(lambda found: " " * len(found[0]) if found.lastgroup else found[0], arguments)
    with _part("when"):
        asked = split(words)
    with _part("topic"):
        topic, subsystem = _topic(asked.topic, context)
    if asked.manner.chart and (subsystem or (asked.when or DEFAULT).at_once):
        with _part("when"):
            raise Misunderstood("chart", "a list's scheduled digests alone have one", "leave it out")
    with _part("filter"):
        wanted = str(parse_filter(asked.filter))
    one = Subscription(
        id="",
        platform=context.room.platform,
        room=context.room.name,
        topic=topic,
        subsystem=subsystem,
        filter=wanted,
        when=asked.when or DEFAULT,
        owner=context.asker,
        created=context.now.replace(microsecond=0),
        manner=asked.manner,
    )
    if old:
        one = replace(one, id=old.id, owner=old.owner, created=old.created, paused_until=old.paused_until)
    for other in _here(context):
        if other.id != one.id and other.told == one.told:
            raise Misunderstood("/subscribe", f"this room has that already, as {other.id}", "ask for something else")
    with _part("filter"):
        rehearsed = _rehearsed(one, context)  # first: what cannot be told is not followed
    if not tried:
        one = _change(one, old, context) if old else keep(one, context, "subscribe")
    anew = old is None or old.topic != one.topic
    values = {"listed": _listed(one, context, _TIMES), "default": asked.when is None, **rehearsed}
    return Facts("subscribed", {**values, "tried": tried, "old": old, "anew": anew})


def keep(one: Subscription, context: Context, word: str) -> Subscription:
    """Have the room follow this from now on, as a command says; as it is kept. Raises Misunderstood."""
    if len(_here(context)) >= MOST:
        raise Misunderstood(f"/{word}", f"this room has {MOST} subscriptions", "unsubscribe from some first")
    lists = topic_of(one, context.lists, context.subsystems).names
    (kept,) = _written(lambda: context.subscriptions.add([one], [lists], context.now))
    return kept


def _change(one: Subscription, old: Subscription, context: Context) -> Subscription:
    """It goes on from where it is; what is on lists that it did not follow is told from now on."""
    lists = topic_of(one, context.lists, context.subsystems).names
    if not _written(lambda: context.subscriptions.change(one, lists, context.now, anew=one.topic != old.topic)):
        raise Misunderstood(old.id, "somebody has just ended it", "subscribe anew")
    return one


def unsubscribe(arguments: str, context: Context) -> Facts:
    """By ids, or all that the config does not keep."""
    words = arguments.split()
    here = {one.id: one for one in _here(context) if not one.of_config}
    gone = list(here.values()) if words == ["all"] else [_own(word, context) for word in words]
    if not gone:
        reason = "nothing that was typed is left here" if words else "it needs an id"
        raise Misunderstood("/unsubscribe", reason, "take the id from /subscriptions")
    _written(lambda: context.subscriptions.remove({one.id for one in gone}))
    return _changed("Unsubscribed", gone, context)


def subscriptions(arguments: str, context: Context) -> Facts:
    """Those of the room, or of who asks in all rooms; `page 2` shows further ones."""
    asked, page = page_of(f" {arguments.strip()}")
    mine = asked.strip().lower() == "mine"
    those = _mine(context) if mine else _here(context)
    pages = max(1, -(-len(those) // ON_PAGE))
    if not 0 < page <= pages:
        raise Misunderstood(f"page {page}", f"there are {amount(pages, 'page')} of them", f"name one of 1 to {pages}")
    shown = [_listed(one, context, _TIMES_OF_MANY) for one in those[(page - 1) * ON_PAGE : page * ON_PAGE]]
    left = len(those) - page * ON_PAGE
    if mine:
        rooms = [(name, list(of_it)) for name, of_it in groupby(shown, lambda listed: listed.room.name)]
        return Facts("mine", {"rooms": rooms, "asker": context.asker, "page": page, "left": left}, aside=True)
    return Facts("subscriptions", {"shown": shown, "page": page, "left": left})


def pause(arguments: str, context: Context) -> Facts:
    """By its id; until a day, for some time, or until somebody resumes it."""
    name, *words = arguments.split() or [""]
    one = _own(name, context)
    text = " ".join(word for word in words if word.lower() not in _FILLING)
    until = _until(text, context) if text else FOREVER
    _written(lambda: context.subscriptions.pause(one.id, until))
    return _changed("Paused", [one], context)


def resume(arguments: str, context: Context) -> Facts:
    """By its id; with --skip, what came meanwhile is not told."""
    words = arguments.split()
    skip = "--skip" in words
    one = _own(" ".join(word for word in words if word != "--skip"), context)
    _written(lambda: context.subscriptions.pause(one.id, None))
    if skip:
        lists = topic_of(one, context.lists, context.subsystems).names
        _written(lambda: context.subscriptions.skip(one, lists, context.now))
    return _changed("Resumed, without what came meanwhile" if skip else "Resumed", [one], context)


def _topic(text: str, context: Context) -> tuple[str, bool]:
    """The list or subsystem that is meant, and whether it is a subsystem. Raises Misunderstood."""
    lists = {name.casefold(): name for name in context.lists}
    if found := lists.get(text.casefold()):
        return found, False
    known = context.subsystems()
    if one := named(known, text):
        return one.title, True
    several = [one.title for one in find(known, text)][:3]
    likest = several or closest(text, (*context.lists, *(one.title for one in known)))
    reason = "several subsystems have these words" if len(several) > 1 else "there is no such list or subsystem"
    names = " or ".join(f'"{one}"' if " " in one else one for one in likest)
    raise Misunderstood(repr(text), reason, f"write {names}" if names else "look for it with /subsystems")


def _here(context: Context) -> tuple[Subscription, ...]:
    return context.subscriptions.of_room(context.room.platform, context.room.name)


def _mine(context: Context) -> list[Subscription]:
    """Whatever the person who asks has typed, and all of rooms that the config has them manage, room by room."""
    platform = context.room.platform
    managed = {name for (of, name), room in context.rooms.items() if of == platform and context.asker in room.managers}
    found = (
        one
        for one in context.subscriptions.all()
        if one.platform == platform and (one.room in managed or (one.owner == context.asker and not one.of_config))
    )
    return sorted(found, key=lambda one: one.room)


def _own(name: str, context: Context) -> Subscription:
    """The one of this room with an id, if people may change it. Raises Misunderstood."""
    found = next((one for one in _here(context) if one.id == name.casefold()), None)
    if found is None:
        reason = "this room has no such subscription" if name else "it needs an id"
        raise Misunderstood(repr(name), reason, "take the id from /subscriptions")
    if found.of_config:
        raise Misunderstood(name, "the config keeps this one", "have it changed there, in [[subscriptions]]")
    return found


def _until(text: str, context: Context) -> datetime:
    if span := duration(text):
        return context.now + span
    try:
        day = datetime.combine(date.fromisoformat(text), time(), context.room.zone)
    except ValueError:
        raise Misunderstood(repr(text), "this is no day, and no span of time", "write 2w, or 2026-12-31") from None
    if day <= context.now:
        raise Misunderstood(repr(text), "this day is over", "name one to come")
    return day


def _written(write: Callable[[], object]) -> Collection[Subscription]:
    try:
        done = write()
    except Unavailable as error:
        raise Misunderstood("subscriptions", f"it could not be written down ({error})", "say it again") from error
    return done if isinstance(done, tuple) else ()


def _changed(word: str, those: Iterable[Subscription], context: Context) -> Facts:
    now = {one.id: one for one in _here(context)}
    shown = [_listed(now.get(one.id, one), context, _TIMES) for one in those]
    return Facts("changed", {"word": word, "shown": shown, "gone": not now.keys() & {one.id for one in those}})


def listed_here(one: Subscription, context: Context) -> Listed:
    """How the room shows one of its subscriptions."""
    return _listed(one, context, _TIMES_OF_MANY)


def _listed(one: Subscription, context: Context, times: int) -> Listed:
    here = context.room.name == one.room
    room = context.room if here else context.rooms.get((one.platform, one.room), Room(one.platform, one.room))
    had = context.outbox.progress().get(one.key)
    coming = next_slots(one.when, room, context.now, times)
    last, result = had.slot if had else None, context.subscriptions.result(one)
    watched = context.search.standings([one.series], context.people) if one.series else ()
    return Listed(one, room, coming, last, result, context.now, watched[0].title if watched else one.series)


@contextmanager
def _part(name: str) -> Iterator[None]:
    """What makes no sense inside is this part of what was asked."""
    try:
        yield
    except Problem as problem:
        problem.part = problem.part or name
        raise


def _rehearsed(one: Subscription, context: Context) -> dict[str, object]:
    """What it would have posted, from the index."""
    topic = topic_of(one, context.lists, context.subsystems)
    since, until = context.now - REHEARSED, context.now + timedelta(seconds=1)
    stretches = context.summarizer.stretches
    found = {name: stretches.between(name, since, until) for name in topic.names}
    mails = sorted(moment for name in topic.names for moment in stretches.times(name, since, until))
    digest = context.sifter.digest(topic, found, context.now)
    return {"rehearsal": rehearse(one.when, context.room, digest, mails, context.now), "days": REHEARSED.days}


SUBSCRIBE = Command(
    "subscribe",
    "LIST | SUBSYSTEM [FILTER] [WHEN] [aloud] [badge] [chart] [--try] [--replace ID]",
    "Have this room told what happens on a list or in a subsystem: all of it or what a filter wants; by a schedule,"
    " every so many mails, or as it happens; aloud: in the room, with nothing in a thread alone; badge: counted as"
    " unread; chart: with a picture of the list's last weeks; --try: only rehearse it; --replace: in the place of"
    " another one.",
    (
        "/subscribe kvm daily at 9:00 Europe/Berlin",
        "/subscribe kvm dfn:arch/x86/kvm/ weekdays 08:30",
        '/subscribe "KVM X86" s:tdx -f:lkp@intel.com every monday',
        "/subscribe linux-pci every 200 mails",
        "/subscribe kvm is:new as it happens",
        "/subscribe kvm s:tdx hourly --try",
    ),
    subscribe,
    manages=True,
)
UNSUBSCRIBE = Command(
    "unsubscribe",
    "ID … | all",
    "End subscriptions of this room.",
    ("/unsubscribe k7mq", "/unsubscribe all"),
    unsubscribe,
    manages=True,
)
SUBSCRIPTIONS = Command(
    "subscriptions",
    "[mine]",
    "Show what this room follows, when it comes next, and what became of the last post; mine: yours, in all rooms.",
    ("/subscriptions", "/subscriptions mine"),
    subscriptions,
)
PAUSE = Command(
    "pause",
    "ID [UNTIL]",
    "Have a subscription wait: until a day, for some time, or until it is resumed.",
    ("/pause k7mq", "/pause k7mq 2w", "/pause k7mq 2027-01-07"),
    pause,
    manages=True,
)
RESUME = Command(
    "resume",
    "ID [--skip]",
    "Have a subscription go on; its next digest tells what came meanwhile, too, unless that is skipped.",
    ("/resume k7mq", "/resume k7mq --skip"),
    resume,
    manages=True,
)
