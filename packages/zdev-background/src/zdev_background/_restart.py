"""A launcher that starts a process device anew when its process fails."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import replace

from zdev_core import Statistics

from ._ipc import path_of
from ._launchers import Launcher, OnEnd
from ._ports import Ports
from ._process import ProcessLauncher
from ._relay import Ending, Endpoints, Plan
from ._threads import Promise

logger = logging.getLogger("zdev")

FIRST_DELAY = 0.1  # seconds from a failure to the new start; twice as long after each further failure
LONGEST_DELAY = 5.0
HEALTHY = 1.0  # seconds: after a run that lasted so long, the delays begin anew
START_TIMEOUT = 30.0


class RestartingLauncher(Launcher):
    """A series of runs, each in a process of its own, on the endpoints that the first one bound.

    It is alive, and its endpoints are, from the first start to an end that was asked for. The first start is not repeated.
    """

    def __init__(self, plan: Plan, on_end: OnEnd, daemon: bool, start_method: str | None) -> None:
        super().__init__(plan, on_end, daemon)
        self.restarts = 0
        self._start_method = start_method
        self._lock = threading.RLock()  # a signal handler may call stop() anywhere
        self._over = threading.Event()  # no further run is wanted
        self._run = self._new_run(plan)
        self._began = time.monotonic()
        self._delay = FIRST_DELAY
        self._thread: threading.Thread | None = None  # the last to take care of an end

    def launch(self) -> None:
        self._run.ready = Promise(then=self._started)
        self._run.launch()
        self.worker = self._run.worker

    def stop(self, grace: float | None = None) -> None:
        with self._lock:
            self._over.set()
            self._run.stop(grace)

    def kill(self) -> None:
        with self._lock:
            self._over.set()
            self._run.kill()

    def forget(self) -> None:
        self._run.forget()

    def pause(self) -> None:
        self._run.pause()

    def resume(self) -> None:
        self._run.resume()

    def drain(self, timeout: float | None) -> None:
        self._over.set()
        self._run.drain(timeout)

    def statistics(self) -> Statistics:
        return self._run.statistics()

    def wait(self, timeout: float | None = None) -> bool:
        ended = super().wait(timeout)
        if self._is_own_thread():
            return ended
        if ended and self._thread:
            self._thread.join(timeout)
        return ended and self._run.wait(timeout)

    def _is_own_thread(self) -> bool:
        return self._thread is threading.current_thread()

    def _new_run(self, plan: Plan) -> ProcessLauncher:
        return ProcessLauncher(plan, self._supervise, self._daemon, self._start_method)

    def _started(self, ready: Promise[Endpoints]) -> None:
        if error := ready.exception():
            self._fail(error)
        else:
            self._become_ready(ready.result())

    def _supervise(self, _run: Launcher, ending: Ending) -> None:
        """In the thread that noticed the end of a run."""
        self._thread = threading.current_thread()
        while ending.error and not self._over.is_set():
            if time.monotonic() - self._began > HEALTHY:
                self._delay = FIRST_DELAY
            logger.warning("%s; it is started anew in %g s", ending.error, self._delay)
            if self._over.wait(self._delay):
                break
            self._delay = min(2 * self._delay, LONGEST_DELAY)
            error = self._restart_worker()
            if error is None:
                return  # another thread takes care of that run
            ending = replace(ending, error=error)
        self._end(ending)
        self._leave_no_directory()

    def _restart_worker(self) -> BaseException | None:
        plan = self._plan_of_same_endpoints()
        with self._lock:
            self._run = run = self._new_run(plan)
        self._began = time.monotonic()
        if self._over.is_set():
            run.stop()
        run.launch()
        self.worker = run.worker
        try:
            run.ready.result(START_TIMEOUT)
        except Exception as error:  # noqa: BLE001  it is logged, and tried again
            run.kill()
            run.wait()
            return error
        self.restarts += 1
        logger.warning("%s: started anew, for the %d. time", self._plan.owner, self.restarts)
        return None

    def _plan_of_same_endpoints(self) -> Plan:
        endpoints = self.ready.result()
        for endpoint in self._from_ipc_wildcards():
            if path := path_of(endpoint):
                path.parent.mkdir(mode=0o700, exist_ok=True)
        specs = {spec.role: replace(spec, binds=list(endpoints[spec.role])) for spec in self._plan.specs.values()}
        ports = Ports()  # those that are promised by now are for the device's next start
        return replace(self._plan, specs={role: specs[spec.role] for role, spec in self._plan.specs.items()}, ports=ports)

    def _from_ipc_wildcards(self) -> list[str]:
        told = {endpoint for spec in self._plan.specs.values() for endpoint in spec.binds}
        bound = [each for role in self.ready.result().values() for each in role]
        return [each for each in bound if each.startswith("ipc:") and each not in told]

    def _leave_no_directory(self) -> None:
        """Of ipc wildcards, which libzmq took for paths told by the user after the first run."""
        for endpoint in self._from_ipc_wildcards():
            if path := path_of(endpoint):
                with suppress(OSError):
                    path.parent.rmdir()
