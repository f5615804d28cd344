"""A subscriber of a mon socket, polled together with signals and a pipe's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import zmq

from zdev_background import DEFAULT_SOCKET_OPTIONS

from .._failure import Failure, status_of
from .._signals import StopSignals
from .link import Link

if TYPE_CHECKING:
    from zdev_background import Security


class Subscriber:
    """While entered, subscribed to the mon socket at `endpoint`.

    directions: prefixes to subscribe to; none for all. The device copies only what is subscribed to.
    capacity: messages that may wait here; beyond them the device's libzmq drops, as PUB sockets do.
    """

    def __init__(self, endpoint: str, directions: Sequence[bytes], capacity: int, security: Security | None = None) -> None:
        self.endpoint = endpoint
        self.stopped = False  # a signal has come, or one of the descriptors of `end_with` has an error
        self._prefixes = directions or (b"",)
        self._capacity = capacity
        self._security = security
        self._ends: set[int] = set()

    def __enter__(self) -> Self:
        self._stop = StopSignals()
        self._stop.__enter__()
        self._context = zmq.Context()
        self._context.sockopts.update(DEFAULT_SOCKET_OPTIONS)
        self._socket = self._context.socket(zmq.SUB)
        self._socket.linger = 0
        self._socket.rcvhwm = self._capacity
        refused = f"{self.endpoint} is not a mon endpoint: no PUB or XPUB accepted the connection"
        self._link = Link(self._socket, self.endpoint, refused, has_keys=self._security is not None)
        self._poller = zmq.Poller()
        for readable in (self._socket, self._link.events, self._stop.fileno()):
            self._poller.register(readable, zmq.POLLIN)
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _connect(self) -> None:
        if self._security:
            self._security.protect(self._socket, "")
        for prefix in self._prefixes:
            self._socket.subscribe(prefix)
        try:
            self._socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            text = f"cannot connect to {self.endpoint}: {zmq.strerror(error.errno or 0)}"
            raise Failure(f"{text}; write it like tcp://127.0.0.1:5561", status_of(error.errno)) from error

    def __exit__(self, *_: object) -> None:
        self._link.close()
        self._context.destroy(linger=0)
        self._stop.__exit__()

    def end_with(self, descriptor: int) -> None:
        """Stop when that has an error: a pipe whose reader has gone."""
        self._ends.add(descriptor)
        self._poller.register(descriptor, zmq.POLLERR)

    def wait(self, seconds: float | None) -> bool:
        """Whether there are messages, within so many seconds. Raises Failure when no mon socket listens there."""
        ready = dict(self._poller.poll(None if seconds is None else int(max(0.0, seconds) * 1000)))
        if self._ends & ready.keys() or self._stop.fileno() in ready:
            self.stopped = True
        if self._link.events in ready:
            self._link.report()
        return self._socket in ready

    def take(self, most: int) -> list[list[bytes]]:
        """Up to so many messages that are here already: [prefix, frame, ...]."""
        taken: list[list[bytes]] = []
        receive = self._socket.recv  # recv_multipart asks for RCVMORE after each frame, which takes longer than the frame
        try:
            while len(taken) < most:
                frame = receive(zmq.NOBLOCK, copy=False)
                message = [frame.bytes]
                while frame.more:
                    frame = receive(copy=False)
                    message.append(frame.bytes)
                taken.append(message)
        except zmq.Again:
            pass
        return taken
