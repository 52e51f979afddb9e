"""Differences between objects, as packs tell them: see gitformat-pack(5).

Law of the file: as in packs.py, what is not plain is not read, and nothing grows beyond what is asked for.
"""

from collections.abc import Iterator

from chatbot import scan
from chatbot.sources.repository import OBJECT_LIMIT

# A number's byte has this bit if another one follows, and seven of the number's; 35 are more than any here may have.
MORE, DIGITS = 128, 5
# An order with this bit is to copy, else to insert.
_COPY = 128


class UnusualError(Exception):
    """What only git can tell, or nobody."""


def patched(base: bytes, delta: bytearray) -> bytes:
    """What a delta makes of its base: it copies pieces of it, and inserts some. Raises UnusualError, IndexError; also
    where it makes nothing, which git does not take either.
    """
    return scan.patched(base, delta, OBJECT_LIMIT) or b"".join(_pieces(base, delta))


def _pieces(base: bytes, delta: bytearray) -> Iterator[bytes]:
    before, at = read_number(delta, 0)
    left, at = read_number(delta, at)
    if before != len(base) or not 0 < left <= OBJECT_LIMIT:
        raise UnusualError
    while at < len(delta):
        order, at = delta[at], at + 1
        if order & _COPY:
            start, at = _some_bytes(delta, at, order, 4)
            size, at = _some_bytes(delta, at, order >> 4, 3)
            size = size or 0x10000
            piece = base[start : start + size]
        else:
            size, piece, at = order, bytes(delta[at : at + order]), at + order
        left -= size
        if not 0 < size == len(piece) or left < 0:
            raise UnusualError
        yield piece
    if left:
        raise UnusualError


def read_number(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """A number, the lowest bits first; and where it ends."""
    number = 0
    for place in range(DIGITS):
        byte = data[at + place]
        number |= (byte & ~MORE) << 7 * place
        if not byte & MORE:
            return number, at + place + 1
    raise UnusualError


def _some_bytes(data: bytearray, at: int, present: int, count: int) -> tuple[int, int]:
    """A number of which those bytes are written that `present` has a bit for, the lowest first; and where it ends."""
    number = 0
    for place in range(count):
        if present >> place & 1:
            number |= data[at] << 8 * place
            at += 1
    return number, at
