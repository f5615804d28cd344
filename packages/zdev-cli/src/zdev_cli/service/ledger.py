"""What a device has counted, over all its runs."""

from __future__ import annotations

import threading
import time
from operator import add
from typing import NamedTuple

from zdev_background import Device, Ending, FlowStatistics, State, Statistics


class Counters(NamedTuple):
    """Of one direction."""

    messages_received: int = 0
    messages_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    malformed: int = 0
    unroutable: int = 0
    overflowed: int = 0
    monitor_sent: int = 0
    monitor_dropped: int = 0
    blocked_nanoseconds: int = 0

    @classmethod
    def of(cls, flow: FlowStatistics) -> Counters:
        return cls(*(getattr(flow, name) for name in cls._fields))

    def plus(self, flow: FlowStatistics) -> Counters:
        return Counters(*map(add, self, Counters.of(flow)))


class Reading(NamedTuple):
    """The counters at one moment."""

    time: float
    """Of time.monotonic()."""
    in_: Counters
    out: Counters
    lost: int = 0
    in_flight: int = 0
    state: State = State.IDLE


class Ledger:
    """The counters of a device go on from run to run, and never back. For any thread.

    A device in a process is asked through a pipe, and may take long to answer: only `refresh` asks it, once a second, in the
    thread that watches over it. All others are asked whenever somebody reads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._past = Reading(time.monotonic(), Counters(), Counters())  # of the runs that have ended
        self._latest = self._past
        self._device: Device | None = None
        self._run = 0
        self._answers_at_once = False
        self._iterations = -1
        self._iterated_at = 0.0
        self.began: float | None = None
        """When the run under way began, in seconds of time.monotonic(); None: none is."""

    def open(self, device: Device, *, answers_at_once: bool) -> None:
        """A run has begun."""
        with self._lock:
            self._device, self._answers_at_once = device, answers_at_once
            self._run += 1
            self._latest = self._latest._replace(state=State.ACTIVE)  # until it is asked
            self.began = self._iterated_at = time.monotonic()

    def close(self, ending: Ending) -> None:
        """The run has ended."""
        with self._lock:
            self._device, self.began = None, None
            self._note(ending.statistics)
            self._latest = self._past = self._latest._replace(lost=self._past.lost + ending.lost, state=State.IDLE, in_flight=0)

    def refresh(self) -> None:
        """Ask the device. Raises TimeoutError if it does not answer."""
        with self._asking:  # else an older answer might be noted after a newer one
            device, run = self._device, self._run
            if device:
                statistics = device.statistics()
                with self._lock:
                    if self._device and self._run == run:
                        self._note(statistics)

    def read(self) -> Reading:
        if self._device is None:
            return self._latest._replace(time=time.monotonic())
        if self._answers_at_once:
            self.refresh()
        return self._latest

    def stuck_for(self) -> float:
        """Seconds since the relay made its last turn, of which it makes four a second at least; 0: it has ended."""
        state = self.read().state
        with self._lock:
            return 0.0 if self._device is None or state is State.IDLE else time.monotonic() - self._iterated_at

    def _note(self, statistics: Statistics) -> None:
        now = time.monotonic()
        if statistics.loop_iterations != self._iterations:
            self._iterations, self._iterated_at = statistics.loop_iterations, now
        in_flight = statistics.pending_replies + statistics.in_.pending + statistics.out.pending
        past = self._past
        in_, out = past.in_.plus(statistics.in_), past.out.plus(statistics.out)
        self._latest = Reading(now, in_, out, past.lost, in_flight, statistics.state)
