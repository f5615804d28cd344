"""A device where it runs: its sockets, opened from their specs, and the engine on them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

import zmq

import zdev_core
from zdev_core import FlowStatistics, Outcome, State, Statistics

from ._open_files import CONTEXT, ENGINE, IO_THREAD, raise_file_limit, room_for
from ._placement import Placement, restore_affinity
from ._ports import Ports
from ._routing_ids import seed_routing_ids
from ._security import Server
from ._shutdown import GracefulShutdown
from ._spec import OpenSocket, Role, SocketSpec
from ._threads import countdown
from ._zap import ZapHandler

logger = logging.getLogger("zdev")

Endpoints = Mapping[Role, tuple[str, ...]]
Policy = Literal["block", "drop"]

STEERING_TIMEOUT = 1.0  # seconds; the engine obeys within milliseconds, whatever the load

_ZERO = (0,) * len(FlowStatistics.__new__(FlowStatistics).__getstate__())


def no_statistics() -> Statistics:
    """The statistics of a device that has done nothing yet."""
    flow = FlowStatistics.__new__(FlowStatistics)
    flow.__setstate__(_ZERO)
    statistics = Statistics.__new__(Statistics)
    statistics.__setstate__((State.IDLE, flow, flow, 0, 0))
    return statistics


@dataclass(frozen=True)
class Plan:
    """All that a launcher must know to run a device somewhere else. It pickles if its parts do.

    in_prefix, out_prefix: of monitor messages; None: none.
    on_full: None: "drop", or "block" if the user set ROUTER_MANDATORY on a socket.
    """

    owner: str
    specs: Mapping[Role, SocketSpec]
    ports: Ports
    context_factory: Callable[[], zmq.Context[Any]]
    in_prefix: bytes | str | None
    out_prefix: bytes | str | None
    on_full: Policy | None
    mon_on_full: Policy
    placement: Placement
    file_limit: int | None = None
    paused: bool = False
    dropped_prefix: bytes | str | None = None

    def descriptors(self, io_threads: int) -> int:
        """How many files the device opens before it is ready, with a context that is not in use yet."""
        sockets = [len(spec.binds) + len(spec.connects) + 1 for role, spec in self.specs.items() if spec.role == role]
        return CONTEXT + io_threads * IO_THREAD + ENGINE + sum(sockets) + bool(self.servers())

    def engine_policy(self) -> Policy:
        mandatory = any(spec.has_option(zmq.ROUTER_MANDATORY, true=True) for spec in self.specs.values())
        return self.on_full or ("block" if mandatory else "drop")

    def servers(self) -> dict[str, Server]:
        """Return the mechanisms of the sockets that authenticate their peers, by ZAP domain."""
        return {spec.role: spec.security for spec in self.specs.values() if isinstance(spec.security, Server)}


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        outcome: None after an error.
        error: What ended the run, unless somebody asked for its end.
        statistics: The counters at the end.
        unread: Messages left in libzmq's inbound queues.
        linger_expired: See `Device.linger_expired`.
    """

    outcome: Outcome | None = None
    error: BaseException | None = None
    statistics: Statistics = field(default_factory=no_statistics)
    unread: int = 0
    linger_expired: bool | None = None

    @property
    def lost(self) -> int:
        """Messages received and not handed to libzmq, those that are pending, at most one per direction, and those unread."""
        return self.statistics.in_.pending + self.statistics.out.pending + self.unread


