"""Packs, read without git: what is said is what git would say; what is odd is declined, and costs next to nothing."""

import os
import random
import shutil
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import deflate
import psutil
import pytest

from chatbot import scan
from chatbot.sources import packs
from chatbot.sources.packs import DEPTH, KEPT, Packs
from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.repository import OBJECT_LIMIT, Inquiry
from tests.conftest import compose, git
from tests.packing import BLOB, FROM_ID, FROM_OFFSET, TREE, back, delta, entry, name, number, write_index, write_pack
from tests.scanning import UNCOMPILED, both, counted

OFFSETS = ("--delta-base-offset", "--depth=50")


def blobs(count: int) -> list[bytes]:
    """Texts that are much alike, and some that are like no other; one of them is as large as is read."""
    dice = random.Random(3)
    text, found = [b"line %d\n" % dice.randrange(1000) for _ in range(400)], [b"x" * OBJECT_LIMIT]
    for _ in range(count - 2):
        text[dice.randrange(400)] = dice.randbytes(dice.randrange(40)) + b"\n"
        found.append(b"".join(text[dice.randrange(20) : 380]))
    return [*found, dice.randbytes(30_000)]


def written(folder: Path, contents: list[bytes], *options: str) -> dict[str, bytes]:
    """A repository of which one pack holds these blobs; the blobs by id."""
    git(folder.parent, "init", "--quiet", "--bare", folder.name)
    names = []
    for content in contents:
        hashed = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"], cwd=folder, input=content, check=True, capture_output=True
        )
        names.append(hashed.stdout.decode().strip())
    target = folder / "objects" / "pack" / "pack"
    subprocess.run(
        ["git", "pack-objects", "--quiet", *options, target], cwd=folder, input="\n".join(names).encode(), check=True
    )
    for loose in (folder / "objects").glob("??"):
        shutil.rmtree(loose)
    return dict(zip(names, contents, strict=True))


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    return tmp_path / "objects"


@pytest.fixture
def opened(objects: Path) -> Iterator[Packs]:
    found = Packs(objects)
    yield found
    found.close()


def read(found: Packs, oid: str) -> bytes | None:
    packed = found.find(oid)
    return packed.read() if packed else None


@pytest.mark.parametrize("options", [OFFSETS, ("--depth=50",), ("--depth=0",)], ids=["offsets", "ids", "whole"])
def test_it_says_of_each_blob_what_git_says(tmp_path: Path, options: tuple[str, ...]) -> None:
    """In any order, and whether it is told as a difference from another or not."""
    there = written(tmp_path / "0.git", blobs(150), *options)
    (index,) = (tmp_path / "0.git").glob("objects/pack/*.idx")
    assert ("chain length" in git(index.parent, "verify-pack", "-v", str(index))) is (options[-1] != "--depth=0")
    names = list(there)
    for order in (names, names[::-1], random.Random(5).sample(names, len(names))):
        for answers in both(lambda order=order: _all(tmp_path / "0.git" / "objects", order)):
            assert answers == [there[oid] for oid in order]


def _all(objects: Path, names: list[str]) -> list[bytes | None]:
    found = Packs(objects)
    try:
        return [read(found, oid) for oid in names]
    finally:
        found.close()


@pytest.mark.skipif(not scan.COMPILED, reason=UNCOMPILED)
def test_differences_are_followed_by_compiled_code(tmp_path: Path) -> None:
    there = written(tmp_path / "0.git", blobs(150), *OFFSETS)
    with counted("patched") as declined:
        _all(tmp_path / "0.git" / "objects", list(there))
    assert len(declined) > 100
    assert not any(declined)


def test_each_of_many_is_found_and_what_is_not_there_is_not(objects: Path, opened: Packs) -> None:
    write_pack(objects, [entry(BLOB, b"%d" % place) for place in range(20_000)])
    missed = [place for place in range(20_000) if read(opened, name(place)) != b"%d" % place]
    assert len(missed) < 20
    assert not any(opened.find(name(place)) for place in range(20_000, 30_000))
    assert opened.find("0" * 64) is None
    assert opened.find("") is None


def test_an_id_is_not_mistaken_for_the_end_of_one_and_the_beginning_of_the_next(objects: Path, opened: Packs) -> None:
    ids = ["1105" + "11" * 18, "111105" + "22" * 17, "11" * 20]
    write_pack(objects, [entry(BLOB, oid.encode()) for oid in ids], ids)
    assert [read(opened, oid) for oid in ids] == [oid.encode() for oid in ids]


