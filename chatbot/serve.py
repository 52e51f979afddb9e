"""The bot as one configuration has it: it ticks, and it answers."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import structlog

from chatbot.announce import announce
from chatbot.answer import answer, corrects, for_all, known_word, manages
from chatbot.chat.platform import Finds, Platform, Request, Tells
from chatbot.chat.post import Post
from chatbot.commands.command import Context
from chatbot.deliver import deliver
from chatbot.desk import Desk
from chatbot.errors import ChatbotError, DeliveryError, Shrunk, Unavailable, Unknown
from chatbot.ingest import ingest
from chatbot.ledger import TOLERANCE, Expected, missing
from chatbot.mail.people import People
from chatbot.mail.standing import Standing
from chatbot.publish import publish
from chatbot.reaction import Breaker
from chatbot.readers import Readers
from chatbot.report.digest import MailingList
from chatbot.report.links import LORE, mail_link
from chatbot.report.render import Renderer
from chatbot.sift import Sifter, Topic, topic_of
from chatbot.sources.source import Source
from chatbot.store.corrections import Corrections
from chatbot.store.delivery import Delivery, Progress
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.leases import Leases
from chatbot.store.outbox import Outbox
from chatbot.store.search import Search
from chatbot.store.subscriptions import Subscriptions
from chatbot.store.writer import Added
from chatbot.subscriptions.due import due
from chatbot.subscriptions.room import Room, Rooms, placed
from chatbot.subscriptions.subscription import Subscription, is_alias
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.summarize import Summarizer
from chatbot.vitals import PATIENCE, Vitals

log = structlog.get_logger(__name__)

LATER = "I cannot find out just now who may manage this room: try again in a minute."


@dataclass(frozen=True)
class Bot:
    """Everything a bot holds. `sources` opens a list's archive, and may raise Unreadable; while `stopping` is set,
    nothing is begun.
    """

    lists: Mapping[str, MailingList]
    people: People
    subsystems: Subsystems
    sources: Mapping[str, Callable[[], Source]]
    rooms: Rooms
    subscriptions: Subscriptions
    platforms: Mapping[str, Platform]
    renderer: Renderer
    index: Index
    search: Search
    summarizer: Summarizer
    sifter: Sifter
    corrections: Corrections
    following: Following
    outbox: Outbox
    leases: Leases
    readers: Readers
    refresh: timedelta
    now: Callable[[], datetime]
    vitals: Vitals
    stopping: threading.Event = field(default_factory=threading.Event)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    desk: Desk[Post] = field(default_factory=lambda: Desk(_small))
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    # Aliases of the config for which a room is to be found: each at the start, and again where its room takes nothing.
    unfound: set[tuple[str, str]] = field(default_factory=set)

    async def tick(self) -> None:
        """Read what is new, build what is due, send what is waiting. What fails leaves the rest alone."""
        begin = self._beat()
        with _logged("tick failed"):
            await self._find_rooms()
            await asyncio.to_thread(self._share)
            read = await asyncio.to_thread(self._refresh)
            self.desk.forget()
            await asyncio.to_thread(self._publish, read)
        with _logged("tick failed"):
            stopped = self.stopping.is_set
            await deliver(
                self.outbox,
                self.platforms,
                self.breakers,
                self.now,
                stopped=stopped,
                told=self._count,
                parked=self._tell_owner,
            )
        if not self.stopping.is_set():
            with _logged("tick failed"):
                await asyncio.to_thread(self._look_back)
            self.vitals.ticked = self._beat()
            self.vitals.took = self.vitals.ticked - begin

    async def answer(self, platform: Platform, request: Request) -> Post:
        """The answer to a command, worked out beside the loop, so that nobody waits for it."""
        room = self.room(platform.name, request.room)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            try:
                manager = manages(request.text) and await self._may_manage(platform, request.person, room)
            except DeliveryError as error:
                log.warning("command not answered", room=request.room, problem=str(error))
                return Post(platform.dialect.name, platform.dialect.lines([LATER]), aside=True, fault=LATER)
            return await self.desk.ask(
                (platform.name, request.text) if for_all(request.text) else None,
                lambda: answer(
                    request.text, self._context(request.person, room, manager=manager), self.renderer, platform.dialect
                ),
            )
        except Exception:
            # Whatever is wrong with one answer, the others are still owed.
            log.exception("command failed", room=request.room, command=request.text)
            body = self.renderer.render(platform.dialect, "failed")
            return Post(platform.dialect.name, body, aside=True, fault=platform.dialect.unstyled(body).strip())
        finally:
            if corrects(request.text):
                self.desk.forget()
            self.vitals.answered(known_word(request.text), loop.time() - begin)

    def _context(self, person: str, room: Room, *, manager: bool) -> Context:
        return Context(
            self.index,
            self.search,
            self.summarizer,
            self.corrections,
            self.following,
            self.lists,
            self.people,
            lambda: self.subsystems,
            self.sifter,
            self.subscriptions,
            self.outbox,
            self.now(),
            person,
            room,
            manager,
            placed(self.rooms, self.names),
        )

    async def _may_manage(self, platform: Platform, person: str, room: Room) -> bool:
        """Asked afresh each time: whom the platform demotes may no more."""
        return person in room.managers or await platform.may_manage(person, room.name)

    async def _find_rooms(self) -> None:
        """Ask the platforms for what the config's aliases stand for, where that is not known."""
        silent = set[str]()
        for platform, name in sorted(self.unfound):
            asked = self.platforms[platform]
            if platform in silent or not isinstance(asked, Finds):
                continue
            if self.stopping.is_set():
                break
            self._beat()
            with _logged("room not found", room=name):
                try:
                    room = await asked.room_of(name)
                except (Unavailable, Unknown):
                    silent.add(platform)  # nor will it answer for the next one
                    raise
                await asyncio.to_thread(self.subscriptions.name, platform, name, room)
                self.unfound.discard((platform, name))
        self.names.update(await asyncio.to_thread(self.subscriptions.names))

    def _share(self) -> None:
        """Take our part of the rooms, where other replicas are there; of each platform, for not all may have all."""
        every = self.subscriptions.all()
        for platform in self.platforms:
            self.outbox.share(platform, {one.room for one in every if one.platform == platform})

    def _refresh(self) -> set[str]:
        """Read every list that no other replica is reading; the names of those that were read to their end."""
        read: set[str] = set()
        self.vitals.read = {name: self.vitals.read.get(name, self.now()) for name in self.lists}
        for name in self.sources:
            if self.stopping.is_set():
                break
            with _logged("list not read", list=name), self.leases.alone(f"list {name}") as ours:
                if ours() and self._read(name, ours):
                    read.add(name)
        for name in read:
            # What one list's archive purged may have to be read again from another's, before a digest passes it by.
            if self.index.unread(name):
                with _logged("list not read again", list=name), self.leases.alone(f"list {name}") as ours:
                    if ours():
                        ingest(self.sources[name](), self.index, self.readers, stopped=self._stopped_unless(ours))
        with _logged("series not followed"):
            self.following.keep_up(self.people, self.now(), told=self._tell_followed, stopped=self.stopping.is_set)
        return read

    def _read(self, name: str, ours: Callable[[], bool]) -> bool:
        """Whether the list was read to its end."""
        source = self.sources[name]()
        if not self.index.mark(name):
            log.info("reading a list for the first time", list=name)
        came = ingest(source, self.index, self.readers, told=self._beat_on, stopped=self._stopped_unless(ours))
        for problem in came.skipped:
            log.warning("epoch not read", list=name, problem=str(problem))
        if self.stopping.is_set() or not ours():
            return False
        self.vitals.read[name] = self._beat()
        if came.added != Added():
            log.info("list read", list=name, **asdict(came.added))
        return True

    def _stopped_unless(self, ours: Callable[[], bool]) -> Callable[[], bool]:
        return lambda: self.stopping.is_set() or not ours()

    def _publish(self, read: set[str]) -> None:
        """Plan what is due. A room's beginning waits until its lists have been read, or all of them would be new."""
        had, now = self.outbox.progress(), self.now()
        for one in self._told(now):
            if self.stopping.is_set():
                break
            self._beat()
            if not self.outbox.ours(one.platform, one.room):
                continue
            with _logged("digest not planned", room=one.room, topic=one.topic):
                if one.series:
                    self._announce(one, had.get(one.key), now)
                    continue
                topic = topic_of(one, self.lists, lambda: self.subsystems)
                if one.key not in had and not read.issuperset(topic.names):
                    continue
                self._publish_one(one, topic, had.get(one.key), now)

    def _told(self, now: datetime) -> Iterator[Subscription]:
        """The subscriptions that are not paused, of rooms that are known, of platforms that are set up."""
        those = (one for one in self.subscriptions.all() if one.placed and one.platform in self.platforms)
        return (one for one in those if not one.paused(now))

    def _publish_one(self, one: Subscription, topic: Topic, had: Progress | None, now: datetime) -> None:
        stretches = self.summarizer.stretches

        def came() -> int:
            return sum(stretches.count_after(name, had.upto) for name in topic.names) if had else 0

        found = due(one.when, self.room(one.platform, one.room), had.slot if had else None, now, came)
        digest = found and publish(
            one,
            topic,
            found,
            index=self.index,
            stretches=stretches,
            sifter=self.sifter,
            outbox=self.outbox,
            renderer=self.renderer,
            dialect=self.platforms[one.platform].dialect,
        )
        if digest:
            log.info("digest planned", room=one.room, subscription=one.id, topic=one.topic, mails=digest.mails)

    def _announce(self, one: Subscription, had: Progress | None, now: datetime) -> None:
        """Tell a room of a series that it watches, unless it is told nothing at this time."""
        if had is None:
            newest = max(map(self.index.newest, self.lists))
            self.outbox.plan(one.key, None, Progress(newest, now), ())
        elif self.room(one.platform, one.room).moved(now) == now:
            told = announce(
                one,
                had,
                now,
                standings=lambda mails: self.search.standings(mails, self.people),
                page=self._page,
                stretches=self.summarizer.stretches,
                outbox=self.outbox,
                renderer=self.renderer,
                dialect=self.platforms[one.platform].dialect,
            )
            if told:
                log.info("news planned", room=one.room, subscription=one.id, news=[str(each.what) for each in told])

    def _page(self, standing: Standing) -> str:
        """Where a posting can be read: on the first of our lists that has it."""
        found = [self.lists[name].base for name in self.search.lists_of(standing.own) if name in self.lists]
        return mail_link(found[0] if found else LORE, standing.message_id)

    def room(self, platform: str, name: str) -> Room:
        """What is said of a room; most rooms are not in the config."""
        return placed(self.rooms, self.names).get((platform, name), Room(platform, name))

    def _look_back(self) -> None:
        """Note what waits, and sound the alarm for what should have gone out: once for each slot."""
        now = self.now()
        self.vitals.wait(self.outbox.queue(), now)
        expected = (Expected(one.key, self.room(one.platform, one.room), one.when) for one in self._told(now))
        # Where the archives are looked at once an hour, an hour late is in time.
        gone = missing(expected, self.outbox.settled(), now, max(TOLERANCE, PATIENCE * self.refresh))
        for one in gone:
            if one not in self.vitals.missing:
                log.error("digest missing", subscription=one.key, slot=one.slot.isoformat())
        self.vitals.missing = gone

    async def _tell_owner(self, delivery: Delivery, reason: str) -> None:
        """That a room takes nothing any more: who typed the subscription, where the platform can speak to one person.
        Of the config's, those who look after the bot are told by the log and the metrics.
        """
        platform = self.platforms[delivery.platform]
        here = (delivery.platform, delivery.room)
        self.unfound.update(
            (at, name) for (at, name), room in self.names.items() if (at, room) == here and is_alias(name)
        )
        with _logged("owner not told", room=delivery.room):
            subscriptions = await asyncio.to_thread(self.subscriptions.all)
            own = next((one for one in subscriptions if one.key == delivery.subscription and not one.of_config), None)
            if own and isinstance(platform, Tells):
                remedy = f"When that is mended, whoever runs me says: chatbot outbox retry {delivery.key[:12]}"
                text = f"{own.room} takes no posts of mine ({reason}), so {own.id}, {own.asked}, waits. {remedy}"
                await platform.tell(own.owner, Post(platform.dialect.name, platform.dialect.lines([text])))

    def _beat(self) -> datetime:
        """Give a sign of life; when that was."""
        self.vitals.moved, self.vitals.refresh = self.now(), self.refresh
        return self.vitals.moved

    def _beat_on(self, _read: int, _total: int) -> None:
        self._beat()

    def _tell_followed(self, mails: int) -> None:
        self._beat()
        log.info("following series", mails=mails)

    def _count(self, platform: str, result: str) -> None:
        self._beat()
        self.vitals.sends[platform, result] += 1


def _small(post: Post) -> bool:
    """Files may have megabytes."""
    return post.file is None


@contextmanager
def _logged(event: str, **facts: str) -> Iterator[None]:
    """What fails inside is told to the log, and goes no further: the next tick tries again."""
    try:
        yield
    except Shrunk as problem:
        log.critical(event, problem=str(problem), **facts)  # a person has to look
    except ChatbotError as problem:
        log.warning(event, problem=str(problem), **facts)
    except Exception:
        log.exception(event, **facts)
