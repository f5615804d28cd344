"""Launchers run a device once, in some thread or process: from its specs to open sockets, through the relay, to their close."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess

from zdev_core import State, Statistics

from ._engine import open_relay
from ._peers import Peer
from ._plan import Connections, Ending, Listening, Plan, Started, Update
from ._relay import Relay
from ._requests import Requests
from ._rights import UserRights
from ._spec import Role
from ._threads import Latch, Promise, start_thread

START_TIMEOUT = 5.0  # seconds that a setting waits for a start that is under way

OnEnd = Callable[["Launcher", Ending], None]


def _nothing(_launcher: Launcher, _ending: Ending) -> None:
    """Takes the place of an on_end that was called."""


class Launcher(ABC):
    """One run of a device. All methods but `launch` may be called from any thread, at any time, any number of times.

    Args:
        plan: What to run.
        on_end: Called once, in the launcher's own thread, when a run that had become ready has ended and its sockets are closed.
        daemon: Whether the interpreter may exit while the device runs; if not, it waits.
    """

    worker: threading.Thread | BaseProcess | None = None
    is_ending = False  # whether its device has asked for the end

    def __init__(self, plan: Plan, on_end: OnEnd, daemon: bool) -> None:
        self.ready: Promise[Started] = Promise()  # or the error that kept the device from starting
        self.ending: Ending | None = None
        self._plan = plan
        self._on_end = on_end
        self._daemon = daemon
        self._ended = Latch()

    @property
    def pid(self) -> int | None:
        """Process ID of the run, if it runs in its own process."""
        return None

    @abstractmethod
    def launch(self) -> None:
        """Begin the run. `ready` is fulfilled once the sockets are bound and connected."""

    @abstractmethod
    def stop(self, grace: float | None = None) -> None:
        """Ask for the end of the run, or of the start. See `Relay.stop`."""

    @abstractmethod
    def kill(self) -> None:
        """End the run by force, as far as that is possible."""

    def forget(self) -> None:  # noqa: B027  most have nothing to do
        """Leave the run to the parent of this forked process."""

    @abstractmethod
    def pause(self) -> None: ...

    @abstractmethod
    def resume(self) -> None: ...

    @abstractmethod
    def drain(self, timeout: float | None) -> None:
        """Ask for a drain, which ends the run."""

    @abstractmethod
    def statistics(self) -> Statistics: ...

    @abstractmethod
    def connections(self) -> Mapping[Role, Connections]: ...

    @abstractmethod
    def peers(self) -> list[Peer]: ...

    @abstractmethod
    def kick(self, number: int) -> bool: ...

    @abstractmethod
    def listening_sockets(self) -> Listening: ...

    @abstractmethod
    def stop_accepting(self) -> None: ...

    @abstractmethod
    def set_rights(self, role: Role, rights: UserRights | None) -> None:
        """See `Relay.set_rights`."""

    def update(self, plan: Plan) -> Update:
        """Have the run take over what differs in a plan. See `Relay.update`."""
        update = self._update(plan)
        self._plan = plan
        plan.ports.release()
        ready: Promise[Started] = Promise()
        ready.set_result(self.ready.result()._replace(endpoints=update.endpoints))
        self.ready = ready
        return update

    @abstractmethod
    def _update(self, plan: Plan) -> Update: ...

    @abstractmethod
    def requests(self) -> Requests: ...

    @abstractmethod
    def drain_worker(self, number: int, on: bool) -> bool: ...

    @property
    def knows_workers(self) -> bool:
        """Whether this is a queue that knows its workers."""
        return self._plan.workers is not None

    def state(self) -> State:
        """Return the state of the relay, once it is ready."""
        state = self.statistics().state
        if state is State.IDLE:  # bound, and just about to relay
            return State.PAUSED if self._plan.paused else State.ACTIVE
        return state

    def restart_now(self) -> None:  # noqa: B027  most runs are not repeated
        """End the delay before a restart."""

    def is_alive(self) -> bool:
        return not self._ended.is_open()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all is closed. Returns False if that takes longer than `timeout` seconds.

        True at once in the run's own threads, where a handler of a signal or of a log record would wait for itself.
        """
        return self._is_own_thread() or self._ended.wait(timeout)

    @abstractmethod
    def _is_own_thread(self) -> bool:
        """Whether this is a thread that the end of the run waits for."""

    def _become_ready(self, started: Started) -> None:
        self._plan.ports.release()
        self.ready.set_result(started)

    def _fail(self, error: BaseException) -> None:
        self._on_end = _nothing
        self._ended.open()
        self.ready.set_exception(error)

    def _end(self, ending: Ending) -> None:
        self.ending = ending
        on_end, self._on_end = self._on_end, _nothing  # leave no cycle, which would keep descriptors open until it is collected
        try:
            on_end(self, ending)
        finally:
            self._ended.open()


