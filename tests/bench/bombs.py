"""Mails made to stall whoever reads them: each in an archive of its own, through a reader, git included."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from psutil import Process

from chatbot.readers import Readers
from chatbot.sources.public_inbox import PublicInbox, write_epoch
from tests.bench.figures import Figure, timed
from tests.bench.setting import Setting
from tests.bombs import BOMBS, HEAD

SECONDS, MEMORY = 0.5, 350


def figures(setting: Setting) -> Iterator[Figure]:
    """The worst of the rounds for each bomb; a harmless mail says what there is to begin with."""
    harmless = _archive(setting, "a harmless mail", HEAD + b"\nText.\n")
    for name, make in {"a harmless mail": None, **BOMBS}.items():
        archive = _archive(setting, name, make()) if make else harmless
        found = [explode(harmless, archive) for _ in range(setting.rounds)]
        yield Figure(f"{name}: to read it", max(seconds for seconds, _ in found), "s", SECONDS)
        yield Figure(f"{name}: its reader", max(memory for _, memory in found), "MiB", MEMORY)


def _archive(setting: Setting, name: str, mail: bytes) -> Path:
    archive = setting.scratch / "bombs" / name.replace(" ", "-")
    mail = b"Message-ID: <bomb@sample.example>\n" + mail  # some push theirs out of what is read of headers
    write_epoch(archive / "git" / "0.git", [(mail, "Ana <ana@a.example>", datetime(2025, 11, 3, tzinfo=UTC))])
    return archive


def explode(harmless: Path, archive: Path) -> tuple[float, float]:
    """Seconds that a reader takes for the only mail of an archive when it runs already, and its peak of memory in MiB."""
    with Readers(1) as readers:
        _read(readers, harmless)
        seconds = timed(lambda: _read(readers, archive))
        (process,) = Process().children()
        status = Path(f"/proc/{process.pid}/status").read_text()
        return seconds, int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _read(readers: Readers, archive: Path) -> None:
    with PublicInbox("bomb", archive) as inbox, inbox.after(0, ()) as spool:
        (batch,) = readers.read(spool.chunks())
    (entry,) = batch.entries
    assert entry.message_id == "bomb@sample.example", "its reader has died of it"
