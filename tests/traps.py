"""Mails that kill or stall whoever reads them. The readers import this module, too, and little else, for many of them are
started.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from chatbot.errors import Unreadable
from chatbot.sources.source import Commit, Place, RawMail

WHEN = datetime(2025, 11, 3, 12, tzinfo=UTC)
HEAD = b"From: A <a@a.example>\nSubject: [PATCH] x\nDate: Mon, 3 Nov 2025 12:00:00 +0000\nMessage-ID: <%s>"


class Deadly(RawMail):
    """A mail that ends whoever looks into it."""

    @property
    def data(self) -> bytes:
        os.abort()


class Endless(RawMail):
    """A mail that nobody has ever read to its end."""

    @property
    def data(self) -> bytes:
        while True:
            pass


class Huge(RawMail):
    """A mail that takes more memory than there is for one."""

    @property
    def data(self) -> bytes:
        return bytes(2 * 1024**3)


class Odd(RawMail):
    """A mail that our own code fails on."""

    @property
    def data(self) -> bytes:
        raise ZeroDivisionError


KINDS = {"deadly": Deadly, "endless": Endless, "huge": Huge, "odd": Odd}


@dataclass(frozen=True)
class Trapped:
    """A chunk in which some mails are traps, by the ends of their commits' names."""

    commits: tuple[str, ...]
    epoch: int = 0

    def reading(self, before: None = None) -> None:
        return before

    def mails(self, reading: None = None) -> Iterator[RawMail]:  # noqa: ARG002
        for commit in self.commits:
            if commit.endswith("unreadable"):
                raise Unreadable("archive", "gone", "look for it")
            if commit.endswith("unstartable"):
                os._exit(3)
            kind = KINDS.get(commit.rpartition(" ")[2], RawMail)
            data = HEAD % commit.encode() + b"\n\nText.\n"
            yield kind(Commit(self.epoch, commit, WHEN, "A <a@a.example>"), data, f"blob of {commit}")

    def places(self) -> Iterator[Place]:
        return iter(())
