"""Story 2, of one series that a room watches: index → what is new of it → outbox."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

import structlog

from chatbot.chat.post import Dialect
from chatbot.mail.standing import Standing
from chatbot.report.news import News, What, news
from chatbot.report.render import Renderer
from chatbot.store.delivery import Planned, Progress, planned
from chatbot.store.outbox import Outbox
from chatbot.store.recall import SEVERAL
from chatbot.store.stretches import Stretches
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.when import COLLECTED

log = structlog.get_logger(__name__)


def announce(
    subscription: Subscription,
    had: Progress,
    now: datetime,
    *,
    standings: Callable[[Sequence[str]], Sequence[Standing]],
    page: Callable[[Standing], str],
    stretches: Stretches,
    outbox: Outbox,
    renderer: Renderer,
    dialect: Dialect,
) -> tuple[News, ...]:
    """Plan what came since the room's last post; what was planned. Then the room has had all up to the last mail of the
    series: what is in the index behind that may not be followed yet.

    May run any number of times, and in two processes: the outbox takes the first and refuses the others.
    """
    came, upto = stretches.of_lineage(subscription.series, had.upto)
    if not came:
        return ()
    found = news(standings(came), frozenset(came))
    versions = [one.standing.received for one in found if one.what is What.VERSION]
    if versions and now - COLLECTED < min(versions) <= now:
        return ()  # its patches are still coming in
    posts: tuple[Planned, ...] = ()
    if found:
        links = {one.standing.mail: page(one.standing) for one in found}
        lines = [f"{one.standing.title}: {one.what} {links[one.standing.mail]}" for one in found]
        failed = partial(log.error, exc_info=True)
        body = renderer.render_surely(dialect, "news", lines, failed, news=found, links=links, id=subscription.id)
        posts = planned(subscription, dialect, body, SEVERAL, start=had.upto, kind="news")
    return found if outbox.plan(subscription.key, had, Progress(upto, now), posts) else ()
