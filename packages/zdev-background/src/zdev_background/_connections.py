"""The connections that a socket has accepted. libzmq does not show them, but the system does."""

from __future__ import annotations

import array
import os
import socket as sockets
import stat
import sys
from _socket import socket as Connection  # gevent's patches replace socket.socket by one that belongs to a hub
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":  # which shows a program none of its descriptors
    import fcntl
    import termios

_WILDCARDS = ("0.0.0.0", "::")


def half_close_senders(endpoints: Iterable[str], *, at_once: bool) -> int:
    """Half-close the connections at `endpoints`, so that the senders send no more.

    ZMTP has no message for that. A sender that meets the end of the stream closes its connection, keeps what it has not sent yet, and
    tries again later. Data that it has sent still arrives here; unbind would discard them.

    Args:
        endpoints: What a socket of this process has bound.
        at_once: Also those from which bytes have arrived that libzmq has not read, since it had no room. They may be lost.

    Returns:
        How many senders are still connected.
    """
    connected = 0
    for connection in _accepted([_address(each) for each in endpoints]):
        connected += 1
        if at_once or not _unread_bytes(connection):
            with suppress(OSError):  # it has ended by itself
                connection.shutdown(sockets.SHUT_WR)
    return connected


def have_unsent(endpoints: Iterable[str]) -> bool:
    """Whether a peer that is connected to `endpoints` has not acknowledged all that this process has written to it.

    libzmq writes as soon as the system has room: where nothing is left in the system for a while, nothing is left in libzmq.
    """
    return any(_unsent_bytes(connection) for connection in _accepted([_address(each) for each in endpoints]))


def _accepted(addresses: list[tuple[str, int]]) -> Iterator[Connection]:
    directory = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    for number in [int(each.name) for each in directory.iterdir()] if addresses and directory.is_dir() else []:
        try:
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            fd = os.dup(number)  # libzmq may close its own at any time, and the number be another's then
        except OSError:
            continue
        connection = None
        try:
            connection = Connection(fileno=fd)
            connection.getpeername()
            if _is_at(connection, addresses):
                yield connection
        except OSError:  # a listener, or no longer a socket
            pass
        finally:
            if connection is None:
                os.close(fd)
            else:
                connection.close()


def _is_at(connection: Connection, addresses: list[tuple[str, int]]) -> bool:
    local = connection.getsockname()
    if isinstance(local, tuple):
        host, port = local[0].removeprefix("::ffff:"), local[1]
        return any(port == wanted and (at in _WILDCARDS or at == host) for at, wanted in addresses)
    path = os.fsdecode(local).replace("\0", "@")
    return bool(path) and (path, -1) in addresses


def _address(endpoint: str) -> tuple[str, int]:
    """Host and port, or a path and -1."""
    transport, _, address = endpoint.partition("://")
    if transport != "tcp":
        return address, -1
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _unread_bytes(connection: Connection) -> int:
    return _ioctl(connection, termios.FIONREAD)


def _unsent_bytes(connection: Connection) -> int:
    return _ioctl(connection, termios.TIOCOUTQ)


def _ioctl(connection: Connection, request: int) -> int:
    size = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), request, size)
    return size[0]
