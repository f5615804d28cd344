"""A device that is kept running: started, and started again when it fails, until somebody ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from zdev_background import Device, Outcome, Role

from ..config import DeviceConfig
from .build import device_of
from .statistics import CumulativeStatistics

FIRST_DELAY = 0.1  # seconds from a failure to the new start; twice as long after each further failure
LONGEST_DELAY = 5.0
HEALTHY = 1.0  # seconds: after a run that lasted so long, the delays begin anew
READ_EVERY = 1.0  # seconds between looks at a device that must be asked
START_TIMEOUT = 30.0

Phase = Literal["starting", "running", "waiting", "ended", "failed"]


class Life:
    """From a start to an end that was asked for. All methods are for any thread.

    A run after a failure is on the endpoints that the first run bound, so that peers that stay connected go on by themselves.
    tell: takes a line for the log. on_start: called when a run has begun, before anybody is told.
    """

    def __init__(
        self,
        config: DeviceConfig,
        statistics: CumulativeStatistics,
        tell: Callable[[str], None],
        on_start: Callable[[Device], None],
    ) -> None:
        self.config = config
        self.phase: Phase = "starting"
        self.error: str | None = None
        self.retry_at: float | None = None  # of time.monotonic()
        self.restarts = 0
        self.device: Device | None = None
        self.tried = threading.Event()
        """Set once it is known whether the start succeeded: the first one, or the one that somebody hurried."""
        self._statistics, self._tell, self._on_start = statistics, tell, on_start
        self._endpoints: dict[Role, list[str]] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._live, name=f"{config.name} keeper", daemon=True)
        self._thread.start()

    @property
    def is_ending(self) -> bool:
        return self._over.is_set() or self.phase in ("ended", "failed")

    @property
    def endpoints(self) -> Mapping[Role, Sequence[str]]:
        """What is bound, or will be again; empty before the first run."""
        return self._endpoints if self.phase in ("running", "waiting") else {}

    def hurry(self) -> None:
        """Start now, if it waits. `tried` is of that start then."""
        with self._lock:
            if self.phase in ("starting", "waiting"):
                self.tried.clear()
            self._wake.set()

    def join(self) -> bool:
        """Wait for the end, which somebody asked for. False if it does not come."""
        self._thread.join(self.config.drain_timeout or 0.0)
        self._thread.join(START_TIMEOUT)
        return not self._thread.is_alive()

    def end(self, drain_timeout: float | None) -> Outcome | None:
        """End it, and wait for that. drain_timeout: seconds for what is owed to come home; None: it is stopped at once.

        Returns how the last run ended; None: by an error, or it did not run.
        """
        with self._lock:
            self._over.set()
            device = self.device
            runs = self.phase == "running"
        self._wake.set()
        patience = START_TIMEOUT
        if device:
            with suppress(TimeoutError):  # its process does not answer: it is killed below
                if runs and drain_timeout is not None:
                    device.drain(drain_timeout)
            try:
                device.stop()
            except TimeoutError:  # a LINGER for ever, mostly; a thread can't be killed
                patience = 0.0
        self._thread.join(patience)
        if self._thread.is_alive():
            self.error = "it does not end: its LINGER may be too long"
        return device.outcome if device and runs else None

    def _live(self) -> None:
        delay = FIRST_DELAY
        while not self._over.is_set():
            began = time.monotonic()
            error = self._run()
            if error is None:
                break
            text = " ".join(str(error).removeprefix(f"{self.config.name}: ").split()) or type(error).__name__
            if self._over.is_set():
                self.error = text
                break
            if time.monotonic() - began > HEALTHY:
                delay = FIRST_DELAY
            if not self._wait(text, delay):
                break
            delay = min(2 * delay, LONGEST_DELAY)
        with self._lock:
            self.device, self.retry_at = None, None
            self.phase = "failed" if self.phase == "failed" else "ended"
            self.tried.set()
        self._leave_no_directory()

    def _run(self) -> BaseException | None:
        """What ended the run, or kept it from starting; None: it ended as it should."""
        try:
            device = self._new_device()
            with self._lock:
                self.device, self.phase, self.retry_at = device, "starting", None
            device.start(START_TIMEOUT)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told, and tried again
            return error
        self._statistics.open(device, answers_at_once=self.config.isolation == "thread")
        self._started(device)
        while device.is_alive():
            device.join(None if self.config.isolation == "thread" else READ_EVERY)
            with suppress(TimeoutError):  # it may be suspended
                self._statistics.refresh()
        self._statistics.close()
        if device.lost:
            self._tell(f"lost {device.lost} messages: received, and not sent on when it ended")
        if not (self._over.is_set() or device.exception):
            by_signal = " or by SIGTERM to its process" if self.config.isolation == "process" else ""
            self._tell(f"ended by a command on its ctrl socket{by_signal}")
        return device.exception

    def _started(self, device: Device) -> None:
        again, has_run = self.error is not None, bool(self._endpoints)
        self.restarts += again
        self._endpoints = self._endpoints or {role: list(bound) for role, bound in device.endpoints.items()}
        with suppress(RuntimeError, TimeoutError):  # it has ended again, or does not answer
            self._on_start(device)
        with self._lock:
            self.phase, self.error = "running", None
            self.tried.set()
            over = self._over.is_set()
        self._tell("restarted" if again and has_run else "started")
        if over:
            with suppress(TimeoutError):
                device.stop()

    def _wait(self, text: str, delay: float) -> bool:
        """Whether to start again, some time after a failure that `text` tells."""
        tries_on = self.config.restart != "never"
        if text != self.error or not tries_on:
            self._tell(f"{text}: " + (f"retrying in {delay:g} s" if tries_on else "not restarted"))
        with self._lock:
            self.phase, self.error = ("waiting" if tries_on else "failed"), text
            self.device, self.retry_at = None, time.monotonic() + delay
            self.tried.set()
        if tries_on:
            self._wake.wait(delay)
            if not self._over.is_set():
                self._wake.clear()
        return tries_on and not self._over.is_set()

    def _new_device(self) -> Device:
        device = device_of(self.config)
        for role, endpoints in self._endpoints.items():
            device.specs[role].binds[:] = endpoints
        for path in self._chosen_paths():
            path.parent.mkdir(mode=0o700, exist_ok=True)
        return device

    def _leave_no_directory(self) -> None:
        for path in self._chosen_paths():
            with suppress(OSError):
                path.parent.rmdir()

    def _chosen_paths(self) -> list[Path]:
        """Of ipc wildcards, for which libzmq made a directory in the first run: later ones it takes for paths that were told."""
        told = {endpoint for socket in self.config.sockets.values() for endpoint in socket.binds}
        chosen = [each for bound in self._endpoints.values() for each in bound if each not in told]
        return [Path(each.removeprefix("ipc://")) for each in chosen if each.startswith("ipc://")]
