"""Requests to a Matrix homeserver, one attempt each; what goes wrong becomes one of our errors here.

Law of the file: nothing is tried again, for the outbox decides that.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from chatbot.errors import Closed, DeliveryError, Refused, Unauthorized, Unavailable, Unknown

# Seconds: for an answer; for one to a file.
_PATIENCE, _UPLOAD = 30.0, 300.0
# Seconds for a server that says "too many", and not for how long: Synapse takes one in five, where nobody changed it.
_PAUSE = 5.0
_LOGGED_OUT = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_LOCKED", "M_USER_SUSPENDED")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a homeserver said; `after` is how long it wants to be left alone, in seconds."""

    status: int
    body: dict[str, Any]
    after: float = 0.0

    @property
    def code(self) -> str:
        """Matrix's word for what is wrong."""
        return str(self.body.get("errcode", ""))

    def error(self) -> DeliveryError | None:
        """As whoever catches it has to act."""
        if self.status == HTTPStatus.OK:
            return None
        said = f"HTTP {self.status} {self.code} {self.body.get('error', '')}".rstrip()
        if self.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Unavailable(said, self.after)
        if self.code in _LOGGED_OUT:
            return Unauthorized(said)
        if self.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return Refused(said)
        if not self.code or self.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unknown(said)  # what has no code of Matrix's was said by something on the way
        return Closed(said) if self.status in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) else Refused(said)


async def discovered(name: str, scheme: str = "https") -> str:
    """The address of the homeserver for accounts such as @bot:NAME, as that server says; without a word of it, its own.
    https://spec.matrix.org/latest/client-server-api/#well-known-uri. Raises DeliveryError.
    """
    own = f"{scheme}://{name}"
    asking = Homeserver(own)
    try:
        reply = await asking.read(".well-known/matrix/client")
    finally:
        await asking.close()
    if reply.status == HTTPStatus.NOT_FOUND:
        return own
    said = reply.body.get("m.homeserver")
    address = said.get("base_url") if isinstance(said, dict) else None
    if reply.status != HTTPStatus.OK or not isinstance(address, str) or not address.startswith(f"{scheme}://"):
        raise Refused(f"{own}/.well-known/matrix/client names no homeserver")
    return address.rstrip("/")


class Homeserver:
    """One account's way to its homeserver."""

    def __init__(self, url: str, token: str = "") -> None:
        """Without a token one can log in, and no more."""
        self._url, self._token = url.rstrip("/"), token
        self._session: aiohttp.ClientSession | None = None

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> Reply:
        """What it says, good or bad; the path begins behind `/_matrix/client/v3/` and is quoted already. Raises
        Unavailable where it was not reached, and Unknown where its answer was lost.
        """
        data = None if body is None else json.dumps(body).encode()
        return await self._request(method, f"_matrix/client/v3/{path}", data, query=query or {}, patience=patience)

    async def read(self, path: str) -> Reply:
        """What lies behind the address itself. Raises as `ask` does."""
        return await self._request("GET", path, None, query={}, patience=_PATIENCE)

    async def upload(self, data: bytes, media: str, name: str | None = None) -> str:
        """Into the media repository; its address there. A second time it is a second one. Raises DeliveryError."""
        query = {"filename": name} if name else {}
        reply = await self._request("POST", "_matrix/media/v3/upload", data, media, query=query, patience=_UPLOAD)
        if error := reply.error():
            raise Refused(str(error)) if isinstance(error, Closed) else error  # no room's matter
        return str(reply.body["content_uri"])

    async def _request(
        self,
        method: str,
        path: str,
        data: bytes | None,
        media: str = "application/json",
        *,
        query: Mapping[str, str],
        patience: float,
    ) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        token = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        request = self._session.request(
            method,
            f"{self._url}/{path}",
            params=query,
            data=data,
            headers=token | ({"Content-Type": media} if data is not None else {}),
            timeout=aiohttp.ClientTimeout(total=patience, connect=_PATIENCE),
        )
        try:
            async with request as response:
                said = await response.read()
                status, header = response.status, response.headers.get("Retry-After", "")
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise Unavailable(f"{self._url} cannot be reached: {error}") from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unknown(f"the homeserver's answer was lost: {type(error).__name__}: {error}") from error
        read = _read(said)
        if read is None and status == HTTPStatus.OK:
            raise Unknown("the homeserver's answer is no JSON")
        return Reply(status, read or {}, _after(read or {}, header))

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: Mapping[str, str] | None = None,
        patience: float = _PATIENCE,
    ) -> dict[str, Any]:
        """What it says where it says yes. Raises DeliveryError."""
        reply = await self.ask(method, path, body, query=query, patience=patience)
        if error := reply.error():
            raise error
        return reply.body

    async def close(self) -> None:
        """Let go of its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def _read(said: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(said)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _after(body: dict[str, Any], header: str) -> float:
    given = body.get("retry_after_ms")
    if isinstance(given, int | float):
        return max(0.0, given / 1000)
    return float(header) if header.isdigit() else _PAUSE