class InlineLauncher(Launcher):
    """Runs the device in the thread that calls `launch`, which returns when the device has ended."""

    def __init__(self, plan: Plan, on_end: OnEnd, daemon: bool) -> None:
        super().__init__(plan, on_end, daemon)
        self.relay: Relay | None = None
        self._lock = threading.RLock()  # a signal handler may call stop() anywhere
        self._stopping = False
        self._own_threads: set[int] = set()

    def launch(self) -> None:
        self._work()
        if self.ending and self.ending.error:
            raise self.ending.error

    def _work(self) -> None:
        self._own_threads.add(threading.get_ident())
        try:
            relay = open_relay(self._plan, self._own_threads)
        except BaseException as error:  # noqa: BLE001  the caller of start() raises it
            self._fail(error)
            return
        with self._lock:
            self.relay = relay
            if self._stopping:
                relay.stop()
        self._become_ready(Started(relay.endpoints, relay.engine, self._plan.engine))
        ending = relay.run()
        self._end(ending)
        self.relay = None

    def stop(self, grace: float | None = None) -> None:
        with self._lock:
            self._stopping = True
            if relay := self.relay:
                relay.stop(grace)

    def kill(self) -> None:
        self.stop()

    def pause(self) -> None:
        if relay := self.relay:
            relay.pause()

    def resume(self) -> None:
        if relay := self.relay:
            relay.resume()

    def drain(self, timeout: float | None) -> None:
        if relay := self.relay:
            relay.drain(timeout)

    def statistics(self) -> Statistics:
        if relay := self.relay:
            return relay.statistics()
        return self.ending.statistics if self.ending else Statistics()

    def connections(self) -> Mapping[Role, Connections]:
        if relay := self.relay:
            return relay.connections()
        return self.ending.connections if self.ending else {}

    def peers(self) -> list[Peer]:
        relay = self.relay
        return relay.peers() if relay else []

    def kick(self, number: int) -> bool:
        relay = self.relay
        return relay.kick(number) if relay else False

    def listening_sockets(self) -> Listening:
        relay = self.relay
        return relay.listening_sockets() if relay else {}

    def stop_accepting(self) -> None:
        if relay := self.relay:
            relay.stop_accepting()

    def set_rights(self, role: Role, rights: UserRights | None) -> None:
        self._plan = self._plan.with_rights(role, rights)
        self.ready.exception(START_TIMEOUT)
        if relay := self.relay:
            relay.set_rights(role, rights)

    def _update(self, plan: Plan) -> Update:
        relay = self.relay
        if relay is None:
            raise RuntimeError(f"{plan.owner} is not running: start it first")
        return relay.update(plan)

    def requests(self) -> Requests:
        if relay := self.relay:
            return relay.requests()
        return self.ending.requests if self.ending else Requests()

    def drain_worker(self, number: int, on: bool) -> bool:
        relay = self.relay
        return relay.drain_worker(number, on) if relay else False

    def _is_own_thread(self) -> bool:
        return threading.get_ident() in self._own_threads


class ThreadLauncher(InlineLauncher):
    """Runs the device in its own thread."""

    worker: threading.Thread | None = None

    def launch(self) -> None:
        try:
            self.worker = start_thread(self._work, self._plan.owner, daemon=self._daemon)
        except RuntimeError as error:
            self.worker = None
            self._fail(error)

    def wait(self, timeout: float | None = None) -> bool:
        ended = super().wait(timeout)
        if ended and self.worker and not self._is_own_thread():
            self.worker.join(timeout)
        return ended
