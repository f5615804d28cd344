"""The end of a run: send on what has been received, as far as time allows, and count the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress

import zmq

import zdev_core
from zdev_core import Outcome

from ._connections import half_close_senders, have_unsent
from ._spec import OpenSocket, Role
from ._threads import Latch, start_thread

logger = logging.getLogger("zdev")

LONGEST_GRACE = 5.0  # seconds, where LINGER is for ever
QUIET_PERIOD = 0.02  # seconds without any movement, after which nothing is on the network
PATIENCE = 0.4  # the part of the grace to wait for a pause
STUCK = 0.2  # seconds without any movement, after which a sender won't close its connection
POLL_INTERVAL = 0.002  # seconds between looks at what moves
FLUSHED_PERIOD = 0.005  # seconds without anything unsent, after which libzmq has nothing left to send
COUNTING = 0.5  # seconds to count what is left, where senders go on

_RECEIVERS = {zmq.PULL, zmq.SUB}
_SENDERS = {zmq.PUSH, zmq.PUB}
_PUBLISHING = {zmq.XPUB, zmq.XSUB, zmq.PUB, zmq.SUB}


class GracefulShutdown:
    """For the thread of the relay, between the engine's last run and the close of its sockets; `abort` is for any thread.

    Messages wait in four places: in the sender's queue, where they are safe; on the network; in libzmq's inbound queue here; in
    libzmq's outbound queue. `send_on` relays those of the second and third, `flush` waits for those of the fourth. Connections of
    senders to a one-way device are half-closed; on other devices this would cut off replies, so they relay until a pause.
    """

    def __init__(self, engine: zdev_core.Device, opened: Mapping[Role, OpenSocket]) -> None:
        self._engine = engine
        source, sink = opened["in"], opened["out"]
        if source.socket.type in _SENDERS or sink.socket.type in {*_RECEIVERS, zmq.XSUB}:  # messages go from out to in
            source, sink = sink, source
        self._source, self._sink = source, sink
        self._is_one_way = source.socket.type in _RECEIVERS or sink.socket.type in _SENDERS
        self._endpoints = _system_endpoints(source)
        self._over = Latch()
        self._error: OSError | None = None  # from half-closing the connections of senders

    def abort(self) -> None:
        self._over.open()
        self._engine.stop()

    def send_on(self, outcome: Outcome | None, grace: float | None) -> None:
        """Relay what has arrived, except after a drain: replies to further requests could not come back.

        Args:
            outcome: Of the run; None after an error.
            grace: Seconds that this may take; None: the LINGER of the out socket.
        """
        if not self._is_one_way and outcome in (Outcome.DRAINED, Outcome.DRAIN_TIMED_OUT):
            return
        grace = _linger(self._sink) if grace is None else min(grace, _linger(self._sink))
        if grace <= 0 or self._over.is_open() or not self._has_something():
            return
        end = time.monotonic() + grace
        self._relay(grace)
        if self._is_one_way and not self._over.is_open():
            self._source.unbind()  # senders may have connected again by now, and sent more
            if self._source.socket.poll(0):
                self._relay(max(end - time.monotonic(), STUCK))

    def _relay(self, grace: float) -> None:
        """Run the engine until nothing moves, for `grace` seconds at most."""
        ended, quiet = Latch(), Latch()
        start_thread(self._stop_when_quiet, "zdev shutdown", grace, ended, quiet)
        try:
            self._engine.run()
        finally:
            ended.open()
            quiet.wait()
        error, self._error = self._error, None
        if error:
            logger.warning("cannot half-close the connections of senders to %s: %s", ", ".join(self._endpoints), error)

    def flush(self, grace: float | None) -> bool:
        """Wait until the peers of `in` and `out` have taken all that libzmq has for them, for `grace` seconds at most.

        zmq_unbind discards what waits for a slow peer, whatever LINGER says, and closing a socket begins with it.

        Args:
            grace: None: for the LINGER of each socket.

        Returns:
            Whether something still waits, which will be lost.
        """
        begin = time.monotonic()
        waiting = [self._waits(each, begin, grace) for each in (self._source, self._sink)]
        return any(waiting)

    def _waits(self, opened: OpenSocket, begin: float, grace: float | None) -> bool:
        endpoints = _system_endpoints(opened)
        if not endpoints or opened.socket.type in _RECEIVERS:
            return False
        grace = _linger(opened) if grace is None else min(grace, _linger(opened))
        quiet_since = time.monotonic()
        while (now := time.monotonic()) < begin + grace and not self._over.is_open():
            if _have_unsent(endpoints):
                quiet_since = time.monotonic()
            elif now - quiet_since > FLUSHED_PERIOD:
                return False
            self._over.wait(max(POLL_INTERVAL, time.monotonic() - now))  # no more than half of the time is spent on looks
        return _have_unsent(endpoints)

    def count_unread(self) -> int:
        """Unbind, then count what was received and cannot be relayed any more."""
        deadline, count = time.monotonic() + COUNTING, 0
        for opened in [self._source] if self._is_one_way or self._source is self._sink else [self._source, self._sink]:
            if opened.socket.type == zmq.XPUB or (opened is self._sink and opened.socket.type in _PUBLISHING):
                continue  # subscriptions
            opened.unbind()
            with suppress(zmq.ZMQError):  # EAGAIN: that was all; EFSM: a REP or REQ, out of turn
                while time.monotonic() < deadline:
                    opened.socket.recv_multipart(zmq.NOBLOCK)
                    count += 1
        return count

    def _has_something(self) -> bool:
        """Whether messages have arrived, or arrive within the time that those on the network need."""
        if self._in_hand() or (self._is_one_way and self._endpoints):
            return True
        poller = zmq.Poller()
        for opened in self._source, self._sink:
            poller.register(opened.socket, zmq.POLLIN)
        return bool(poller.poll(round(QUIET_PERIOD * 1000)))

    def _stop_when_quiet(self, grace: float, ended: Latch, quiet: Latch) -> None:
        """In a thread beside the engine: end its run once nothing moves."""
        try:
            self._wait_until_quiet(grace, ended)
        finally:
            if not ended.is_open():
                self._engine.stop()
            quiet.open()

    def _wait_until_quiet(self, grace: float, ended: Latch) -> None:
        """Half-close the connections of senders at the first pause, when what still comes finds room.

        libzmq gives up a connection that both sides have closed while its inbound queue is full, and loses what is in the network.
        """
        begin = since = time.monotonic()
        moved, connected, half_close = -1, 0, False
        while not ended.wait(POLL_INTERVAL) and (now := time.monotonic()) < begin + grace:
            if (last := self._moved()) != moved:
                moved, since = last, now
            is_quiet = not self._in_hand() and now - since > QUIET_PERIOD
            half_close = half_close or is_quiet or now > begin + grace * PATIENCE
            if self._is_one_way and half_close:
                connected = self._half_close_senders(at_once=False)
            if is_quiet and (not connected or now - since > STUCK):
                break
        if self._is_one_way:
            self._half_close_senders(at_once=True)

    def _half_close_senders(self, *, at_once: bool) -> int:
        try:
            return half_close_senders(self._endpoints, at_once=at_once)
        except OSError as error:  # as a rule no descriptor is left; what has arrived is sent on nevertheless
            self._error = error
            return 0

    def _moved(self) -> int:
        statistics = self._engine.statistics()
        return statistics.in_.messages_received + statistics.out.messages_received

    def _in_hand(self) -> int:
        statistics = self._engine.statistics()
        return statistics.in_.pending + statistics.out.pending


def _system_endpoints(opened: OpenSocket) -> list[str]:
    """Return the bound endpoints whose connections the system shows."""
    return [each for each in opened.endpoints if each.startswith(("tcp:", "ipc:"))]


def _linger(opened: OpenSocket) -> float:
    """In seconds."""
    linger = opened.socket.getsockopt(zmq.LINGER)
    assert isinstance(linger, int)
    return LONGEST_GRACE if linger < 0 else min(linger / 1000, LONGEST_GRACE)


def _have_unsent(endpoints: list[str]) -> bool:
    try:
        return have_unsent(endpoints)
    except OSError:  # no descriptor is left to look
        return False
