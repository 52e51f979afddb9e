"""A repository of our own that borrows an archive's objects, and what git says of them.

Law of the file: an archive's config, attributes and hooks are never looked at; its objects are values.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from chatbot.errors import Unreadable
from chatbot.sources import git

# So much of an object is read: lists refuse larger mails, and what matters stands at the top.
OBJECT_LIMIT = 1024 * 1024
_READ = ("cat-file", "--batch=%(objectname) %(objecttype) %(objectsize)")
_KINDS = frozenset({"blob", "tree", "commit", "tag"})


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository of our own that borrows an archive's objects. `archive` is where these lie, and what complaints are
    about.
    """

    own: Path
    archive: Path

    def ask(self, arguments: tuple[str, ...], question: str) -> str:
        """All that git says to a question on its standard input. Raises Unreadable."""
        with git.start(self.own, arguments, stdin=git.PIPE, stderr=git.PIPE) as process:
            answer, complaint = process.communicate(question.encode("utf-8", "replace"))
        if process.returncode:
            raise unreadable(self.archive, git.last_line(complaint))
        return answer.decode("utf-8", "replace")

    @contextmanager
    def output(self, arguments: tuple[str, ...], question: bytes) -> Iterator[BufferedReader]:
        """The same as a stream; leaving it early ends git, reading to its end checks it. Raises Unreadable."""
        with tempfile.TemporaryFile() as complaints, tempfile.TemporaryFile() as stdin:
            stdin.write(question)
            stdin.seek(0)
            process = git.start(self.own, arguments, stdin=stdin, stderr=complaints)
            try:
                with process:
                    if isinstance(process.stdout, BufferedReader):
                        yield process.stdout
                if process.returncode:
                    complaints.seek(0)
                    raise unreadable(self.archive, git.last_line(complaints.read(4096)))
            finally:
                process.kill()
                process.wait()


class Object(NamedTuple):
    """An object's id, kind (`blob`, `commit` …), and first 1 MiB."""

    id: str
    kind: str
    data: bytes


class Objects:
    """What cat-file prints."""

    def __init__(self, output: IO[bytes]) -> None:
        self._output = output

    def read(self) -> Object | None:
        """The next object; None where the repository has not got it. EOFError where git has died."""
        line = self._output.readline()
        if line.endswith((b" missing\n", b" ambiguous\n")):
            return None
        oid, kind, size = line.decode("ascii").split() if line.endswith(b"\n") else ("", "", "0")
        if kind not in _KINDS:
            raise EOFError
        left = int(size)
        data = self._output.read(min(left, OBJECT_LIMIT))
        left += 1 - len(data)  # the newline after the object
        while left > 0 and (skipped := self._output.read(min(left, git.BUFFER))):
            left -= len(skipped)
        if left:
            raise EOFError
        return Object(oid, kind, data)


class Inquiry:
    """Objects asked for as the need comes up, one or many at a time. Git starts with the first question, and stays for
    the next: a start takes as long as fifty mails. A context manager.
    """

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._process: Any | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End git."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def read(self, name: str) -> Object | None:
        """The object with this name; None where the repository has not got it, or git dies on it."""
        try:
            return next(self.read_all([name]))
        except EOFError:
            return None

    def read_all(self, names: Sequence[str]) -> Iterator[Object | None]:
        """The objects with these names, in their order; None as above. EOFError where git dies on one."""
        if self._process is None:
            self._process = git.start(self._repository.own, _READ, stdin=git.PIPE, stderr=git.DEVNULL)
        process: Any = self._process
        left = len(names)
        try:
            with suppress(BrokenPipeError):  # it has died: there is no answer
                process.stdin.write("".join(f"{name}\n" for name in names).encode())
                process.stdin.flush()
            objects = Objects(process.stdout)
            for _ in names:
                found = objects.read()
                left -= 1
                yield found
        finally:
            if left:  # nobody waits for the other answers
                self.close()


def write_objects(own: Path, stream: bytes) -> None:
    """Feed a stream to fast-import, in a repository that we have just made. Raises Unreadable."""
    with git.start(own, ("fast-import", "--quiet"), stdin=git.PIPE, stderr=git.PIPE) as process:
        _, complaint = process.communicate(stream)
    if process.returncode:
        raise unreadable(own, git.last_line(complaint))


def unreadable(archive: Path, reason: str) -> Unreadable:
    """The error that names the archive, and what to do."""
    return Unreadable(
        str(archive), f"git cannot read this archive ({reason})", "check its rights, and run git fsck in it"
    )
