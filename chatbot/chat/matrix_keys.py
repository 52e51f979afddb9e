"""Encryption in Matrix rooms, on nio's machine without its client: requests are ours, so that a failed one is an error.

Law of the file: a message goes out when every device that has keys has got ours, and in clear never. What a crash must
not part is one transaction of the key store.

nio's own client is left out because of three bugs of 0.26.0: an error while keys are shared logs it out, makes every
later message wait for ever, or goes by unseen. It does not sign devices either; strict clients show nothing else.
"""

import asyncio
import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote
from uuid import uuid4

from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from nio import (
    Client,
    ClientConfig,
    JoinedMembersResponse,
    KeysClaimResponse,
    KeysQueryResponse,
    KeysUploadResponse,
    MegolmEvent,
    Response,
    ShareGroupSessionResponse,
    SyncResponse,
    ToDeviceResponse,
)
from nio.crypto.attachments import encrypt_attachment
from nio.exceptions import EncryptionError
from nio.rooms import MatrixRoom
from nio.store import SqliteStore

from chatbot.chat.matrix_http import Homeserver
from chatbot.errors import Problem, Unavailable, Unknown

# What matters of what it says comes back as an error.
logging.getLogger("nio").addHandler(logging.NullHandler())

_USES = ("master", "self_signing", "user_signing")
_PASSWORD = "m.login.password"  # noqa: S105  # the name of a way to log in


class Owner(Protocol):
    """What of the device is asked here."""

    @property
    def user(self) -> str: ...  # noqa: D102
    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def token(self) -> str: ...  # noqa: D102
    @property
    def secret(self) -> str: ...  # noqa: D102
    @property
    def signing(self) -> Mapping[str, str]: ...  # noqa: D102


def make_signing_keys() -> dict[str, str]:
    """An account's own keys, by their use."""
    return {use: b64encode(ECC.generate(curve="ed25519").seed).decode() for use in _USES}


