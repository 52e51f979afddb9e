"""Blobs out of an archive's packs, without git: by a faster library, in the process that wants them and through no
pipe, they come in half of the time. The formats are git's, see gitformat-pack(5).

Law of the file: of an archive that git takes for sound it says what git would say of a blob, or nothing. What is not
plain (a loose object, a large one, one that is damaged, a format that is not the usual) it declines with None, and git
is asked. Each number in a pack may be a stranger's: no more is read, kept or made than the limits say.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from io import FileIO
from itertools import islice
from math import isqrt
from pathlib import Path
from struct import Struct
from typing import NamedTuple

import deflate

from chatbot.sources.delta import DIGITS, MORE, UnusualError, patched, read_number
from chatbot.sources.repository import OBJECT_LIMIT

# A clone's pack, and the largest of what fetches brought since.
PACKS = 8
# Bytes of a pack's blobs that are kept, for the next ones may be told as differences from them: mails of a thread lie
# that near. Of differences no more are followed at once. To keep a blob costs so many bytes beside its own.
KEPT, _EACH = 4 * 1024 * 1024, 200
# Differences from differences: git makes 50, and 250 where it is told to try hard.
DEPTH = 250

# How an index begins, and a pack.
_INDEX, _PACK = Struct(">4sI256I"), Struct(">4sII")
# Bytes of an id, which is a SHA-1, as is the checksum at the end of a file; of what an index has of each object, and of
# those that lie far behind.
_ID, _CRC, _OFFSET, _FAR = 20, 4, 4, 8
_BLOB, _FROM_OFFSET, _FROM_ID = 3, 6, 7
# What is read of an entry at once: most mails are in it as a whole. Before its content, a size and a base.
_MOST, _HEAD = 12 * 1024, 32


class Packs:
    """The largest packs in a folder of objects, as they are when the first blob is looked for."""

    def __init__(self, objects: Path) -> None:
        self._folder = objects / "pack"
        self._packs: tuple[_Pack, ...] | None = None

    def close(self) -> None:
        """Close their files, and forget what was kept."""
        for pack in self._packs or ():
            pack.close()
        self._packs = None

    def find(self, name: str) -> "Packed | None":
        """Where the blob with this id lies."""
        if len(name) != 2 * _ID:
            return None
        if self._packs is None:
            self._packs = tuple(islice(_opened(self._folder), PACKS))
        oid = bytes.fromhex(name)
        with suppress(OSError, UnusualError):
            for pack in self._packs:
                if offset := pack.find(oid):
                    return Packed(pack, offset)
        return None


class Packed(NamedTuple):
    """A blob in a pack."""

    pack: "_Pack"
    offset: int

    def read(self) -> bytes | None:
        """Its bytes."""
        return self.pack.read(self.offset)


class _Pack:
    """One pack and its index, of the versions that git writes. Raises OSError; UnusualError where they are no pair."""

    def __init__(self, index: Path) -> None:
        self._kept: dict[int, bytes] = {}
        self._held = 0
        with ExitStack() as files:
            self._index = files.enter_context(_opened_file(index))
            self._data = files.enter_context(_opened_file(index.with_suffix(".pack")))
            self._end = _size(self._data) - _ID
            self._fan = self._checked()
            self._files = files.pop_all()

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def find(self, oid: bytes) -> int | None:
        """Where an object lies. Ids are as if by chance, so one look where it should be finds all but one of thousands:
        that one is declined.
        """
        low, high = self._fan[oid[0]], self._fan[oid[0] + 1]
        stray = 2 * isqrt(high - low) + 8  # four standard deviations
        guess = low + ((high - low) * int.from_bytes(oid[1:5], "big") >> 32)
        first = max(low, guess - stray)
        ids = _read(self._index, _ID * (min(high, guess + stray) - first), _INDEX.size + _ID * first)
        at = ids.find(oid)
        while at % _ID and at > 0:  # across two others
            at = ids.find(oid, at - at % _ID + _ID)
        if at < 0:
            return None
        place = _INDEX.size + (_ID + _CRC) * self._fan[-1] + _OFFSET * (first + at // _ID)
        offset = int.from_bytes(_read(self._index, _OFFSET, place), "big")
        return offset if offset < 1 << 31 else None  # larger ones stand elsewhere, and no epoch has them

    def read(self, offset: int) -> bytes | None:
        """The bytes of the blob that lies there."""
        deltas: list[tuple[int, bytearray]] = []
        weight = 0
        try:
            while (data := self._take(offset)) is None:
                base, content = self._entry(offset)
                if base is None:
                    data = bytes(content)
                    break
                weight += len(content)
                if len(deltas) == DEPTH or weight > KEPT:
                    return None
                deltas.append((offset, content))
                offset = base
            self._keep(offset, data)
            for place, delta in reversed(deltas):
                data = patched(data, delta)
                self._keep(place, data)
        except (UnusualError, deflate.DeflateError, IndexError, OSError):
            return None
        return data

    def _checked(self) -> tuple[int, ...]:
        """How many objects come before those whose ids begin with each byte, and all."""
        sign, version, *fan = _INDEX.unpack(_read(self._index, _INDEX.size, 0))
        count, size = fan[-1], _size(self._index)
        least = _INDEX.size + (_ID + _CRC + _OFFSET) * count + 2 * _ID
        heads = (sign, version, _read(self._data, _PACK.size, 0))
        if heads != (b"\377tOc", 2, _PACK.pack(b"PACK", 2, count)) or fan != sorted(fan):
            raise UnusualError
        if not least <= size <= least + _FAR * count:
            raise UnusualError
        # The pack's checksum, of which the index has a copy before its own.
        if _read(self._data, _ID, self._end) != _read(self._index, _ID, size - 2 * _ID):
            raise UnusualError
        return (0, *fan)

    def _take(self, offset: int) -> bytes | None:
        """Out of what is kept."""
        data = self._kept.pop(offset, None)
        if data is not None:
            self._held -= len(data) + _EACH
        return data

    def _keep(self, offset: int, data: bytes) -> None:
        """As the newest; the oldest make room for it."""
        self._kept[offset] = data
        self._held += len(data) + _EACH
        while self._held > KEPT:
            self._take(next(iter(self._kept)))

    def _entry(self, offset: int) -> tuple[int | None, bytearray]:
        """An entry: where its base lies, and what it differs by; or None, and a blob. Raises what `read` knows of."""
        data = _read(self._data, min(_MOST, self._end - offset), offset)
        kind, size, at, base = data[0] >> 4 & 7, data[0] & 15, 1, None
        if data[0] & MORE:
            more, at = read_number(data, 1)
            size |= more << 4
        if kind == _FROM_OFFSET:
            distance, at = _distance(data, at)
            base = offset - distance
        elif kind == _FROM_ID:
            base = self.find(data[at : at + _ID])
            at += _ID
        # Of what should be nothing the library takes anything.
        if not 0 < size <= OBJECT_LIMIT or (kind != _BLOB and not base):
            raise UnusualError
        # zlib adds five bytes for each 16 KB that it cannot make smaller, and a few around all.
        worst = size + size // 2048 + 64
        if len(data) == _MOST < at + worst:
            data = _read(self._data, min(_HEAD + worst, self._end - offset), offset)
        content = deflate.zlib_decompress(memoryview(data)[at:], size)
        if len(content) != size:
            raise UnusualError
        return base, content


def _opened(folder: Path) -> Iterator[_Pack]:
    """The packs below a folder, the largest first."""
    with suppress(OSError):
        found = [(index.stat().st_size, index) for index in folder.glob("pack-*.idx") if index.is_file()]
        for _, index in sorted(found, reverse=True):
            with suppress(OSError, UnusualError):
                yield _Pack(index)


def _opened_file(file: Path) -> FileIO:
    if not file.is_file():  # a pipe would hold us up
        raise UnusualError
    return file.open("rb", buffering=0)


def _size(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_size


def _read(file: FileIO, size: int, at: int) -> bytes:
    data = os.pread(file.fileno(), size, at)
    if len(data) < size:
        raise UnusualError
    return data


def _distance(data: bytes, at: int) -> tuple[int, int]:
    """A number, the highest bits first, and none that can be written in two ways; and where it ends."""
    number = -1
    for place in range(DIGITS):
        byte = data[at + place]
        number = (number + 1 << 7) | byte & ~MORE
        if not byte & MORE:
            return number, at + place + 1
    raise UnusualError
