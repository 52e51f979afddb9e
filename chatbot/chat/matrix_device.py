"""The device that stands for the bot on its homeserver: made once by `chatbot matrix-login`, kept in a folder for ever.

Law of the file: whoever has the folder is the bot; nobody but its owner may read it.

What was sent is known to the homeserver by the device and a transaction id: another device would send it again.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from chatbot.chat.matrix_http import Homeserver, discovered
from chatbot.chat.matrix_keys import Keys, make_signing_keys
from chatbot.errors import DeliveryError, Problem
from chatbot.lock import only_one

_REMEDY = "run `chatbot matrix-login`"


@dataclass(frozen=True, slots=True)
class Device:
    """`secret` locks the keys; `prefix` begins all transaction ids, so that a new database is no old one; `signing` are
    the account's own signing keys, by their use; `made` is when, in seconds.
    """

    homeserver: str
    user: str
    id: str
    token: str
    secret: str
    prefix: str
    signing: dict[str, str]
    made: float

    @property
    def login(self) -> str:
        """What stands for the token, and is not it."""
        return sha256(self.token.encode()).hexdigest()[:12]


def load(folder: Path) -> Device:
    """Raises Problem."""
    path = folder / "device.json"
    try:
        return Device(**json.loads(path.read_text()))
    except OSError as error:
        raise Problem(str(path), error.strerror or str(error), _REMEDY) from error
    except (ValueError, TypeError) as error:
        raise Problem(str(path), "this is no device", f"move it away, and {_REMEDY}") from error


def save(folder: Path, device: Device) -> None:
    """Whole or not at all. Raises OSError."""
    write_private(folder / "device.json", json.dumps(asdict(device), indent=1))


def write_private(path: Path, text: str) -> None:
    """For nobody else to read, and there whole or not at all. Raises OSError."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


@contextmanager
def held(folder: Path) -> Iterator[Device]:
    """The device, which nobody else can have meanwhile: two processes on one would spoil its keys. Raises Problem."""
    device = load(folder)
    with only_one(folder / "lock", f"the Matrix device in {folder}"):
        yield device


def log_in(folder: Path, homeserver: str, user: str, password: str, now: datetime, *, again: bool = False) -> Device:
    """Make the device, with its keys, signed by its owner; `again` puts it in the place of one whose token is not taken
    any more. The homeserver is an address, or the name in the bot's: corp.example. Raises Problem: it cannot be, or
    there is one already.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Problem(str(folder), error.strerror or str(error), "name a folder that can be made") from error
    with only_one(folder / "lock", f"the Matrix device in {folder}"):
        old = load(folder) if again else None
        if old is None and (folder / "device.json").exists():
            raise Problem(str(folder), "there is a device already", "keep it; where its token is lost, add --again")
        try:
            if "://" not in homeserver:
                homeserver = asyncio.run(discovered(homeserver))
            device = asyncio.run(_new_device(folder, homeserver, user, password, now=now, old=old))
        except DeliveryError as error:
            raise Problem(homeserver, str(error), "see that it is the homeserver's address, and try again") from error
        save(folder, device)
    return device


async def _new_device(
    folder: Path, homeserver: str, user: str, password: str, *, now: datetime, old: Device | None
) -> Device:
    server = Homeserver(homeserver)
    try:
        said = await _log_in(server, user, password)
    finally:
        await server.close()
    device = Device(
        homeserver=homeserver,
        user=str(said["user_id"]),
        id=str(said["device_id"]),
        token=str(said["access_token"]),
        secret=old.secret if old else secrets.token_hex(32),
        prefix=old.prefix if old else secrets.token_hex(4),
        signing=old.signing if old else make_signing_keys(),
        made=now.timestamp(),
    )
    server = Homeserver(homeserver, device.token)
    keys = Keys(device, server, folder)
    try:
        await keys.publish(password)
    except BaseException:
        await server.ask("POST", "logout", {})  # nobody would ever use it
        raise
    finally:
        keys.close()
        await server.close()
    return device


async def _log_in(server: Homeserver, user: str, password: str) -> dict[str, Any]:
    asked = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user},
        "password": password,
        "initial_device_display_name": "chatbot",
    }
    reply = await server.ask("POST", "login", asked)
    if reply.code == "M_FORBIDDEN":
        raise Problem(user, "the homeserver does not know this name with this password", "see that both are right")
    if error := reply.error():
        raise error
    return reply.body
