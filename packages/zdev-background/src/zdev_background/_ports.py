"""TCP ports that are reserved for a device before it starts."""

from __future__ import annotations

import errno
import os
import random
import socket as sockets
from collections.abc import Iterable
from typing import Any

import zmq

from ._open_files import CONTEXT, IO_THREAD, room_for

_DEFAULT_RANGE = (49152, 65536)  # pyzmq's; here the system chooses then
_BACKLOG = 100  # as ZMQ_BACKLOG, for peers that connect before the device starts


class Ports:
    """The reserved ports of a device, each with a listening socket that the device's socket adopts.

    No other program can bind a reserved port, and a peer that connects early is served when the device starts. Pickles only while
    multiprocessing starts a process.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, sockets.socket] = {}

    def reserve(self, address: str, min_port: int, max_port: int, max_tries: int) -> int:
        """Reserve a free port of `address`, such as tcp://127.0.0.1, and return it. `InRole.bind_in_to_random_port` has the details."""
        host = _host(address)
        candidates: Iterable[int] = [0]
        if (min_port, max_port) != _DEFAULT_RANGE:
            ports = range(min_port, max_port)
            candidates = random.sample(ports, min(max_tries, len(ports)))
        for candidate in candidates:
            try:
                listener = _listen(host, candidate)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
                raise zmq.ZMQError(error.errno, f"{address}:{candidate}: {error.strerror}") from error
            port: int = listener.getsockname()[1]
            self._listeners[f"{address}:{port}"] = listener
            return port
        raise zmq.ZMQBindError(f"{address}: no free port found from {min_port} to {max_port - 1}")

    def adopt(self, endpoint: str, socket: zmq.Socket[Any]) -> bool:
        """Bind a socket to an endpoint with the listener reserved for it.

        The port stays reserved until `release`, so that a start that fails later can be tried again.

        Returns:
            Whether there is such a listener.
        """
        listener = self._listeners.get(endpoint)
        if listener is None:
            return False
        fd = os.dup(listener.fileno())
        try:
            socket.setsockopt(zmq.USE_FD, fd)
            socket.bind(endpoint)  # closes fd with the socket
        except BaseException:
            os.close(fd)
            raise
        socket.setsockopt(zmq.USE_FD, -1)
        return True

    def listening(self, endpoints: Iterable[str]) -> dict[str, int]:
        """Return the descriptors of the listeners reserved for these endpoints. They stay open until `release`."""
        return {each: self._listeners[each].fileno() for each in endpoints if each in self._listeners}

    def release(self) -> None:
        """Give up all reserved ports."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()

    def filenos(self) -> set[int]:
        """Return the descriptors of the listeners."""
        return {listener.fileno() for listener in self._listeners.values()}

    def __del__(self) -> None:
        self.release()


def _host(address: str) -> str:
    # libzmq resolves wildcards and names of interfaces: let it bind, and read the numeric address.
    with room_for(address, CONTEXT + IO_THREAD + 2), zmq.Context() as context, context.socket(zmq.PUSH) as probe:
        probe.ipv6 = "[" in address
        probe.bind(f"{address}:*")
        endpoint = probe.getsockopt_string(zmq.LAST_ENDPOINT)
    if not endpoint.startswith("tcp://"):
        raise zmq.ZMQError(errno.EPROTONOSUPPORT, f"{address} has no ports (use tcp)")
    return endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")


def _listen(host: str, port: int) -> sockets.socket:
    listener = sockets.socket(sockets.AF_INET6 if ":" in host else sockets.AF_INET)
    try:
        listener.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener
