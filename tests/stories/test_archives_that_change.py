"""Whatever happens to two lists' archives, in whatever order: each mail is announced once, none is missed, and of what
was taken out nothing is left. A plain reader of `old..new` goes through the same and fails.

SEEDS says how many histories are tried; `make soak` tries many.
"""

import os
import random
import re
import string
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Protocol

import pytest
from sqlalchemy import Engine, select

from chatbot.chat.post import MARKDOWN
from chatbot.errors import Shrunk
from chatbot.ingest import SHRINK, ingest
from chatbot.mail.mail import Mail
from chatbot.mail.people import People
from chatbot.originals import Originals
from chatbot.publish import publish
from chatbot.readers import Readers
from chatbot.report.digest import MailingList
from chatbot.report.render import Renderer
from chatbot.sift import Sifter, Topic
from chatbot.sources.public_inbox import PublicInbox
from chatbot.store import fulltext, tables
from chatbot.store.database import reading
from chatbot.store.delivery import Delivery, State
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.outbox import Outbox
from chatbot.store.search import Search
from chatbot.store.tables import ALL_LISTS, metadata
from chatbot.store.writer import Added
from chatbot.subscriptions.due import Due
from chatbot.subscriptions.subscription import Subscription
from chatbot.subscriptions.subsystem import Subsystems
from chatbot.subscriptions.when import parse_when
from tests.changing import Archive, blob_id
from tests.conftest import NOON, compose, mails_of, read_one, summarizer

SEEDS = int(os.environ.get("SEEDS", "15"))
STEPS = 150
LISTS = ("coco", "kvm")
BEGINNING = 25
FOREVER = NOON + timedelta(days=36_500)
RENDERER = Renderer()


# What may happen, and how often.
Changes = tuple[tuple[Callable[["World"], None], int], ...]


class Reader(Protocol):
    """Something that follows archives."""

    def read(self, name: str, *, accept: bool = False) -> None: ...

    def announced(self, name: str) -> list[str]:
        """The Message-IDs that have become known since the last call, in order."""
        ...

    def held(self, name: str) -> list[str]:
        """The Message-IDs of a list."""
        ...

    def remains(self) -> str:
        """All text that is kept, but for what has gone out to a room."""
        ...


class Bot:
    """The index, and a room for each list."""

    def __init__(self, folder: Path, engine: Engine, readers: Readers) -> None:
        self.index, self.outbox = Index(engine), Outbox(engine)
        self.engine = engine
        self._readers = readers
        self._following = Following(engine)
        self._sources = {name: PublicInbox(name, folder / name) for name in LISTS}
        self._known = dict.fromkeys(LISTS, 0)
        self._slot = NOON
        self._arrived: dict[str, Delivery] = {}

    def close(self) -> None:
        for source in self._sources.values():
            source.close()

    def read(self, name: str, *, accept: bool = False) -> None:
        before = self.rows()
        try:
            self.came = ingest(self._sources[name], self.index, self._readers, accept_shrink=accept).added
        except Shrunk:
            assert not accept
            after = self.rows()
            del before["mailing_list"], after["mailing_list"]
            assert after == before
            raise
        self._following.keep_up(People(), self._slot)

    def announced(self, name: str) -> list[str]:
        newest = self.index.newest(name)
        after, self._known[name] = self._known[name], max(newest, self._known[name])
        return [mail.message_id for mail in mails_of(self.engine, name, after)]

    def held(self, name: str) -> list[str]:
        return [row.message_id for row in self.places(name)]

    def places(self, name: str) -> list:
        query = (
            select(tables.mail, tables.seen.c.blob.label("place"))
            .join(tables.seen, tables.seen.c.mail_id == tables.mail.c.id)
            .join(tables.mailing_list, tables.mailing_list.c.id == tables.seen.c.list_id)
            .where(tables.mailing_list.c.name == name)
            .order_by(tables.seen.c.id)
        )
        with reading(self.engine) as connection:
            return list(connection.execute(query))

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        with reading(self.engine) as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }

    def remains(self) -> str:
        gone_out = tables.delivery.c.state == State.SENT
        rows = self.rows()
        with reading(self.engine) as connection:
            rows["delivery"] = list(map(tuple, connection.execute(select(tables.delivery).where(~gone_out))))
        return repr(rows)

    def publish(self, name: str) -> None:
        self._slot += timedelta(hours=1)
        when = parse_when("hourly")
        room = Subscription(name, "terminal", name, name, subsystem=False, filter="", when=when, owner="", created=NOON)
        made = summarizer(self.engine)
        publish(
            room,
            Topic((MailingList(name, name, ""),)),
            Due(self._slot),
            index=self.index,
            stretches=made.stretches,
            sifter=Sifter(made, Search(self.engine), Originals(made.stretches.places, {}), People(), Subsystems),
            outbox=self.outbox,
            renderer=RENDERER,
            dialect=MARKDOWN,
        )

    def deliver(self, chance: random.Random, *, interrupted: float = 0.3) -> None:
        """Send what waits; now and then the power goes while a post is on its way, which may have arrived."""
        while waiting := self.outbox.waiting(FOREVER):
            for delivery in waiting:
                if delivery.key not in self._arrived:
                    if delivery.withdrawn:
                        self.outbox.taken_back(delivery)
                        continue
                    assert self.outbox.sending(delivery, self._slot, timedelta(0))
                    dies = chance.random() < interrupted
                    if not dies or chance.random() < 0.5:
                        self._arrived[delivery.key] = delivery
                    if dies:
                        return
                self.outbox.sent(delivery, "there")

    def posts(self, name: str) -> list[str]:
        """What has arrived in a room, and what waits to."""
        with reading(self.engine) as connection:
            waiting = tables.delivery.c.key.not_in(self._arrived), tables.delivery.c.room == name
            bodies = list(connection.execute(select(tables.delivery.c.body).where(*waiting)).scalars())
        return [one.post.body for one in self._arrived.values() if one.room == name] + bodies


