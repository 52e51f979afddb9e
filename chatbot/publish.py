"""Story 2: index → digest → outbox."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatbot.chat.post import Dialect, Post
from chatbot.report.digest import Digest, MailingList
from chatbot.report.render import Renderer
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox, Planned, Progress
from chatbot.store.stretches import Stretch
from chatbot.summarize import Summarizer


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which digest a room gets. `first` is how far its very first digest looks back, which then comes at once;
    `even_empty` asks for a post when nothing happened.
    """

    key: str
    platform: str
    room: str
    mailing_list: MailingList
    first: timedelta | None = None
    even_empty: bool = False


def publish(
    subscription: Subscription,
    slot: datetime,
    *,
    index: Index,
    summarizer: Summarizer,
    outbox: Outbox,
    renderer: Renderer,
    dialect: Dialect,
) -> Digest | None:
    """Plan the digest of what came since the room's last one; the digest, if one was planned.

    May run any number of times, and in two processes: the outbox takes the first and refuses the others.
    """
    name = subscription.mailing_list.name
    had = outbox.progress().get(subscription.key)
    newest = index.newest(name)
    if had is not None:
        stretch = summarizer.stretches.after(name, had.upto, newest)
    elif subscription.first is not None and (received := index.newest_received(name)):
        # A mail that claims to be from the future must not push the look back there.
        stretch = summarizer.stretches.between(name, min(received, slot) - subscription.first, upto=newest)
    else:
        stretch = Stretch(name)
    digest = summarizer.make(subscription.mailing_list, stretch, slot)
    wanted = bool(digest.mails) or (subscription.even_empty and had is not None)
    posts: tuple[Planned, ...] = ()
    if wanted:
        post = Post(dialect.name, renderer.render(dialect, "digest", digest=digest))
        key = delivery_key(subscription.key, had.upto if had else 0, slot if digest.empty else None)
        posts = (Planned(key, subscription.platform, subscription.room, post, name),)
    planned = outbox.plan(subscription.key, had, Progress(newest, slot), posts)
    return digest if planned and wanted else None


def delivery_key(subscription: str, start: int, slot: datetime | None, part: int = 0) -> str:
    """One name for one post, the same whoever plans it: by where its window starts, and an empty one by its slot."""
    return hashlib.sha256(f"{subscription}\n{start}\n{slot and slot.isoformat()}\n{part}".encode()).hexdigest()
