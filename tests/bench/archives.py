"""The archives that are measured: a real one, and large ones made by replicating its mails under new ids.

Copy r of a mail is a mail of its own: `.rR` stands in its ids, so that threads hold inside a copy; seven copies share
a clan of people; the titles of one copy in ten have a rare word; and all its dates are moved by the same time.
"""

import re
import subprocess
import tempfile
import time
from calendar import timegm
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from itertools import chain, count, islice, pairwise
from pathlib import Path
from shutil import copyfileobj, rmtree
from typing import IO, Literal

from chatbot.sources.public_inbox import PublicInbox
from chatbot.sources.sample import write_sample
from chatbot.sources.source import RawMail

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "nvdimm.bundle"
Spread = Literal["wide", "dense", "apart"]
# A wide archive takes the years of its source for so many mails: ten times the mails, ten times the years.
MAILS_OF_ITS_YEARS = 100_000
# Ends before the last time that the bot believes.
LATEST = timegm((2095, 1, 1, 0, 0, 0))
COPIES_OF_A_CLAN = 7
COPIES_OF_A_RARE_WORD = 10

_FIELD = rb"\n(?i:%s):[^\n]*(?:\n[ \t][^\n]*)*"
_IDS = re.compile(_FIELD % b"Message-ID|In-Reply-To|References")
_FROM = re.compile(_FIELD % b"From")
_SUBJECT = re.compile(_FIELD % b"Subject")
_DATE = re.compile(_FIELD % b"Date")
_RECEIVED = re.compile(_FIELD % b"Received")
_ID = re.compile(rb"<[^<>@]+")
_TAG = re.compile(rb"\n(?:[A-Z][A-Za-z-]{1,40}-by|Cc|From): [^\n]*@[^\n]*", re.IGNORECASE)
_PERSON = re.compile(rb"""(?P<name>[^<>@]*?)(?P<quote>"?)(?P<gap>\s*)<(?P<mailbox>[^<>@\s]+)@""")
_BARE = re.compile(rb"[^\s<>@]+(?=@)")
_STAMP = re.compile(rb"(?:[A-Za-z]{3},\s*)?\d{1,2}\s+[A-Za-z]{3}\s+\d{4}\s+\d\d:\d\d:\d\d\s+[+-]\d{4}")


@dataclass(frozen=True, slots=True)
class _Stamp:
    """A time as a mail writes it."""

    seconds: int
    zone: bytes
    offset: int

    def moved(self, by: int) -> bytes:
        local = time.gmtime(self.seconds + by + self.offset)
        return time.strftime("%a, %d %b %Y %H:%M:%S ", local).encode() + self.zone


@dataclass(frozen=True, slots=True)
class _Template:
    """A mail with gaps, to be filled by `%`, for what its copies differ in."""

    text: bytes
    author: bytes
    time: int
    date: _Stamp | None
    received: _Stamp | None

    def copy(self, number: int, when: int) -> tuple[bytes, bytes]:
        """A copy's mail and author."""
        by = when - self.time
        gaps = {
            b"copy": b".r%d" % number,
            b"clan": b"clan%d" % (number // COPIES_OF_A_CLAN),
            b"rare": b"" if number % COPIES_OF_A_RARE_WORD else b" rare%d" % number,
            b"date": self.date.moved(by) if self.date else b"",
            b"received": self.received.moved(by) if self.received else b"",
        }
        return self.text % gaps, self.author % gaps


# A mail to be written: what it is a copy of, the copy's number, its time.
_Plan = Iterator[tuple[_Template, int, int]]


def real_archive(cache: Path) -> Path:
    """The archive of the list nvdimm; where there is no corpus, a sample that is too small to measure by."""
    archive = cache / "nvdimm"
    if CORPUS.is_file() or archive.is_dir():
        return _cached(archive, lambda made: _clone(CORPUS, made / "git" / "0.git"))
    return _cached(cache / "sample", write_sample) / "kvm"


def large_archive(cache: Path, source: Path, mails: int, spread: Spread) -> Path:
    """An archive of so many mails, replicated from the source unless the cache has it."""
    archive = cache / f"{source.name}-{mails}-{spread}"
    return _cached(archive, lambda made: replicate(source, made / "git" / "0.git", mails, spread))


def replicate(source_archive: Path, folder: Path, mails: int, spread: Spread) -> None:
    """Write a bare epoch of so many mails.

    `wide`: copy after copy, the years growing with the mails. `dense`: the years of the source, mail i of all copies
    next to one another. `apart`: as wide, each copy with people and titles of its own, as if they were lists that have
    nothing in common. In any case the archive's order is the order of time. Holds the source's mails in memory.
    """
    with PublicInbox("source", source_archive) as inbox:
        templates = [_template(raw) for raw in inbox.mails(inbox.everything())]
    plan = {"wide": _wide, "dense": _dense, "apart": _apart}[spread](templates, mails)
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=master", folder], check=True)
    with tempfile.TemporaryFile() as commits, tempfile.TemporaryDirectory() as marks:
        odd, even = f"{marks}/odd", f"{marks}/even"
        with _importer(folder, f"--export-marks={even}") as one, _importer(folder, f"--export-marks={odd}") as other:
            _write(islice(plan, mails), (one, other), commits)
        commits.seek(0)
        with _importer(folder, f"--import-marks={even}", f"--import-marks={odd}") as importer:
            copyfileobj(commits, importer, 1 << 20)


@contextmanager
def _importer(folder: Path, *options: str) -> Iterator[IO[bytes]]:
    """Where to write objects to. They stay in one pack of this importer, quickly compressed, without deltas."""
    settings = ("-c", "core.compression=1", "-c", "fastimport.unpackLimit=0", "-c", "core.bigFileThreshold=1g")
    command = ("git", *settings, "fast-import", "--quiet", "--depth=0", *options)
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, pipesize=1 << 20) as process:
        assert process.stdin
        yield process.stdin
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)


