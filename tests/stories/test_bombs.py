"""All bombs of tests/bombs.py in one archive, through the whole of an ingest."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from chatbot.sources.public_inbox import write_epoch
from chatbot.store.database import open_database
from chatbot.store.index import Index
from tests.bombs import BOMBS
from tests.conftest import NOON, mails_of


def test_every_bomb_is_a_mail_in_the_index_and_no_reader_dies_of_one(tmp_path: Path) -> None:
    mails = [(own_id(make(), number), "Ana <ana@a.example>", NOON) for number, make in enumerate(BOMBS.values())]
    write_epoch(tmp_path / "bombs" / "git" / "0.git", mails)
    store = f"sqlite:///{tmp_path}/index.sqlite3"
    command = [sys.executable, "-m", "chatbot", "ingest", "--archive", str(tmp_path / "bombs"), "--store", store]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(rf"bombs: {len(BOMBS)} mails, {len(BOMBS)} kept, 0 duplicates, ", done.stdout)
    engine = open_database(store)
    found = mails_of(engine, "bombs")
    assert [mail.message_id for mail in found] == [f"bomb{number}@sample.example" for number in range(len(BOMBS))]
    assert not [mail for mail in found if any(reason in " ".join(mail.defects) for reason in ("set aside", "not read"))]
    assert Index(engine).newest_received("bombs") < NOON + timedelta(days=36_500)
    engine.dispose()


def own_id(mail: bytes, number: int) -> bytes:
    """The mail with a Message-ID of its own on top: some bombs push theirs out of what is read of headers."""
    return b"Message-ID: <bomb%d@sample.example>\n" % number + mail
