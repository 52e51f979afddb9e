"""/subscribe and its kin: what a room follows. Only what belongs to the room is seen, and changed, in it."""

from collections.abc import Callable, Collection, Iterable
from datetime import date, datetime, time, timedelta

from chatbot.commands.closest import closest
from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.pages import page_of
from chatbot.errors import Misunderstood, Unavailable
from chatbot.report.digest import amount
from chatbot.report.rehearsal import REHEARSED, rehearse
from chatbot.report.subscriptions import Listed
from chatbot.rhythm import duration
from chatbot.sift import topic_of
from chatbot.subscriptions.due import next_slots
from chatbot.subscriptions.filter import parse_filter
from chatbot.subscriptions.finding import find, named
from chatbot.subscriptions.subscription import FOREVER, Subscription
from chatbot.subscriptions.when import DEFAULT, split

# So many are on a page, and so many a room has at most: more digests than anybody reads.
ON_PAGE, MOST = 10, 100
# The next times that are shown of one, and of each of many.
_TIMES, _TIMES_OF_MANY = 3, 1
_FILLING = frozenset({"until", "for", "to"})


def subscribe(arguments: str, context: Context) -> Facts:
    """A list or a subsystem, then a filter, then when, then how it is shown."""
    asked = split(arguments)
    topic, subsystem = _topic(asked.topic, context)
    one = Subscription(
        id="",
        platform=context.room.platform,
        room=context.room.name,
        topic=topic,
        subsystem=subsystem,
        filter=str(parse_filter(asked.filter)),
        when=asked.when or DEFAULT,
        owner=context.asker,
        created=context.now.replace(microsecond=0),
        manner=asked.manner,
    )
    for other in _here(context):
        if other.told == one.told:
            raise Misunderstood("/subscribe", f"this room has that already, as {other.id}", "ask for something else")
    rehearsed = _rehearsed(one, context)  # first: what cannot be told is not followed
    kept = keep(one, context, "subscribe")
    values = {"listed": _listed(kept, context, _TIMES), "default": asked.when is None, **rehearsed}
    return Facts("subscribed", values)


def keep(one: Subscription, context: Context, word: str) -> Subscription:
    """Have the room follow this from now on, as a command says; as it is kept. Raises Misunderstood."""
    if len(_here(context)) >= MOST:
        raise Misunderstood(f"/{word}", f"this room has {MOST} subscriptions", "unsubscribe from some first")
    lists = topic_of(one, context.lists, context.subsystems).names
    (kept,) = _written(lambda: context.subscriptions.add([one], [lists], context.now))
    return kept


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
    """Those of the room; `page 2` shows further ones."""
    _, page = page_of(f" {arguments.strip()}")
    here = _here(context)
    pages = max(1, -(-len(here) // ON_PAGE))
    if not 0 < page <= pages:
        raise Misunderstood(f"page {page}", f"there are {amount(pages, 'page')} of them", f"name one of 1 to {pages}")
    shown = [_listed(one, context, _TIMES_OF_MANY) for one in here[(page - 1) * ON_PAGE : page * ON_PAGE]]
    left = len(here) - page * ON_PAGE
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
    had = context.outbox.progress().get(one.key)
    coming = next_slots(one.when, context.room, context.now, times)
    last, result = had.slot if had else None, context.subscriptions.result(one)
    watched = context.search.standings([one.series], context.people) if one.series else ()
    return Listed(one, context.room, coming, last, result, context.now, watched[0].title if watched else one.series)


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
    "LIST | SUBSYSTEM [FILTER] [WHEN] [aloud] [badge] [chart]",
    "Have this room told what happens on a list or in a subsystem: all of it or what a filter wants; by a schedule,"
    " every so many mails, or as it happens; aloud: in the room, with nothing in a thread alone; badge: counted as"
    " unread; chart: with a picture of the list's last weeks.",
    (
        "/subscribe kvm daily at 9:00 Europe/Berlin",
        "/subscribe kvm dfn:arch/x86/kvm/ weekdays 08:30",
        '/subscribe "KVM X86" s:tdx -f:lkp@intel.com every monday',
        "/subscribe linux-pci every 200 mails",
        "/subscribe kvm is:new as it happens",
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
    "",
    "Show what this room follows, when it comes next, and what became of the last post.",
    ("/subscriptions",),
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
