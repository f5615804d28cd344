"""The socket of a command, polled together with signals and the state of its connections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import zmq

from zdev_background import DEFAULT_OPTIONS_BY_TYPE, DEFAULT_SOCKET_OPTIONS

from .._failure import Failure, status_of
from .._progress import say
from .._signals import StopSignals
from .link import Link

if TYPE_CHECKING:
    from zdev_background import Security


class ClientSocket:
    """While entered, a socket that connects or binds to `endpoints`.

    kind: its type, such as PULL; security: for a socket that connects or for one that binds; refused: see `Link`; quiet: print
    nothing about connections.
    """

    def __init__(
        self,
        kind: str,
        endpoints: Sequence[str],
        *,
        bind: bool = False,
        security: Security | None = None,
        refused: str = "",
        quiet: bool = False,
    ) -> None:
        self.kind = kind
        self.endpoints = list(endpoints)
        self.stopped = False  # a signal has come, or one of the descriptors of `end_with` has an error
        self._bind = bind
        self._security = security
        self._refused = refused or f"does not accept a {kind}: the socket there has a type that does not match"
        self._quiet = quiet
        self._ends: set[int] = set()

    @property
    def endpoint(self) -> str:
        """All endpoints, as text."""
        return ", ".join(self.endpoints)

    def __enter__(self) -> Self:
        self._stop = StopSignals()
        self._stop.__enter__()
        self._context = zmq.Context()
        kind = self._zmq_type()
        self._context.sockopts.update({**DEFAULT_SOCKET_OPTIONS, **DEFAULT_OPTIONS_BY_TYPE.get(kind, {})})
        self._socket = self._context.socket(kind)
        mechanism = self._security.mechanism if self._security else ""
        refused = None if self._bind else self._refused
        self._link = Link(self._socket, self.endpoints, refused, mechanism=mechanism, quiet=self._quiet)
        self._poller = zmq.Poller()
        for readable in (self._link.events, self._stop.fileno()):
            self._poller.register(readable, zmq.POLLIN)
        try:
            self._set_options()
            self._protect()
            self.endpoints = [self._attach(each) for each in self.endpoints]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if not self._socket.closed:
            self._close(linger=0)
        self._stop.__exit__()

    def _zmq_type(self) -> zmq.SocketType:
        return zmq.SocketType[self.kind]

    def _set_options(self) -> None:
        """Set the options of this type, before the socket connects or binds."""

    def _protect(self) -> None:
        if not self._security:
            return
        from zdev_background._security import Server

        domain = f"zdev {self.kind.lower()}"
        if isinstance(self._security, Server):
            from zdev_background._zap import ZapHandler

            ZapHandler(self._context, domain, {domain: self._security})
        self._security.protect(self._socket, domain)

    def _attach(self, endpoint: str) -> str:
        """Bind or connect; return the endpoint with the port that was chosen."""
        verb = "bind" if self._bind else "connect to"
        try:
            if not self._bind:
                self._socket.connect(endpoint)
                return endpoint
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            text = f"cannot {verb} {endpoint}: {zmq.strerror(error.errno or 0)}"
            raise Failure(text, status_of(error.errno)) from error
        endpoint = self._socket.get_string(zmq.LAST_ENDPOINT)
        say(f"bound to {endpoint}")
        return endpoint

    def _close(self, linger: float) -> None:
        self._link.close()
        self._socket.close(linger=int(linger * 1000))
        self._context.term()  # waits until all is handed to the network, for LINGER at most

    def end_with(self, descriptor: int) -> None:
        """Stop when that has an error: a pipe whose reader has gone."""
        self._ends.add(descriptor)
        self._poller.register(descriptor, zmq.POLLERR)

    def check_signals(self) -> bool:
        """Whether a signal has come."""
        self.stopped = self.stopped or self._stop.wait(0)
        return self.stopped

    def _poll(self, seconds: float | None, events: int, descriptor: int | None = None) -> dict[object, int]:
        """Handle signals and connections for so many seconds, or until something is ready; return what is.

        events: of the socket. descriptor: is ready when it is readable.
        """
        self._poller.register(self._socket, events)
        if descriptor is not None:
            self._poller.register(descriptor, zmq.POLLIN)
        ready: dict[object, int] = dict(self._poller.poll(None if seconds is None else int(max(0.0, seconds) * 1000)))
        if descriptor is not None:
            self._poller.unregister(descriptor)
        if self._ends & ready.keys() or self._stop.fileno() in ready:
            self.stopped = True
        while self._link.events.poll(0):
            self._link.report()
        return ready
