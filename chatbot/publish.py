"""Story 2: index → digest → outbox."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from chatbot.chat.post import Dialect, Post
from chatbot.report.digest import Digest, MailingList
from chatbot.report.render import Renderer
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox, Planned, Progress
from chatbot.store.stretches import Stretch
from chatbot.summarize import Summarizer

log = structlog.get_logger(__name__)

# Postings that a digest names where its template fails.
MOST = 20


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
    """Plan the digest of what came since the room's last one; the digest, if one was planned. Where the last one has
    not gone out, this one takes its place, and tells what both would: its window begins where that one's began.

    May run any number of times, and in two processes: the outbox takes the first and refuses the others.
    """
    name = subscription.mailing_list.name
    had, instead = outbox.progress().get(subscription.key), outbox.replaceable(subscription.key)
    start = instead or had
    newest = index.newest(name)
    if start is not None:
        stretch = summarizer.stretches.after(name, start.upto, newest)
    elif subscription.first is not None and (received := index.newest_received(name)):
        # A mail that claims to be from the future must not push the look back there.
        stretch = summarizer.stretches.between(name, min(received, slot) - subscription.first, upto=newest)
    else:
        stretch = Stretch(name)
    digest = summarizer.make(subscription.mailing_list, stretch, slot)
    wanted = bool(digest.mails) or (subscription.even_empty and had is not None)
    posts: tuple[Planned, ...] = ()
    if wanted:
        post = Post(dialect.name, _body(renderer, dialect, digest))
        key = delivery_key(subscription.key, start.upto if start else 0, slot if digest.empty else None)
        posts = (Planned(key, subscription.platform, subscription.room, post, name),)
    planned = outbox.plan(subscription.key, had, Progress(newest, slot), posts, instead=instead)
    return digest if planned and wanted else None


def _body(renderer: Renderer, dialect: Dialect, digest: Digest) -> str:
    """The digest as the templates have it; where they fail, its headline and what began, without them."""
    try:
        body = renderer.render(dialect, "digest", digest=digest)
    except Exception:  # templates are the team's own, and may raise whatever there is
        log.exception("template failed", dialect=dialect.name, template="digest")
    else:
        if body.strip():
            return body
        log.error("template says nothing", dialect=dialect.name, template="digest")
    return plain_digest(dialect, digest)


def plain_digest(dialect: Dialect, digest: Digest) -> str:
    """A digest in lines of text, for which no template is needed."""
    began = (*digest.series, *digest.versions)
    lines = [
        f"{digest.mailing_list.title} mailing list: {digest.headline}",
        *(f"{one.standing.title} {digest.link(one.standing.message_id)}" for one in began[:MOST]),
        *([f"+{len(began) - MOST} more"] if len(began) > MOST else []),
    ]
    return "".join(f"{dialect.escape(line)}\n" for line in lines)


def delivery_key(subscription: str, start: int, slot: datetime | None, part: int = 0) -> str:
    """One name for one post, the same whoever plans it: by where its window starts, and an empty one by its slot."""
    return hashlib.sha256(f"{subscription}\n{start}\n{slot and slot.isoformat()}\n{part}".encode()).hexdigest()
