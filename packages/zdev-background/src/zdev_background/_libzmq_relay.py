"""The engine on libzmq's sockets, for whatever the wire engine does not support. It finds out what libzmq does not report."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import zmq

import zdev_core
from zdev_core import Outcome

from ._open_files import CONTEXT, ENGINE, IO_THREAD, raise_file_limit, room_for
from ._placement import restore_affinity
from ._plan import Ending, Endpoints, Engine, Plan
from ._relay import Relay
from ._routing_ids import seed_routing_ids
from ._shutdown import GracefulShutdown
from ._spec import OpenSocket, Role
from ._threads import countdown
from ._zap import ZapHandler

SAFE_SHARE = 0.9  # of the time that a stop has left, for LINGER; the rest is for closing


class LibzmqRelay(Relay):
    """A relay between libzmq's sockets, which it opens and closes.

    Args:
        plan: What to open.
        engine: Why this engine.
        own_threads: Takes the identifiers of the device's own threads, which must not wait for its end.

    Raises:
        ZMQError: A socket cannot be made as its spec says, or the sockets do not work together. Nothing stays open.
    """

    context: zmq.Context[Any]
    _engine: zdev_core.Device

    def __init__(self, plan: Plan, engine: Engine, own_threads: set[int] | None = None) -> None:
        super().__init__(plan, engine)
        self._opened: dict[Role, OpenSocket] = {}
        self._adopted: set[str] = set()  # what it has bound with a socket that it was given
        self._grace: float | None = None
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
            with room_for(plan.owner, self._descriptors(self.context.get(zmq.IO_THREADS))):
                if servers:
                    ZapHandler(self.context, plan.owner, servers, own_threads)
                self._open_sockets()
                opened = {role: each.socket for role, each in self._opened.items()}
                sockets = opened["in"], opened["out"], opened.get("mon"), opened.get("ctrl")
                self._engine = self._new_engine(zdev_core.Device, *sockets)
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
        linger_expired = self._close(at_most=self._grace)
        statistics = self.statistics()
        lost = statistics.in_.pending + statistics.out.pending + unread
        return Ending(outcome, error, statistics, lost, unsent or linger_expired)

    def stop(self, grace: float | None = None) -> None:
        if self._shutting_down:
            self._shutdown.abort()
        else:
            self._grace = grace
            self._engine.stop()

    def _lasting(self, role: Role) -> Sequence[str]:
        """Return the endpoints without those whose files libzmq made, and will remove."""
        return [each for each in super()._lasting(role) if each.startswith("tcp:") or each in self._adopted]

    def _descriptors(self, io_threads: int) -> int:
        """How many files the device opens before it is ready, with a context that is not in use yet."""
        sockets = [len(spec.binds) + len(spec.connects) + 1 for spec in self._plan.sockets()]
        return CONTEXT + io_threads * IO_THREAD + ENGINE + sum(sockets) + bool(self._plan.servers())

    def _open_sockets(self) -> None:
        # Through a shadow: Context.destroy() closes the sockets that its context made, from whatever thread it is called
        # in. These it can't; it waits until the engine has met ETERM and they were closed here.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(shadow=self.context)
        context.sockopts.update(self.context.sockopts)
        for role, spec in self._plan.specs.items():
            if spec.role == role:
                self._opened[role] = opened = spec.open(context, self._plan.owner, self._plan.ports)
                pairs = zip(spec.binds, opened.endpoints, strict=True)
                self._adopted |= {bound for given, bound in pairs if self._plan.ports.has(given)}
            else:  # one socket as both ends
                self._opened[role] = self._opened[spec.role]

    def _close(self, linger: int | None = None, at_most: float | None = None) -> bool | None:
        """Close all.

        Args:
            linger: In ms; None for the LINGER of each socket.
            at_most: Seconds that limit each LINGER; afterwards nothing could.

        Returns:
            Whether a LINGER ended before libzmq had sent all; None: unknown, for it sends on after this.
        """
        limits = {opened: self._linger(opened) if linger is None else linger for opened in set(self._opened.values())}
        if at_most is not None:
            longest = round(at_most * 1000 * SAFE_SHARE)
            limits = {opened: longest if limit < 0 else min(limit, longest) for opened, limit in limits.items()}
        begin = time.monotonic()
        for opened, limit in limits.items():
            opened.close(limit)
        if self._owns_context:
            with suppress(zmq.ZMQError):
                self.context.term()  # waits until what was sent has gone, for the sockets' LINGER at most
            expired: bool | None = any(0 < each <= (time.monotonic() - begin) * 1000 for each in limits.values())
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
