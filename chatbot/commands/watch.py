"""/watch: have a room told what becomes of one series."""

from chatbot.commands.command import Command, Context, Facts
from chatbot.commands.series import find, nothing
from chatbot.commands.subscribe import keep
from chatbot.errors import Misunderstood
from chatbot.mail.state import status
from chatbot.subscriptions.subscription import Subscription, series_topic
from chatbot.subscriptions.when import When


def watch(arguments: str, context: Context) -> Facts:
    """What /series finds."""
    text = arguments.strip()
    if not text:
        raise Misunderstood("/watch", "it needs a series", f"type {WATCH.usage}, such as {WATCH.examples[0]}")
    best = next(iter(find(text, context, "watch").series), None)
    family = context.search.family_of(best.head.message_id, context.people.identity) if best else None
    if family is None:
        return nothing(text, context)
    newest = family.lineage.newest
    own = {mail.message_id for version in family.lineage.series for mail in version.everything}
    for other in context.subscriptions.of_room(context.room.platform, context.room.name):
        if other.series in own:
            raise Misunderstood(
                "/watch", f"this room watches it already, as {other.id}", f"end it with /unsubscribe {other.id}"
            )
    one = Subscription(
        id="",
        platform=context.room.platform,
        room=context.room.name,
        topic=series_topic(newest.head.message_id),
        subsystem=False,
        filter="",
        when=When(),
        owner=context.asker,
        created=context.now.replace(microsecond=0),
    )
    found = context.search.standings([newest.head.message_id], context.people)
    if not found:  # it has gone while we looked
        return nothing(text, context)
    kept = keep(one, context, "watch")
    link_of = context.links(one.message_id for one in found[:1])
    values = {"link_of": link_of, "one": kept, "standing": found[0], "status": status(found[0], context.now)}
    return Facts("watched", values)


WATCH = Command(
    "watch",
    "WORDS | MESSAGE-ID | LINK",
    "Tell this room when a series has a new version, when the last of its patches is reviewed, and when it is applied.",
    ("/watch tdx-connect", "/watch tdx-1-0@sample.example"),
    watch,
    manages=True,
)
