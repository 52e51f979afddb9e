"""The kill loop on Matrix: a real homeserver behind a proxy that misbehaves, and the adapter with its keys.

    python -m tests.stories.killing_matrix FOLDER KILLS SEED [encrypted | other transaction ids]

A bot may be killed before and after each of its requests, too. What arrived is what another client reads. This process
encrypts nothing itself: those that are forked from it would all make the same keys.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from chatbot.app import bot
from chatbot.chat import matrix_device
from chatbot.chat.matrix import opened
from chatbot.chat.platform import Platform
from tests.fakes.matrix import WORDS, Elsewhere
from tests.fakes.synapse import PASSWORD, Person, Synapse
from tests.stories.killing import ROOMS, TEMPLATE, World, main

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


class Room(World):
    platform, template = "matrix", f"<p>{TEMPLATE}</p>"
    points = 60

    def begin(self, seed: int) -> None:
        self.homeserver = Synapse(self.folder / "synapse")
        self.homeserver.start()
        command = [sys.executable, "-m", "tests.fakes.proxy", str(self.homeserver.port), str(seed)]
        self.proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.proxy.stdout
        url = f"http://127.0.0.1:{int(self.proxy.stdout.readline())}"
        person, self.mia = self.homeserver.person("bot"), self.homeserver.person("mia")
        login = subprocess.run([sys.executable, "-c", LOGIN, self.folder, url, person.id, PASSWORD], check=False)
        assert login.returncode == 0
        device = matrix_device.load(self.folder / "device")
        self.bot = Person(self.homeserver.url, device.user, device.id, device.token)
        self.rooms = {room: self.mia.make_room(self.bot, encrypted=self.control == "encrypted") for room in ROOMS}
        for room in self.rooms.values():
            self.bot.join(room)
        self.reader = Elsewhere(self.mia, self.folder / "mia")
        self.proxy.send_signal(signal.SIGUSR1)

    def end(self) -> None:
        self.reader.end()
        self.proxy.kill()
        self.proxy.communicate()
        self.homeserver.stop()

    def table(self) -> dict[str, object]:
        return {"device": "device"}

    @contextmanager
    def open(self, passing: Callable[[str], None]) -> Iterator[Platform]:
        with opened(self.folder / "device", WORDS, now=self.now) as platform:
            if self.control == "other transaction ids":
                platform._device = replace(platform._device, prefix=str(os.getpid()))
            ask = platform._server.ask

            async def passed(method: str, *more: Any, **named: Any) -> Any:
                passing(f"before {method}")
                said = await ask(method, *more, **named)
                passing(f"after {method}")
                return said

            platform._server.ask = passed  # type: ignore[method-assign]
            yield platform
            with suppress(RuntimeError):
                asyncio.run(platform.close())

    def posts(self, room: str) -> list[str]:
        sent = [one for one in self.mia.events(self.rooms[room]) if one["sender"] == self.bot.id]
        if self.control != "encrypted":
            return [one["content"]["body"] for one in sent if one["type"] == "m.room.message"]
        assert not [one for one in sent if one["type"] == "m.room.message"]
        read = self.reader.read()
        return [read.get(one["event_id"], "unreadable") for one in sent if one["type"] == "m.room.encrypted"]

    def round(self, *arguments: Any, **named: Any) -> None:
        """The other client is there now and then."""
        super().round(*arguments, **named)
        self.reader.read()


if __name__ == "__main__":
    main(*sys.argv[1:], world=Room)
