"""Standings that are kept: whatever comes, goes and is corrected in whatever order, they are what a fresh index keeps."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count, starmap
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select

from chatbot.mail.bots import Bots
from chatbot.mail.lineage import Correction
from chatbot.mail.mail import Mail
from chatbot.mail.mailmap import Mailmap
from chatbot.mail.people import People
from chatbot.sources.source import Commit, RawMail
from chatbot.store import following as module
from chatbot.store import tables
from chatbot.store.corrections import Corrections
from chatbot.store.database import open_database, reading
from chatbot.store.entry import batch_of
from chatbot.store.following import Following
from chatbot.store.index import Index
from chatbot.store.removal import forget
from chatbot.store.standings import Kept
from chatbot.store.stretches import Stretches
from chatbot.store.words import key_of
from tests.conftest import NOON, add, chronicle, compose, posted, read_one, thread

PEOPLE = People(bots=Bots.parse('[[bots]]\nbot = "robot"\nkind = "test"\naddress = "robot@ci.example"\n', "rules"))
LATER = NOON + timedelta(days=60)
AUTHORS = ("Ana <ana@a.example>", "Bo <bo@b.example>", "Cy <cy@c.example>")
OTHERS = (*AUTHORS, "Mia <mia@m.example>", "Robot <robot@ci.example>")
SAID = (
    "Reviewed-by: Mia <mia@m.example>\n",
    "Acked-by: Bo <bo@b.example>\n",
    "NAK.\n",
    "Why?\n",
    "Please resend.\n",
    "Applied, thanks!\n",
    "It works for me.\n",
)


def at(mail: bytes, minute: int) -> Mail:
    return replace(read_one(mail), received=NOON + timedelta(minutes=minute))


def diff(name: str, line: str) -> str:
    head = f"--- a/{name}\n+++ b/{name}\n@@ -1,2 +1,3 @@\n"
    return f"Log.\n---\n {name} | 1 +\n 1 file changed, 1 insertion(+)\n\ndiff --git a/{name} b/{name}\n{head} a\n+{line}\n b\n"


class Writers:
    """Who send mails to a list, one every other hour."""

    def __init__(self, chance: random.Random, *, references: bool) -> None:
        self.mails: list[Mail] = []
        self._chance, self._references = chance, references

    def send(self, subject: str, sender: str, body: str, above: Sequence[Mail] = ()) -> Mail:
        fields = {"in_reply_to": f"<{above[-1].message_id}>"} if above else {}
        if above and self._references:
            fields["references"] = " ".join(f"<{mail.message_id}>" for mail in above)
        number = len(self.mails)
        self.mails.append(at(compose(subject, number + 1, body, sender, **fields), 97 * number))
        return self.mails[-1]

    def talk(self, *above: Mail) -> None:
        for _ in range(self._chance.choice((0, 1, 1, 2, 3))):
            sender, said = self._chance.choice(OTHERS), self._chance.choice(SAID)
            reply = self.send(f"Re: {above[-1].subject.title}", sender, said, above)
            if len(above) < 4 and self._chance.random() < 0.5:
                self.talk(*above, reply)

    def post(self, name: str, tag: str, author: str, lines: Sequence[str], above: Sequence[Mail]) -> Mail:
        total = len(lines)
        cover = self.send(f"[{tag} 0/{total}] {name}: all of it", author, "It does something that is new.\n", above)
        for part, line in enumerate(lines, 1):
            body = diff(f"{name[:3]}/{part}.c", line)
            patch = self.send(f"[{tag} {part}/{total}] {name}: part {part}", author, body, [cover])
            if self._chance.random() < 0.5:
                self.talk(cover, patch)
        self.talk(cover)
        return cover


def history(chance: random.Random, *, references: bool) -> list[Mail]:
    """Postings of several versions with talk below them, pull requests, and talk about no patch; as they were sent."""
    list_ = Writers(chance, references=references)
    for name in ("alpha beta gamma", "delta epsilon zeta", "eta theta iota")[: chance.randint(1, 3)]:
        author, total = chance.choice(AUTHORS), chance.randint(1, 3)
        first: list[Mail] = []
        for version in range(1, chance.randint(1, 3) + 1):
            tag = f"PATCH v{version}" if version > 1 else chance.choice(("PATCH", "PATCH", "PATCH", "RFC PATCH"))
            lines = [f"{name} {part} {version if chance.random() < 0.4 else 0}" for part in range(1, total + 1)]
            cover = list_.post(name, tag, author, lines, first if chance.random() < 0.3 else [])
            first = first or [cover]
    for number in range(chance.randint(0, 2)):
        list_.talk(
            list_.send(f"[GIT PULL] {number} tree", AUTHORS[1], "Please pull this.\n", list_.mails[-1:] * number)
        )
    for number in range(chance.randint(0, 2)):
        list_.talk(list_.send(f"A question {number}", OTHERS[3], "How is this done?\n"))
    return list_.mails


def put(index: Index, epoch: int, *mails: Mail, blob: str = "b") -> None:
    """These mails, each in a commit of its own and made of bytes of its own."""
    commits = [Commit(epoch, f"c{epoch}.{number}", NOON, "A") for number in range(len(mails))]
    raws = [RawMail(commit, b"", f"{blob}.{mail.message_id}") for commit, mail in zip(commits, mails, strict=True)]
    with index.writer("kvm") as writer:
        writer.add(batch_of(epoch, commits[-1].id, zip(raws, mails, strict=True)))


@dataclass
class World:
    """An index to which things happen, and what is to be found there at last."""

    engine: Engine
    chance: random.Random
    here: dict[str, Mail] = field(default_factory=dict)
    told: list[Correction] = field(default_factory=list)
    epochs: Iterator[int] = field(default_factory=count)

    def come(self, *mails: Mail) -> None:
        put(Index(self.engine), next(self.epochs), *mails)
        self.here.update((mail.message_id, mail) for mail in mails)

    def go(self) -> None:
        """A mail is taken off the list."""
        gone = self.chance.choice(list(self.here))
        with Index(self.engine).writer("kvm") as writer:
            forget(writer._connection, writer._list_id, row_of(writer._connection, gone))
        del self.here[gone]

    def change(self) -> None:
        """A mail's bytes are gone, another copy of it is there that says something else, and is read later."""
        name = self.chance.choice([name for name, mail in self.here.items() if not mail.patch] or [""])
        if not name:
            return
        said = self.chance.choice(SAID)
        other = read_one(f"From: a <a@b.example>\nSubject: x\nMessage-ID: <{name}>\n\n{said}".encode())
        changed = replace(self.here[name], said=other.said, tags=other.tags)
        index, epoch = Index(self.engine), next(self.epochs)
        put(index, epoch, changed, blob=f"copy{epoch}")
        with index.writer("kvm") as writer:
            forget(writer._connection, writer._list_id, row_of(writer._connection, name))
        self.perhaps_keep_up(0.3)
        put(index, epoch, changed, blob=f"copy{epoch}")
        self.here[name] = changed

    def correct(self) -> None:
        patches = [name for name, mail in self.here.items() if mail.patch]
        if len(patches) < 2:
            return
        one, other = self.chance.sample(patches, 2)
        said = Correction(one, other, self.chance.random() < 0.5, "mia", NOON + timedelta(minutes=len(self.told)))
        Corrections(self.engine).add(said)
        self.told.append(said)

    def perhaps_keep_up(self, chance: float) -> None:
        if self.chance.random() < chance:
            steps = iter([False] * self.chance.choice((1, 2, 99)))
            Following(self.engine).keep_up(PEOPLE, LATER, stopped=lambda: next(steps, True))


