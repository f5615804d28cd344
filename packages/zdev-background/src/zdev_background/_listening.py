"""Listening sockets that exist already: their endpoints, and those that this process serves."""

from __future__ import annotations

import os
import socket as sockets
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path


def endpoint_of(listener: sockets.socket) -> str:
    """Return the endpoint that a listening socket serves, as libzmq writes it.

    Raises:
        OSError: It is not a socket.
        ValueError: It does not listen, or not on tcp or ipc.
    """
    if not listener.getsockopt(sockets.SOL_SOCKET, sockets.SO_ACCEPTCONN):
        raise ValueError("it does not listen: call listen() first")
    address = listener.getsockname()
    if listener.type == sockets.SOCK_STREAM and listener.family == sockets.AF_UNIX:
        return "ipc://" + os.fsdecode(address).replace("\0", "@", 1)
    if listener.type == sockets.SOCK_STREAM and listener.family in (sockets.AF_INET, sockets.AF_INET6):
        host, port = address[:2]
        return f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
    raise ValueError("it is not a socket of tcp or ipc")


def listening_at(endpoints: Collection[str]) -> list[sockets.socket]:
    """Return duplicates of the sockets of this process that listen at these endpoints. libzmq does not show its own."""
    return [listener for _, listener in _listening_at(endpoints)]


def close_listeners(endpoints: Collection[str]) -> None:
    """Close the sockets of this process that listen at these endpoints, whoever has them. For a process that is about to exit."""
    for number, listener in _listening_at(endpoints):
        listener.close()
        os.close(number)


def _listening_at(endpoints: Collection[str]) -> Iterator[tuple[int, sockets.socket]]:
    """Yield the number of each descriptor, with a duplicate."""
    directory = Path("/proc/self/fd") if Path("/proc/self/fd").is_dir() else Path("/dev/fd")
    found: set[str] = set()
    for number in [int(each.name) for each in directory.iterdir()] if endpoints else []:
        with suppress(OSError):  # it was closed, also by another thread just now
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            listener = sockets.socket(fileno=os.dup(number))
            with suppress(ValueError):
                endpoint = endpoint_of(listener)
                if endpoint in endpoints and endpoint not in found:
                    found.add(endpoint)
                    yield number, listener
                    continue
            listener.close()
