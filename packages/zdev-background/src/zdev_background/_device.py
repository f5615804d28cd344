"""The life cycle of a device: start, steer, inspect, stop, and start again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from multiprocessing.process import BaseProcess
from typing import Any, Self

import zmq

from zdev_core import Outcome, State, Statistics

from . import _registry
from ._async import Awaitable
from ._launchers import InlineLauncher, Launcher
from ._mistakes import refuse_mistakes
from ._open_files import FILE_LIMIT
from ._placement import Placement
from ._relay import Ending, Endpoints, Plan, Policy, no_statistics
from ._roles import Roles
from ._threads import countdown, normalise_timeout

logger = logging.getLogger("zdev")

END_TIMEOUT = 10.0  # seconds for a device to end once it has drained
EXIT_GRACE = 0.3  # seconds to send on what has arrived, when the interpreter exits
KILL_TIMEOUT = 1.0  # seconds for a process to end that was killed

_SETTINGS = frozenset(
    [
        "context_factory",
        "on_full",
        "mon_on_full",
        "io_threads",
        "cpus",
        "file_limit",
        "start_method",
        "start_paused",
        "restart",
        "restart_policy",
        "restart_hooks",
    ]
)


class Device(Awaitable, Roles):
    """A relay between two sockets that runs in the calling thread: `start` returns when the device has ended.

    The sockets are made at the start, as described with `bind_in`, `connect_out`, `setsockopt_in` and the like, and closed at the end. A
    device can be started again. LINGER is 1000 ms by default. ROUTER sockets have ROUTER_MANDATORY by default, so that a message to a
    peer that is gone or full is counted, where libzmq would drop it silently (see `on_full`). `DEFAULT_SOCKET_OPTIONS` and
    `DEFAULT_OPTIONS_BY_TYPE` have the other defaults; IMMEDIATE is 1 on a DEALER, PUSH or REQ that connects to its receivers.

    Methods may be called from any thread. A device runs until it ends or the interpreter exits, even if nothing refers to it. Timeouts
    are in seconds, None for no limit; one below 0 raises ValueError.

    Args:
        device_type: zmq.QUEUE, FORWARDER or STREAMER; a name only: what is relayed follows from the socket types.
        in_type: Socket type, like zmq.ROUTER.
        out_type: Socket type; below 0, the in socket is both ends and answers itself.

    Attributes:
        daemon: Whether the interpreter may exit while the device runs. Default: True.
        done: Whether the last run has ended.
        exception: What ended the last run, or kept it from starting; None if all was well.
        lost: Messages that the last run had received and, ending, could not hand to libzmq.
        linger_expired: Whether LINGER ended the last run while libzmq still had messages to send: those are lost too, and cannot be
            counted. None if unknown: a socket that connects in a shared context goes on sending after the end.
        outcome: How the last run ended: STOPPED, DRAINED or DRAIN_TIMED_OUT; None if by an error.
    """

    _is_process = False
    _launcher: Launcher | None = None

    context_factory: Callable[[], zmq.Context[Any]] = zmq.Context.instance
    """Makes the context of the sockets. The device terminates a context at its end only if this is a class."""

    on_full: Policy | None = None
    """What to do with a message whose only receiver, the peer of a ROUTER, is full: "block" holds that direction back, with all
    its other receivers; "drop" drops the message and counts it as `overflowed`. None: "drop", which is what libzmq does to
    it, or "block" if ROUTER_MANDATORY was set with `setsockopt_in` or `setsockopt_out`. Takes effect at the next start."""

    mon_on_full: Policy = "block"
    """What to do when the monitor's receiver is full and its type can't drop by itself (PUSH, PAIR, DEALER): "block" holds the
    messages back, "drop" loses the copy and counts it as `monitor_dropped`. Takes effect at the next start."""

    io_threads: int | None = None
    """How many threads of libzmq read and write the device's connections, each of which stays with one. None: what the context
    has, 1 by default. With a number the device has its own context. Takes effect at the next start."""

    cpus: Collection[int] = ()
    """The processors, by number, that the relay and its I/O threads may run on; empty: all that the process may use. The device
    has its own context then. Linux only. Takes effect at the next start."""

    file_limit: int | None = FILE_LIMIT
    """The start raises the process's soft limit on open files (`ulimit -n`) to this, or to its hard limit if that is lower; each
    connection takes a descriptor, and 1024, the usual limit, is soon reached. The limit is never lowered. None leaves it alone,
    for a program that uses select(2), which takes no descriptor from 1024 on. Takes effect at the next start."""

    start_paused: bool = False
    """Whether the device starts paused: its sockets are bound, and no message moves until `resume`."""

    def __init__(self, device_type: int = zmq.QUEUE, in_type: int | None = None, out_type: int | None = None) -> None:
        if in_type is None or out_type is None:
            raise TypeError("in_type and out_type are needed: socket types, like zmq.ROUTER and zmq.DEALER")
        super().__init__(in_type, out_type)
        self.device_type = device_type
        self.daemon = True
        self.done = False
        self.exception: BaseException | None = None
        self.lost = 0
        self.linger_expired: bool | None = None
        self.outcome: Outcome | None = None
        self._lock = threading.RLock()

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SETTINGS:
            self._warn_if_running(name)
        super().__setattr__(name, value)

    def start(self, timeout: float | None = 30.0) -> None:
        """Start the device, and return when all sockets are bound and connected.

        Returns at once if the device runs already. If it is about to end, waits for that and starts it again.

        Raises:
            ZMQError: A socket cannot be made, set, bound or connected as described, or the types do not work together. The text names
                the socket and the remedy. Nothing is left behind.
            TimeoutError: It takes longer than `timeout` seconds. Nothing is left behind.
        """
        self._start(timeout)

    def _start(self, timeout: float | None) -> bool:
        """Start the device. Returns whether this call did, for it may run already."""
        left = countdown(normalise_timeout(timeout))
        why = ""
        try:
            while True:
                launcher, is_mine = self._alive_or_new()
                if is_mine:
                    self._launch(launcher, left())
                    return True
                error = None if launcher.is_ending else launcher.ready.exception(left())
                if error and not launcher.is_ending:
                    raise error
                if not launcher.is_ending:
                    return False
                if not launcher.wait(left()) or launcher.is_alive():
                    why = ": the run before has not ended"
                    raise TimeoutError
        except TimeoutError:
            raise TimeoutError(f"{self.name}: not started within {timeout} s{why}") from None

    def _alive_or_new(self) -> tuple[Launcher, bool]:
        """Return the launcher, and whether it is a new one, which the caller must launch."""
        with self._lock:
            if launcher := self._alive():
                return launcher, False
            self._refuse_mistakes()
            self._launcher = launcher = self._new_launcher()
            self.done, self.exception, self.lost, self.linger_expired, self.outcome = False, None, 0, None, None
            _registry.add(self)
            return launcher, True

    def _refuse_mistakes(self) -> None:
        try:
            refuse_mistakes(self._plan(), is_process=self._is_process)
        except (zmq.ZMQError, TypeError, ValueError) as error:
            self.exception, self.done = error, True
            raise

    def _launch(self, launcher: Launcher, timeout: float | None) -> None:
        try:
            launcher.launch()
            launcher.ready.result(timeout)
        except BaseException as error:
            self._give_up(launcher, error)
            raise

    def stop(self, timeout: float | None = 10.0) -> None:
        """End the device and close its sockets. Idempotent.

        What has been received is sent on first, for the LINGER of the out socket and half of `timeout` at most, and what the
        sockets still have to send has their LINGER for it. Senders keep what they have not sent. `lost` counts what was not handed to
        libzmq. What libzmq had taken and a slow receiver did not read within LINGER is lost uncounted; see `linger_expired`.

        In the device's own threads, as in a handler of its log records, it only asks for the end.

        Raises:
            TimeoutError: It has not ended within `timeout` seconds. A process is killed instead.
        """
        timeout = normalise_timeout(timeout)
        launcher = self._launcher
        if launcher is None:
            return
        launcher.is_ending = True
        launcher.stop(None if timeout is None else timeout / 2)
        if not launcher.wait(timeout):
            launcher.kill()
            if not launcher.wait(KILL_TIMEOUT):
                raise TimeoutError(f"{self.name}: not stopped within {timeout} s")

    def drain(self, timeout: float | None = 30.0) -> bool:
        """Stop reading from the in socket, bring back the replies still owed, then end the device.

        Returns:
            True once that is done, or if the device does not run. False if it ended otherwise: after `timeout` seconds (None: no
            limit), by a stop, or because it had failed and was waiting to be restarted.
        """
        timeout = normalise_timeout(timeout)
        launcher = self._alive()
        if launcher is None:
            return True
        launcher.is_ending = launcher.is_ending or launcher.ready.done()
        launcher.drain(timeout)
        launcher.wait(None if timeout is None else timeout + END_TIMEOUT)
        return self.outcome is Outcome.DRAINED

    def join(self, timeout: float | None = None) -> None:
        """Wait until the device has ended and its sockets are closed, or for `timeout` seconds.

        Returns at once in the device's own threads, as in a handler of its log records, where it would wait for itself.
        """
        timeout = normalise_timeout(timeout)
        if self._launcher:
            self._launcher.wait(timeout)

    def _ended_within(self, timeout: float) -> bool:
        return self._launcher is None or self._launcher.wait(timeout)

    def pause(self) -> None:
        """Hold all messages where they are until `resume`. When this returns, none moves any more.

        Holds for a restart too, and while the device waits for one.

        Raises:
            RuntimeError: The device does not run.
        """
        self._running().pause()

    def resume(self) -> None:
        """Go on after `pause`. Raises RuntimeError if the device does not run."""
        self._running().resume()

    def statistics(self) -> Statistics:
        """Return the counters of the run under way, or of the last one. The relay does not wait for that."""
        return self._launcher.statistics() if self._launcher else no_statistics()

    def is_alive(self) -> bool:
        """Whether the device runs: from the start to when its sockets are closed."""
        return self._alive() is not None

    @property
    def state(self) -> State:
        """What the relay is doing: ACTIVE, PAUSED or DRAINING; IDLE when the device does not run, or waits to be restarted."""
        launcher = self._ready()
        return launcher.state() if launcher else State.IDLE

    @property
    def endpoints(self) -> Endpoints:
        """What each role has bound, with the ports chosen for wildcards. Empty when the device does not run, and so in a forked
        child, where no device of the parent runs: take the endpoints before the fork."""
        launcher = self._ready()
        return launcher.ready.result() if launcher else {}

    @property
    def launcher(self) -> threading.Thread | BaseProcess | None:
        """The thread or process of the run under way or the last one. None for a device that runs in the calling thread, and for a
        thread under gevent's patches."""
        return self._launcher.worker if self._launcher else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        endpoints = self.endpoints
        sockets = [
            " ".join([str(spec), *endpoints.get(role, (*spec.binds, *spec.connects))])
            for role, spec in self._specs.items()
            if role == spec.role
        ]
        condition = "failed" if self.exception else "ended" if self.done else "running" if self.is_alive() else "not started"
        return f"<{self.name} {condition}: {', '.join(sockets)}>"

    @property
    def _context(self) -> zmq.Context[Any] | None:
        """PyZMQ's name for the context of a device that runs in this process."""
        relay = getattr(self._launcher, "relay", None)
        return relay.context if relay else None

    def _new_launcher(self) -> Launcher:
        return InlineLauncher(self._plan(), self._on_end, self.daemon)

    def _plan(self) -> Plan:
        specs = {spec.role: spec.snapshot() for spec in self._specs.values()}
        return Plan(
            owner=self.name,
            specs={role: specs[spec.role] for role, spec in self._specs.items()},
            ports=self._ports,
            context_factory=self.context_factory,
            in_prefix=self._in_prefix,
            out_prefix=self._out_prefix,
            on_full=self.on_full,
            mon_on_full=self.mon_on_full,
            placement=Placement(self.io_threads, self._cpu_set()),
            file_limit=self.file_limit,
            paused=self.start_paused,
            dropped_prefix=self._dropped_prefix,
        )

    def _cpu_set(self) -> frozenset[int]:
        given: Any = self.cpus
        try:
            return frozenset(given)
        except TypeError:
            raise TypeError(f"{self.name}: cpus must be a collection of processors, like {{0, 1}}, not {given!r}") from None

    def _alive(self) -> Launcher | None:
        launcher = self._launcher
        return launcher if launcher and launcher.is_alive() else None

    def _ready(self) -> Launcher | None:
        launcher = self._alive()
        return launcher if launcher and launcher.ready.done() and not launcher.ready.exception() else None

    def _running(self) -> Launcher:
        launcher = self._ready()
        if launcher is None:
            raise RuntimeError(f"{self.name} is not running: start it first")
        return launcher

    def _give_up(self, launcher: Launcher, error: BaseException) -> None:
        launcher.is_ending = launcher.is_alive()
        launcher.stop()
        launcher.kill()
        launcher.wait(KILL_TIMEOUT)
        with self._lock:
            if launcher is self._launcher:  # else another start came before
                self.exception, self.done = error, True
                _registry.discard(self)

    def _on_end(self, launcher: Launcher, ending: Ending) -> None:
        if launcher is not self._launcher:  # a start that was given up as it took too long
            return
        self.exception = self.exception or ending.error  # the former of a start that was given up
        self.lost, self.linger_expired, self.outcome = ending.lost, ending.linger_expired, ending.outcome
        self.done = True
        _registry.discard(self)
        if self.lost:
            logger.warning("%r: lost %d message(s), received and not sent when it ended", self, self.lost)
        if self.linger_expired:
            text = "%r: LINGER ended while messages waited for a slow or absent peer: they are lost, and libzmq does not count them"
            logger.warning(text, self)
        if isinstance(ending.error, Exception):
            logger.error("%r: ended by an error: %s", self, ending.error)

    def _end_at_exit(self, timeout: float | None) -> None:
        launcher = self._alive()
        if launcher is None or not self.daemon:
            return
        if timeout is None:
            launcher.stop(EXIT_GRACE)
        elif not launcher.wait(timeout):
            launcher.kill()

    def _forget_after_fork(self) -> None:
        self._lock = threading.RLock()
        if self._launcher:
            self._launcher.forget()
        self._launcher = None