@pytest.mark.parametrize("count", [1, (1 << 32) - 1])
def test_an_index_that_counts_wrongly_is_believed_in_nothing(objects: Path, opened: Packs, count: int) -> None:
    """Of many more than there are, or of more with the ids that begin with some byte than there are at all."""
    oid = bytes.fromhex(name(0))
    write_pack(objects, [entry(BLOB, b"words")])
    pack = objects / "pack" / "pack-1.pack"
    content = pack.read_bytes()
    pack.write_bytes(content[:8] + count.to_bytes(4, "big") + content[12:])
    fan = [(1 << 32) - 1 if first == oid[0] else count if first > oid[0] else 0 for first in range(256)]
    write_index(pack.parent, fan, [(oid, 12)] * (100_000 if count > 1 else 1), content[-20:])
    assert opened.find(name(0)) is None


def test_an_index_that_is_longer_than_it_should_be_is_no_index(objects: Path, opened: Packs) -> None:
    write_pack(objects, [entry(BLOB, b"words")])
    index = objects / "pack" / "pack-1.idx"
    content = index.read_bytes()
    index.write_bytes(content[:-40] + bytes(9) + content[-40:])
    assert opened.find(name(0)) is None


def test_an_index_that_is_cut_while_it_is_read_says_nothing(objects: Path, opened: Packs) -> None:
    entries = [entry(BLOB, b"%d" % place) for place in range(300)]
    write_pack(objects, entries)
    found = {place: opened.find(name(place)) for place in range(300)}
    assert all(found.values())
    last = max(found, key=name)
    os.truncate(objects / "pack" / "pack-1.idx", (objects / "pack" / "pack-1.idx").stat().st_size - 41)
    assert opened.find(name(last)) is None
    assert opened.find(name(0)) == found[0]


def test_nothing_lies_in_a_packs_checksum(objects: Path, opened: Packs) -> None:
    oid, content = bytes.fromhex(name(0)), entry(BLOB, b"evil").ljust(20, b"x")
    write_pack(objects, [entry(BLOB, b"words")])
    pack = objects / "pack" / "pack-1.pack"
    pack.write_bytes(pack.read_bytes()[:12] + content)
    write_index(pack.parent, [int(first >= oid[0]) for first in range(256)], [(oid, 12)], content)
    assert opened.find(name(0))
    assert read(opened, name(0)) is None


def test_what_lies_so_far_behind_that_its_place_is_told_elsewhere_is_declined(objects: Path, opened: Packs) -> None:
    """The index then tells in which line of a table of large numbers, and with the highest bit that it does so."""
    far = 1 << 31
    write_pack(objects, [entry(BLOB, b"words")])
    pack = objects / "pack" / "pack-1.pack"
    content = pack.read_bytes()
    with pack.open("r+b") as file:
        file.seek(far)
        file.write(entry(BLOB, b"other words") + content[-20:])
    oid = bytes.fromhex(name(0))
    write_index(pack.parent, [int(first >= oid[0]) for first in range(256)], [(oid, far)], content[-20:])
    assert opened.find(name(0)) is None


@pytest.mark.parametrize("suffix", ["pack", "idx"])
def test_of_what_is_damaged_it_says_what_git_says_or_nothing(tmp_path: Path, suffix: str) -> None:
    there = written(tmp_path / "0.git", blobs(60)[1:], *OFFSETS)
    (file,) = (tmp_path / "0.git").glob(f"objects/pack/*.{suffix}")
    file.chmod(0o644)
    whole, dice, declined = file.read_bytes(), random.Random(11), 0
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(dice.choice((1, 1, 5))):
            damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
        file.write_bytes(damaged[: dice.randrange(len(damaged))] if dice.random() < 0.05 else damaged)
        answers = dict(zip(there, _all(tmp_path / "0.git" / "objects", list(there)), strict=True))
        for oid, data in answers.items():
            if data not in (None, there[oid]):  # the index leads to another one, and git follows it
                shown = subprocess.run(
                    ["git", "cat-file", "blob", oid], cwd=tmp_path / "0.git", check=True, capture_output=True
                )
                assert data == shown.stdout
        declined += sum(data is None for data in answers.values())
    assert declined > 400


BASE = b"words and more words " * 4000
TO_BASE = bytes.fromhex(name(1))
NOTHING = bytes(delta(b"", [])[0])


def _from_base(orders: bytes, made: int, base: int = len(BASE)) -> list[bytes]:
    return [entry(FROM_ID, number(base) + number(made) + orders, base=TO_BASE), entry(BLOB, BASE)]