class Naive:
    """What is often written first: `git rev-list old..new`, and everything where git does not know the old one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tips: dict[Path, str] = {}
        self._mails: dict[str, dict[str, bytes]] = {name: {} for name in LISTS}
        self._new: dict[str, list[str]] = {name: [] for name in LISTS}

    def read(self, name: str, *, accept: bool = False) -> None:  # noqa: ARG002  # it never asks
        for epoch in sorted((self._folder / name / "git").iterdir()):
            with suppress(subprocess.CalledProcessError):
                tip = _git(epoch, "rev-parse", "--verify", "master").decode().strip()
                try:
                    commits = _git(epoch, "rev-list", "--reverse", *filter(None, [self._span(epoch, tip)]))
                except subprocess.CalledProcessError:
                    commits = _git(epoch, "rev-list", "--reverse", tip)
                for commit in commits.decode().split():
                    with suppress(subprocess.CalledProcessError):
                        self._take(name, _git(epoch, "cat-file", "blob", f"{commit}:m"))
                self._tips[epoch] = tip

    def _span(self, epoch: Path, tip: str) -> str:
        return f"{self._tips[epoch]}..{tip}" if epoch in self._tips else tip

    def _take(self, name: str, data: bytes) -> None:
        message_id = read_one(data).message_id
        self._mails[name][message_id] = data
        self._new[name].append(message_id)

    def announced(self, name: str) -> list[str]:
        new, self._new[name] = self._new[name], []
        return new

    def held(self, name: str) -> list[str]:
        return list(self._mails[name])

    def remains(self) -> str:
        return repr(self._mails)


def _git(folder: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True).stdout


class World:
    """Two archives that change by chance, and what a reader of them ought to know: `holding` is what it was told of a
    list, by bytes; `interrupted` are mails that were away for a while since it looked, `late` those that were there
    without their bytes when it did.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.chance = chance
        self.archives = {name: Archive(folder / name) for name in LISTS}
        self.words: dict[str, str] = {}  # by bytes, a word that nothing else has
        self.ids: dict[str, str] = {}
        self.mails: dict[str, Mail] = {}
        self.present: dict[str, list[str]] = {name: [] for name in LISTS}
        self.holding: dict[str, set[str]] = {name: set() for name in LISTS}
        self.interrupted: dict[str, set[str]] = {name: set() for name in LISTS}
        self.late: dict[str, set[str]] = {name: set() for name in LISTS}
        self.tips: dict[str, dict[int, str]] = {name: {} for name in LISTS}
        self.times: dict[str, Counter[str]] = {name: Counter() for name in LISTS}
        self.was_rewritten = False
        self._numbers = count(1)
        for _ in range(BEGINNING):
            self.mail()

    # What happens to an archive.

    def mail(self) -> None:
        name = self._name()
        number = next(self._numbers)
        mails = list(self.ids.values())
        answered = self.chance.choice(mails) if mails and self.chance.random() < 0.4 else ""
        self._write(name, f"m{number}@sample.example", answered)

    def crossposted(self) -> None:
        """The same bytes, or with a trailer of the other list's own."""
        blob = self._write(self._name(), f"m{next(self._numbers)}@sample.example", "")
        data = next(one.bytes[blob] for one in self.archives.values() if blob in one.bytes)
        for archive in self.archives.values():
            if blob not in archive.bytes:
                if self.chance.random() < 0.5:
                    archive.add(data)
                else:
                    self._write(archive.folder.name, self.ids[blob], "")

    def again(self) -> None:
        """A Message-ID that the archive has or had: the same mail, or another."""
        name, archive = self._one()
        blob = self.chance.choice(list(archive.bytes))
        if self.chance.random() < 0.5:
            archive.add(archive.bytes[blob])
        else:
            self._write(name, self.ids[blob], "")

    def remove(self) -> None:
        name, archive = self._one()
        if held := archive.held():
            archive.remove(self.chance.choice(held)[1])
            self._note(name)

    def purge(self) -> None:
        self._replace(lambda _: None)

    def edit(self) -> None:
        self._replace(lambda blob: self._compose(self.ids[blob], ""))

    def _replace(self, by: Callable[[str], bytes | None]) -> None:
        name, archive = self._one()
        blobs = {slot.blob for _, slot in archive.slots() if slot.blob in self.ids}
        if blobs and all(epoch.whole for epoch in archive.epochs):
            blob = self.chance.choice(sorted(blobs))
            archive.replace(blob, by(blob))
            self._note(name)

    def roll_over(self) -> None:
        name, archive = self._one()
        if all(epoch.whole for epoch in archive.epochs) and len(archive.epochs) < 8:
            for _ in range(self.chance.choice((1, 2))):
                archive.roll_over()
                self._write(name, f"m{next(self._numbers)}@sample.example", "")

    def clone_again(self) -> None:
        _, archive = self._one()
        if all(epoch.whole for epoch in archive.epochs):
            for number in self.chance.choice((range(len(archive.epochs)), (0,))):
                archive.clone_again(number)

    def clone_half(self) -> None:
        """A new epoch of which something is not there yet; perhaps the next one is."""
        name, archive = self._one()
        if all(epoch.whole for epoch in archive.epochs) and len(archive.epochs) < 8:
            epoch = archive.roll_over()
            for _ in range(self.chance.randrange(1, 4)):
                self._write(name, f"m{next(self._numbers)}@sample.example", "")
            for commit in self.chance.choice((epoch.commits, epoch.commits[-1:], epoch.commits[:1])):
                epoch.hide(commit)
            epoch.whole = False
            if self.chance.random() < 0.3:
                archive.roll_over()
                self._write(name, f"m{next(self._numbers)}@sample.example", "")

    def lose(self) -> None:
        """A mail's bytes are away for a while, most often a new one's."""
        _, archive = self._one()
        epoch = archive.epochs[-1]
        blobs = [slot.blob for slot in epoch.slots if slot.blob in self.ids and slot.blob not in epoch.hidden]
        if blobs and epoch.whole:
            epoch.hide(self.chance.choice(blobs[-3:]))

    def find(self) -> None:
        self.find_all(self._name())

    def find_all(self, name: str) -> None:
        """Whatever was on its way to an archive has come."""
        for epoch in self.archives[name].epochs:
            epoch.show()
            if not epoch.whole:  # what it takes out, and brings again, nobody has seen
                self.interrupted[name] |= {self.ids[slot.blob] for slot in epoch.slots if slot.blob in self.ids}
            epoch.whole = True

    CHANGES = (
        *((mail, 30), (crossposted, 6), (again, 5), (remove, 6), (purge, 4), (edit, 3), (roll_over, 2)),
        *((clone_again, 2), (clone_half, 2), (lose, 4), (find, 5)),
    )
    ADDITIONS = ((mail, 30), (crossposted, 6))

    def step(self, changes: "Changes") -> None:
        kinds, weights = zip(*changes, strict=True)
        self.chance.choices(kinds, weights)[0](self)

    # What a reader ought to make of it.

    def follow(self, reader: Reader, name: str) -> None:
        """Read a list, and hold what the reader says against what the archive has."""
        expected, holding = self._expected(name)
        before = set(self.present[name])
        lost = before - set(expected)
        self.was_rewritten = self._rewritten(name)
        shrunk = self.was_rewritten and len(lost) > SHRINK * len(before)
        try:
            reader.read(name)
            if isinstance(reader, Bot):
                assert not shrunk, f"{len(lost)} of {len(before)} are gone, and nobody is told"
        except Shrunk:
            assert shrunk, f"only {len(lost)} of {len(before)} are gone"
            with pytest.raises(Shrunk):
                reader.read(name)
            reader.read(name, accept=True)
        held = reader.held(name)
        unsure = self._unsure(name)
        assert len(held) == len(set(held)), "a mail is there twice"
        assert set(held) - unsure == set(expected) - unsure, "what the archive holds, and nothing else"
        announced = reader.announced(name)
        assert len(announced) == len(set(announced)), "announced twice at once"
        new = set(expected) - before
        assert new - unsure <= set(announced), "missed"
        assert set(announced) <= new | self.interrupted[name], "announced again"
        places = {one: place for place, one in reversed(list(enumerate(self._order(name))))}
        fresh = [places[one] for one in announced if one not in self.interrupted[name] and one not in self.late[name]]
        assert fresh == sorted(fresh), "announced in another order than the archive's"
        self.times[name].update(announced)
        self.present[name], self.holding[name] = held, holding
        self.interrupted[name].clear()
        self.late[name] |= {self.ids[blob] for epoch, blob in self.archives[name].held() if blob in epoch.hidden}
        self.tips[name] = {
            number: epoch.commits[-1]
            for number, epoch in enumerate(self.archives[name].epochs)
            if epoch.commits and epoch.whole
        }
        assert not (left := self.forbidden & set(self._words_in(reader.remains()))), f"left: {left}"

    @property
    def forbidden(self) -> set[str]:
        """The words of mails that were taken out of every list that had them."""
        allowed = {self.words[blob] for blobs in self.holding.values() for blob in blobs}
        return set(self.words.values()) - allowed

    def _expected(self, name: str) -> tuple[list[str], set[str]]:
        """The Message-IDs that the index of a list ought to hold, and the bytes it may know."""
        held = self.archives[name].held()
        known = self.holding[name]
        readable = [blob for epoch, blob in held if blob not in epoch.hidden or blob in known]
        return list(dict.fromkeys(self.ids[blob] for blob in readable)), set(readable)

    def _unsure(self, name: str) -> set[str]:
        """Mails of which nobody can say whether they are known: they came again, and their bytes are not there."""
        held = self.archives[name].held()
        away = {self.ids[blob] for epoch, blob in held if blob in epoch.hidden}
        several = Counter(self.ids[blob] for _, blob in held)
        return {one for one in away if one in self.interrupted[name] or several[one] > 1}

    def _order(self, name: str) -> list[str]:
        return [self.ids[blob] for epoch, blob in self.archives[name].held() if blob not in epoch.hidden]

    def _rewritten(self, name: str) -> bool:
        """Whether what was read is not just continued."""
        epochs = dict(enumerate(self.archives[name].epochs))
        reached = self.tips[name]
        if any(tip not in epochs[number].commits for number, tip in reached.items()):
            return True
        late = [number for number, epoch in epochs.items() if epoch.whole and epoch.commits]
        return any(
            epochs[number].commits[-1] != reached.get(number) and any(other > number for other in reached)
            for number in late
        )

    def _note(self, name: str) -> None:
        """Remember which mails are away at this moment."""
        there = {self.ids[blob] for _, blob in self.archives[name].held()}
        self.interrupted[name] |= set(self.ids.values()) - there

    def _name(self) -> str:
        return self.chance.choice(LISTS)

    def _one(self) -> tuple[str, Archive]:
        name = self._name()
        return name, self.archives[name]

    def _write(self, name: str, message_id: str, answered: str) -> str:
        return self.archives[name].add(self._compose(message_id, answered))

    def _compose(self, message_id: str, answered: str) -> bytes:
        """A mail with a word of its own wherever a mail has words."""
        word = "".join(self.chance.choices(string.ascii_lowercase, k=12))
        stamp = f"by x; {NOON + timedelta(minutes=next(self._numbers)):%d %b %Y %H:%M:%S} +0000"
        fields = {"message_id": f"<{message_id}>", "received": stamp}
        if answered:
            fields |= {"in_reply_to": f"<{answered}>"}
        subject = f"[PATCH] {word} is a title" if is_patch(message_id) else f"Re: {word} is a title"
        diff = f"diff --git a/{word}/x.c b/{word}/x.c\n--- a/{word}/x.c\n+++ b/{word}/x.c\n@@ -1 +1 @@\n-a\n+b\n"
        body = f"All that {word} says.\n\nReviewed-by: {word} <{word}@b.example>\n---\n{diff}"
        data = compose(subject, body=body, sender=f"{word.title()} <{word}@a.example>", **fields)
        self.words[blob_id(data)], self.ids[blob_id(data)] = word, message_id
        self.mails[blob_id(data)] = read_one(data)
        return data

    def _words_in(self, text: str) -> Iterator[str]:
        return (word for word in self.words.values() if word in text)


