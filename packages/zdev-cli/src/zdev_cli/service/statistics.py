"""The counters of a device over all its runs, and its rates, from two readings a second apart."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from zdev_background import Connections, ConnectStatus, Device, Ending, State, Statistics

from .._words import Role
from ..snapshot import METRICS, REASONS, DirectionView, Dropped
from ..snapshot.connections import CONNECTION_METRICS, PRESENT
from .requests import CumulativeRequests

PERIOD = 1.0  # seconds between samples
KEPT = 60  # samples
OLD = 2.5  # seconds after which a reading says nothing about the present

_BLOCKED = "blocked_nanoseconds"  # becomes backpressure_seconds, the only counter that is converted
_COUNTERS = (*(name for name in METRICS if name != "backpressure_seconds"), *REASONS, _BLOCKED)

_ENDS: tuple[Role, ...] = ("in", "out")

Totals = dict[str, int]
"""The counters of one direction, or of the connections of one role, that a snapshot shows, by name."""


class ConnectionReading(NamedTuple):
    """The connections of one role at one moment."""

    totals: Totals
    current: Mapping[str, int] = {}
    """How many connections there are now, by the names in PRESENT; empty: the device does not run."""
    connects: tuple[ConnectStatus, ...] = ()


class Reading(NamedTuple):
    """The counters at one moment."""

    time: float
    """Of time.monotonic()."""
    in_: Totals
    out: Totals
    lost: int = 0
    in_flight: int = 0
    state: State = State.IDLE
    roles: Mapping[Role, ConnectionReading] = {}
    """Of the roles whose connections were known in any run."""


class CumulativeStatistics:
    """The counters of a device continue from run to run, and never decrease. For any thread.

    A device in a process is asked through a pipe, and may take long to answer: only `refresh` asks it, once a second, in the
    thread that supervises it. All others are asked whenever somebody reads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._past = Reading(time.monotonic(), dict.fromkeys(_COUNTERS, 0), dict.fromkeys(_COUNTERS, 0))  # of ended runs
        self._latest = self._past
        self._device: Device | None = None
        self._run = 0
        self._answers_at_once = False
        self._iterations = -1
        self._iterated_at = 0.0
        self.requests = CumulativeRequests()
        self.began: float | None = None
        """When the present run began, in seconds of time.monotonic(); None: the device does not run."""

    def open(self, device: Device, *, answers_at_once: bool) -> None:
        """Begin to count a run."""
        self.requests.open(device)
        with self._lock:
            self._device, self._answers_at_once = device, answers_at_once
            self._run += 1
            self._latest = self._latest._replace(state=State.ACTIVE)  # until it is asked
            self.began = self._iterated_at = time.monotonic()

    def close(self, ending: Ending) -> None:
        """Add a run that has ended."""
        self.requests.close(ending.requests)
        with self._lock:
            self._device, self.began = None, None
            self._note(ending.statistics, ending.connections)
            roles = {role: ConnectionReading(reading.totals) for role, reading in self._latest.roles.items()}
            # A process that was killed reports no more than it had.
            lost = max(self._latest.lost, self._past.lost + ending.lost)
            self._latest = self._past = self._latest._replace(lost=lost, state=State.IDLE, in_flight=0, roles=roles)

    def refresh(self) -> None:
        """Ask the device. Raises TimeoutError if it does not answer."""
        with self._asking:  # otherwise an older answer might be noted after a newer one
            device, run = self._device, self._run
            if device:
                statistics, connections = device.statistics(), device.connections()
                with self._lock:
                    if self._device and self._run == run:
                        self._note(statistics, connections)

    def read(self) -> Reading:
        if self._device is None:
            return self._latest._replace(time=time.monotonic())
        if self._answers_at_once:
            self.refresh()
        return self._latest

    def stuck_for(self) -> float:
        """Return seconds since the last iteration of the relay's loop, of which it makes at least four per second; 0: it has ended."""
        state = self.read().state
        with self._lock:
            return 0.0 if self._device is None or state is State.IDLE else time.monotonic() - self._iterated_at

    def _note(self, statistics: Statistics, connections: Mapping[Role, Connections]) -> None:
        now = time.monotonic()
        if statistics.loop_iterations != self._iterations:
            self._iterations, self._iterated_at = statistics.loop_iterations, now
        in_flight = statistics.pending_replies + statistics.in_.pending + statistics.out.pending
        past = self._past
        in_, out = _sum(past.in_, statistics.in_), _sum(past.out, statistics.out)
        # A relay that is bound and has not begun its loop is idle for a moment; one that stays so is unresponsive.
        state = State.ACTIVE if self._device and statistics.state is State.IDLE else statistics.state
        roles = dict(past.roles)
        for role, each in connections.items():
            totals = roles[role].totals if role in roles else dict.fromkeys(CONNECTION_METRICS, 0)
            current = {name: getattr(each.counters, name) for name in PRESENT}
            roles[role] = ConnectionReading(_sum(totals, each.counters), current, each.connects)
        lost = sum(connections[role].lost for role in _ENDS if role in connections)
        self._latest = Reading(now, in_, out, past.lost + lost, in_flight, state, roles)


class Meter:
    """The rates of one device. `sample` is for one thread, which calls it once a second; `views` for any."""

    def __init__(self, statistics: CumulativeStatistics) -> None:
        self._statistics = statistics
        self._before = statistics.read()
        self._in, self._out = _Rates(), _Rates()

    def sample(self) -> None:
        now, before = self._statistics.read(), self._before
        for rates, new, old in ((self._in, now.in_, before.in_), (self._out, now.out, before.out)):
            rates.sample(new, old, now.time - before.time, is_old=time.monotonic() - now.time > OLD)
        self._before = now

    def views(self, reading: Reading) -> tuple[DirectionView, DirectionView]:
        return self._in.view(reading.in_), self._out.view(reading.out)


class _Rates:
    def __init__(self) -> None:
        self._messages = self._bytes = self._blocked = 0.0
        self._history: deque[float] = deque(maxlen=KEPT)

    def sample(self, new: Totals, old: Totals, seconds: float, *, is_old: bool) -> None:
        def rate(name: str) -> float:
            return (new[name] - old[name]) / seconds

        if is_old:
            self._messages = self._bytes = self._blocked = 0.0
        elif seconds > 0:  # else the device has not answered again yet: the rates stay
            self._messages, self._bytes = round(rate("messages_sent"), 1), round(rate("bytes_sent"), 1)
            self._blocked = round(min(1.0, rate(_BLOCKED) / 1e9), 3)
        self._history.append(self._messages)

    def view(self, now: Totals) -> DirectionView:
        counters = {name: now[name] for name in METRICS if name in now}
        return DirectionView(
            **counters,
            dropped=Dropped(**{reason: now[reason] for reason in REASONS}),
            backpressure_seconds=round(now[_BLOCKED] / 1e9, 3),
            messages_per_second=self._messages,
            bytes_per_second=self._bytes,
            backpressure=self._blocked,
            history=list(self._history),
        )


def _sum(totals: Totals, counters: object) -> Totals:
    return {name: total + getattr(counters, name) for name, total in totals.items()}


class Sampled(Protocol):
    """Something to sample once a second."""

    def sample(self) -> None: ...


class Sampler:
    """The thread that samples everything once a second, from start() to stop()."""

    def __init__(self, sampled: Callable[[], Iterable[Sampled]]) -> None:
        self._sampled = sampled
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="zdev sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        due = time.monotonic() + PERIOD
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + PERIOD, time.monotonic())
            for each in self._sampled():
                each.sample()
