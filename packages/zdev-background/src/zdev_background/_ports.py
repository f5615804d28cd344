"""Listening sockets that a device has before it starts: reserved TCP ports, and sockets that its user opened."""

from __future__ import annotations

import errno
import os
import random
import socket as sockets
from collections.abc import Iterable, Mapping
from typing import Any, Self

import zmq

from ._listening import endpoint_of
from ._open_files import CONTEXT, IO_THREAD, room_for

_DEFAULT_RANGE = (49152, 65536)  # pyzmq's; here the system chooses then
_BACKLOG = 100  # as ZMQ_BACKLOG, for peers that connect before the device starts


class Ports:
    """The listening sockets of a device, which its own sockets adopt.

    No other program can bind a reserved port, and a peer that connects early is served when the device starts. Pickles only while
    multiprocessing starts a process.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, sockets.socket] = {}
        self._kept: dict[str, sockets.socket] = {}  # of these, those that later starts serve too

    def add(self, listener: sockets.socket, endpoint: str | None = None, *, keep: bool) -> str:
        """Add a duplicate of a listening socket, and return the endpoint that it serves.

        Args:
            listener: Stays its caller's.
            endpoint: As the device binds it; None: the one where it listens.
            keep: Whether it is for all starts; else for the next one.

        Raises:
            OSError: It is not a socket.
            ValueError: It does not listen, or not on tcp or ipc.
        """
        where = endpoint_of(listener)
        endpoint = where if endpoint is None or self.has(endpoint) else endpoint  # a wildcard may be given twice
        self._listeners[endpoint] = sockets.socket(fileno=os.dup(listener.fileno()))
        if keep:
            self._kept[endpoint] = self._listeners[endpoint]
        return endpoint

    def for_restarts(self, bound: Mapping[str, str]) -> Self:
        """Return duplicates of those that later starts serve too.

        Args:
            bound: The endpoints that restarts bind, by those that were given.
        """
        ports = type(self)()
        for endpoint, listener in self._kept.items():
            ports.add(listener, bound.get(endpoint, endpoint), keep=True)
        return ports

    def take_kept(self, other: Ports) -> None:
        """Add duplicates of those that later starts of another device serve, where this one has none for the endpoint."""
        for endpoint, listener in other._kept.items():
            if not self.has(endpoint):
                self.add(listener, endpoint, keep=True)

    def has(self, endpoint: str) -> bool:
        """Return whether a listening socket serves this endpoint."""
        return endpoint in self._listeners

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
        return {each: self._listeners[each].fileno() for each in endpoints if self.has(each)}

    def release(self) -> None:
        """Give up all that is not for later starts."""
        for endpoint, listener in self._listeners.items():
            if endpoint not in self._kept:
                listener.close()
        self._listeners = dict(self._kept)

    def close(self) -> None:
        """Give up all."""
        self.release()
        for listener in self._kept.values():
            listener.close()
        self._listeners, self._kept = {}, {}

    def filenos(self) -> set[int]:
        """Return the descriptors of the listeners."""
        return {listener.fileno() for listener in self._listeners.values()}

    def __del__(self) -> None:
        self.close()


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
