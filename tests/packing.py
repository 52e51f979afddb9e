"""Packs written byte by byte, right and wrong ones; see gitformat-pack(5)."""

import struct
import zlib
from collections.abc import Iterable, Sequence
from hashlib import sha1
from pathlib import Path

BLOB, TREE, FROM_OFFSET, FROM_ID = 3, 2, 6, 7
# What a delta does: insert these bytes, or copy so many from there.
Order = bytes | tuple[int, int]


def number(value: int) -> bytes:
    """Seven bits in each byte, the lowest first."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    return bytes([*digits, value])


def delta(base: bytes, orders: Iterable[Order]) -> tuple[bytearray, bytes]:
    """These orders as a delta, and what they make of the base."""
    told, made = bytearray(), b""
    for order in orders:
        if isinstance(order, bytes):
            told += bytes([len(order)]) + order
            made += order
        else:
            start, size = order
            places = [start >> 8 * byte & 255 for byte in range(4)] + [size >> 8 * byte & 255 for byte in range(3)]
            told += bytes([128 | sum(bool(byte) << at for at, byte in enumerate(places)), *filter(None, places)])
            made += base[start : start + (size or 65_536)]
    return bytearray(number(len(base)) + number(len(made)) + told), made


def entry(kind: int, content: bytes, *, base: bytes = b"", size: int | None = None) -> bytes:
    """What a pack has of an object: `base` is a distance or an id as it is written there, `size` what it claims to have."""
    size = len(content) if size is None else size
    first = kind << 4 | size & 15
    head = bytes([first | 128]) + number(size >> 4) if size > 15 else bytes([first])
    return head + base + zlib.compress(content)


def back(distance: int) -> bytes:
    """The distance to a base that lies before."""
    digits = [distance & 127]
    while distance := distance >> 7:
        distance -= 1
        digits.append(distance & 127 | 128)
    return bytes(reversed(digits))


def name(place: int) -> str:
    """The id of a pack's entry."""
    return sha1(b"%d" % place, usedforsecurity=False).hexdigest()


def write_pack(objects: Path, entries: Sequence[bytes], ids: Sequence[str] = ()) -> None:
    """A pack and its index in a folder of objects; where no ids are given, they are those of `name`."""
    pack = bytearray(struct.pack(">4sII", b"PACK", 2, len(entries)))
    places = []
    for place, content in enumerate(entries):
        places.append((bytes.fromhex(ids[place] if ids else name(place)), len(pack)))
        pack += content
    folder = objects / "pack"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack-1.pack").write_bytes(pack + _checksum(pack))
    fan = [sum(oid[0] <= first for oid, _ in places) for first in range(256)]
    write_index(folder, fan, sorted(places), _checksum(pack))


def write_index(folder: Path, fan: Sequence[int], places: Sequence[tuple[bytes, int]], checksum: bytes) -> None:
    """The index of that pack: how many ids begin with each byte or a smaller one, and where each object lies."""
    index = struct.pack(">4sI256I", b"\377tOc", 2, *fan) + b"".join(oid for oid, _ in places)
    index += bytes(4 * len(places)) + b"".join(struct.pack(">I", offset) for _, offset in places) + checksum
    (folder / "pack-1.idx").write_bytes(index + _checksum(index))


def _checksum(content: bytes) -> bytes:
    return sha1(content, usedforsecurity=False).digest()
