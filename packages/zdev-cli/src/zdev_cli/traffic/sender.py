"""The socket that replays: it waits for its peer and for room, and drops nothing."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Self

import zmq

from zdev_background import DEFAULT_OPTIONS_BY_TYPE, DEFAULT_SOCKET_OPTIONS

from .._failure import Failure, Status, status_of
from .._progress import say
from .._signals import StopSignals
from .line import direction as shown
from .link import Link

if TYPE_CHECKING:
    from zdev_background import Security

_BLIND = ("PUB", "ROUTER")  # can't be polled for room
_ANSWERED = ("DEALER", "ROUTER", "PAIR")
_TURN = 1000  # messages sent before the next look at replies and signals
_LAST_CALL = 1.0  # seconds at most to hand over what was sent, after a signal
_RETRY = 0.002  # seconds until the next attempt of a type that cannot be polled for room


class Sender:
    """While entered, a socket at `endpoint`.

    kind: PUSH, DEALER, PUB, ROUTER or PAIR; timeout: seconds that a peer, or its taking the next message, may take.
    PUSH, DEALER and PAIR see no connection before it is there (IMMEDIATE), PUB is an XPUB that waits for a subscriber and for
    room (XPUB_NODROP), ROUTER learns of absent peers (ROUTER_MANDATORY).
    """

    def __init__(self, endpoint: str, kind: str, *, bind: bool, timeout: float, security: Security | None = None) -> None:
        self.endpoint = endpoint
        self.kind = kind
        self.replies = 0
        self.stopped = False
        self._bind = bind
        self._timeout = timeout
        self._security = security
        self._turn = 0
        self._topics: set[bytes] = set()  # that are subscribed to, at a PUB

    def __enter__(self) -> Self:
        self._stop = StopSignals()
        self._stop.__enter__()
        self._context = zmq.Context()
        kind = zmq.XPUB if self.kind == "PUB" else zmq.SocketType[self.kind]
        self._context.sockopts.update({**DEFAULT_SOCKET_OPTIONS, **DEFAULT_OPTIONS_BY_TYPE.get(kind, {})})
        self._socket = self._context.socket(kind)
        self._set_options()
        refused = f"{self.endpoint} does not accept a {self.kind}: the socket there has a type that does not match"
        self._link = Link(self._socket, self.endpoint, None if self._bind else refused, has_keys=self._security is not None)
        self._poller = zmq.Poller()
        for readable in (self._link.events, self._stop.fileno()):
            self._poller.register(readable, zmq.POLLIN)
        try:
            self._attach()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if not self._socket.closed:
            self._close(linger=0)
        self._stop.__exit__()

    def _set_options(self) -> None:
        if self.kind == "PUB":
            self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        elif self.kind == "ROUTER":
            self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        else:
            self._socket.setsockopt(zmq.IMMEDIATE, 1)
        if self._security:
            self._security.protect(self._socket, "")

    def _attach(self) -> None:
        verb = "bind" if self._bind else "connect to"
        try:
            if self._bind:
                self._socket.bind(self.endpoint)
                self.endpoint = self._socket.get_string(zmq.LAST_ENDPOINT)
                say(f"bound to {self.endpoint}")
            else:
                self._socket.connect(self.endpoint)
        except zmq.ZMQError as error:
            text = f"cannot {verb} {self.endpoint}: {zmq.strerror(error.errno or 0)}"
            raise Failure(text, status_of(error.errno)) from error

    def _close(self, linger: float) -> None:
        self._link.close()
        self._socket.close(linger=int(linger * 1000))
        self._context.term()  # waits until all is handed to the network, for LINGER at most

    def finish(self) -> None:
        """Hand all that was sent to the network. Raises Failure when the peer doesn't take it in time."""
        self.poll(0)
        began = monotonic()
        self._close(linger=min(_LAST_CALL, self._timeout) if self.stopped else self._timeout)
        if not self.stopped and monotonic() - began >= self._timeout:
            text = f"{self.endpoint} did not accept the last messages within {self._timeout:g} s"
            raise Failure(text, Status.UNAVAILABLE)

    def wait_for_replies(self, count: int, quiet: float) -> None:
        """Until so many replies came, or none for `quiet` seconds; for types that get any."""
        last, seen = monotonic(), self.replies
        while self.answered and self.replies < count and not self.stopped and monotonic() < last + quiet:
            self.poll(min(0.05, quiet))
            if self.replies > seen:
                last, seen = monotonic(), self.replies

    @property
    def answered(self) -> bool:
        """Whether the type is one that replies come to."""
        return self.kind in _ANSWERED

    @property
    def broken(self) -> int:
        """How often a connection ended; messages on their way then may be lost."""
        return self._link.lost

    def wait_for_peer(self) -> None:
        """Until somebody is there. Raises Failure when nobody comes in time."""
        deadline = monotonic() + self._timeout
        while not self.stopped and not self._has_peer():
            if monotonic() >= deadline:
                who = "subscriber" if self.kind == "PUB" else "peer"
                raise Failure(f"{self._peer()}: no {who} within {self._timeout:g} s: nothing was sent", Status.UNAVAILABLE)
            self.poll(min(0.05, self._timeout))

    def send(self, frames: Sequence[bytes]) -> bool:
        """False when a signal came instead. Raises Failure when nobody takes it in time."""
        self._turn += 1
        if self._turn % _TURN == 0:
            self.poll(0)
        deadline = 0.0
        while not self.stopped:
            if (missing := self._try(frames)) is None:
                return True
            now = monotonic()
            deadline = deadline or now + self._timeout
            if now >= deadline:
                raise Failure(f"{missing} within {self._timeout:g} s", Status.UNAVAILABLE)
            self.poll(_RETRY if self.kind in _BLIND else min(deadline - now, 0.25), for_room=True)
        return False

    def poll(self, seconds: float, *, for_room: bool = False) -> None:
        """Handle signals, replies and the connection, for so many seconds or until there is something, or room."""
        room = zmq.POLLOUT if for_room and self.kind not in _BLIND else 0
        self._poller.register(self._socket, room | (0 if self.kind == "PUSH" else zmq.POLLIN))
        ready: dict[object, int] = dict(self._poller.poll(int(seconds * 1000)))
        if self._stop.fileno() in ready:
            self.stopped = True
        while self._link.events.poll(0):
            self._link.report()
        if ready.get(self._socket, 0) & zmq.POLLIN:
            self._read()

    def _read(self) -> None:
        try:
            for _ in range(_TURN):
                message = self._socket.recv_multipart(zmq.NOBLOCK)
                self.replies += 1
                if self.kind == "PUB":
                    self._subscribe(message[0])
        except zmq.Again:
            pass

    def _subscribe(self, frame: bytes) -> None:
        """Handle a frame from an XPUB: 1 and a topic at its first subscription, 0 and the topic when the last one ends."""
        if frame[:1] == b"\1":
            self._topics.add(frame[1:])
        elif frame[:1] == b"\0":
            self._topics.discard(frame[1:])

    def _has_peer(self) -> bool:
        if self.kind == "ROUTER":
            return True  # it is known when a message is sent
        if self.kind == "PUB":
            return bool(self._topics)
        return bool(int(self._socket.get(zmq.EVENTS)) & zmq.POLLOUT)

    def _try(self, frames: Sequence[bytes]) -> str | None:
        """None when it was sent, else what is missing."""
        if self.kind == "PUB":
            self._read()
            if not self._topics:
                return f"{self._peer()}: the last subscriber has left, and no other came"
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:
            return f"{self._peer()}: the next message was not accepted"
        except zmq.ZMQError as error:
            if error.errno != zmq.EHOSTUNREACH:
                raise
            return f"{self._peer()}: no peer with the routing id {shown(frames[0])} connected"
        return None

    def _peer(self) -> str:
        return f"{self.kind} {'at' if self._bind else 'to'} {self.endpoint}"