EVIL = {
    "more than it says": [entry(BLOB, bytes(30_000_000), size=10)],
    "less than it says": [entry(BLOB, b"words", size=10)],
    "more than anyone has": [entry(BLOB, b"words", size=1 << 33)],
    "larger than what is read": [entry(BLOB, bytes(OBJECT_LIMIT + 1))],
    "a number without end": [b"\xbf" + b"\xff" * 20_000],
    "a distance without end": [b"\xef" + b"\xff" * 20_000],
    "nothing, and something else": [b"\x30words"],
    "nothing compressed": [b"\x35words"],
    "no end": [entry(BLOB, b"words")[:-5]],
    "a tree": [entry(TREE, b"words")],
    "from itself by offset": [entry(FROM_OFFSET, NOTHING, base=back(0))],
    "from itself by id": [entry(FROM_ID, NOTHING, base=bytes.fromhex(name(0)))],
    "from one another": [entry(FROM_ID, NOTHING, base=bytes.fromhex(name(other))) for other in (1, 0)],
    "from before the pack": [entry(FROM_OFFSET, NOTHING, base=back(1 << 20))],
    "from the pack's beginning": [entry(FROM_OFFSET, NOTHING, base=back(12))],
    "from what is not there": [entry(FROM_ID, NOTHING, base=bytes(20))],
    "from a tree": [entry(FROM_ID, delta(b"words", [(0, 5)])[0], base=TO_BASE), entry(TREE, b"words")],
    "from one of another size": _from_base(b"\x90\x05", 5, base=7),
    "copies without end": _from_base(b"\x80" * 500_000, OBJECT_LIMIT),  # 65,536 bytes each
    "makes too much": _from_base(b"\x80" * 17, 17 * 65_536),
    "makes nothing": _from_base(b"", 0),
    "makes less than it says": _from_base(b"\x90\x05", 6),
    "makes more than it says": _from_base(b"\x90\x05", 4),
    "copies what is not there": _from_base(b"\x94\x7f\x05", 5),
    "inserts what is not there": _from_base(b"\x05four", 5),
    "an order that is none": _from_base(b"\x00", 0),
    "an order cut short": _from_base(b"\x91", 5),
    "a size without end": _from_base(b"", 0, base=1 << 80),
    "large ones from one another": [
        entry(FROM_ID, bytes(OBJECT_LIMIT), base=bytes.fromhex(name(place + 1))) for place in range(100)
    ],
}


@pytest.mark.parametrize("situation", EVIL)
def test_what_no_archive_holds_is_declined_and_takes_no_memory(objects: Path, opened: Packs, situation: str) -> None:
    write_pack(objects, EVIL[situation])
    packed = opened.find(name(0))
    assert packed is not None
    tracemalloc.start()
    try:
        assert both(packed.read) == (None, None)
        assert tracemalloc.get_traced_memory()[1] < 8 * OBJECT_LIMIT
    finally:
        tracemalloc.stop()


def test_a_difference_is_followed_as_deep_as_git_makes_them(objects: Path, opened: Packs) -> None:
    """From the newest one, with nothing known; what is deeper is known once the ones before are."""
    text, entries = b"words", [entry(BLOB, b"words")]
    for place in range(DEPTH + 10):
        told, made = delta(text, [(0, len(text)), b"%d" % place])
        entries.append(entry(FROM_OFFSET, bytes(told), base=back(len(entries[-1]))))
        text = made
    write_pack(objects, entries)
    assert read(opened, name(DEPTH + 10)) is None
    assert (read(opened, name(DEPTH)) or b"").endswith(b"%d" % (DEPTH - 1))
    assert read(opened, name(DEPTH + 10)) == text


