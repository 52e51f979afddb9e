"""What the servers of our own have in common."""

import contextlib
import socket
import struct
from http.server import BaseHTTPRequestHandler
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """It says nothing, and can break a connection off."""

    def reset(self) -> None:
        """As a machine that has gone: whoever waits for the answer hears that the connection was reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)
        self.rfile.close()
        self.connection.close()
        self.wfile = self.rfile = open("/dev/null", "r+b")  # noqa: SIM115, PTH123  # nobody hears any more

    def log_message(self, *_: Any) -> None:
        """It says nothing."""