class Relay:
    """The open sockets of a device and the engine on them. Made and run in one thread; the other methods are for any thread.

    Args:
        plan: What to open.
        own_threads: Takes the identifiers of the device's own threads, which must not wait for its end.

    Raises:
        ZMQError: A socket cannot be made as its spec says, or the sockets do not work together. Nothing stays open.
    """

    def __init__(self, plan: Plan, own_threads: set[int] | None = None) -> None:
        self._plan = plan
        self._opened: dict[Role, OpenSocket] = {}
        self._shutting_down = False  # whether the run has ended, and what has arrived is sent on
        self._grace: float | None = None
        self._thread = 0  # in which the engine runs
        servers = plan.servers()
        # A ZAP handler and I/O threads serve a whole context. A class makes a new one, for this device alone; any other factory
        # may return a shared one.
        factory = plan.context_factory
        if not isinstance(factory, type) and (servers or plan.placement):
            factory = zmq.Context
        self._owns_context = isinstance(factory, type)
        raise_file_limit(plan.file_limit)
        seed_routing_ids()
        self._former_cpus = plan.placement.apply_affinity(plan.owner)
        try:
            self.context = plan.placement.new_context(plan.owner, factory)
        except BaseException:
            restore_affinity(self._former_cpus)
            raise
        try:
            if self.context.closed:  # whose shadow would be another context
                raise zmq.ZMQError(zmq.ETERM, f"{plan.owner}: its context was terminated before the start")
            with room_for(plan.owner, plan.descriptors(self.context.get(zmq.IO_THREADS))):
                if servers:
                    ZapHandler(self.context, plan.owner, servers, own_threads)
                self._open_sockets()
                self._engine = self._new_engine()
            self._shutdown = GracefulShutdown(self._engine, self._opened)
            if plan.paused:
                self._engine.pause()
        except BaseException:
            self._close(linger=0)
            raise

    @property
    def endpoints(self) -> Endpoints:
        return {role: opened.endpoints for role, opened in self._opened.items()}

    def run(self) -> Ending:
        """Relay until a stop, send on what has arrived, then close the sockets. Raises nothing."""
        outcome, error, unread, unsent = None, None, 0, False
        self._thread = threading.get_ident()
        try:
            try:
                outcome = self._engine.run()
            finally:
                self._shutting_down = True
                left = countdown(self._grace)
                self._shutdown.send_on(outcome, self._grace)
                unsent = self._shutdown.flush(left())
                unread = self._shutdown.count_unread()
        except zmq.ContextTerminated:  # by its owner; terminating it a second time would crash
            outcome, self._owns_context = Outcome.STOPPED, False
        except BaseException as problem:  # noqa: BLE001  the launcher tells or raises it
            error = problem
        self._engine.discard()
        linger_expired = self._close()
        return Ending(outcome, error, self.statistics(), unread, unsent or linger_expired)

    def stop(self, grace: float | None = None) -> None:
        """Only asks for it. grace: seconds to send on what has arrived; None: the LINGER of the out socket.

        Asked again while that is under way, it ends at once.
        """
        if self._shutting_down:
            self._shutdown.abort()
        else:
            self._grace = grace
            self._engine.stop()

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

    def _await(self, *states: State) -> None:
        if threading.get_ident() == self._thread:  # a signal handler: the engine goes on when it returns
            return
        deadline = time.monotonic() + STEERING_TIMEOUT
        while self.statistics().state not in states and not self._shutting_down and time.monotonic() < deadline:
            time.sleep(0.001)

    def _open_sockets(self) -> None:
        # Through a shadow: Context.destroy() closes the sockets that its context made, from whatever thread it is called
        # in. These it can't; it waits until the engine has met ETERM and they were closed here.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(shadow=self.context)
        context.sockopts.update(self.context.sockopts)
        for role, spec in self._plan.specs.items():
            if spec.role == role:
                self._warn_of_exposure(spec)
                self._opened[role] = spec.open(context, self._plan.owner, self._plan.ports)
            else:  # one socket as both ends
                self._opened[role] = self._opened[spec.role]

    def _warn_of_exposure(self, spec: SocketSpec) -> None:
        if exposed := spec.exposed():
            where = ", ".join(exposed)
            logger.warning("%s: %s at %s lets in anybody who reaches it: see CurveServer", self._plan.owner, spec, where)

    def _new_engine(self) -> zdev_core.Device:
        plan = self._plan
        sockets = {role: opened.socket for role, opened in self._opened.items()}
        try:
            return zdev_core.Device(
                sockets["in"],
                sockets["out"],
                sockets.get("mon"),
                sockets.get("ctrl"),
                in_prefix=plan.in_prefix,
                out_prefix=plan.out_prefix,
                dropped_prefix=plan.dropped_prefix,
                on_full=plan.engine_policy(),
                mon_on_full=plan.mon_on_full,
            )
        except zmq.ZMQError as error:
            raise zmq.ZMQError(error.errno, f"{plan.owner}: {str(error).removeprefix('device: ')}") from error

    def _close(self, linger: int | None = None) -> bool | None:
        """Close all. Returns whether a LINGER ended before libzmq had sent all; None: unknown, for it sends on after this."""
        begin, lingers = time.monotonic(), [self._linger(each) for each in self._opened.values()]
        for opened in set(self._opened.values()):
            opened.close(linger)
        if self._owns_context:
            with suppress(zmq.ZMQError):
                self.context.term()  # waits until what was sent has gone, for the sockets' LINGER at most
            expired: bool | None = any(0 < each <= (time.monotonic() - begin) * 1000 for each in lingers)
        else:
            connects = any(spec.connects for role, spec in self._plan.specs.items() if role in ("in", "out"))
            expired = None if connects else False
        restore_affinity(self._former_cpus)
        return expired

    def _linger(self, opened: OpenSocket) -> int:
        try:
            linger = opened.socket.getsockopt(zmq.LINGER)
        except zmq.ZMQError:  # its context was terminated
            return -1
        assert isinstance(linger, int)
        return linger
