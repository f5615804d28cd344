"""ZMTP spoken by hand, rightly and wrongly; rfc.zeromq.org/spec/23."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
MORE, LONG, COMMAND = 1, 2, 4


def frame(body: bytes, flags: int = 0, length: int | None = None) -> bytes:
    """A frame; `length`: a declared one, instead of the true."""
    size = len(body) if length is None else length
    if size > 255 or flags & LONG:
        return bytes([flags | LONG]) + struct.pack(">Q", size) + body
    return bytes([flags, size]) + body


def command(name: bytes, body: bytes = b"") -> bytes:
    return frame(bytes([len(name)]) + name + body, COMMAND)


def ready(socket_type: bytes) -> bytes:
    properties = {b"Socket-Type": socket_type, b"Identity": b""}
    return command(b"READY", b"".join(bytes([len(n)]) + n + struct.pack(">I", len(v)) + v for n, v in properties.items()))


def connection(endpoint: str) -> socket.socket:
    host, port = endpoint.removeprefix("tcp://").split(":")
    made = socket.create_connection((host, int(port)), timeout=10)
    made.settimeout(10)
    return made


def is_closed(made: socket.socket, timeout: float = 10.0) -> bool:
    """Whether the other end closes the connection in time, whatever it says before. timeout: in seconds; 0: has closed it."""
    made.settimeout(timeout)
    try:
        while made.recv(65536):
            pass
    except (TimeoutError, BlockingIOError):
        return False
    except OSError:
        pass
    return True


HELLO = GREETING + ready(b"DEALER")


def say(endpoint: str, *words: bytes) -> socket.socket:
    """Connect and send, as far as the other end takes it."""
    made = connection(endpoint)
    with suppress(OSError):
        for word in words:
            made.sendall(word)
    return made


def say_after_handshake(endpoint: str, *words: bytes, socket_type: bytes = b"DEALER") -> socket.socket:
    """The same after a handshake: what comes before the device's READY, libzmq takes for a wrong handshake, and hangs up."""
    made = say(endpoint, GREETING + ready(socket_type))
    heard = b""
    while len(heard) < len(GREETING) + 2 or len(heard) < len(GREETING) + 2 + heard[len(GREETING) + 1]:
        heard += made.recv(1000)
    with suppress(OSError):
        for word in words:
            made.sendall(word)
    return made