def seal_file(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """A file with a key of its own, and what opens it: an EncryptedFile without its address."""
    sealed, opening = encrypt_attachment(data)
    return bytes(sealed), dict(opening)


class Keys:
    """The device's keys, in a file of its folder."""

    def __init__(self, device: Owner, server: Homeserver, folder: Path) -> None:
        """Raises Problem: the file is another device's, or spoilt."""
        self._device, self._server = device, server
        self._turn = asyncio.Lock()
        config = ClientConfig(store=SqliteStore, store_name="keys.sqlite3", pickle_key=device.secret)
        self._client = Client(device.user, device.id, str(folder), config)
        try:
            self._client.restore_login(device.user, device.id, device.token)
        except Exception as error:  # whatever its libraries raise of a spoilt file
            raise Problem(str(folder / "keys.sqlite3"), f"its keys cannot be read ({error})", "log in anew") from error
        # Without a store nio knows no encryption, and says nothing.
        assert self._client.olm is not None  # noqa: S101
        assert self._client.store is not None  # noqa: S101
        self._olm, self._store = self._client.olm, self._client.store
        (folder / "keys.sqlite3").chmod(0o600)

    def knows_encrypted(self, room: str) -> bool:
        """Whether the room was ever seen to be encrypted, which it then is for ever."""
        return room in self._client.encrypted_rooms

    def remember_encrypted(self, room: str) -> None:
        """For ever, in the file."""
        self._client.encrypted_rooms.add(room)
        self._store.save_encrypted_rooms({room})

    def take(self, sync: dict[str, Any]) -> None:
        """What /sync said: keys that came, and who came and went. Raises Unknown where it is none."""
        with self._whole():
            self._receive(SyncResponse.from_dict(sync))

    async def look_after(self) -> None:
        """What has to be told or asked after each sync. Raises DeliveryError."""
        async with self._turn:
            await self._upload()
            await self._query(set(self._olm.users_for_key_query))
            if self._client.should_claim_keys:
                await self._claim(self._client.get_users_for_key_claiming())
            for message in list(self._olm.outgoing_to_device_messages):
                path = f"sendToDevice/{quote(message.type)}/{uuid4()}"
                said = await self._server.call("PUT", path, message.as_dict())
                self._receive(ToDeviceResponse.from_dict(said, message))

    def read(self, room: str, event: dict[str, Any]) -> dict[str, Any] | None:
        """An encrypted event in clear, or None: its key has not come."""
        sealed = MegolmEvent.from_dict(event | {"room_id": room})
        if not isinstance(sealed, MegolmEvent):
            return None
        try:
            opened = self._client.decrypt_event(sealed)
        except EncryptionError:
            return None
        source = getattr(opened, "source", None)
        return {**event, "type": source["type"], "content": source["content"]} if isinstance(source, dict) else None

    async def seal(self, room: str, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        """The content of an m.room.encrypted that all can read who are in the room. Raises DeliveryError."""
        async with self._turn:
            known = self._client.rooms.setdefault(room, MatrixRoom(room, self._device.user, encrypted=True))
            known.encrypted = True
            await self._query(set(self._olm.users_for_key_query))  # who has a new device has it read this
            if self._olm.should_share_group_session(room):
                await self._share(room)
            _, sealed = self._client.encrypt(room, kind, content)
            return dict(sealed)

    async def publish(self, password: str | None = None) -> None:
        """Have the homeserver know our keys, and others that they are ours. Raises DeliveryError; and Problem where the
        account has signing keys already that are not ours.
        """
        async with self._turn:
            await self._upload()
            await self._sign(password)

    async def _share(self, room: str) -> None:
        """Everybody who is in the room now, with all devices that they have now."""
        members = await self._server.call("GET", f"rooms/{quote(room)}/joined_members")
        self._receive(JoinedMembersResponse.from_dict(members, room))
        people = list(self._client.rooms[room].users)
        await self._query(set(people))
        await self._claim(self._olm.get_missing_sessions(people))
        with self._whole():
            shares = list(self._olm.share_group_session_parallel(room, people, ignore_unverified_devices=True))
        for reached, messages in shares:
            said = await self._server.call("PUT", f"sendToDevice/m.room.encrypted/{uuid4()}", messages)
            self._receive(ShareGroupSessionResponse.from_dict(said, room, reached))
        if not set(people).issuperset(self._client.rooms[room].users):
            return await self._share(room)  # somebody came meanwhile
        # Who has published no key to begin with cannot be told, and must not keep the others waiting.
        session = self._olm.outbound_group_sessions.get(room)
        if session is None:
            raise Unavailable("the room's key was given up while it was shared")
        session.shared = True
        return None

    async def _upload(self) -> None:
        if self._client.should_upload_keys:
            keys = self._olm.share_keys()
            # Kept first: what the homeserver has and we have not could never be taken back.
            self._olm.save_account()
            said = await self._server.call("POST", "keys/upload", keys)
            said["one_time_key_counts"] = {"curve25519": 0, "signed_curve25519": 0} | said["one_time_key_counts"]
            self._receive(KeysUploadResponse.from_dict(said))

    async def _query(self, people: set[str]) -> None:
        if people:
            said = await self._server.call("POST", "keys/query", {"device_keys": {one: [] for one in sorted(people)}})
            with self._whole():
                self._receive(KeysQueryResponse.from_dict(said))
            self._olm.users_for_key_query -= people  # of whom nothing is known, nothing is known

    async def _claim(self, devices: Mapping[str, list[str]]) -> None:
        if devices:
            wanted = {user: dict.fromkeys(those, "signed_curve25519") for user, those in devices.items()}
            said = await self._server.call("POST", "keys/claim", {"one_time_keys": wanted})
            with self._whole():
                self._receive(KeysClaimResponse.from_dict(said, ""))

    async def _sign(self, password: str | None) -> None:
        """Our device with our account's key, as a person does by comparing pictures."""
        user, device = self._device.user, self._device.id
        said = await self._server.call("POST", "keys/query", {"device_keys": {user: []}})
        public = {use: _public(seed) for use, seed in self._device.signing.items()}
        there = said.get("master_keys", {}).get(user)
        if there is None:
            await self._upload_signing(public, password)
        elif public["master"] not in there["keys"].values():
            raise Problem(user, "somebody else has set up its signing keys", "give the bot an account of its own")
        own = said["device_keys"][user][device]
        name = f"ed25519:{public['self_signing']}"
        if name not in own.get("signatures", {}).get(user, {}):
            signed = _signed(own, user, public["self_signing"], self._device.signing["self_signing"])
            failures = await self._server.call("POST", "keys/signatures/upload", {user: {device: signed}})
            if failures.get("failures"):
                raise Unknown(f"the device was not signed: {failures['failures']}")

    async def _upload_signing(self, public: Mapping[str, str], password: str | None) -> None:
        user, body = self._device.user, dict[str, Any]()
        for use in _USES:
            key = {"user_id": user, "usage": [use], "keys": {f"ed25519:{public[use]}": public[use]}}
            body[f"{use}_key"] = (
                key if use == "master" else _signed(key, user, public["master"], self._device.signing["master"])
            )
        reply = await self._server.ask("POST", "keys/device_signing/upload", body)
        if session := reply.body.get("session"):  # it wants to know that it is really us
            who = {"type": "m.id.user", "user": user}
            body["auth"] = {"type": _PASSWORD, "session": session, "identifier": who, "password": password or ""}
            reply = await self._server.ask("POST", "keys/device_signing/upload", body)
        if error := reply.error():
            raise error

    def _receive(self, response: object) -> None:
        if not isinstance(response, Response) or type(response).__name__.endswith("Error"):
            raise Unknown(f"the homeserver said what makes no sense: {type(response).__name__}")
        self._client.receive_response(response)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All that is kept inside is kept, or nothing."""
        with self._store.database.atomic():
            yield

    def close(self) -> None:
        """Let go of the file."""
        self._store.database.close()


def _public(seed: str) -> str:
    return _unpadded(ECC.construct(curve="ed25519", seed=b64decode(seed)).public_key().export_key(format="raw"))


def _signed(what: Mapping[str, Any], user: str, public: str, seed: str) -> dict[str, Any]:
    """With no signature but this."""
    bare = {key: value for key, value in what.items() if key not in ("signatures", "unsigned")}
    said = json.dumps(bare, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    key = ECC.construct(curve="ed25519", seed=b64decode(seed))
    return bare | {"signatures": {user: {f"ed25519:{public}": _unpadded(eddsa.new(key, "rfc8032").sign(said))}}}


def _unpadded(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")
