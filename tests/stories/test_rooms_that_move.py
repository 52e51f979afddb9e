"""What the config says of a room, by its id or by an alias, follows it wherever it goes on."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chatbot.app import bot
from chatbot.chat import matrix_device
from chatbot.config import check_config
from chatbot.run import run
from chatbot.serve import Bot
from tests.conftest import NOON, compose
from tests.fakes.matrix import until
from tests.fakes.proxy import proxy
from tests.fakes.synapse import PASSWORD, Person, Synapse

DAY = timedelta(days=1)


class World:
    """A bot whose config names a room; each day a mail comes, and a digest at nine."""

    def __init__(self, folder: Path, archive: Callable[..., Path], server: Synapse) -> None:
        self.folder, self.archive = folder, archive
        self.mia, account = server.person("mia"), server.person("bot")
        self.user = account
        matrix_device.log_in(folder / "device", server.url, account.id, PASSWORD, NOON - DAY)
        self.alias = f"#kvm-{account.id[1:].partition(':')[0]}:test.example"
        self.now, self.mails = NOON, list[bytes]()

    def make_room(self) -> str:
        room = self.mia.make_room(self.user)
        self.mia.set_state(room, "m.room.join_rules", {"join_rule": "public"})
        self.user.join(room)
        return room

    def point(self, room: str) -> None:
        """Have the alias lead there."""
        path = f"directory/room/{self.alias.replace('#', '%23')}"
        if self.mia.has(path):
            self.mia.call("DELETE", path)
        self.mia.call("PUT", path, {"room_id": room})

    def run(self, name: str, do: Callable[[Bot], Any]) -> None:
        """Start the bot as the command line does, with a room of this name; and stop it."""
        settings = {
            "store": {"url": f"sqlite:///{self.folder}/bot.sqlite3"},
            "platforms": {"matrix": {"device": "device", "prefixes": {name: "%"}}},
            "lists": [{"name": "kvm", "title": "KVM", "archive": "kvm"}],
            "rooms": [{"platform": "matrix", "room": name, "managers": [self.mia.id], "zone": "Asia/Tokyo"}],
            "subscriptions": [{"platform": "matrix", "room": name, "list": "kvm", "when": "daily at 09:00"}],
        }

        async def whole(made: Bot) -> None:
            try:
                await do(made)
            finally:
                await made.platforms["matrix"].close()

        with bot(check_config(settings, self.folder), lambda: self.now) as made:
            asyncio.run(whole(made))

    def day(self, name: str) -> None:
        """A day goes by with a mail, and then the bot starts."""
        self.mail()
        self.run(name, lambda made: made.tick())

    def mail(self) -> None:
        """One comes, in the course of a day."""
        self.now += DAY
        stamp = f"by x; {self.now - timedelta(hours=9):%d %b %Y %H:%M:%S} +0000"
        self.mails.append(compose(f"[PATCH] number {len(self.mails)}", len(self.mails), received=stamp))
        shutil.rmtree(self.folder / "kvm", ignore_errors=True)
        self.archive(self.mails, name="kvm")

    def heard(self, room: str) -> list[str]:
        """How many mails the bot told of there, in each digest."""
        bodies = [one["content"]["body"].splitlines() for one in self.mia.heard(room, self.user)]
        return [" ".join(lines[1].split()[:2]) for lines in bodies if lines[0] == "KVM mailing list"]


@pytest.fixture
def world(tmp_path: Path, archive: Callable[..., Path], homeserver: Synapse) -> World:
    return World(tmp_path, archive, homeserver)


ONE = "1 mail"


def test_an_upgraded_room_keeps_what_the_config_says_of_it(world: World) -> None:
    old = world.make_room()
    for _ in range(2):
        world.day(old)
    assert world.heard(old) == [ONE]
    rooms: list[str] = []

    async def upgrade(made: Bot) -> None:
        serving = asyncio.ensure_future(run(replace(made, refresh=DAY)))
        await until((world.folder / "device" / "place.json").exists)
        said = world.mia.call("POST", f"rooms/{old}/upgrade", {"new_version": "12"})
        rooms.append(said["replacement_room"])
        await until(lambda: made.names)  # it has come, and has noted what it is there
        assert world.user.id in world.mia.members(rooms[0])
        world.mia.say(rooms[0], "%subscriptions")
        await until(
            lambda: any("Asia/Tokyo" in one["content"]["body"] for one in world.mia.heard(rooms[0], world.user))
        )
        world.mia.say(rooms[0], "%subscriptions mine")
        mine = f"{rooms[0]}\n"
        await until(lambda: any(mine in one["content"]["body"] for one in world.mia.heard(rooms[0], world.user)))
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    world.run(old, upgrade)
    for _ in range(2):
        world.day(old)
    assert world.heard(old) == [ONE]
    assert world.heard(rooms[0]) == [ONE, ONE]


def test_an_alias_is_asked_for_at_the_start_and_where_its_room_takes_nothing(world: World) -> None:
    world.day(world.alias)  # there is no such room yet
    first, second, third = (world.make_room() for _ in range(3))
    world.point(first)
    world.day(world.alias)
    world.day(world.alias)
    assert world.heard(first) == [ONE]
    world.point(second)
    world.day(world.alias)

    async def kicked(made: Bot) -> None:
        await made.tick()
        world.mia.call("POST", f"rooms/{second}/kick", {"user_id": world.user.id})
        world.point(third)
        for _ in range(2):
            world.mail()
            await made.tick()  # what comes first is parked: the room takes nothing

    world.run(world.alias, kicked)
    assert (world.heard(first), world.heard(second), world.heard(third)) == ([ONE], [ONE], ["2 mails"])


def test_a_homeserver_that_does_not_answer_is_asked_for_one_alias_in_a_tick(world: World) -> None:
    aliases = [f"{word}{world.alias[1:]}" for word in ("#a", "#b", "#c")]

    async def hang(made: Bot) -> None:
        made.unfound.update(("matrix", name) for name in aliases)
        asked = between.faults = [("directory/room", "500 before")] * 9
        await made.tick()
        assert len(asked) == 8
        made.stopping.set()
        await made.tick()
        assert len(asked) == 8

    device = matrix_device.load(world.folder / "device")
    with proxy(int(device.homeserver.rpartition(":")[2])) as between:
        matrix_device.save(world.folder / "device", replace(device, homeserver=between.url))
        world.mail()
        world.run(world.alias, hang)


def test_a_demotion_counts_at_the_next_command(world: World, homeserver: Synapse) -> None:
    room, ben = world.make_room(), homeserver.person("ben")
    ben.join(room)
    world.day(room)

    def empower(person: Person, level: int) -> None:
        power = world.mia.state(room, "m.room.power_levels")
        world.mia.set_state(room, "m.room.power_levels", power | {"users": {**power["users"], person.id: level}})

    def answers() -> list[str]:
        return [one["content"]["body"] for one in world.mia.heard(room, world.user)]

    async def ask(made: Bot) -> None:
        serving = asyncio.ensure_future(run(replace(made, refresh=DAY)))
        await until((world.folder / "device" / "place.json").exists)
        for number, level in enumerate((50, 49), 1):
            empower(ben, level)
            ben.say(room, "%subscribe kvm hourly")
            await until(lambda number=number: len(answers()) == number)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    world.run(room, ask)
    allowed, refused = answers()
    assert allowed.startswith("Subscribed to kvm")
    assert "you may not manage what this room follows" in refused
