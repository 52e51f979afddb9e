"""/why and /whynot: what made a line of a post, and what kept a mail out."""

import re

from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.subscribe import listed_here
from chatbot.commands.verdict import Verdict, Why, WhyNot, judge, lacking
from chatbot.errors import Misunderstood
from chatbot.mail.standing import Standing
from chatbot.report.links import message_id_in
from chatbot.sift import Topic, topic_of
from chatbot.store.subscriptions import Posted
from chatbot.subscriptions.subscription import Subscription

# The beginning of a digest's id.
_DIGEST = re.compile(r"[0-9a-f]{6,12}", re.IGNORECASE)


def why(arguments: str, context: Context) -> Facts:
    """A post by its digest's id, or by a subscription's, whose newest it is; and one of its lines."""
    name, *rest = arguments.split() or [""]
    one, post = _post(name, context)
    topic = topic_of(one, context.lists, context.subsystems)
    stretches = context.summarizer.stretches
    line = _standing(rest[0], context) if rest else None
    commits = [
        (name, f"epoch {span.epoch}, {(span.after or '0' * 40)[:12]}..{span.to[:12]}")
        for name in topic.names
        for span in (stretches.after(name, post.had_upto, post.upto).spans if post.had_upto is not None else ())
    ]
    found = stretches.places(line.own) if line else ()
    inside = [place for place in found if place.list_name in topic.names and _inside(place.row, post)]
    if rest and not inside:
        raise Misunderstood(rest[0], "no mail with which this posting begins is in what the post covers", "see /whynot")
    return Facts("why", {"why": Why(listed_here(one, context), post, commits, line, inside)})


def whynot(arguments: str, context: Context) -> Facts:
    """A mail, by its Message-ID or a link."""
    message_id = message_id_in(arguments.strip())
    if not message_id:
        raise Misunderstood("/whynot", "it needs a mail", f"type {WHYNOT.examples[0]}")
    places = context.summarizer.stretches.places([message_id])
    standing = next(iter(context.search.standings([message_id], context.people)), None) if places else None
    here = context.subscriptions.of_room(context.room.platform, context.room.name)
    verdicts = [_verdict(one, message_id, standing, context) for one in here] if places else []
    return Facts("whynot", {"whynot": WhyNot(message_id, places, standing, verdicts)})


def _verdict(one: Subscription, message_id: str, standing: Standing | None, context: Context) -> Verdict:
    listed = listed_here(one, context)
    try:
        topic = topic_of(one, context.lists, context.subsystems)
    except Misunderstood as problem:
        return Verdict(listed, str(problem))
    posts = context.subscriptions.posts(one.platform, one.room)
    words = judge(
        listed,
        context.summarizer.stretches.places([message_id]),
        topic.names,
        refused=lambda: _refused(one, topic, message_id, standing, context),
        progress=context.outbox.progress().get(one.key),
        posts=[post for post in posts if post.subscription == one.key],
    )
    return Verdict(listed, words)


def _refused(one: Subscription, topic: Topic, message_id: str, standing: Standing | None, context: Context) -> str:
    """Why a subscription does not want a posting; empty where it does."""
    if topic.series:
        family = context.search.family_of(topic.series, context.people.identity)
        own = {mail.message_id for mail in family.mails} if family else set()
        return "" if message_id in own else "it is no mail of this series"
    if one.when.at_once and (standing is None or message_id not in standing.own):
        return "it begins no series or version, and only these are told as it happens"
    if topic.whole:
        return ""
    if standing is None:
        return "it is about no patch, and a filter or a subsystem wants postings"
    facts = context.sifter.facts(standing.at(context.now), context.now)
    if not context.sifter.has(topic, facts):
        return f"nothing of it belongs to {topic.title}"
    short = lacking(topic.filter, facts, context.now)
    return f"the filter wants what this has not: {short}" if short else ""


def _post(name: str, context: Context) -> tuple[Subscription, Posted]:
    """Of this room. Raises Misunderstood."""
    platform, room = context.room.platform, context.room.name
    here = {one.key: one for one in context.subscriptions.of_room(platform, room)}
    ids = {one.id: one.key for one in here.values()}
    if key := ids.get(name.casefold()):
        posts = [post for post in context.subscriptions.posts(platform, room) if post.subscription == key]
    elif _DIGEST.fullmatch(name):
        posts = list(context.subscriptions.posts(platform, room, name.casefold()))
    else:
        reason = "it needs a post" if not name else "this is no post of this room"
        raise Misunderstood(repr(name), reason, "take the id from a post's last line, or one of /subscriptions")
    if not posts:
        raise Misunderstood(repr(name), "this room has no such post", "take the id from a post's last line")
    made = sorted({here[post.subscription].id for post in posts if post.subscription in here})
    if len(made) > 1:
        raise Misunderstood(repr(name), "posts of several subscriptions have it", f"name one of {', '.join(made)}")
    if not made:
        raise Misunderstood(repr(name), "the subscription that made it is gone", "see /subscriptions")
    return next((here[post.subscription], post) for post in posts if post.subscription in here)


def _standing(text: str, context: Context) -> Standing:
    message_id = message_id_in(text)
    found = context.search.standings([message_id], context.people) if message_id else ()
    if not found:
        raise Misunderstood(text, "I know no posting with this mail", "name a Message-ID, or the link of a line")
    return found[0]


def _inside(row: int, post: Posted) -> bool:
    return row <= post.upto if post.had_upto is None else post.covers(row)


WHY = Command(
    "why",
    "ID [MESSAGE-ID | LINK]",
    "Say which subscription, filter and commits made a post (by its id, or a subscription's for the newest), or one of"
    " its lines.",
    ("/why 1f0c7b", "/why k7mq", "/why 1f0c7b 20251101120000.1-1-ana@corp.example"),
    why,
)
WHYNOT = Command(
    "whynot",
    "MESSAGE-ID | LINK",
    "Say where a mail was seen, and what kept it out of what this room gets.",
    ("/whynot 20251101120000.1-1-ana@corp.example",),
    whynot,
)
