"""Story 2, of one series that a room watches: index → what is new of it → outbox."""

from collections.abc import Callable, Sequence
from datetime import datetime

from chatbot.chat.post import Dialect, Post
from chatbot.mail.standing import Standing
from chatbot.report.news import News, What, news
from chatbot.report.render import Renderer
from chatbot.store.outbox import Outbox, Planned, Progress, delivery_key
from chatbot.store.recall import SEVERAL
from chatbot.store.stretches import Stretches
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.when import COLLECTED


def announce(
    subscription: Subscription,
    had: Progress,
    slot: datetime,
    newest: int,
    *,
    standings: Callable[[Sequence[str]], Sequence[Standing]],
    page: Callable[[Standing], str],
    stretches: Stretches,
    outbox: Outbox,
    renderer: Renderer,
    dialect: Dialect,
) -> tuple[News, ...]:
    """Plan what came since the room's last post, up to a row of `seen`; what was planned. Of a series of which nothing
    came, nothing is written: the next time looks as far back.

    May run any number of times, and in two processes: the outbox takes the first and refuses the others.
    """
    came = stretches.of_lineage(subscription.series, had.upto, newest)
    if not came:
        return ()
    found = news(standings(came), frozenset(came))
    if any(one.what is What.VERSION and slot - COLLECTED < one.standing.received <= slot for one in found):
        return ()  # its patches are still coming in
    posts: tuple[Planned, ...] = ()
    if found:
        links = {one.standing.mail: page(one.standing) for one in found}
        body = renderer.render(dialect, "news", news=found, links=links, id=subscription.id)
        posts = tuple(
            Planned(
                delivery_key(subscription.key, had.upto, None, part),
                subscription.platform,
                subscription.room,
                Post(dialect.name, text),
                SEVERAL,
                "news",
            )
            for part, text in enumerate(dialect.parts(body))
        )
    planned = outbox.plan(subscription.key, had, Progress(newest, slot), posts)
    return found if planned else ()
