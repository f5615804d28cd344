"""The requests of a queue that knows its workers, over all its runs."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress

import zmq
from msgspec.structs import replace

from zdev_background import Device, Durations, Requests

from ..snapshot.requests import PRESENT_REQUESTS, REQUEST_METRICS, DurationsView, RequestsView, WorkerCounts


class CumulativeRequests:
    """The counters continue from run to run, and never decrease. For any thread.

    The loop of the device answers, or its process: only `sample` asks it, once a second, and all others read what it found.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._past = self._latest = RequestsView()
        self._device: Device | None = None
        self._run = 0
        self._is_known = False

    def open(self, device: Device) -> None:
        """Begin to count a run."""
        with self._lock:
            self._device = device if device.workers else None
            self._is_known = self._is_known or device.workers is not None
            self._run += 1

    def close(self, ending: Requests) -> None:
        """Add a run that has ended. A process that was killed reports less than it had."""
        with self._lock:
            self._device = None
            if self._past.received + ending.received >= self._latest.received:
                self._latest = _sum(self._past, ending)
            unfinished = self._latest.waiting + self._latest.at_work
            self._past = self._latest = replace(
                self._latest,
                **dict.fromkeys(PRESENT_REQUESTS, 0),
                dead=self._latest.dead + unfinished,
                workers=WorkerCounts(),
            )

    def sample(self) -> None:
        """Ask the device. It may be unresponsive, or have just ended."""
        device, run = self._device, self._run
        if device is None:
            return
        with suppress(TimeoutError, zmq.ZMQError):
            found = device.requests()
            with self._lock:
                if self._device and self._run == run:
                    self._latest = _sum(self._past, found)

    def view(self) -> RequestsView | None:
        """Return them; None if the device has never known its workers."""
        return self._latest if self._is_known else None


def _sum(past: RequestsView, now: Requests) -> RequestsView:
    counts = {name: getattr(past, name) + getattr(now, name) for name in REQUEST_METRICS}
    present = {name: getattr(now, name) for name in PRESENT_REQUESTS}
    return RequestsView(
        **counts,
        **present,
        waited=_sum_durations(past.waited, now.waited),
        served=_sum_durations(past.served, now.served),
        latency=_sum_durations(past.latency, now.latency),
        workers=WorkerCounts(**Counter(each.state.replace("-", "_") for each in now.workers)),
    )


def _sum_durations(past: DurationsView, now: Durations) -> DurationsView:
    """Beyond the end of either list, all were shorter."""
    ends = (past.count, now.count)
    longest = max(len(past.below), len(now.below))
    lists = [[*below, *[count] * (longest - len(below))] for below, count in zip((past.below, now.below), ends, strict=True)]
    return DurationsView(
        count=sum(ends),
        sum=round(past.sum + now.sum, 6),
        p50=now.p50,
        p99=now.p99,
        below=[sum(each) for each in zip(*lists, strict=True)],
    )