def _write(plan: _Plan, importers: tuple[IO[bytes], IO[bytes]], commits: IO[bytes]) -> None:
    """The mails by turns to two importers, for to compress them takes the time; aside what makes commits of them."""
    for mark, (template, number, when) in enumerate(plan, 1):
        text, author = template.copy(number, when)
        importers[mark % 2].write(b"blob\nmark :%d\ndata %d\n%s\n" % (mark, len(text), text))
        commits.write(
            b"commit refs/heads/master\nauthor %s %d +0000\ncommitter archive <archive@localhost> %d +0000\n"
            b"data 5\nmail\n\nM 100644 :%d m\n\n" % (author, when, when, mark)
        )


def _wide(templates: list[_Template], mails: int) -> _Plan:
    first, last = templates[0].time, templates[-1].time
    room = min((last - first) * mails // MAILS_OF_ITS_YEARS, LATEST - first)
    each = room * len(templates) // mails
    for number in count():
        for template in templates:
            yield template, number, first + number * each + (template.time - first) * each // (last - first)


def _apart(templates: list[_Template], mails: int) -> _Plan:
    for template, number, when in _wide(templates, mails):
        yield template, number * COPIES_OF_A_CLAN * COPIES_OF_A_RARE_WORD, when


def _dense(templates: list[_Template], mails: int) -> _Plan:
    copies = -(-mails // len(templates))
    for template, following in pairwise(chain(templates, templates[-1:])):
        for number in range(copies):
            yield template, number, template.time + (following.time - template.time) * number // copies


def _template(raw: RawMail) -> _Template:
    head, gap, body = raw.data.replace(b"%", b"%%").partition(b"\n\n")
    head = _IDS.sub(lambda field: _ID.sub(rb"\g<0>%(copy)s", field[0]), b"\n" + head)
    head = _FROM.sub(_with_clan, head)
    head = _SUBJECT.sub(rb"\g<0>%(rare)s", head)
    head, date = _with_gap(head, _DATE.finditer(head), b"%(date)s")
    head, received = _with_gap(head, _RECEIVED.finditer(head), b"%(received)s")
    body = _TAG.sub(_with_clan, b"\n" + body)[1:]
    author = _clan(raw.commit.author.encode().replace(b"%", b"%%"))
    return _Template(head[1:] + gap + body, author, int(raw.commit.time.timestamp()), date, received)


def _with_gap(head: bytes, found: Iterable[re.Match[bytes]], gap: bytes) -> tuple[bytes, _Stamp | None]:
    """The gap in place of the time in the first of the fields that has one."""
    for field in found:
        for stamp in islice(_STAMP.finditer(head, field.start(), field.end()), 1):
            parts = parsedate_tz(stamp[0].decode())
            if parts:
                read = _Stamp(int(mktime_tz(parts)), stamp[0][-5:], parts[9] or 0)
                return head[: stamp.start()] + gap + head[stamp.end() :], read
    return head, None


def _with_clan(field: re.Match[bytes]) -> bytes:
    name, colon, person = field[0].partition(b":")
    return name + colon + _clan(person)


def _clan(person: bytes) -> bytes:
    """The person's name and mailbox with a gap for the clan."""
    if found := _PERSON.search(person):
        name = found["name"] + b" %(clan)s" if found["name"].strip() else found["name"]
        renamed = name + found["quote"] + found["gap"] + b"<" + found["mailbox"] + b".%(clan)s@"
        return person[: found.start()] + renamed + person[found.end() :]
    return _BARE.sub(rb"\g<0>.%(clan)s", person, count=1)


def _clone(bundle: Path, folder: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", "--bare", bundle, folder], check=True)


def _cached(archive: Path, make: Callable[[Path], object]) -> Path:
    """The archive, made where it is missing; one that was left half made is made anew."""
    if not archive.is_dir():
        made = archive.with_name(archive.name + ".making")
        rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        make(made)
        made.rename(archive)
    return archive
