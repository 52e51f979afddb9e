"""A chat platform of our own, behind a socket: a server that misbehaves by seed, and the adapter for it.

Its ledger is a file that only grows, one line a post. Times are real seconds, and small: the bot's clock is fast.
"""

import asyncio
import http.client
import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chatbot.chat.platform import Answer, Receipt, still_ours
from chatbot.chat.post import Dialect, Post
from chatbot.chat.styled import DIALECT
from chatbot.errors import Unavailable, Unknown
from tests.fakes.handler import Handler

# How long the adapter waits for an answer, how late a post may be accepted, and how old a history may be.
PATIENCE = LATE = STALE = 0.1
# Longer than these together: what a machine with other work adds is in it, too.
SETTLES = 0.6
# What the server does, of 100 posts; with the rest it behaves.
FAULTS = {
    "refuses": 5,
    "too many": 7,
    "500 before": 5,
    "500 after": 4,
    "accepts, resets": 8,
    "accepts, hangs": 4,
    "accepts late": 7,
}
STALE_HISTORIES = 0.3


@dataclass(frozen=True)
class Line:
    room: str
    key: str
    body: str
    under: str | None
    at: float


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, ledger: Path, seed: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._ledger, self._chance, self._lock = ledger, random.Random(seed), threading.Lock()
        self.lines: list[Line] = []

    def roll(self) -> str:
        with self._lock:
            (found,) = self._chance.choices([*FAULTS, "behaves"], [*FAULTS.values(), 100 - sum(FAULTS.values())])
        return found

    def history(self, room: str) -> list[tuple[str, str]]:
        """Ids and keys; now and then without the newest."""
        with self._lock:
            until = time.monotonic() - (STALE if self._chance.random() < STALE_HISTORIES else 0)
            return [(str(n), one.key) for n, one in enumerate(self.lines) if one.room == room and one.at <= until]

    def accept(self, room: str, key: str, body: str, under: str | None) -> str:
        with self._lock:
            line = Line(room, key, body, under, time.monotonic())
            self.lines.append(line)
            with self._ledger.open("a") as file:
                file.write(json.dumps(asdict(line)) + "\n")
            return str(len(self.lines) - 1)

    def handle_error(self, *_: object) -> None:
        """Whoever asked was killed."""


class _Handler(Handler):
    server: Server

    def do_GET(self) -> None:  # noqa: N802  # the library calls it so
        self._answer(200, self.server.history(self.path.strip("/")))

    def do_POST(self) -> None:  # noqa: N802  # as above
        post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        accept = lambda: self.server.accept(self.path.strip("/"), **post)  # noqa: E731
        match self.server.roll():
            case "refuses":
                self._answer(503, "try again")
            case "too many":
                self._answer(429, "slow down", after=30)
            case "500 before":
                self._answer(500, "something went wrong")
            case "500 after":
                accept()
                self._answer(500, "something went wrong")
            case "accepts, resets":
                accept()
                self.reset()
            case "accepts, hangs":
                accept()
                time.sleep(2 * PATIENCE)
            case "accepts late":
                self.reset()
                time.sleep(random.uniform(0, LATE))
                accept()
            case _:
                self._answer(200, accept())

    def _answer(self, status: int, body: object, after: int | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if after is not None:
            self.send_header("Retry-After", str(after))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@dataclass
class Wire:
    """The adapter. `passing` is told of each point at which a process may be killed."""

    port: int
    settles: timedelta
    passing: Callable[[str], None] = lambda _: None
    name: str = "terminal"
    dialect: Dialect = DIALECT
    login: str = ""

    async def listen(self, answer: Answer) -> None:
        """Nobody asks anything."""

    async def send(self, room: str, post: Post, key: str, under: str | None = None) -> Receipt:
        body = json.dumps({"key": key, "body": post.body, "under": under})
        return Receipt(await asyncio.to_thread(self._call, "POST", room, body))

    async def find(self, room: str, key: str, since: datetime, under: str | None = None) -> Receipt | None:  # noqa: ARG002  # it tells everything
        found = {known: remote_id for remote_id, known in await asyncio.to_thread(self._call, "GET", room)}
        return Receipt(found[key]) if key in found else None

    async def close(self) -> None:
        """Nothing is held."""

    def _call(self, method: str, room: str, body: str | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            self.passing(f"before {method}")
            if method == "POST":
                still_ours.get()()
            connection.request(method, f"/{room}", body)
            self.passing(f"after {method}")
            response = connection.getresponse()
            said = json.loads(response.read())
        except ConnectionRefusedError as error:
            raise Unavailable(str(error)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unknown(str(error)) from error
        finally:
            connection.close()
        if response.status in (429, 503):
            raise Unavailable(said, float(response.headers.get("Retry-After", 0)))
        if response.status != http.HTTPStatus.OK:
            raise Unknown(said)
        return said
