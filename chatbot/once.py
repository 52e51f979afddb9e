"""The wiring of what runs once and ends: an archive is looked at, the index is asked, and the answer shown. It imports
inside its functions, as app.py does.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from chatbot.app import login, say, utc_now
from chatbot.translate import lists_of, people_of, subsystems_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from chatbot.commands.command import Context
    from chatbot.mail.people import People
    from chatbot.report.digest import Digest, MailingList
    from chatbot.report.status import ListStatus
    from chatbot.report.window import Choice
    from chatbot.settings import Config
    from chatbot.sources.public_inbox import PublicInbox
    from chatbot.sources.source import RawMail
    from chatbot.store.index import Index
    from chatbot.store.undelivered import Undelivered
    from chatbot.subscriptions.subscription import Subscription


def archive_digest(
    folder: Path,
    mailing_list: MailingList,
    choice: Choice,
    now: datetime,
    progress: Callable[[int], None],
    *,
    classic: bool,
) -> Digest:
    """A digest straight from an archive, without an index; all of it, or what the classic text tells. `progress` is
    told how many mails were read.

    Raises Misunderstood, Unreadable.
    """
    from chatbot.mail.chronicle import letters_of
    from chatbot.people import read_people
    from chatbot.read import read
    from chatbot.report.assembly import build
    from chatbot.report.window import Window, between, candidates, last
    from chatbot.sources.public_inbox import PublicInbox
    from chatbot.sources.ranges import spans

    since, until = choice.times(now)

    def told(raws: Iterator[RawMail]) -> Iterator[RawMail]:
        for count, raw in enumerate(raws, 1):
            progress(count)
            yield raw

    with PublicInbox(mailing_list.name, folder) as archive:
        if choice.commits is not None:
            window = Window(spans(archive, choice.commits))
            mails = [read(raw)[1] for raw in told(archive.mails(window.spans))]
        else:
            if choice.last is not None:
                found, window = last(told(archive.mails_of(archive.history())), choice.last)
            else:
                likely = candidates(archive.history(), since)
                found, window = between(told(archive.mails_of(likely)), since, until)
            mails = [mail for _, mail in reversed(found)]
    people = read_people()
    if classic:
        chronicle = letters_of(mails)
    else:
        from chatbot.mail.chronicler import chronicle_of

        chronicle = chronicle_of(mails, people)
    # The same range tells the same, whenever it is asked for.
    at = until or max((mail.received for mail in mails), default=now)
    return build(mailing_list, window, chronicle, people, min(at, now))


def index_digest(
    store: str, config: Config | None, list_name: str | None, asked: Choice | str, now: datetime, *, classic: bool
) -> Digest:
    """A digest out of the index: of a choice of a list's mails, or again the one of an id. Raises Misunderstood."""
    from chatbot.errors import Misunderstood
    from chatbot.report.digest import MailingList
    from chatbot.report.links import LORE

    with questions(store, config) as context:
        if isinstance(asked, str):
            found = context.summarizer.again(asked, context.lists, letters=classic) if asked else None
            if found is None:
                raise Misunderstood(f"--id {asked}", "there is no such digest", "take the id from a digest's last line")
            return found
        names = (*context.lists, *context.index.names())
        if not names:
            raise Misunderstood("digest", "the index has no list yet", "fill it with chatbot ingest")
        name = list_name or names[0]
        if name not in names:
            raise Misunderstood(
                f"--list {name}", "there is no such list", f"name one of {', '.join(dict.fromkeys(names))}"
            )
        since, until = asked.times(now)
        _keep_up(store, context.people, now)
        stretches = context.summarizer.stretches
        if asked.last is not None:
            stretch = stretches.newest(name, asked.last)
        else:
            stretch = stretches.between(name, since, until or now)
        mailing_list = context.lists.get(name, MailingList(name, name, LORE))
        return context.summarizer.make(mailing_list, stretch, min(until or now, now), letters=classic)


def _keep_up(store: str, people: People, now: datetime) -> None:
    """Follow what has come, unless a bot does, now or by other rules than ours."""
    from chatbot.errors import Busy, Unavailable
    from chatbot.store.database import writable_database
    from chatbot.store.following import Following

    try:
        with writable_database(store, say) as engine:
            following = Following(engine)
            if not following.by_other_rules(people) and following.keep_up(people, now, told=_tell_followed):
                _tell_followed(0)
    except (Busy, Unavailable):
        pass


def _tell_followed(mails: int) -> None:
    """Tells a person at a terminal that the first digest takes a while; nothing at 0."""
    import sys

    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{f'following series: {mails:,} mails' if mails else ''}")
        sys.stderr.flush()


def log_in_matrix(
    folder: Path, homeserver: str, user: str, password: str, now: datetime, *, again: bool
) -> tuple[str, str]:
    """Make the bot's device; its user and its name. Raises Problem."""
    from chatbot.chat.matrix_device import log_in

    device = log_in(folder, homeserver, user, password, now, again=again)
    return device.user, device.id


def slack_manifest(**options: Any) -> dict[str, Any]:
    """What a workspace makes the bot's app of, with the commands of the table."""
    from chatbot.chat.slack_manifest import Options, Word, manifest
    from chatbot.commands import COMMANDS

    return manifest((Word(one.word, one.arguments, one.help) for one in COMMANDS), Options(**options))