def row_of(connection: Connection, message_id: str) -> int:
    query = select(tables.seen.c.id).join(tables.mail, tables.mail.c.id == tables.seen.c.mail_id)
    return int(connection.execute(query.where(tables.mail.c.message_id == message_id)).scalar_one())


def lived(engine: Engine, seed: int) -> World:
    """What happens in an index by chance."""
    chance = random.Random(seed)
    # Over a gap, which mails that went leave, references lead to what is there, and not to what comes later.
    references = chance.random() < 0.3
    world, mails = World(engine, chance), history(chance, references=references)
    happenings = [world.go, world.correct]
    if not references:
        chance.shuffle(mails)
        happenings.append(world.change)
    while mails:
        some, mails = mails[: (much := chance.randint(1, 9))], mails[much:]
        world.come(*some)
        world.perhaps_keep_up(0.4)
        for happens in happenings:
            if chance.random() < 0.15 and world.here:
                happens()
                world.perhaps_keep_up(0.3)
    if not world.here:
        world.come(at(compose("[PATCH] the last", 999), 9999))
    return world


Rows = tuple[dict[str, tuple[Any, ...]], dict[str, tuple[Any, ...]]]


def kept(engine: Engine) -> Rows:
    """The rows of `standing` and of `belongs`, with names in the place of numbers, and documents opened."""
    with reading(engine) as connection:
        rows = connection.execute(select(tables.mail.c.id, tables.mail.c.message_id))
        names = {row.id: row.message_id for row in rows}
        standing = {
            names[row.head_id]: (names[row.lineage_id], *row[2:-1], row.standing)
            for row in starmap(Kept, connection.execute(select(tables.standing)))
        }
        belongs = {
            names[mail_id]: (names.get(head_id, "gone"), *rest)
            for mail_id, head_id, *rest in connection.execute(select(tables.belongs))
        }
    return standing, belongs


