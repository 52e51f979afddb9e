"""Templates are compiled once in a process, and not for each bot of a test: that is most of what a bot's start takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from unittest.mock import patch

import jinja2
from jinja2.bccache import Bucket

from chatbot.chat.post import Dialect
from chatbot.report import render


class Kept(jinja2.BytecodeCache):
    """What became of templates in one dialect, by where they lie and what stands in them."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code
        self._codes[bucket.key, bucket.checksum] = bucket.code


@contextmanager
def compiled_once() -> Iterator[None]:
    make, known = render._environment, list[tuple[Dialect, Kept]]()

    def environment(folders: list[Path], dialect: Dialect) -> jinja2.Environment:
        made = make(folders, dialect)
        # Of one dialect's alone, for Jinja escapes constants when it compiles them.
        made.bytecode_cache = next((kept for one, kept in known if one == dialect), None)
        if made.bytecode_cache is None:
            known.append((dialect, kept := Kept()))
            made.bytecode_cache = kept
        return made

    with patch.object(render, "_environment", environment):
        yield