def print_digest(digest: Digest) -> None:
    """Show a digest on a terminal, as the platform would."""
    from chatbot.chat.styled import DIALECT
    from chatbot.report.render import Renderer

    print_post(Renderer().render(DIALECT, "digest", digest=digest))


def print_post(body: str) -> None:
    """Show a post of the terminal's dialect on a terminal, as the platform would."""
    from chatbot.chat.terminal import console, show

    show(body, console())


def plain_digest(digest: Digest) -> str:
    """The same as text without styles."""
    from chatbot.chat.styled import DIALECT, plain_text
    from chatbot.report.render import Renderer

    return plain_text(Renderer().render(DIALECT, "digest", digest=digest))


def look_at(
    archives: Mapping[str, Path], store: str, now: datetime, *, make: bool
) -> tuple[str, int, list[ListStatus]]:
    """What people call the index, its size in bytes, and how far it is with each list. Raises BadConfig, without `make`
    also where there is no index yet.
    """
    from chatbot.store.database import open_database, size_of, url_of
    from chatbot.store.index import Index

    engine = open_database(store, say, make=make)
    try:
        return (
            url_of(engine),
            size_of(engine),
            [_status(name, folder, Index(engine), now) for name, folder in archives.items()],
        )
    finally:
        engine.dispose()


@contextmanager
def undelivered(store: str) -> Iterator[Undelivered]:
    """What has not arrived. Raises BadConfig, also where there is no index yet."""
    from chatbot.store.database import open_database
    from chatbot.store.undelivered import Undelivered

    engine = open_database(store, say, make=False)
    try:
        yield Undelivered(engine)
    finally:
        engine.dispose()


def _status(name: str, folder: Path, index: Index, now: datetime) -> ListStatus:
    from chatbot.errors import Unreadable
    from chatbot.report.status import EpochStatus, ListStatus
    from chatbot.sources.layout import size_of
    from chatbot.sources.public_inbox import PublicInbox

    held, mark, holdings = index.held(name), index.mark(name), index.holdings(name)
    problem, size = held[0] if held else "", None
    epochs = [EpochStatus(epoch, None, reached, None) for epoch, reached in mark.items()]
    try:
        with PublicInbox(name, folder) as archive:
            size = size_of(folder)
            epochs = []
            for epoch, tip in archive.tips.items():
                reached = mark.get(epoch)
                with archive.after(epoch, (reached,) if reached else ()) as ahead:
                    epochs.append(EpochStatus(epoch, tip, reached, len(ahead)))
    except Unreadable as unreadable:
        problem = problem or unreadable.reason
    newest = index.newest_received(name)
    return ListStatus(
        name,
        tuple(epochs),
        holdings.mails,
        newest,
        now - newest if newest else None,
        holdings.defects,
        holdings.unread,
        size,
        problem,
    )


@contextmanager
def questions(store: str, config: Config | None, of_config: tuple[Subscription, ...] = ()) -> Iterator[Context]:
    """What a command looks at, for one question; `of_config` are the subscriptions that the config keeps. Raises
    BadConfig, also where there is no index yet.
    """
    from contextlib import ExitStack
    from functools import cache, partial

    from chatbot.commands.command import Context
    from chatbot.originals import Originals
    from chatbot.people import read_people
    from chatbot.report.assembly import SILENT_AFTER
    from chatbot.sift import Sifter
    from chatbot.sources.public_inbox import PublicInbox
    from chatbot.store.chronicles import Chronicles
    from chatbot.store.corrections import Corrections
    from chatbot.store.database import open_database
    from chatbot.store.following import Following
    from chatbot.store.index import Index
    from chatbot.store.outbox import Outbox
    from chatbot.store.search import Search
    from chatbot.store.stretches import Stretches
    from chatbot.store.subscriptions import Subscriptions
    from chatbot.subscriptions.room import Room
    from chatbot.subscriptions.subsystem import Subsystems
    from chatbot.summarize import Summarizer

    people = people_of(config) if config else read_people()
    lists = lists_of(config) if config else {}
    stack = ExitStack()

    @cache
    def archive(name: str, folder: Path) -> PublicInbox:
        return stack.enter_context(PublicInbox(name, folder))

    @cache
    def subsystems() -> Subsystems:
        return subsystems_of(config, lambda _: None) if config else Subsystems()

    engine = open_database(store, say, make=False)
    try:
        search, rules = Search(engine), config.digests.silent_after if config else SILENT_AFTER
        summarizer = Summarizer(Chronicles(engine), Stretches(engine), people, rules)
        sources = {one.name: partial(archive, one.name, one.archive) for one in config.lists} if config else {}
        originals = Originals(summarizer.stretches.places, sources)
        yield Context(
            Index(engine),
            search,
            summarizer,
            Corrections(engine),
            Following(engine),
            lists,
            people,
            subsystems,
            Sifter(summarizer, search, originals, people, subsystems),
            Subscriptions(engine, of_config),
            Outbox(engine),
            utc_now(),
            login(),
            Room("", ""),
        )
    finally:
        stack.close()
        engine.dispose()