def test_what_others_are_told_by_is_read_once(objects: Path, opened: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    inflated: list[int] = []
    inflate = deflate.zlib_decompress
    monkeypatch.setattr(deflate, "zlib_decompress", lambda data, size: inflated.append(size) or inflate(data, size))
    told, _ = delta(BASE, [(5, 10)])
    other = entry(FROM_ID, bytes(told), base=bytes.fromhex(name(0)))
    write_pack(objects, [entry(BLOB, BASE), other, other])
    assert [len(read(opened, name(place)) or b"") for place in (1, 2, 0, 1)] == [10, 10, len(BASE), 10]
    assert inflated == [len(told), len(BASE), len(told)]


def test_no_more_is_kept_than_the_limit(objects: Path, opened: Packs) -> None:
    write_pack(objects, [entry(BLOB, bytes([place]) * 900_000) for place in range(20)])
    assert opened.find(name(0))
    tracemalloc.start()
    try:
        for _ in range(3):
            assert all(read(opened, name(place)) == bytes([place]) * 900_000 for place in range(20))
        assert tracemalloc.get_traced_memory()[0] < KEPT + OBJECT_LIMIT
    finally:
        tracemalloc.stop()


def test_small_ones_count_for_what_it_costs_to_keep_them(
    objects: Path, opened: Packs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packs, "KEPT", 100_000)
    write_pack(objects, [entry(BLOB, b"x")] * 5000)
    assert opened.find(name(0))
    tracemalloc.start()
    try:
        assert sum(read(opened, name(place)) == b"x" for place in range(5000)) > 4990
        assert tracemalloc.get_traced_memory()[0] < 150_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("file", "at", "what"),
    [
        ("idx", 0, b"\0"),
        ("idx", 7, b"\3"),
        ("idx", -25, b"\0"),
        ("pack", 0, b"p"),
        ("pack", 7, b"\3"),
        ("pack", 11, b"\7"),
        ("pack", -1, b"\0\0"),
        ("idx", slice(100, None), b""),
        ("pack", slice(10, None), b""),
    ],
)
def test_what_is_no_pack_with_its_index_is_left_to_git(
    objects: Path, opened: Packs, file: str, at: int | slice, what: bytes
) -> None:
    write_pack(objects, [entry(BLOB, b"words")])
    path = objects / "pack" / f"pack-1.{file}"
    content = bytearray(path.read_bytes())
    content[at if isinstance(at, slice) else slice(at, at + 1 or None)] = what
    path.write_bytes(content)
    assert opened.find(name(0)) is None


def test_a_disk_that_fails_is_gits_to_tell_of(objects: Path, opened: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pack(objects, [entry(BLOB, b"words")])
    packed = opened.find(name(0))
    assert packed
    monkeypatch.setattr(packs, "_read", Mock(side_effect=OSError))
    assert opened.find(name(0)) is None
    assert packed.read() is None


def test_where_there_is_no_pack_or_what_stands_for_one_is_a_pipe_git_is_asked(objects: Path, opened: Packs) -> None:
    assert opened.find(name(0)) is None
    opened.close()
    (objects / "pack").mkdir(parents=True)
    (objects / "pack" / "pack-a.idx").write_bytes(b"")
    os.mkfifo(objects / "pack" / "pack-b.idx")
    os.mkfifo(objects / "pack" / "pack-b.pack")
    (objects / "pack" / "pack-c.idx").mkdir()
    assert opened.find(name(0)) is None


def test_what_is_no_pack_takes_no_place_of_one(objects: Path, opened: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "PACKS", 1)
    write_pack(objects, [entry(BLOB, b"words")])
    (objects / "pack" / "pack-2.idx").write_bytes(bytes(10_000))
    (objects / "pack" / "pack-3.idx").symlink_to("nowhere")
    assert read(opened, name(0)) == b"words"


def packed_archive(archive: Callable[..., Path], *texts: str) -> Path:
    bare = (
        archive([compose(f"[PATCH] mail {place}", place, text) for place, text in enumerate(texts)]) / "git" / "0.git"
    )
    git(bare, "repack", "-a", "-d", "-q")
    return bare


def test_of_an_archive_that_is_packed_git_is_asked_for_no_mail(
    archive: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = Inquiry.read_all
    monkeypatch.setattr(Inquiry, "read_all", lambda self, names: asked.extend(names) or ask(self, names))
    with PublicInbox("list", packed_archive(archive, "short", "x" * 2 * OBJECT_LIMIT, "short, too")) as inbox:
        first, large, last = inbox.mails(inbox.everything())
        assert (first.data[-6:], last.data[-10:], len(large.data)) == (b"\nshort", b"short, too", OBJECT_LIMIT)
        assert asked == [large.blob]


def test_an_archive_of_many_packs_is_read_whole(archive: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which not all are opened, and all that are opened are closed."""
    monkeypatch.setattr(packs, "PACKS", 2)
    bare = packed_archive(archive, *map(str, range(6)))
    for place in range(5):
        (bare / "refs" / "heads" / f"b{place}").write_text(git(bare, "rev-parse", f"master~{place}") + "\n")
        subprocess.run(
            ["git", "pack-objects", "--quiet", "--revs", bare / "objects" / "pack" / "pack"],
            cwd=bare, input=f"b{place}\n".encode(), check=True,
        )  # fmt: skip
    with PublicInbox("list", bare) as inbox:
        mails = inbox.mails(inbox.everything())
        next(mails)
        assert sum(Path(file.path).suffix == ".idx" for file in psutil.Process().open_files()) == 2
        assert len(list(mails)) == 5
        assert not any(str(bare) in file.path for file in psutil.Process().open_files())
