"""TCP ports that are promised to a device before it starts."""

from __future__ import annotations

import errno
import os
import random
import socket as sockets
from collections.abc import Iterable
from typing import Any

import zmq

from ._open_files import CONTEXT, IO_THREAD, room_for

_WHOLE_RANGE = (49152, 65536)  # pyzmq's defaults, which mean: the system chooses
_BACKLOG = 100  # as ZMQ_BACKLOG: peers that connect before the device starts wait here


class Ports:
    """Keeps each port with a listening socket, which a device's own socket takes over as it is.

    So nobody else can bind a promised port, and a peer that connects early is served when the device starts.
    Pickles while multiprocessing starts a process, and only then.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, sockets.socket] = {}

    def reserve(self, address: str, min_port: int, max_port: int, max_tries: int) -> int:
        """A port of `address`, a transport and host like tcp://127.0.0.1, that is now kept for its endpoint.

        Raises ZMQBindError when no port from `min_port` to below `max_port` was free in `max_tries` tries, and ZMQError for an
        address that can't be bound.
        """
        host = _host(address)
        candidates: Iterable[int] = [0]
        if (min_port, max_port) != _WHOLE_RANGE:
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
        """Bind `socket` to `endpoint` with the listener kept for it, if there is one.

        The port is kept here too until `release`, so that a start that fails later can be tried again.
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

    def release(self) -> None:
        """Keep no port any longer."""
        for listener in self._listeners.values():
            listener.close()
        self._listeners.clear()

    def filenos(self) -> set[int]:
        return {listener.fileno() for listener in self._listeners.values()}

    def __del__(self) -> None:
        self.release()


def _host(address: str) -> str:
    # libzmq knows wildcards and names of interfaces: let it bind, and tell the numeric address.
    with room_for(address, CONTEXT + IO_THREAD + 2), zmq.Context() as context, context.socket(zmq.PUSH) as probe:
        probe.ipv6 = "[" in address
        probe.bind(f"{address}:*")
        endpoint = probe.getsockopt_string(zmq.LAST_ENDPOINT)
    if not endpoint.startswith("tcp://"):
        raise zmq.ZMQError(errno.EPROTONOSUPPORT, f"{address} has no ports: only tcp has")
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
