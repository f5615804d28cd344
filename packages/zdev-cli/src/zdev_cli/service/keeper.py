"""Keep a device running: its phases and log lines, as operators see them."""

from __future__ import annotations

import errno
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

import zmq
from msgspec.structs import replace

from zdev_background import Ending, Engine, Outcome, RestartHooks, RestartPolicy, Role

from ..config import DeviceConfig
from ..config.build import device_of
from ..config.given_sockets import GivenSockets
from .statistics import CumulativeStatistics

READ_INTERVAL = 1.0  # seconds between readings of a device that must be asked
START_TIMEOUT = 30.0

Phase = Literal["starting", "running", "waiting", "ended", "failed"]


class DeviceKeeper(RestartHooks):
    """Runs a device from its start until it is stopped. All methods are thread-safe.

    Args:
        config: The device, with its defaults filled in.
        statistics: Accumulates the counters of all runs.
        log: Writes one line to the log, with a level of `logging`.
        paused: Whether the device starts paused.
        given: The listening sockets that serve its binds where they suit.
    """

    def __init__(
        self,
        config: DeviceConfig,
        statistics: CumulativeStatistics,
        log: Callable[[str, int], None],
        *,
        paused: bool,
        given: GivenSockets,
    ) -> None:
        self.config = config
        self.phase: Phase = "starting"
        self.error: str | None = None
        self.retry_at: float | None = None  # of time.monotonic()
        self.tried = threading.Event()
        """Set once it is known whether the start succeeded: the first one, or the one that `restart_now` brought forward."""
        self._given = given
        self.device = device_of(config, given)
        self.device.restart_policy = RestartPolicy(start_timeout=START_TIMEOUT, retry_first_start=True)
        self.device.restart_hooks = self
        self.device.start_paused = paused
        self.configure(config)
        self._statistics, self._log = statistics, log
        self._lock = threading.Lock()
        self._is_over = self._has_run = False
        self._thread = threading.Thread(target=self._run_until_stopped, name=f"{config.name} keeper", daemon=True)
        self._thread.start()

    @property
    def is_ending(self) -> bool:
        return self._is_over or self.phase in ("ended", "failed")

    @property
    def restarts(self) -> int:
        return self.device.restarts

    @property
    def endpoints(self) -> Mapping[Role, Sequence[str]]:
        """The bound endpoints, which a restart binds again; empty before the first run."""
        return self.device.endpoints

    @property
    def engine(self) -> Engine:
        """Which engine relays, and why: that of the last run while the device does not run, and as configured before the first one."""
        return self.device.engine

    def update(self, config: DeviceConfig) -> list[str]:
        """Have the running device take over a configuration. Returns what has changed. Raises what `Device.update` raises."""
        if config.isolation != self.config.isolation:
            raise zmq.ZMQError(errno.ENOTSUP, f"isolation {self.config.isolation} -> {config.isolation}")
        changes = self.device.update(device_of(config, self._given))
        self.configure(config)
        return changes

    def try_update(self, config: DeviceConfig) -> list[str]:
        """Raise what `update` would raise, except that new endpoints cannot be bound. Changes nothing.

        The engine takes over all or nothing, and binds last. It is asked for one more bind, which cannot succeed.
        """
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            blocked = replace(config, in_=replace(config.in_, bind=[endpoint, *config.in_.binds]))
            try:
                return self.update(blocked)
            except zmq.ZMQError as error:
                if error.errno != errno.EADDRINUSE or endpoint not in str(error):
                    raise
                return []

    def configure(self, config: DeviceConfig) -> None:
        """Apply the settings that only the keeper knows."""
        self.config = config
        if config.restart:
            self.device.restart = config.restart

    def restart_now(self) -> None:
        """Start a waiting device immediately. `tried` is then set by that start."""
        with self._lock:
            if self.phase in ("starting", "waiting"):
                self.tried.clear()
        self.device.restart_now()

    def join(self) -> bool:
        """Wait for the end of a device that is being stopped. Returns False if it does not end."""
        self._thread.join(self.config.drain_timeout or 0.0)
        self._thread.join(START_TIMEOUT)
        return not self._thread.is_alive()

    def end(self, drain_timeout: float | None) -> Outcome | None:
        """Stop the device and wait for its end.

        Args:
            drain_timeout: Seconds to wait for outstanding replies; None stops the device at once.

        Returns:
            How the last run ended; None if it ended by an error, or did not run.
        """
        with self._lock:
            self._is_over = True
            runs = self.phase == "running"
        patience = START_TIMEOUT
        with suppress(TimeoutError):  # its process does not respond: it is killed below
            if runs and drain_timeout is not None:
                self.device.drain(drain_timeout)
        try:
            self.device.stop()
        except TimeoutError:  # its LINGER may be for ever; a thread cannot be killed
            patience = 0.0
        self._thread.join(patience)
        if self._thread.is_alive():
            self.error = "the device does not stop: its LINGER may be too long"
        return self.device.outcome if runs else None

    def on_start(self, is_restart: bool) -> None:
        self._statistics.open(self.device, answers_at_once=self.config.isolation == "thread")
        with suppress(TimeoutError):
            self._statistics.refresh()  # it may be paused
        with self._lock:
            self.phase, self.error, self.retry_at = "running", None, None
            self.tried.set()
        done = "restarted" if is_restart and self._has_run else "started"
        self._log(f"{done}, engine: {engine_text(self.device.engine, self.config.engine)}", logging.INFO)
        self._has_run = True
        if self._is_over:  # stopped while it started
            self.device.stop()

    def on_end(self, ending: Ending) -> None:
        self._statistics.close(ending)
        if ending.lost:
            self._log(f"lost {ending.lost} messages: received, but not sent before the device ended", logging.WARNING)
        if ending.linger_expired:
            text = "LINGER ended while messages waited for a slow or absent peer: they are lost, and libzmq does not count them"
            self._log(text, logging.WARNING)
        if not (self._is_over or ending.error):
            by_signal = " or by SIGTERM to its process" if self.config.isolation == "process" else ""
            self._log(f"ended by a command on its ctrl socket{by_signal}", logging.INFO)

    def on_failure(self, error: BaseException, delay: float | None) -> None:
        text = " ".join(str(error).removeprefix(f"{self.config.name}: ").split()) or type(error).__name__
        if delay is None:
            self._log(f"{text}: not restarted", logging.ERROR)
        else:  # each failure at debug, a new reason as a warning
            self._log(f"{text}: retrying in {delay:g} s", logging.DEBUG if text == self.error else logging.WARNING)
        with self._lock:
            self.phase, self.error = ("failed" if delay is None else "waiting"), text
            self.retry_at = None if delay is None else time.monotonic() + delay
            self.tried.set()
        if self._is_over:
            self.device.stop()

    def _run_until_stopped(self) -> None:
        if not self._is_over:
            with suppress(Exception):  # handled by on_failure
                self.device.start(None)
        while self.device.is_alive():
            self.device.join(None if self.config.isolation == "thread" else READ_INTERVAL)
            with suppress(TimeoutError):  # it may be suspended
                self._statistics.refresh()
            self._statistics.requests.sample()
        with self._lock:
            self.retry_at = None
            self.phase = "failed" if self.phase == "failed" else "ended"
            if self.device.exception and self.error is None:
                self.error = " ".join(str(self.device.exception).removeprefix(f"{self.config.name}: ").split())
            self.tried.set()


def engine_text(engine: Engine, setting: str | None) -> str:
    """Return the engine, with the reason if libzmq was not asked for."""
    return f"{engine} ({engine.reason})" if engine == "libzmq" and setting != "libzmq" else str(engine)
