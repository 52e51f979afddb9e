"""What has not arrived: what `chatbot outbox` shows."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from chatbot.store.undelivered import SHOWN, Post

SCHEMA = "chatbot.outbox/1"
COLUMNS = ("post", "room", "subscription", "state", "attempts", "next", "why")


def row(post: Post) -> tuple[str, ...]:
    """A post as COLUMNS. Of a dead one nothing is next, nor of a parked one until a person says so."""
    coming = f"{post.again:%Y-%m-%d %H:%M}" if post.state in ("pending", "sending") else "–"
    state = f"{post.state}, in doubt" if post.doubt else post.state
    room = f"{post.platform}/{post.room}"
    return (post.key[:SHOWN], room, post.subscription, state, str(post.attempts), coming, post.error)


def to_json(posts: Iterable[Post]) -> str:
    """All of them, without what they say."""
    rows = [{key: value for key, value in asdict(post).items() if key != "body"} for post in posts]
    return json.dumps({"schema": SCHEMA, "posts": rows}, default=str, ensure_ascii=False, indent=2) + "\n"
