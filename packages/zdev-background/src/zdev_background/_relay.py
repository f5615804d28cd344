"""The interface of the two engines: a device where it runs, from open sockets to their close."""

from __future__ import annotations

import errno
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import zmq

from zdev_core import State, Statistics

from ._listening import listening_at
from ._peers import Peer
from ._plan import Connections, Ending, Endpoints, Engine, Listening, Plan, Update
from ._requests import Requests
from ._rights import UserRights
from ._spec import Role, SocketSpec

logger = logging.getLogger("zdev")

STEERING_TIMEOUT = 1.0  # seconds; the engines obey within milliseconds, whatever the load


class Steered(Protocol):
    """The methods that both engines of zdev_core have."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def drain(self, timeout: float | None = None) -> None: ...

    def statistics(self) -> Statistics: ...


Made = TypeVar("Made")


class Relay(ABC):
    """A device with its sockets open. Made and run in one thread; the other methods are for any thread.

    Args:
        plan: What to open.
        engine: Which engine this is, and why it was taken.

    Raises:
        ZMQError: A socket cannot be made as its spec says, or the sockets do not work together. Nothing stays open.
    """

    context: zmq.Context[Any] | None = None
    _engine: Steered

    def __init__(self, plan: Plan, engine: Engine) -> None:
        self.engine = engine
        self._plan = plan
        self._shutting_down = False  # whether the run has ended, and what has arrived is sent on
        self._thread = 0  # in which the engine runs
        for spec in plan.sockets():
            self._warn_of_exposure(spec)
        for spec in (*plan.sockets(), *plan.dead_letters()):
            if exposed := spec.exposed():
                where = ", ".join(exposed)
                logger.warning("%s: %s at %s lets in anybody who reaches it: see CurveServer", plan.owner, spec, where)

    @property
    @abstractmethod
    def endpoints(self) -> Endpoints: ...

    @abstractmethod
    def run(self) -> Ending:
        """Relay until a stop, send on what has arrived, then close the sockets. Raises nothing."""

    @abstractmethod
    def stop(self, grace: float | None = None) -> None:
        """Only asks for it.

        Asked again while what has arrived is sent on, it ends at once.

        Args:
            grace: Seconds to send on what has arrived; None: the LINGER of the out socket.
        """

    def pause(self) -> None:
        """Returns when no message moves any longer; a device that drains or has ended doesn't pause."""
        if not self._shutting_down:
            self._engine.pause()
        self._await(State.PAUSED, State.DRAINING)

    def resume(self) -> None:
        self._engine.resume()
        self._await(State.ACTIVE, State.DRAINING)

    def drain(self, timeout: float | None) -> None:
        """Only begins to."""
        if not self._shutting_down:
            self._engine.drain(timeout)

    def statistics(self) -> Statistics:
        return self._engine.statistics()

    def connections(self) -> Mapping[Role, Connections]:
        """Return the connections of each role, which libzmq does not show: there it is empty."""
        return {}

    def peers(self) -> list[Peer]:
        """Return the peers at one moment; none once the run has ended.

        Raises:
            ZMQError: ENOTSUP, libzmq does not show its peers.
            TimeoutError: The engine does not answer.
        """
        raise self._unknown_peers()

    def kick(self, _number: int, /) -> bool:
        """End the connection with this number. Returns whether there was one. Raises what `peers` raises."""
        raise self._unknown_peers()

    def listening_sockets(self) -> Listening:
        """Return duplicates of the sockets that listen for each role."""
        return {spec.role: tuple(listening_at(self._lasting(spec.role))) for spec in self._plan.sockets()}

    def _lasting(self, role: Role) -> Sequence[str]:
        """Return the endpoints of a role that another process can go on with."""
        return self.endpoints.get(role, ())

    def stop_accepting(self) -> None:
        """Close the listening sockets; connections go on. Raises ZMQError with ENOTSUP: libzmq closes the connections too."""
        why = f"only the wire engine can stop accepting, and this device runs on libzmq ({self.engine.reason})"
        raise zmq.ZMQError(errno.ENOTSUP, f"{self._plan.owner}: {why}")

    def set_rights(self, _role: Role, _rights: UserRights | None, /) -> None:
        """Replace the rights of the users of a role.

        Raises:
            ZMQError: ENOTSUP, libzmq cannot enforce rights.
        """
        why = f"only the wire engine can enforce rights, and this device runs on libzmq ({self.engine.reason})"
        raise zmq.ZMQError(errno.ENOTSUP, f"{self._plan.owner}: {why}")

    def update(self, plan: Plan, /) -> Update:
        """Take over what differs in a plan: all of it, or nothing. The plan has the endpoints that this one has bound.

        Raises:
            ZMQError: ENOTSUP, a running device cannot change all of it; others, see the constructor.
            RuntimeError: The run is ending.
            TimeoutError: The engine does not answer.
        """
        why = f"only the wire engine can, and this device runs on libzmq ({self.engine.reason})"
        raise zmq.ZMQError(errno.ENOTSUP, f"{plan.owner}: cannot be changed while it runs: {why}")

    def _warn_of_exposure(self, spec: SocketSpec) -> None:
        if exposed := spec.exposed():
            where = ", ".join(exposed)
            logger.warning("%s: %s at %s lets in anybody who reaches it: see CurveServer", self._plan.owner, spec, where)

    def requests(self) -> Requests:
        """Return the requests and workers of a plan with `workers`, which libzmq does not know.

        Raises:
            TimeoutError: The engine does not answer.
        """
        return Requests()

    def drain_worker(self, _number: int, _on: bool, /) -> bool:
        """Give no more requests to a worker, or give it some again. Returns whether there was one. Raises what `requests` raises."""
        return False

    def _unknown_peers(self) -> zmq.ZMQError:
        why = f"only the wire engine knows its peers, and this device runs on libzmq ({self.engine.reason})"
        return zmq.ZMQError(errno.ENOTSUP, f"{self._plan.owner}: {why}")

    def _new_engine(self, kind: Callable[..., Made], *sockets: object, **settings: object) -> Made:
        """Make the engine of zdev_core, of this kind, with the settings of the plan."""
        return self._settings_to(kind, self._plan, *sockets, **settings)

    def _settings_to(self, take: Callable[..., Made], plan: Plan, *sockets: object, **settings: object) -> Made:
        """Return what a function of zdev_core returns for sockets and the settings of a plan. Its errors name the device."""
        try:
            return take(
                *sockets,
                in_prefix=plan.in_prefix,
                out_prefix=plan.out_prefix,
                dropped_prefix=plan.dropped_prefix,
                on_full=plan.engine_policy(),
                mon_on_full=plan.mon_on_full,
                **settings,
            )
        except zmq.ZMQError as error:
            raise zmq.ZMQError(error.errno, f"{plan.owner}: {str(error).removeprefix('device: ')}") from error

    def _await(self, *states: State) -> None:
        if threading.get_ident() == self._thread:  # a signal handler: the engine goes on when it returns
            return
        deadline = time.monotonic() + STEERING_TIMEOUT
        while self.statistics().state not in states and not self._shutting_down and time.monotonic() < deadline:
            time.sleep(0.001)
