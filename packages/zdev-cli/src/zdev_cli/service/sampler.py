"""The thread that reads the counters of all devices once a second, so that there are rates."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from time import monotonic

from .managed import Managed
from .statistics import PERIOD


class Sampler:
    """From start() to stop()."""

    def __init__(self, devices: Callable[[], Iterable[Managed]]) -> None:
        self._devices = devices
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="zdev sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        due = monotonic() + PERIOD
        while not self._over.wait(max(0.0, due - monotonic())):
            due = max(due + PERIOD, monotonic())
            for device in self._devices():
                device.meter.sample()
