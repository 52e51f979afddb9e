"""The bot's side of Matrix: its device on the homeserver of the tests, and what it answers."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nio import AsyncClient, AsyncClientConfig, MegolmEvent, RoomEncryptedMedia, RoomMessage, SyncResponse

from chatbot.chat import matrix_device
from chatbot.chat.matrix import Matrix, opened
from chatbot.chat.matrix_events import Manners
from chatbot.chat.platform import Request
from chatbot.chat.post import File, Post
from tests import unmeasured
from tests.fakes.synapse import PASSWORD, Person, Synapse, eventually

WORDS = ("/series", "/digest", "/subscribe", "/help")


@dataclass
class Clerk:
    """Answers every command with what was asked, and remembers it; what is `slow` waits until it may. A `file` goes
    with it.
    """

    asked: list[Request] = field(default_factory=list)
    slow: asyncio.Event | None = None
    file: File | None = None

    async def __call__(self, request: Request) -> Post:
        self.asked.append(request)
        if self.slow:
            await self.slow.wait()
        return Post("matrix", f"<p>you asked {request.text}</p>", self.file)


def log_in(server: Synapse, folder: Path) -> matrix_device.Device:
    """A bot with an account of its own, and its device."""
    person = server.person("bot")
    return matrix_device.log_in(folder, server.url, person.id, PASSWORD, datetime.now(UTC))


@asynccontextmanager
async def listening(platform: Matrix, clerk: Callable[[Request], Awaitable[Post]]) -> Any:
    """The platform listens, from the place where it was."""
    task = asyncio.ensure_future(platform.listen(clerk))
    place = platform._place
    try:
        while not place.upto and not task.done():  # noqa: ASYNC110  # the platform is watched from outside
            await asyncio.sleep(0.02)
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], Any]) -> Any:
    """As `eventually`, beside the loop."""
    return await asyncio.to_thread(eventually, holds)


def utc_now() -> datetime:
    """The homeserver's time."""
    return datetime.now(UTC)


@contextmanager
def bot(
    folder: Path, manners: Manners | None = None, **more: Any
) -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Runs what is done with an open platform: `run(lambda platform: …)`."""
    with opened(folder, WORDS, manners, **{"now": utc_now, **more}) as platform:

        def run(do: Callable[[Matrix], Coroutine[Any, Any, Any]]) -> Any:
            async def whole() -> Any:
                try:
                    return await do(platform)
                finally:
                    await platform.close()

            return asyncio.run(whole())

        yield run  # type: ignore[misc]


class Reader:
    """A person's client with encryption: nio's own."""

    def __init__(self, person: Person, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.person = person
        self._client = AsyncClient(person.url, person.id, person.device, str(folder), AsyncClientConfig())
        self._client.restore_login(person.id, person.device, person.token)
        self.read: dict[str, tuple[str, str]] = {}
        self.contents: dict[str, Any] = {}
        self.unread: set[str] = set()

    async def sync(self) -> None:
        """What came since, and the chores."""
        client = self._client
        all_of_it = {"room": {"timeline": {"limit": 500}}}
        said = await client.sync(0, all_of_it, client.next_batch or None, full_state=not client.next_batch)
        assert isinstance(said, SyncResponse), said
        await client.send_to_device_messages()
        if client.should_upload_keys:
            await client.keys_upload()
        if client.should_query_keys:
            await client.keys_query()
        for info in said.rooms.join.values():
            for event in info.timeline.events:
                if isinstance(event, MegolmEvent):
                    self.unread.add(event.event_id)
                elif isinstance(event, RoomMessage | RoomEncryptedMedia):
                    self.read[event.event_id] = (event.sender, event.source["content"]["body"])
                    self.contents[event.event_id] = event.source["content"]

    async def say(self, room: str, text: str) -> str:
        content = {"msgtype": "m.text", "body": text}
        said = await self._client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
        return str(said.event_id)

    async def hears(self, sender: str, count: int = 1) -> list[str]:
        """So much of what somebody says, when it has come."""
        async with asyncio.timeout(20):
            while True:
                await self.sync()
                found = [body for who, body in self.read.values() if who == sender]
                if len(found) >= count:
                    return found
                await asyncio.sleep(0.1)

    async def close(self) -> None:
        await self._client.close()
        self._client.store.database.close()


class Elsewhere:
    """Such a client in a process of its own. See matrix_reader.py."""

    def __init__(self, person: Person, folder: Path) -> None:
        who = (person.url, person.id, person.device, person.token, str(folder))
        command = [sys.executable, "-m", "tests.fakes.matrix_reader", *who]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=unmeasured.environment()
        )
        self.read()

    def read(self) -> dict[str, str]:
        """What it has read up to now, by the events' ids."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def end(self) -> None:
        self._process.communicate()
