"""A socket that sends: it waits for its peer and for room, and drops nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import zmq

from .._failure import Failure, Status
from .._progress import say
from .client_socket import ClientSocket
from .line import direction as shown

_BLIND = ("PUB", "ROUTER")  # can't be polled for room
_ANSWERED = ("DEALER", "ROUTER", "PAIR", "REQ")
_TURN = 1000  # messages sent before the next look at replies and signals
_LAST_CALL = 1.0  # seconds at most to hand over what was sent, after a signal
_SILENT = 1.0  # seconds to wait for a peer before saying so
_TICK = 0.25  # seconds at most between two looks at signals
_LONGEST = 1e6  # seconds; libzmq takes 32 bits of milliseconds
_RETRY = 0.002  # seconds until the next attempt of a type that cannot be polled for room


class Sender(ClientSocket):
    """While entered, a socket at `endpoints`; further options are those of `ClientSocket`.

    kind: PUSH, DEALER, PUB, ROUTER, PAIR or REQ; timeout: seconds that a peer, or its taking the next message, may take.
    PUSH, DEALER, PAIR and REQ see no connection before it is there (IMMEDIATE), PUB is an XPUB that waits for a subscriber and
    for room (XPUB_NODROP), ROUTER learns of absent peers (ROUTER_MANDATORY). on_reply: takes each reply.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        kind: str,
        *,
        timeout: float,
        on_reply: Callable[[list[bytes]], object] = lambda _: None,
        **options: Any,
    ) -> None:
        super().__init__(kind, endpoints, **options)
        self.replies = 0
        self._timeout = timeout
        self._on_reply = on_reply
        self._turn = 0
        self._topics: set[bytes] = set()  # that are subscribed to, at a PUB

    def _zmq_type(self) -> zmq.SocketType:
        return zmq.XPUB if self.kind == "PUB" else super()._zmq_type()

    def _set_options(self) -> None:
        if self.kind == "PUB":
            self._socket.setsockopt(zmq.XPUB_NODROP, 1)
        elif self.kind == "ROUTER":
            self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        else:
            self._socket.setsockopt(zmq.IMMEDIATE, 1)

    def finish(self) -> None:
        """Hand all that was sent to the network. Raises Failure when the peer doesn't take it in time."""
        self.poll(0)
        began = monotonic()
        self._close(linger=min(self._timeout, _LAST_CALL if self.stopped else _LONGEST))
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

    def warning(self) -> str:
        """Describe that, if it happened."""
        times = "once" if self.broken == 1 else f"{self.broken} times"
        return f"the connection ended {times}; messages on their way then may be lost"

    def wait_for_peer(self, frames: Sequence[bytes] = ()) -> None:
        """Until a peer is there; with frames, at a PUB, a subscriber of these. Raises Failure when none comes in time."""
        began = monotonic()
        wanted, said = "subscriber" if self.kind == "PUB" else "peer", False
        while not self.stopped and not self._has_peer(frames):
            waited = monotonic() - began
            if waited >= self._timeout:
                text = f"{self._peer()}: no {wanted} within {self._timeout:g} s: nothing was sent"
                raise Failure(text, Status.UNAVAILABLE)
            if waited >= _SILENT and not said and not self._link.said:
                said = True
                say(f"waiting for a {wanted} at {self.endpoint}")
            self.poll(min(0.05, self._timeout))

    def pause_until(self, due: float, tick: Callable[[], object] = lambda: None) -> bool:
        """Whether there was no signal until the time `due` of monotonic(). tick: is called now and then."""
        tick()
        while not self.stopped and (left := due - monotonic()) > 0:
            self.poll(min(left, _TICK))
            tick()
        return not self.stopped

    def wait_for_input(self, descriptor: int) -> bool:
        """Whether the descriptor is readable, or at its end; False when a signal came first."""
        while not self.stopped:
            if descriptor in self.poll(None, descriptor=descriptor):
                return not self.stopped
        return False

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

    def poll(self, seconds: float | None, *, for_room: bool = False, descriptor: int | None = None) -> dict[object, int]:
        """Handle signals, replies and the connection, for so many seconds or until there is something, or room."""
        room = zmq.POLLOUT if for_room and self.kind not in _BLIND else 0
        ready = self._poll(seconds, room | (0 if self.kind == "PUSH" else zmq.POLLIN), descriptor)
        if ready.get(self._socket, 0) & zmq.POLLIN:
            self._read()
        return ready

    def _read(self) -> None:
        try:
            for _ in range(1 if self.kind == "REQ" else _TURN):
                message = self._socket.recv_multipart(zmq.NOBLOCK)
                self.replies += 1
                if self.kind == "PUB":
                    self._subscribe(message[0])
                else:
                    self._on_reply(message)
        except zmq.Again:
            pass

    def _subscribe(self, frame: bytes) -> None:
        """Handle a frame from an XPUB: 1 and a topic when the first peer subscribes, 0 and the topic when the last one has left."""
        if frame[:1] == b"\1":
            self._topics.add(frame[1:])
        elif frame[:1] == b"\0":
            self._topics.discard(frame[1:])

    def _has_peer(self, frames: Sequence[bytes]) -> bool:
        if self.kind == "ROUTER":
            return True  # it is known when a message is sent
        if self.kind == "PUB":
            return self.has_subscriber(frames)
        return bool(int(self._socket.get(zmq.EVENTS)) & zmq.POLLOUT)

    def has_subscriber(self, frames: Sequence[bytes] = ()) -> bool:
        """Whether a PUB has a subscriber of these frames; of anything, if there are none."""
        self._read()
        return any(frames[0].startswith(topic) for topic in self._topics) if frames else bool(self._topics)

    def _try(self, frames: Sequence[bytes]) -> str | None:
        """None when it was sent, else what is missing."""
        if self.kind == "PUB" and not self.has_subscriber():
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
