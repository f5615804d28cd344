"""Connections from programs that are not ZeroMQ peers: they come in storms, and stay half open."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_PROPERTIES = b"".join(
    bytes([len(name)]) + name + struct.pack(">I", len(value)) + value
    for name, value in {b"Socket-Type": b"DEALER", b"Identity": b""}.items()
)
_READY = b"\x05READY" + _PROPERTIES
HELLO = GREETING + bytes([4, len(_READY)]) + _READY
"""All that a DEALER says to be taken for a peer."""

WORDS = {"nothing": b"", "half a greeting": GREETING[:32], "a handshake": HELLO}
RESET = struct.pack("ii", 1, 0)
OPEN = 200  # connections of a storm that are open at a time


class Storm:
    """Connections that say one of the words and leave, so many a second: half of them by a reset."""

    def __init__(self, endpoint: str, per_second: int, words: Sequence[bytes]) -> None:
        host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
        self._address = (host, int(port))
        self._gap, self._words = 1 / per_second, words
        self.made = self.refused = 0

    def rage(self, seconds: float, each_turn: Callable[[], None] = lambda: None) -> float:
        """Connections a second that were made; they were `made`, and of them `refused` by an operating system without room."""
        begin = due = time.monotonic()
        open_: list[socket.socket] = []
        while (now := time.monotonic()) < begin + seconds:
            while due <= now:
                open_.append(self._connect())
                due = max(due + self._gap, now - 0.5)
            while len(open_) > OPEN:
                self._leave(open_.pop(0))
            each_turn()
            time.sleep(0.001)
        for each in open_:
            self._leave(each)
        return (self.made - self.refused) / (time.monotonic() - begin)

    def _connect(self) -> socket.socket:
        """Does not wait: while more come than are let in, a connection is made a little later, or not at all."""
        made = socket.socket()
        made.setblocking(False)
        made.connect_ex(self._address)
        self.made += 1
        with suppress(OSError):
            made.send(self._words[self.made % len(self._words)])
        return made

    def _leave(self, connection: socket.socket) -> None:
        try:
            connection.getpeername()
        except OSError:
            self.refused += 1
        if self.made % 2:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()


def silent(endpoint: str, count: int) -> list[socket.socket]:
    """Connections that have shaken hands and then neither say nor read anything."""
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    made = []
    for _ in range(count):
        made.append(socket.create_connection((host, int(port)), timeout=10))
        made[-1].sendall(HELLO)
    return made


def closed(connections: list[socket.socket], timeout: float) -> int:
    """How many of them the other end has closed, or closes in time."""
    count, deadline = 0, time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        for each in connections:
            each.setblocking(False)
            selector.register(each, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if _is_over(key.fileobj):
                    selector.unregister(key.fileobj)
                    count += 1
    return count


def _is_over(connection: object) -> bool:
    assert isinstance(connection, socket.socket)
    try:
        return not connection.recv(65536)
    except BlockingIOError:
        return False
    except OSError:
        return True
