"""A homeserver: the real one, Synapse, on the loopback, with SQLite; and people who talk to it over plain HTTP."""

import base64
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import unmeasured

# What a public server allows, about: ten at once, then one in five seconds.
STRICT = {"per_second": 0.2, "burst_count": 10}
_FREE = {"per_second": 9_999, "burst_count": 9_999}
# Seconds. It starts in 3 on an idle machine.
PATIENCE = 120
NAME = "test.example"
PASSWORD = "open sesame"  # noqa: S105  # the doors are on the loopback
_numbers = count(1)


class Said(Exception):
    """What a homeserver says no with."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Synapse:
    """It can be stopped, and started again on the same port with all that it knew."""

    def __init__(self, folder: Path, messages: dict[str, float] | None = None) -> None:
        """`messages` limits how fast a person may send."""
        folder.mkdir(parents=True)
        self._folder, self.port = folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        key = base64.b64encode(bytes(range(32))).decode().rstrip("=")
        (folder / "signing.key").write_text(f"ed25519 a_test {key}\n")
        settings = {
            "server_name": NAME,
            "report_stats": False,
            "listeners": [
                {
                    "port": self.port,
                    "bind_addresses": ["127.0.0.1"],
                    "type": "http",
                    "resources": [{"names": ["client", "media"]}],
                }
            ],
            "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
            "media_store_path": str(folder / "media"),
            "signing_key_path": str(folder / "signing.key"),
            "macaroon_secret_key": "secret",
            "form_secret": "secret",
            "trusted_key_servers": [],
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "password_config": {"pepper": ""},
            "bcrypt_rounds": 4,
            "presence": {"enabled": False},
            # Without it a repeated /sync gets the same answer for two minutes.
            "caches": {"sync_response_cache_duration": "0s"},
            "rc_message": messages or _FREE,
            "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), _FREE),
            "rc_room_creation": _FREE,
            "rc_registration": _FREE,
            "rc_joins": {"local": _FREE, "remote": _FREE},
            "rc_joins_per_room": _FREE,
            "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), _FREE),
        }
        (folder / "homeserver.yaml").write_text(json.dumps(settings))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """And wait until it answers."""
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "synapse.app.homeserver", "-c", str(self._folder / "homeserver.yaml")],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                env=unmeasured.environment(),
            )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert self._process.poll() is None, (self._folder / "log").read_text()[-2_000:]
            try:
                call(self.url, "GET", "/_matrix/client/versions")
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("Synapse does not answer")

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._process = None

    def person(self, name: str) -> "Person":
        """A new one; the number makes the name the only one."""
        body = {
            "username": f"{name}{next(_numbers)}",
            "password": PASSWORD,
            "auth": {"type": "m.login.dummy"},
        }
        said = call(self.url, "POST", "/_matrix/client/v3/register", body)
        return Person(self.url, said["user_id"], said["device_id"], said["access_token"])


def call(url: str, method: str, path: str, body: object = None, token: str = "") -> Any:
    """One request; the answer, read. Raises Said, and OSError."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=PATIENCE)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        said = json.loads(response.read())
    finally:
        connection.close()
    if response.status != http.HTTPStatus.OK:
        raise Said(response.status, said)
    return said


@dataclass
class Person:
    """Somebody with a client that knows no encryption."""

    url: str
    id: str
    device: str
    token: str
    _sent: Iterator[int] = field(default_factory=count)

    def call(self, method: str, path: str, body: object = None) -> Any:
        return call(self.url, method, f"/_matrix/client/v3/{path}", body, self.token)

    def has(self, path: str) -> bool:
        """Whether there is something to be read."""
        try:
            self.call("GET", path)
        except Said as error:
            assert error.status == http.HTTPStatus.NOT_FOUND  # noqa: PT017  # others are faults of the test
            return False
        return True

    def make_room(self, *guests: "Person", encrypted: bool = False, version: str = "12", **more: object) -> str:
        """Its id; the guests are invited, and no more."""
        state = [{"type": "m.room.encryption", "state_key": "", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
        body = {
            "preset": "private_chat",
            "invite": [guest.id for guest in guests],
            "initial_state": state if encrypted else [],
            "room_version": version,
            **more,
        }
        return str(self.call("POST", "createRoom", body)["room_id"])

    def join(self, room: str) -> None:
        self.call("POST", f"join/{quote(room)}", {})

    def say(self, room: str, text: str, **more: object) -> str:
        """The event's id."""
        return self.send(room, "m.room.message", {"msgtype": "m.text", "body": text, **more})

    def send(self, room: str, kind: str, content: object) -> str:
        said = self.call("PUT", f"rooms/{quote(room)}/send/{kind}/{self.token[-9:]}{next(self._sent)}", content)
        return str(said["event_id"])

    def set_state(self, room: str, kind: str, content: object) -> None:
        self.call("PUT", f"rooms/{quote(room)}/state/{kind}/", content)

    def state(self, room: str, kind: str, key: str = "") -> Any:
        return self.call("GET", f"rooms/{quote(room)}/state/{kind}/{quote(key)}")

    def download(self, uri: str) -> tuple[bytes, str]:
        """What lies in the media repository at mxc://…, for who is let in; and how it is called there."""
        request = urllib.request.Request(  # noqa: S310  # the loopback's
            f"{self.url}/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}",
            headers={"Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:  # noqa: S310
            return response.read(), str(response.headers["Content-Disposition"])

    def members(self, room: str) -> set[str]:
        return set(self.call("GET", f"rooms/{quote(room)}/joined_members")["joined"])

    def events(self, room: str) -> list[Any]:
        """All of a room, the oldest first."""
        found: list[Any] = []
        start = ""
        while True:
            page = self.call("GET", f"rooms/{quote(room)}/messages?dir=f&limit=500{start}")
            found += page["chunk"]
            if "end" not in page:
                return found
            start = f"&from={page['end']}"

    def heard(self, room: str, sender: "Person | str", kind: str = "m.room.message") -> list[Any]:
        """What somebody said there."""
        who = sender if isinstance(sender, str) else sender.id
        return [one for one in self.events(room) if (one["type"], one["sender"]) == (kind, who)]


def eventually(holds: Callable[[], Any], seconds: float = 60) -> Any:
    """What it returns, once that is true; for what happens in another process."""
    until = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)
    return found


@contextmanager
def synapse(folder: Path, messages: dict[str, float] | None = None) -> Iterator[Synapse]:
    """One that runs, and is ended."""
    made = Synapse(folder, messages)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
