"""Text that others keep for us and can neither read nor change: what a button asks, in the button.

It needs no memory, so a button works for as long as its key does, whatever was restarted. The construction is SIV
(RFC 5297) with HMAC-SHA256 in the place of AES: the tag is of the text, and the stream that hides it is of the tag.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from itertools import count

_TAG = 16


class Seal:
    """Seals and opens with one key."""

    def __init__(self, secret: str) -> None:
        """The key is made of a secret that others know to be ours, such as a token."""
        self._key = hmac.digest(secret.encode(), b"what buttons ask", "sha256")

    def close(self, text: str) -> str:
        """The same for the same text, in letters, digits, - and _."""
        data = text.encode("utf-8", "replace")
        tag = self._tag(data)
        return urlsafe_b64encode(tag + self._hidden(data, tag)).decode().rstrip("=")

    def open(self, sealed: str) -> str | None:
        """None of what this key has not sealed."""
        try:
            raw = urlsafe_b64decode(sealed.encode() + b"=" * (-len(sealed) % 4))
        except (Error, ValueError):
            return None
        tag, data = raw[:_TAG], self._hidden(raw[_TAG:], raw[:_TAG])
        return data.decode("utf-8", "replace") if hmac.compare_digest(self._tag(data), tag) else None

    def _tag(self, data: bytes) -> bytes:
        return hmac.digest(self._key, b"tag" + data, "sha256")[:_TAG]

    def _hidden(self, data: bytes, tag: bytes) -> bytes:
        blocks = (hmac.digest(self._key, b"stream" + tag + number.to_bytes(4), "sha256") for number in count())
        stream = b"".join(next(blocks) for _ in range(0, len(data), 32))
        return bytes(one ^ other for one, other in zip(data, stream, strict=False))
