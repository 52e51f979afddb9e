"""Why a post has a line, and why a mail is in none. Pure: values in, sentences out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chatbot.mail.standing import Standing
from chatbot.report.posting_facts import PostingFacts
from chatbot.report.subscriptions import Listed
from chatbot.store.delivery import Progress
from chatbot.store.stretches import Place
from chatbot.store.subscriptions import Posted
from chatbot.subscriptions.tree import And, Filter


@dataclass(frozen=True, slots=True)
class Why:
    """A post: of which subscription, what became of it, which commits it covers (by their lists, in words), and, where
    one of its lines was asked for, the posting and where its mails are.
    """

    listed: Listed
    post: Posted
    commits: Sequence[tuple[str, str]]
    line: Standing | None
    places: Sequence[Place]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a subscription made of a mail."""

    listed: Listed
    words: str


@dataclass(frozen=True, slots=True)
class WhyNot:
    """A mail: where it was seen, which posting it belongs to, and what each subscription of the room made of it."""

    message_id: str
    places: Sequence[Place]
    standing: Standing | None
    verdicts: Sequence[Verdict]


def lacking(wanted: Filter, facts: PostingFacts, now: datetime) -> str:
    """Which parts of a filter do not want a posting; empty where it does."""
    parts = wanted.parts if isinstance(wanted, And) else (wanted,)
    return "; ".join(part.english() for part in parts if not part.matches(facts, now))


def judge(
    listed: Listed,
    places: Sequence[Place],
    lists: Sequence[str],
    *,
    refused: Callable[[], str],
    progress: Progress | None,
    posts: Sequence[Posted],
) -> str:
    """What a subscription made of a mail; `refused` says why it does not want the posting; nothing where it does."""
    rows = [place for place in places if place.list_name in lists]
    if not rows:
        return f"it was not seen on {' or '.join(lists)}"
    return refused() or _fate(listed, rows, progress, posts)


def _fate(listed: Listed, rows: Sequence[Place], progress: Progress | None, posts: Sequence[Posted]) -> str:
    """What became of a mail that is wanted."""
    one = listed.subscription
    if progress is None:
        return "it has not begun: its lists have not been read"
    if all(place.row > progress.upto for place in rows):
        return f"it will be told: {listed.next}"
    if told := next((post for post in posts if any(post.covers(place.row) for place in rows)), None):
        return f"it is in a post, which is {told.state}; a long one shows the beginnings, and how many more there are"
    if began := next((post for post in posts if post.had_upto is None), None):
        return f"it may be in the first post, which looked back and is {began.state}; all later ones begin behind it"
    if not one.of_config and all(place.received <= one.created for place in rows):
        return f"it came before somebody subscribed, on {listed.since}"
    return "it came before the first digest, while this was skipped, or with nothing that makes a post"
