"""What stands between a bot and its homeserver, and misbehaves: as it is told, or by seed.

python -m tests.fakes.proxy PORT SEED       prints its own port; misbehaves from its first SIGUSR1 on
"""

import http.client
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from tests.fakes.handler import Handler

# What it does with 100 requests that change something; with the rest it behaves.
FAULTS = {
    "refuses": 3,
    "too many": 4,
    "500 before": 4,
    "500 after": 4,
    "page before": 2,
    "resets before": 3,
    "resets after": 6,
    "truncates": 6,
}


def _error(code: str, said: str, **more: int) -> bytes:
    return json.dumps({"errcode": code, "error": said, **more}).encode()


# What it says itself. The milliseconds are those that it asks to be left alone, as a homeserver says it.
_ANSWERS = {
    "refuses": (503, _error("M_UNKNOWN", "come again")),
    "too many": (429, _error("M_LIMIT_EXCEEDED", "slow down", retry_after_ms=50)),
    "too large": (413, _error("M_TOO_LARGE", "too large")),
    "forbids": (403, _error("M_FORBIDDEN", "not for you")),
    "500 before": (500, _error("M_UNKNOWN", "no")),
    "page before": (502, b"<html>Bad Gateway \xff\xfe</html>"),
}


class Proxy(ThreadingHTTPServer):
    """`faults` are what happens to the next requests whose path has the first word, one by one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, seed: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream, self._chance, self._lock = port, random.Random(seed), threading.Lock()
        self.by_seed = False
        self.faults: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def fault(self, method: str, path: str) -> str:
        with self._lock:
            for place, (word, kind) in enumerate(self.faults):
                if word in path:
                    del self.faults[place]
                    return kind
            if self.by_seed and method != "GET":
                kinds, weights = [*FAULTS, "behaves"], [*FAULTS.values(), 100 - sum(FAULTS.values())]
                return self._chance.choices(kinds, weights)[0]
        return "behaves"

    def handle_error(self, *_: object) -> None:
        """Whoever asked was killed."""


class _Handler(Handler):
    server: Proxy

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match self.server.fault(self.command, self.path):
            case kind if kind in _ANSWERS:
                self._answer(*_ANSWERS[kind])
            case "resets before":
                self.reset()
            case "resets after":
                self._pass_on(body)
                self.reset()
            case "500 after":
                self._pass_on(body)
                self._answer(500, b"Internal Server Error")
            case "truncates":
                status, said = self._pass_on(body)
                self._answer(status, said, longer=9)
            case "nonsense":
                self._pass_on(body)
                self._answer(200, b"<html>welcome to our hotel</html>")
            case _:
                self._answer(*self._pass_on(body))

    do_GET = do_POST = do_PUT = _handle  # noqa: N815  # the library's names

    def _pass_on(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=120)
        try:
            kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if self.headers[name]}
            connection.request(self.command, self.path, body or None, kept)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, longer: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if body[:1] == b"{" else "text/html")
        self.send_header("Content-Length", str(len(body) + longer))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def proxy(port: int) -> Iterator[Proxy]:
    """One that runs beside the test."""
    with Proxy(port) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.shutdown()
            thread.join()


def main(port: str, seed: str) -> None:
    made = Proxy(int(port), int(seed))

    def misbehave(*_: object) -> None:
        made.by_seed = not made.by_seed

    signal.signal(signal.SIGUSR1, misbehave)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    sys.stdout.write(f"{made.server_address[1]}\n")
    sys.stdout.flush()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main(*sys.argv[1:])
