"""The control socket as any program may use or misuse it: bytes each way on a Unix socket."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from pathlib import Path

from patience import PATIENCE


def open_control(path: Path) -> socket.socket:
    """A connection on which nothing was said yet."""
    client = socket.socket(socket.AF_UNIX)
    limit = struct.pack("@ll", int(PATIENCE), 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # a time limit of Python's does not wait for room in the backlog
        client.setsockopt(socket.SOL_SOCKET, option, limit)
    client.connect(str(path))
    return client


def read_answer(client: socket.socket) -> bytes:
    """All that comes until the connection is closed."""
    parts: list[bytes] = []
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def say(path: Path, request: bytes) -> bytes:
    """The answer to these bytes, after which nothing more is sent."""
    with open_control(path) as client:
        with suppress(BrokenPipeError):  # it has heard enough
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
        return read_answer(client)
