"""Story 2: index → digest → outbox."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from chatbot.chat.post import Dialect, Post
from chatbot.report.activity import QUARTER
from chatbot.report.digest import Digest, Missed
from chatbot.report.render import Renderer
from chatbot.report.selection import only_new
from chatbot.sift import Sifter, Topic
from chatbot.store.delivery import Planned, Progress, planned
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.recall import SEVERAL
from chatbot.store.stretches import Stretch, Stretches
from chatbot.subscriptions.due import Due
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.when import COLLECTED
from chatbot.summarize import activity_of

# What came longer ago is no digest any more: it is counted.
IN_FULL = timedelta(days=14)

log = structlog.get_logger(__name__)

# Postings that a digest names where its template fails.
MOST = 20


@dataclass(frozen=True, slots=True)
class Covered:
    """What a digest covers: a stretch of each list, up to one row of `seen` for all, and what was missed."""

    stretches: Mapping[str, Stretch]
    upto: int
    missed: Missed | None = None


def publish(
    subscription: Subscription,
    topic: Topic,
    due: Due,
    *,
    index: Index,
    stretches: Stretches,
    sifter: Sifter,
    outbox: Outbox,
    renderer: Renderer,
    dialect: Dialect,
) -> Digest | None:
    """Plan the digest of what came since the room's last one; the digest, if one was planned. Where the last one has
    not gone out, this one takes its place, and tells what both would: its window begins where that one's began.

    May run any number of times, and in two processes: the outbox takes the first and refuses the others.
    """
    slot = due.slot
    had, instead = outbox.progress().get(subscription.key), outbox.replaceable(subscription.key)
    start = instead or had
    if start is None:
        covered = _first(subscription, topic, slot, index, stretches)
    else:
        newest = max(map(index.newest, topic.names))
        late = replace(due, late=due.late or instead is not None)
        covered = _since(subscription, start, newest, topic=topic, due=late, stretches=stretches)
    digest = replace(sifter.digest(topic, covered.stretches, slot), missed=covered.missed)
    upto = covered.upto
    if had is not None and subscription.when.at_once:
        digest = only_new(digest)
        began = [one.standing.received for one in (*digest.series, *digest.versions)]
        if began and slot - COLLECTED < min(began) <= slot:
            return None
        if not began:  # more may come of what has just begun
            settled = min(stretches.settled(name, slot - COLLECTED) for name in topic.names)
            upto = max(had.upto, min(upto, settled))
    counted = covered.missed is not None and covered.missed.mails > 0
    wanted = not digest.empty or counted or (subscription.even_empty and had is not None)
    posts: tuple[Planned, ...] = ()
    if wanted:
        posts = planned(
            subscription,
            dialect,
            _body(renderer, dialect, digest),
            topic.names[0] if len(topic.names) == 1 else SEVERAL,
            start=start.upto if start else 0,
            slot=slot if digest.empty else None,
            chart=_chart(topic, stretches, slot, renderer, dialect)
            if subscription.manner.chart and not subscription.when.at_once
            else None,
        )
    taken = outbox.plan(subscription.key, had, Progress(upto, slot), posts, instead=instead)
    if not (taken and wanted):
        return None
    sifter.remember(topic, digest, covered.stretches)
    return digest


def _chart(topic: Topic, stretches: Stretches, now: datetime, renderer: Renderer, dialect: Dialect) -> Post | None:
    """What a list had lately, with a picture where there may be one; a subsystem has no numbers of its own."""
    if topic.subsystem is not None:
        return None
    from chatbot.report.chart import draw  # noqa: PLC0415  # most digests have none

    activity = activity_of(stretches, topic.lists[0], QUARTER, now)
    failed = partial(log.error, exc_info=True)
    body = renderer.render_surely(dialect, "activity", [activity.heading], failed, activity=activity)
    return Post(dialect.name, body, draw(activity) if dialect.files else None)


def _body(renderer: Renderer, dialect: Dialect, digest: Digest) -> str:
    """The digest as the templates have it; where they fail, its headline and what began, without them."""
    failed = partial(log.error, exc_info=True)
    return renderer.render_surely(dialect, "digest", plain_digest(digest), failed, digest=digest)


def plain_digest(digest: Digest) -> list[str]:
    """A digest in lines of text, for which no template is needed."""
    began = (*digest.series, *digest.versions)
    return [
        f"{digest.heading}: {digest.headline}",
        *(f"{one.standing.title} {digest.link(one.standing.message_id)}" for one in began[:MOST]),
        *([f"+{len(began) - MOST} more"] if len(began) > MOST else []),
    ]


def _first(subscription: Subscription, topic: Topic, slot: datetime, index: Index, stretches: Stretches) -> Covered:
    """Nothing, or as far back as it looks."""
    newest = max(map(index.newest, topic.names))
    found = {name: Stretch(name) for name in topic.names}
    for name in topic.names:
        if subscription.first is not None and (received := index.newest_received(name)):
            # A mail that claims to be from the future must not push the look back there.
            found[name] = stretches.between(name, min(received, slot) - subscription.first, upto=newest)
    return Covered(found, newest)


def _since(
    subscription: Subscription, had: Progress, newest: int, *, topic: Topic, due: Due, stretches: Stretches
) -> Covered:
    """All since then; after a long absence only the number of what came in longer than IN_FULL ago. Who is told once a
    month, or every so many mails, has missed nothing. Of a subsystem's lists one may be new, and bring its past along,
    which nobody has missed either.
    """
    full = due.slot - IN_FULL
    counted = 0
    if had.slot < full and (due.late or subscription.when.at_once):
        counted = sum(stretches.count_before(name, full, had.upto, newest) for name in topic.names)
    missed = Missed(had.slot) if due.late else None
    if counted:
        missed = Missed(had.slot, full, counted)
    elif topic.subsystem is None:
        return Covered({name: stretches.after(name, had.upto, newest) for name in topic.names}, newest, missed)
    since = full if counted else had.slot - IN_FULL
    found = {name: stretches.between(name, since, behind=had.upto, upto=newest) for name in topic.names}
    return Covered(found, newest, missed)
