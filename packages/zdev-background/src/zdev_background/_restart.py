"""The supervisor of a device: it starts the device, and starts it again when it fails, until somebody ends it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import zmq

from zdev_core import State, Statistics

from ._ipc import path_of
from ._launchers import Launcher, OnEnd
from ._peers import Peer
from ._plan import Connections, Ending, Listening, Plan, Update
from ._requests import Requests
from ._rights import UserRights
from ._spec import Role, SocketSpec
from ._threads import Latch, countdown, start_thread

logger = logging.getLogger("zdev")

Restart = Literal["never", "on-failure"]

STEERING_TIMEOUT = 5.0  # seconds that pause, resume and drain wait for a start that is under way


@dataclass(frozen=True)
class RestartPolicy:
    """How a device that fails is started again. Times are in seconds.

    Attributes:
        first_delay: From a failure to the next start; twice as long after each further failure.
        longest_delay: What this grows to.
        healthy_after: After a run that lasted so long, the delay is `first_delay` again.
        start_timeout: How long a repeated start may take.
        retry_first_start: Whether a first start that fails is repeated too, instead of raised.
    """

    first_delay: float = 0.1
    longest_delay: float = 5.0
    healthy_after: float = 1.0
    start_timeout: float = 30.0
    retry_first_start: bool = False


class RestartHooks:
    """Learns what happens to a supervised device, in the supervisor's thread. Methods must not wait for the device."""

    def on_start(self, is_restart: bool) -> None:
        """A run has begun: the first one, or one after a failure."""

    def on_end(self, ending: Ending) -> None:
        """A run that had begun has ended, its sockets are closed."""

    def on_failure(self, error: BaseException, delay: float | None) -> None:
        """A run or a start failed. The next start is in `delay` seconds; None: there is none."""


