"""The kill loop on Matrix: a real homeserver behind a proxy that misbehaves, and the adapter with its keys.

    python -m tests.stories.killing_matrix FOLDER KILLS SEED matrix [encrypted | other transaction ids]

A bot may be killed before and after each of its requests, too. What arrived is what another client reads. This process
encrypts nothing itself: those that are forked from it would all make the same keys.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from chatbot.app import bot
from chatbot.chat import matrix, matrix_device
from chatbot.chat.matrix import opened
from chatbot.chat.platform import Platform
from tests.fakes.matrix import WORDS, Elsewhere
from tests.fakes.synapse import PASSWORD, Person, Synapse
from tests.stories import killing
from tests.stories.killing import PLACES, TEMPLATE, Passing, Place, World

assert bot  # loaded before the loop begins to fork
LOGIN = """
import sys
from datetime import timedelta
from pathlib import Path
from chatbot.chat.matrix_device import log_in
from tests.conftest import NOON
folder, *account = sys.argv[1:]
log_in(Path(folder) / "device", *account, NOON - timedelta(days=1))
"""


class Stage:
    """The homeserver, the proxy before it, the bot's account, mia with her client, and two rooms."""

    def __init__(self, folder: Path, seed: int, control: str) -> None:
        self.folder, self.control, self.held = folder, control, list[object]()
        self.homeserver = Synapse(folder / "synapse")
        self.homeserver.start()
        command = [sys.executable, "-m", "tests.fakes.proxy", str(self.homeserver.port), str(seed)]
        self.proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.proxy.stdout
        url = f"http://127.0.0.1:{int(self.proxy.stdout.readline())}"
        person, self.mia = self.homeserver.person("bot"), self.homeserver.person("mia")
        login = subprocess.run([sys.executable, "-c", LOGIN, folder, url, person.id, PASSWORD], check=False)
        assert login.returncode == 0
        device = matrix_device.load(folder / "device")
        self.bot = Person(self.homeserver.url, device.user, device.id, device.token)
        self.rooms = [self.mia.make_room(self.bot, encrypted=control == "encrypted") for _ in range(2)]
        for room in self.rooms:
            self.bot.join(room)
        self.reader = Elsewhere(self.mia, folder / "mia")
        self.proxy.send_signal(signal.SIGUSR1)

    def end(self) -> None:
        self.reader.end()
        self.proxy.kill()
        self.proxy.communicate()
        self.homeserver.stop()

    def adapter(self, now: Callable[[], datetime], passing: Passing) -> Platform:
        """In a process that ends with it."""
        opening = opened(self.folder / "device", WORDS, now=now)
        self.held.append(opening)
        platform = opening.__enter__()
        if self.control == "other transaction ids":
            platform._device = replace(platform._device, prefix=str(os.getpid()))
        ask = platform._server.ask

        async def passed(method: str, *more: Any, **named: Any) -> Any:
            passing(f"before {method}")
            said = await ask(method, *more, **named)
            passing(f"after {method}")
            return said

        platform._server.ask = passed  # type: ignore[method-assign]
        return platform

    def posts(self, room: str) -> list[str]:
        """What has arrived in a room, as mia reads it."""
        sent = [one for one in self.mia.events(room) if one["sender"] == self.bot.id]
        if self.control != "encrypted":
            return [one["content"]["body"] for one in sent if one["type"] == "m.room.message"]
        assert not [one for one in sent if one["type"] == "m.room.message"]
        read = self.reader.read()
        return [read.get(one["event_id"], "unreadable") for one in sent if one["type"] == "m.room.encrypted"]


def main(folder: str, kills: str, seed: str, platform: str = "matrix", control: str = "") -> None:
    stage = Stage(Path(folder), int(seed), control)

    class Room(World):
        def round(self, *arguments: Any, **named: Any) -> None:
            """The other client is there now and then."""
            super().round(*arguments, **named)
            stage.reader.read()

        def _run(self, last: int) -> None:
            make = lambda _, __, passing: stage.adapter(self.now, passing)  # noqa: E731
            self.place = replace(self.place, adapter=make)
            super()._run(last)

        def faults(self) -> dict[str, int]:
            lines = [(room, body) for room in stage.rooms for body in stage.posts(room)]
            said = ({"room": room, "body": body, "under": None} for room, body in lines)
            self.ledger.write_text("".join(f"{json.dumps(one)}\n" for one in said))
            return super().faults()

    def nobody(*_: object) -> Platform:
        raise AssertionError

    def sleeper(_: Path, __: int) -> tuple[str, int]:
        return "", subprocess.Popen(["sleep", "3600"]).pid  # what the loop ends is not this stage

    PLACES[platform] = Place(
        dict(zip(stage.rooms, [("kvm", "coco"), ("kvm",)], strict=True)),
        f"<p>{TEMPLATE}</p>",
        lambda text: [text],
        sleeper,
        matrix.DIALECT,
        nobody,
        nobody,
    )
    killing.POINTS = 60  # a post takes more requests here
    try:
        killing.main(folder, kills, seed, platform, control, make=Room)
    finally:
        stage.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
