"""Messages from one of our processes to another, each after its length."""

import fcntl
import struct
from contextlib import suppress
from typing import IO

_LENGTH = struct.Struct("!Q")
_SIZE = 1024 * 1024
_F_SETPIPE_SZ = 1031  # Linux's; fcntl has its name on Linux alone


def send(pipe: IO[bytes], message: bytes) -> None:
    """Write a message. BrokenPipeError where nobody reads any more."""
    pipe.write(_LENGTH.pack(len(message)) + message)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """The next message. EOFError where there is none, or not all of it."""
    length = pipe.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        raise EOFError
    (size,) = _LENGTH.unpack(length)
    message = pipe.read(size)
    if len(message) < size:
        raise EOFError
    return message


def widen(pipe: IO[bytes]) -> None:
    """Make a pipe hold a whole question or answer, so that nobody waits for whoever will fetch it."""
    with suppress(OSError):  # the system may grant less
        fcntl.fcntl(pipe.fileno(), _F_SETPIPE_SZ, _SIZE)