def afresh(folder: Path, world: World) -> Rows:
    """What an index keeps that has had the same mails at once, in the same order."""
    with reading(world.engine) as connection:
        query = select(tables.mail.c.message_id).order_by(tables.mail.c.id)
        order = list(connection.execute(query).scalars())
    assert sorted(order) == sorted(world.here)
    engine = open_database(f"sqlite:///{folder}/fresh.sqlite3")
    put(Index(engine), 0, *(world.here[name] for name in order))
    for said in world.told:
        Corrections(engine).add(said)
    Following(engine).keep_up(PEOPLE, LATER)
    found = kept(engine)
    engine.dispose()
    return found


@pytest.mark.parametrize("seed", range(30))
def test_what_is_kept_is_what_a_fresh_index_keeps_of_the_same_mails(sqlite: Engine, tmp_path: Path, seed: int) -> None:
    world = lived(sqlite, seed)
    Following(sqlite).keep_up(PEOPLE, LATER)
    assert kept(sqlite) == afresh(tmp_path, world)
    assert set(kept(sqlite)[1]) == set(world.here)


@pytest.mark.parametrize("seed", [101, 103])
def test_so_it_is_on_postgresql(postgresql_engine: Engine, tmp_path: Path, seed: int) -> None:
    world = lived(postgresql_engine, seed)
    Following(postgresql_engine).keep_up(PEOPLE, LATER)
    assert kept(postgresql_engine) == afresh(tmp_path, world)
    assert set(kept(postgresql_engine)[1]) == set(world.here)


def test_other_rules_begin_anew(sqlite: Engine) -> None:
    """Who is a bot, and who is one human, is in what is kept."""
    add(Index(sqlite), "kvm", *(mails := thread("state-reviewed")))
    following = Following(sqlite)
    assert following.keep_up(People(), LATER) == len(mails)
    before = kept(sqlite)
    (reply,) = [mail for mail in mails if mail.reply]
    robots = Bots.parse(f'[[bots]]\nbot = "r"\nkind = "test"\naddress = "{reply.sender.address}"\n', "rules")
    assert following.keep_up(People(bots=robots, rules="robots"), LATER) == len(mails)
    assert before[1][reply.message_id][1] == key_of(reply.sender.address)
    assert kept(sqlite)[1][reply.message_id][1] is None
    one = Mailmap.parse(f"Mia <mia@new.example> <{reply.sender.address}>\n")
    assert following.keep_up(People(one, rules="one"), LATER) == len(mails)
    assert kept(sqlite)[1][reply.message_id][1] == key_of("mia@new.example")
    assert following.keep_up(People(), LATER) == len(mails)
    assert kept(sqlite) == before


