"""Stands in for `chatbot ingest` where there is none yet, to try the bench: one process that keeps ids and titles."""

import argparse
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path

from chatbot.read import read
from chatbot.sources.public_inbox import PublicInbox


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["ingest"])
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--store")
    for ignored in ("--name", "--jobs"):
        parser.add_argument(ignored)
    options = parser.parse_args()
    with (
        closing(sqlite3.connect(options.store.removeprefix("sqlite:///"))) as connection,
        PublicInbox("stub", options.archive) as inbox,
    ):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE mail (id INTEGER PRIMARY KEY, message_id TEXT UNIQUE, subject TEXT)")
        mails = map(read, inbox.mails(inbox.everything()))
        while batch := list(islice(mails, 5000)):
            rows = [(mail.message_id, mail.subject.title) for _, mail in batch]
            connection.executemany("INSERT OR IGNORE INTO mail (message_id, subject) VALUES (?, ?)", rows)
            connection.commit()


if __name__ == "__main__":
    main()