def is_patch(message_id: str) -> bool:
    return message_id[-len("0@sample.example")] in "02468"


def live(
    world: World, reader: Reader, changes: Changes = World.CHANGES, steps: int = STEPS
) -> Iterator[tuple[str, ...]]:
    """Let the archives change, and the reader read now and then; the lists that were just read."""
    for _ in range(steps):
        world.step(changes)
        if world.chance.random() < 0.2:
            names = tuple(world.chance.sample(LISTS, world.chance.choice((1, 2))))
            for name in names:
                world.follow(reader, name)
            yield names
    for name in LISTS:
        world.find_all(name)
        world.follow(reader, name)
    yield LISTS


class Inspection:
    """What an index ought to be like inside, whatever has happened."""

    def __init__(self, world: World, bot: Bot) -> None:
        self._world, self._bot = world, bot
        self._sought: set[str] = set()

    def look(self, name: str) -> None:
        rows = {table: [row._mapping for row in found] for table, found in self._all().items()}
        self._no_orphans(rows)
        self._sums(rows)
        self._mails(name, rows)
        self._searches(rows)
        if self._bot.engine.dialect.name == "sqlite" and self._bot.came.removed and self._world.was_rewritten:
            self._file()

    def _all(self) -> dict[str, list]:
        with reading(self._bot.engine) as connection:
            return {table.name: connection.execute(select(table)).all() for table in metadata.sorted_tables}

    def _no_orphans(self, rows) -> None:
        mails = {row["id"] for row in rows["mail"]}
        assert {row["mail_id"] for row in rows["seen"]} == mails
        for table in ("body", "tag", "touched", "copy"):
            assert {row["mail_id"] for row in rows[table]} <= mails
        read = [row for row in rows["mail"] if row["blob"]]
        assert {row["mail_id"] for row in rows["body"]} == {row["id"] for row in read}
        noted = {
            row["id"]: (row["sender_id"], row["author_id"], row["is_patch"], row["is_reply"], row["defects"] != "")
            for row in rows["mail"]
        }
        for row in rows["seen"]:
            counts = ("sender_id", "author_id", "is_patch", "is_reply", "is_defective")
            assert tuple(row[count] for count in counts) == noted[row["mail_id"]]
        assert {row["id"] for row in rows["person"]} == {row[who] for row in read for who in ("sender_id", "author_id")}
        assert {row["id"] for row in rows["directory"]} == {row["directory_id"] for row in rows["touched"]}
        known = {row["message_id"] for row in rows["mail"]}
        assert {row["message_id"] for row in rows["mark"]} <= known | {None}

    def _sums(self, rows) -> None:
        mails = {row["id"]: row for row in rows["mail"] if row["blob"]}
        places = [(row["list_id"], row["mail_id"]) for row in rows["seen"]] + [
            (ALL_LISTS, mail_id) for mail_id in mails
        ]
        sums: dict[tuple[int, int], tuple[int, int, int, int]] = {}
        for list_id, mail_id in places:
            if mail := mails.get(mail_id):
                for person in {mail["sender_id"], mail["author_id"]}:
                    count, patches, replies, newest = sums.get((list_id, person), (0, 0, 0, 0))
                    patches += mail["subject"].startswith("[PATCH]") and person == mail["author_id"]
                    replies += mail["subject"].startswith("Re:") and person == mail["sender_id"]
                    sums[list_id, person] = count + 1, patches, replies, max(newest, mail["received"])
        assert {
            (row["list_id"], row["person_id"]): (row["mails"], row["patches"], row["replies"], row["newest"])
            for row in rows["contribution"]
        } == sums

    def _mails(self, name: str, rows) -> None:
        """What is kept of a mail is what one of its copies says; one that nobody can read now is waited for."""
        world = self._world
        allowed = {blob for holding in world.holding.values() for blob in holding}
        blobs = {row["message_id"]: row["blob"] for row in rows["mail"]}
        blank = {row["id"] for row in rows["mail"] if not row["blob"]}
        for row in rows["seen"]:
            waits = {"list_id": row["list_id"], "epoch": row["epoch"], "commit": row["commit"], "blob": row["blob"]}
            waiting = [dict(unread) for unread in rows["unread"]]
            blank -= {row["mail_id"]} if waits in waiting else set()
        assert not blank, "nobody reads it again"
        for mail in mails_of(self._bot.engine, name):
            blob = blobs[mail.message_id]
            assert blob in allowed
            assert mail == world.mails[blob]

    def _searches(self, rows) -> None:
        """A mail's word finds it, and the word of one that is gone finds nothing."""
        now = {self._world.words[row["blob"]]: row for row in rows["mail"] if row["blob"]}
        changed = set(now) ^ self._sought
        with reading(self._bot.engine) as connection:
            for word in changed | self._world.forbidden if self._world.was_rewritten else changed:
                found = [now[word]["id"]] if word in now else []
                assert fulltext.newest_with(connection, fulltext.TEXTS, [word], 5) == found
                titled = found if found and now[word]["is_patch"] else []
                assert fulltext.newest_with(connection, fulltext.TITLES, [word], 5) == titled
        self._sought = set(now)

    def _file(self) -> None:
        with reading(self._bot.engine) as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        kept = Path(str(self._bot.engine.url.database)).read_bytes()
        sent = " ".join(post for name in LISTS for post in self._bot.posts(name))
        # FTS5 keeps what a word shares with the one before it only once.
        left = {word for word in self._world.forbidden if word[3:].encode() in kept and word not in sent}
        assert not left, f"in the file: {left}"