def test_a_stop_between_two_transactions_loses_nothing(
    sqlite: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 5)
    mails = history(random.Random(5), references=True)
    assert len(mails) > 20
    world = World(sqlite, random.Random(5))
    world.come(*mails)
    followed, calls = 0, 0
    while (
        came := Following(sqlite).keep_up(PEOPLE, LATER, stopped=lambda: next(once))
        if (once := iter((False, True)))
        else 0
    ):
        followed, calls = followed + came, calls + 1
        assert came <= 5
    assert (followed, calls) == (len(mails), -(-len(mails) // 5))
    assert kept(sqlite) == afresh(tmp_path, world)


def test_what_fails_half_way_is_undone_as_a_whole(sqlite: Engine, tmp_path: Path) -> None:
    world = World(sqlite, random.Random(6))
    mails = history(world.chance, references=True)
    world.come(*mails[:20])
    Following(sqlite).keep_up(PEOPLE, LATER)
    before = kept(sqlite)
    world.come(*mails[20:])

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    event.listen(sqlite, "commit", fail)
    with pytest.raises(KeyboardInterrupt):
        Following(sqlite).keep_up(PEOPLE, LATER)
    event.remove(sqlite, "commit", fail)
    assert kept(sqlite) == before
    Following(sqlite).keep_up(PEOPLE, LATER)
    assert kept(sqlite) == afresh(tmp_path, world)


@contextmanager
def written(engine: Engine) -> Iterator[list[str]]:
    """The statements that change something."""
    found: list[str] = []

    def note(_: object, __: object, statement: str, *___: object) -> None:
        if not statement.startswith(("SELECT", "BEGIN", "WITH")):
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def test_where_nothing_is_new_nothing_is_written(engine: Engine) -> None:
    add(Index(engine), "kvm", *thread("state-reviewed"))
    with written(engine) as statements:
        assert Following(engine).keep_up(PEOPLE, LATER) > 0
    assert statements
    with written(engine) as statements:
        assert Following(engine).keep_up(PEOPLE, LATER + timedelta(days=90)) == 0
    assert statements == []


def test_only_what_a_new_mail_is_about_is_written_anew(sqlite: Engine) -> None:
    index, following = Index(sqlite), Following(sqlite)
    add(index, "kvm", *thread("state-reviewed"), *(other := thread("state-discussed")))
    following.keep_up(PEOPLE, LATER)
    before = kept(sqlite)[0]
    head = other[0].message_id
    add(index, "kvm", at(compose("Re: it", 1, "NAK.\n", OTHERS[3], in_reply_to=f"<{head}>"), 9999), epoch=1)
    with written(sqlite) as statements:
        assert following.keep_up(PEOPLE, LATER) == 1
    assert len([one for one in statements if one.startswith("INSERT INTO standing")]) == 1
    changed = {name for name, row in kept(sqlite)[0].items() if row != before[name]}
    assert changed == {head}


def test_a_pull_request_below_another_is_one_of_its_own(engine: Engine) -> None:
    """`[GIT PULL 2/2]` answers `[GIT PULL 1/2]`; it does not belong to it, nor to nothing."""
    index = Index(engine)
    one = at(compose("[GIT PULL 1/2] soc", 1), 0)
    two = at(compose("[GIT PULL 2/2] dts", 2, in_reply_to="<m1@sample.example>"), 1)
    reply = at(
        compose("Re: [GIT PULL 2/2] dts", 3, "Pulled, thanks.\n", OTHERS[3], in_reply_to="<m2@sample.example>"), 2
    )
    add(index, "kvm", one, two, reply)
    now = chronicle(engine, Stretches(engine).newest("kvm", 9))
    Following(engine).keep_up(People(), LATER)
    later = chronicle(engine, Stretches(engine).newest("kvm", 9))
    for told in (now, later):
        assert [standing.title for standing in posted(told)] == ["soc", "dts"]
        assert [len(standing.remarks) for standing in posted(told)] == [0, 1]
    assert {name: head for name, (head, *_) in kept(engine)[1].items()} == {
        one.message_id: one.message_id,
        two.message_id: two.message_id,
        reply.message_id: two.message_id,
    }


def test_talk_is_below_what_began_it_whenever_that_came(engine: Engine) -> None:
    index, following = Index(engine), Following(engine)
    opener = at(compose("A question", 1, sender=OTHERS[0]), 0)
    first = at(compose("Re: A question", 2, sender=OTHERS[1], in_reply_to="<m1@sample.example>"), 1)
    second = at(compose("Re: A question", 3, sender=OTHERS[2], in_reply_to="<m2@sample.example>"), 2)
    for number, mail in enumerate((second, first, opener)):
        add(index, "kvm", mail, epoch=number)
        following.keep_up(PEOPLE, LATER)
    heads = {head for head, *_ in kept(engine)[1].values()}
    assert heads == {opener.message_id}
    with index.writer("kvm") as writer:
        forget(writer._connection, writer._list_id, row_of(writer._connection, opener.message_id))
    # A mail that comes now does not stand in the place of the one that went.
    add(index, "kvm", at(compose("Another", 4, sender=OTHERS[3]), 3), epoch=3)
    talks = chronicle(engine, Stretches(engine).newest("kvm", 9)).talks
    assert [talk.mail for talk in talks] in ([], [first.message_id])
    following.keep_up(PEOPLE, LATER)
    assert {name: head for name, (head, *_) in kept(engine)[1].items()} == {
        first.message_id: first.message_id,
        second.message_id: first.message_id,
        "m4@sample.example": "m4@sample.example",
    }


def test_a_mail_that_comes_after_the_newest_has_gone_is_followed(engine: Engine) -> None:
    index, following = Index(engine), Following(engine)
    patch = at(compose("[PATCH] a", 1, diff("a.c", "x")), 0)
    reply = at(compose("Re: [PATCH] a", 2, "Why?\n", OTHERS[3], in_reply_to="<m1@sample.example>"), 1)
    add(index, "kvm", patch, reply)
    following.keep_up(PEOPLE, LATER)
    with index.writer("kvm") as writer:
        forget(writer._connection, writer._list_id, row_of(writer._connection, reply.message_id))
    following.keep_up(PEOPLE, LATER)
    add(index, "kvm", at(compose("[PATCH] b", 3, diff("b.c", "x"), OTHERS[1]), 2), epoch=1)
    following.keep_up(PEOPLE, LATER)
    assert set(kept(engine)[0]) == set(kept(engine)[1]) == {"m1@sample.example", "m3@sample.example"}


def test_a_version_that_is_one_no_more_stands_alone(engine: Engine) -> None:
    """v3 followed v1 until v2 came: v2 is what v3 followed, and a maintainer has said that v1 is another series."""
    index, following = Index(engine), Following(engine)

    def sent(version: int, minute: int) -> Mail:
        tag = f"PATCH v{version}" if version > 1 else "PATCH"
        return at(compose(f"[{tag}] alpha beta gamma", version, diff("a.c", "x")), minute)

    add(index, "kvm", sent(1, 0), sent(3, 20))
    following.keep_up(PEOPLE, LATER)
    assert kept(engine)[0]["m1@sample.example"][-1].after.revision == "v3"
    Corrections(engine).add(Correction("m1@sample.example", "m2@sample.example", together=False, by="mia", at=NOON))
    following.keep_up(PEOPLE, LATER)
    add(index, "kvm", sent(2, 10), epoch=1)
    following.keep_up(PEOPLE, LATER)
    first = kept(engine)[0]["m1@sample.example"]
    assert (first[0], first[5]) == ("m1@sample.example", None)
    assert kept(engine)[0]["m3@sample.example"][0] == "m2@sample.example"