class Supervisor(Launcher):
    """A series of runs of one device, on the endpoints that the first one bound.

    It is alive, and its endpoints are known, from the first start until somebody ends it or a failure is not followed by a restart.
    What was asked of the device, like a pause, holds for the runs that follow.

    Args:
        new_run: Makes the launcher of one run.
        wants_restart: Whether a failure is followed by a restart; asked at each failure.
    """

    def __init__(
        self,
        plan: Plan,
        on_end: OnEnd,
        daemon: bool,
        new_run: Callable[[Plan, OnEnd, bool], Launcher],
        *,
        wants_restart: Callable[[], bool],
        policy: RestartPolicy,
        hooks: RestartHooks,
    ) -> None:
        super().__init__(plan, on_end, daemon)
        self.restarts = 0
        self._new_run, self._wants_restart, self._policy, self._hooks = new_run, wants_restart, policy, hooks
        self._lock = threading.RLock()  # a signal handler may call stop() anywhere
        self._over = Latch()  # no further run is wanted
        self._wake = Latch()  # ends the delay that is under way
        self._is_waiting = self._has_failed = False
        self._is_paused = self._begins_paused = plan.paused
        self._rights: dict[Role, UserRights | None] = {}  # those that were changed
        self._drain_left: Callable[[], float | None] | None = None  # what is left for a drain that somebody asked for
        self._run = new_run(plan, _nothing, daemon)
        self._thread: threading.Thread | None = None
        self._thread_id = 0

    @property
    def relay(self) -> Any:
        return getattr(self._run, "relay", None)

    @property
    def pid(self) -> int | None:
        return self._run.pid

    def launch(self) -> None:
        self._run.launch()  # in this thread: a program that forks should have no other
        self.worker = self._run.worker
        try:
            self._thread = start_thread(self._supervise, f"{self._plan.owner} supervisor", daemon=self._daemon)
        except RuntimeError as error:
            self._run.stop()
            self._run.wait()
            self._fail(error)

    def stop(self, grace: float | None = None) -> None:
        with self._lock:
            self._over.open()
            self._wake.open()
            self._run.stop(grace)

    def kill(self) -> None:
        with self._lock:
            self._over.open()
            self._wake.open()
            self._run.kill()

    def restart_now(self) -> None:
        with self._lock:
            if self._is_waiting:
                self._wake.open()

    def forget(self) -> None:
        self._run.forget()

    def pause(self) -> None:
        self._set_paused(True).pause()

    def resume(self) -> None:
        self._set_paused(False).resume()

    def drain(self, timeout: float | None) -> None:
        with self._lock:
            self._over.open()
            self._wake.open()
            self._drain_left = countdown(timeout)
            run = self._run
        if run.ready.done():  # else the supervisor passes it on
            run.drain(timeout)

    def statistics(self) -> Statistics:
        return self._run.statistics()

    def connections(self) -> Mapping[Role, Connections]:
        return self._run.connections()

    def peers(self) -> list[Peer]:
        return self._run.peers()

    def kick(self, number: int) -> bool:
        return self._run.kick(number)

    def listening_sockets(self) -> Listening:
        return self._run.listening_sockets()

    def stop_accepting(self) -> None:
        self._run.stop_accepting()

    def set_rights(self, role: Role, rights: UserRights | None) -> None:
        with self._lock:
            before, self._plan = self._plan, self._plan.with_rights(role, rights)
            self._rights[role] = rights
            run = self._run
        if not run.ready.done():  # the supervisor passes it on
            return
        try:
            run.set_rights(role, rights)
        except zmq.ZMQError:
            with self._lock:
                self._plan = before
                del self._rights[role]
            raise

    def _update(self, plan: Plan) -> Update:
        with self._lock:
            if self._is_waiting:
                raise RuntimeError(f"{plan.owner} is not running: it waits to be restarted")
            run = self._run
        specs = {role: self._as_bound(role, spec) for role, spec in plan.specs.items()}
        return run.update(replace(plan, specs=specs))

    def _as_bound(self, role: Role, spec: SocketSpec) -> SocketSpec:
        """Return a socket as a run takes it: a restart binds what the first run bound in place of wildcards."""
        given, bound = self._plan.specs.get(role), self._run._plan.specs.get(role)
        known = [*zip(given.binds, bound.binds, strict=True)] if given and bound else []
        binds = []
        for endpoint in spec.binds:
            pair = next((each for each in known if each[0] == endpoint), (endpoint, endpoint))
            binds.append(pair[1])
            if pair in known:
                known.remove(pair)
        return replace(spec, binds=binds)

    def requests(self) -> Requests:
        return self._run.requests()

    def drain_worker(self, number: int, on: bool) -> bool:
        return self._run.drain_worker(number, on)

    def state(self) -> State:
        if self._is_waiting:
            return State.PAUSED if self._is_paused else State.IDLE
        return self._run.state()

    def wait(self, timeout: float | None = None) -> bool:
        ended = super().wait(timeout)
        if ended and self._thread and not self._is_own_thread():
            self._thread.join(timeout)
        return ended

    def _is_own_thread(self) -> bool:
        return threading.get_ident() == self._thread_id or self._run._is_own_thread()

    def _set_paused(self, is_paused: bool) -> Launcher:
        """Have the runs to come begin so. Returns the one under way, once it can be steered."""
        with self._lock:
            self._is_paused = is_paused
            run = self._run
        if not self._is_own_thread():
            with suppress(TimeoutError):  # the supervisor passes it on
                run.ready.exception(STEERING_TIMEOUT)
        return run

    def _supervise(self) -> None:
        self._thread_id = threading.get_ident()
        delay, ending = self._policy.first_delay, Ending()
        while True:
            began = time.monotonic()
            ending = self._follow(self._run, ending)
            if ending.error is None:
                break
            if time.monotonic() - began > self._policy.healthy_after:
                delay = self._policy.first_delay
            if not self._wait_to_restart(ending.error, delay) or not self._launch_next():
                break
            delay = min(2 * delay, self._policy.longest_delay)
        self._wants_restart = _never  # no cycle is left, which would keep descriptors until it is collected
        if self.ready.done():
            self._end(ending)
            self._remove_ipc_directories()
        else:
            self._fail(ending.error or RuntimeError(f"{self._plan.owner}: ended before it was started"))

    def _follow(self, run: Launcher, before: Ending) -> Ending:
        """Wait until the run has ended. Returns how; where it did not begin, that of the run before with the error."""
        is_limited = self._policy.retry_first_start or self.ready.done()
        try:
            error = run.ready.exception(self._policy.start_timeout if is_limited else None)
        except TimeoutError:
            run.stop()
            run.kill()
            error = TimeoutError(f"{self._plan.owner}: not started within {self._policy.start_timeout:g} s")
        if error is None:
            self._started(run)
        run.wait()
        if error:
            return replace(before, error=error)
        ending = run.ending or Ending()
        self._call(self._hooks.on_end, ending)
        return ending

    def _started(self, run: Launcher) -> None:
        is_restart, self._has_failed = self._has_failed, False
        self._pass_on_what_was_asked(run)
        if is_restart:
            self.restarts += 1
            logger.warning("%s: restarted (%d)", self._plan.owner, self.restarts)
        if not self.ready.done():
            self._become_ready(run.ready.result())
        self._call(self._hooks.on_start, is_restart)

    def _pass_on_what_was_asked(self, run: Launcher) -> None:
        """While the run was starting, and could not be steered."""
        with self._lock:
            is_paused, drain_left, is_over = self._is_paused, self._drain_left, self._over.is_open()
            rights = {**self._rights}
        with suppress(TimeoutError, zmq.ZMQError):
            for role, each in rights.items():
                run.set_rights(role, each)
        with suppress(TimeoutError):
            if drain_left:
                run.drain(drain_left())
            elif is_over:
                run.stop()
            elif is_paused != self._begins_paused:
                run.pause() if is_paused else run.resume()

    def _wait_to_restart(self, error: BaseException, delay: float) -> bool:
        """Whether to start again, after `delay` seconds or when somebody hurries it."""
        with self._lock:
            is_first = not self.ready.done() and not self._policy.retry_first_start
            if self._over.is_open() or is_first:
                return False
            wants = self._wants_restart()
            self._is_waiting = wants
            self._wake = Latch()
        self._has_failed = True
        self._call(self._hooks.on_failure, error, delay if wants else None)
        if wants:
            logger.warning("%s; retrying in %g s", error, delay)
            self._wake.wait(delay)
        return wants

    def _launch_next(self) -> bool:
        """Whether another run was launched, which nobody has ended by now."""
        plan = self._plan_of_same_endpoints() if self.ready.done() else self._plan
        with self._lock:
            self._is_waiting = False
            if self._over.is_open():
                return False
            self._begins_paused = self._is_paused
            self._run = run = self._new_run(replace(plan, paused=self._begins_paused), _nothing, self._daemon)
        run.launch()
        self.worker = run.worker
        return True

    def _call(self, hook: Callable[..., None], *arguments: object) -> None:
        try:
            hook(*arguments)
        except BaseException:  # such as SystemExit, which would end the supervisor, and leave the device without one
            logger.exception("%s: a restart hook failed", self._plan.owner)

    def _plan_of_same_endpoints(self) -> Plan:
        endpoints = self.ready.result().endpoints
        for endpoint in self._from_ipc_wildcards():
            if path := path_of(endpoint):
                path.parent.mkdir(mode=0o700, exist_ok=True)
        specs = {spec.role: replace(spec, binds=list(endpoints[spec.role])) for spec in self._plan.specs.values()}
        bound = dict(pair for spec in self._plan.sockets() for pair in zip(spec.binds, endpoints[spec.role], strict=True))
        ports = self._plan.ports.for_restarts(bound)  # those that are reserved by now are for the device's next start
        return replace(self._plan, specs={role: specs[spec.role] for role, spec in self._plan.specs.items()}, ports=ports)

    def _from_ipc_wildcards(self) -> list[str]:
        given = {endpoint for spec in self._plan.specs.values() for endpoint in spec.binds}
        bound = [each for role in self.ready.result().endpoints.values() for each in role]
        return [each for each in bound if each.startswith("ipc:") and each not in given]

    def _remove_ipc_directories(self) -> None:
        """Those of ipc wildcards: from the second run on, libzmq takes them for paths that the user chose."""
        for endpoint in self._from_ipc_wildcards():
            if path := path_of(endpoint):
                with suppress(OSError):
                    path.parent.rmdir()


def _nothing(_run: Launcher, _ending: Ending) -> None:
    """The supervisor waits for the end of a run by itself."""


def _never() -> bool:
    return False