def run(folder: Path, engine: Engine, readers: Readers, seed: int, steps: int = STEPS) -> None:
    world = World(folder, random.Random(seed))
    bot = Bot(folder, engine, readers)
    inspection = Inspection(world, bot)
    with ExitStack() as stack:
        stack.callback(bot.close)
        for name in LISTS:
            world.follow(bot, name)
            bot.publish(name)
            world.times[name].clear()
        for names in live(world, bot, steps=steps):
            for name in names:
                inspection.look(name)
            if set(names) == set(LISTS) and world.chance.random() < 0.6:
                for name in LISTS:
                    bot.read(name)  # what the other list's purges have left blank
                    bot.publish(name)
            if world.chance.random() < 0.2:
                bot.deliver(world.chance)
        for name in LISTS * 2:
            bot.read(name)
        bot.deliver(world.chance, interrupted=0)
        for name in LISTS:
            bot.publish(name)
            _each_was_told_once(world, bot, name)
        rows = bot.rows()
        assert not rows["unread"]
        assert all(row[3] for row in rows["mail"])
        for name in LISTS:
            bot.read(name)
            assert bot.came == Added()
        assert bot.rows() == rows


def _each_was_told_once(world: World, bot: Bot, name: str) -> None:
    words: dict[str, set[str]] = {}
    for blob, message_id in world.ids.items():
        words.setdefault(message_id, set()).add(world.words[blob])
    # What waits is told again and again.
    posts = [re.sub(r"## Needs attention\n.*?(?=\n## |\Z)", "", post, flags=re.DOTALL) for post in bot.posts(name)]
    held = set(bot.held(name))
    for message_id, times in world.times[name].items():
        if is_patch(message_id):
            told = sum(any(word in post for word in words[message_id]) for post in posts)
            assert told <= times, "told twice"
            assert told or message_id not in held, "never told"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_announced_twice_or_missed_and_nothing_is_left_of_what_was_taken_out(
    tmp_path: Path, sqlite: Engine, readers: Readers, seed: int
) -> None:
    run(tmp_path, sqlite, readers, seed)


@pytest.mark.parametrize("seed", range(max(2, SEEDS // 15)))
def test_the_same_holds_on_postgresql(tmp_path: Path, postgresql_engine: Engine, readers: Readers, seed: int) -> None:
    run(tmp_path, postgresql_engine, readers, 1000 + seed)


@pytest.mark.parametrize("seed", range(5))
def test_a_naive_reader_does_well_while_archives_only_grow_and_fails_as_soon_as_they_change(
    tmp_path: Path, seed: int
) -> None:
    """The control: what is asked of the bot cannot be had for nothing."""
    growing = World(tmp_path / "growing", random.Random(seed))
    assert list(live(growing, Naive(tmp_path / "growing"), World.ADDITIONS, 50))
    changing = World(tmp_path / "changing", random.Random(seed))
    with pytest.raises(AssertionError):
        list(live(changing, Naive(tmp_path / "changing")))
