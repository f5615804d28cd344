"""A device: its settings, its life cycle, and what steers and shows it while it runs."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from multiprocessing.process import BaseProcess
from typing import Any

import zmq

from zdev_core import State, Statistics

from ._async import AsyncLifeCycle
from ._engine import choose_engine
from ._launchers import InlineLauncher, Launcher
from ._life_cycle import LifeCycle
from ._mistakes import refuse_mistakes
from ._open_files import FILE_LIMIT
from ._peers import Peer
from ._placement import Placement
from ._plan import Connections, Endpoints, Engine, Listening, Plan, Policy
from ._requests import Requests, Worker
from ._rights import Rights
from ._role_methods import InRole, OutRole
from ._roles import Roles
from ._security import Server
from ._spec import Role, SocketSpec
from ._workers import Workers, refuse_unknown_workers

_SETTINGS = frozenset(
    [
        "context_factory",
        "engine",
        "on_full",
        "mon_on_full",
        "io_threads",
        "cpus",
        "file_limit",
        "start_method",
        "start_paused",
        "workers",
        "restart",
        "restart_policy",
        "restart_hooks",
    ]
)


class Device(AsyncLifeCycle, InRole, OutRole):
    """A relay between two sockets that runs in the calling thread: `start` returns when the device has ended.

    The sockets are made at the start, as described with `bind_in`, `connect_out`, `setsockopt_in` and so on, and closed at the
    end. A device can be started again. Options that you do not set have the values in `DEFAULT_SOCKET_OPTIONS` and
    `DEFAULT_OPTIONS_BY_TYPE`; LINGER is 1000 ms, and IMMEDIATE is 1 on a DEALER, PUSH or REQ that connects to its receivers.

    Methods may be called from any thread. A device runs until it ends or the interpreter exits, even if nothing refers to it.
    Timeouts are in seconds, None for no limit; a negative timeout raises ValueError. Settings take effect at the next start.

    Attributes:
        name: Name of the device in messages and logs.
        daemon: Whether the interpreter may exit while the device runs.
        engine: Which engine relays.
        context_factory: Makes the context of the sockets.
        on_full: "block" or "drop", for a message whose only receiver is full.
        mon_on_full: "block" or "drop", for a full monitor.
        io_threads: How many libzmq threads serve the connections.
        cpus: The processors that the device may use.
        file_limit: The number of open files that the start allows the process.
        start_paused: Whether the device starts paused.
        workers: Settings of a queue that knows its workers.
        device_type: The name given to the constructor.
    """

    _is_process = False

    _engine_setting: str = "auto"

    context_factory: Callable[[], zmq.Context[Any]] = zmq.Context.instance
    """Makes the context of the sockets. The device terminates the context at its end only if this is a class."""

    on_full: Policy | None = None
    """Policy for a message whose only receiver, a peer of a ROUTER, is full.

    "block" holds that direction back, with all its other receivers. "drop" drops the message and counts it as `overflowed`. None
    is "drop", as in libzmq, or "block" if ROUTER_MANDATORY was set with `setsockopt_in` or `setsockopt_out`."""

    mon_on_full: Policy = "block"
    """Policy for a full monitor whose type does not drop by itself (PUSH, PAIR, DEALER).

    "block" holds the messages back. "drop" drops the copy and counts it as `monitor_dropped`."""

    io_threads: int | None = None
    """How many libzmq threads read and write the device's connections, each of which stays with one thread.

    None leaves the context's number, which is 1 by default. With a number the device has its own context. More than 1 makes a
    device whose `engine` is "auto" take libzmq."""

    cpus: Collection[int] = ()
    """The processors, by number, that the relay and its I/O threads may run on. Linux only.

    If it is empty, they run on all that the process may use; otherwise the device has its own context."""

    file_limit: int | None = FILE_LIMIT
    """The start raises the process's soft limit on open files (`ulimit -n`) to this, or to the hard limit if that is lower.

    Each connection takes a descriptor, and the usual limit of 1024 is soon reached. The limit is never lowered. None leaves it
    alone, for a program that uses select(2), which does not take descriptors from 1024 on."""

    start_paused: bool = False
    """Whether the device starts paused, with its sockets bound, and forwards no message until `resume`."""

    workers: Workers | None = None
    """Settings of a queue that knows its workers, which keeps requests until a worker is free. Only on the wire engine.

    None: requests are given to the workers in turn, as soon as they arrive."""

    def __init__(
        self,
        device_type: int = zmq.QUEUE,
        in_type: int | None = None,
        out_type: int | None = None,
        *,
        workers: Workers | None = None,
    ) -> None:
        """Describe a device, without sockets yet.

        Args:
            device_type: zmq.QUEUE, FORWARDER or STREAMER. Only a name: the socket types decide what is relayed.
            in_type: Socket type, such as zmq.ROUTER.
            out_type: Socket type; below 0, the in socket is both ends, and its messages go back to its peers.
            workers: Settings of a queue that knows its workers; None for any other device.

        Raises:
            TypeError: A socket type is missing or not a number.
            ValueError: A device cannot relay a socket type.
        """
        if in_type is None or out_type is None:
            raise TypeError("in_type and out_type are needed: socket types, like zmq.ROUTER and zmq.DEALER")
        Roles.__init__(self, in_type, out_type)
        LifeCycle.__init__(self)
        self.device_type = device_type
        if workers is not None:
            self.workers = workers

    def __setattr__(self, name: str, value: object) -> None:
        if name in _SETTINGS:
            self._warn_if_running(name)
        super().__setattr__(name, value)

    def pause(self) -> None:
        """Hold all messages where they are until `resume`. When this returns, no message moves.

        A device that is restarted, or waits for that, stays paused.

        Raises:
            RuntimeError: The device does not run.
        """
        self._running().pause()

    def resume(self) -> None:
        """Continue after `pause`.

        Raises:
            RuntimeError: The device does not run.
        """
        self._running().resume()

    def statistics(self) -> Statistics:
        """Return the counters of this run, or of the last one. The relay does not wait for that."""
        return self._launcher.statistics() if self._launcher else Statistics()

    @property
    def state(self) -> State:
        """State of the relay, which is ACTIVE, PAUSED or DRAINING.

        IDLE when the device does not run, or waits to be restarted.
        """
        launcher = self._ready()
        return launcher.state() if launcher else State.IDLE

    @property
    def endpoints(self) -> Endpoints:
        """The endpoints that each role has bound, with the ports chosen for wildcards.

        Empty when the device does not run. In a forked child no device of the parent runs: read the endpoints before the fork.
        """
        launcher = self._ready()
        return launcher.ready.result().endpoints if launcher else {}

    @property
    def engine(self) -> Engine:
        """The engine that relays, "auto", "wire" or "libzmq".

        Set it before the start. "wire" owns the connections of the device: it costs less, and counts exactly (Linux, tcp and ipc).
        "libzmq" relays between sockets of libzmq. "auto", the default, takes wire if it supports all that the device asks for. After
        a start this is the engine that was taken, "wire" or "libzmq", and its `reason` says why, also after the end until it is
        set again.
        """
        launcher = self._launcher
        if launcher and launcher.ready.done() and not launcher.ready.exception():
            started = launcher.ready.result()
            if launcher.is_alive() or started.setting == self._engine_setting:
                return started.engine
        return Engine(self._engine_setting)

    @engine.setter
    def engine(self, name: str) -> None:
        self._engine_setting = name

    def choose_engine(self) -> Engine:
        """Return the engine that a start on this machine would take, and why. Nothing is opened.

        Raises:
            zmq.ZMQError: ENOTSUP, `engine` is "wire", and the wire engine does not support all that the device asks for.
        """
        return choose_engine(self._plan())

    def connections(self) -> Mapping[Role, Connections]:
        """Return the counters of the connections of each role, and how its connects are, in this run, or at the end of the last one.

        Empty with the libzmq engine, which does not know its connections.
        """
        return self._launcher.connections() if self._launcher else {}

    def peers(self) -> list[Peer]:
        """Return every connection, and each endpoint to connect to that has none, at one moment.

        The relay answers between two messages, also while it is paused. Empty when the device does not run.

        Raises:
            zmq.ZMQError: ENOTSUP, the device runs on libzmq, which does not show its peers.
            TimeoutError: The device does not answer.
        """
        launcher = self._ready()
        return launcher.peers() if launcher else []

    def kick(self, peer: Peer | int) -> bool:
        """End the connection of a peer, and count it as `kicked`. The peer, or the device, may connect again.

        Messages that wait for the peer are handled as when it leaves: others get them if any of these would do.

        Args:
            peer: A value of `peers`, or its number.

        Returns:
            Whether there was such a connection.

        Raises:
            RuntimeError: The device does not run.
            zmq.ZMQError: ENOTSUP, the device runs on libzmq, which does not show its peers.
            TimeoutError: The device does not answer.
        """
        return self._running().kick(peer.number if isinstance(peer, Peer) else peer)

    def listening_sockets(self) -> Listening:
        """Return duplicates of the sockets on which each role listens, to hand them to another process. Empty when it does not run.

        That process serves them with `bind_in` and so on, beside this device or in its place. Missing are ipc endpoints that libzmq
        has bound, as libzmq removes their files at the end; with the wire engine, the file stays while any process has the socket.

        Raises:
            TimeoutError: The device does not answer.
        """
        launcher = self._ready()
        return launcher.listening_sockets() if launcher else {}

    def stop_accepting(self) -> None:
        """Close the listening sockets. Connections go on, and whoever has the sockets too accepts the next ones.

        Raises:
            RuntimeError: The device does not run.
            zmq.ZMQError: ENOTSUP, the device runs on libzmq, which would close the connections too.
            TimeoutError: The device does not answer.
        """
        self._running().stop_accepting()

    def set_rights(self, role: Role, rights: Mapping[str, Rights] | None) -> None:
        """Change what the users of a socket may publish and subscribe to; at once, if the device runs.

        Subscriptions of connected users begin and end as the new rights say. Copies that wait for a slow user already are still sent.

        Args:
            role: The role of a socket with a CurveServer or PlainServer.
            rights: By name of the user, "*" for all others; None: everything. See `CurveServer`.

        Raises:
            TypeError: The rights are another kind of value.
            ValueError: The socket does not exist, does not authenticate its users, or is of a type that cannot have rights.
            zmq.ZMQError: ENOTSUP, the device runs on libzmq, which cannot enforce them.
            TimeoutError: The device does not answer.
        """
        spec = self._specs.get(role)
        if spec is None or not isinstance(spec.security, Server):
            raise ValueError(f"{self.name}: cannot set rights: {spec or role} has no CurveServer or PlainServer")
        security: Any = spec.security
        changed = replace(security, rights=rights)
        try:
            if rights is not None:
                spec.refuse_rights()
        except ValueError as error:
            raise ValueError(f"{self.name}: cannot set rights of {spec}: {error}") from None
        if launcher := self._alive():
            launcher.set_rights(spec.role, changed.rights)
        spec.security = changed

    def update(self, like: Device | None = None) -> list[str]:
        """Take over settings into the running device without a stop: all that differ, or none. For the wire engine.

        Endpoints, limits, policies, prefixes, `workers`, files of clients and [most options](reference/options.md) can change; socket
        types, keys, and whether there is a mon socket cannot. Limits and SNDHWM apply to all connections at once, other options of
        connections to new ones. The connections of an endpoint that is no longer bound stay. The connection to an endpoint that
        is removed gets what waits for it, and ends when its pending replies have arrived, or after
        LINGER.

        Args:
            like: A device, not started, whose sockets, policies and `workers` this one takes over. Default: what was set on this device since
                its start.

        Returns:
            What has changed, in words, such as "in: sndhwm 1000 -> 10".

        Raises:
            RuntimeError: The device does not run, or is ending.
            zmq.ZMQError: ENOTSUP, a running device cannot change all of it, which the text names; others as `start`, such as
                EADDRINUSE. Nothing has changed.
            TimeoutError: The device does not answer.
        """
        with self._lock:
            launcher = self._running()
            plan = replace((like or self)._plan(), owner=self.name, paused=self.start_paused)
            refuse_mistakes(plan, is_process=self._is_process)
            self._refuse_another_engine(plan)
            changes = launcher.update(plan).changes
            if like:
                taken = ("_in_prefix", "_out_prefix", "_dropped_prefix", "on_full", "mon_on_full", "workers")
                vars(self).update({name: getattr(like, name) for name in taken}, _specs=dict(plan.specs))
                self._ports.take_kept(like._ports)
            return changes

    def _refuse_another_engine(self, plan: Plan) -> None:
        engine = choose_engine(plan)
        if self.engine == "wire" and engine == "libzmq":
            text = f"{self.name}: cannot be changed while it runs: its engine changes to libzmq: {engine.reason}"
            raise zmq.ZMQError(errno.ENOTSUP, text)

    def requests(self) -> Requests:
        """Return the requests and workers of a queue with `workers`, in this run, or at the end of the last one.

        The relay answers between two messages, also while it is paused.

        Raises:
            zmq.ZMQError: ENOTSUP, the queue does not know its workers: `workers` was not set.
            TimeoutError: The device does not answer.
        """
        launcher = self._launcher
        refuse_unknown_workers(self.name, launcher.knows_workers if launcher else self.workers is not None)
        return launcher.requests() if launcher else Requests()

    def drain_worker(self, worker: Worker | int, on: bool = True) -> bool:
        """Give no more requests to a worker; it finishes those that it has.

        Args:
            worker: One of the `workers` of `requests`, or its number.
            on: False: give it requests again.

        Returns:
            Whether there was such a worker.

        Raises:
            RuntimeError: The device does not run.
            zmq.ZMQError: ENOTSUP, the queue does not know its workers: `workers` was not set.
            TimeoutError: The device does not answer.
        """
        launcher = self._running()
        refuse_unknown_workers(self.name, launcher.knows_workers)
        return launcher.drain_worker(worker.number if isinstance(worker, Worker) else worker, on)

    @property
    def launcher(self) -> threading.Thread | BaseProcess | None:
        """The thread or process of this run, or of the last one.

        None for a device that runs in the calling thread, and for a thread under gevent's patches.
        """
        return self._launcher.worker if self._launcher else None

    def __repr__(self) -> str:
        endpoints = self.endpoints
        sockets = [
            " ".join([_described(spec), *endpoints.get(role, (*spec.binds, *spec.connects))])
            for role, spec in self._specs.items()
            if role == spec.role
        ]
        running = f"running on {self.engine}"
        condition = "failed" if self.exception else "ended" if self.done else running if self.is_alive() else "not started"
        return f"<{self.name} {condition}: {', '.join(sockets)}>"

    @property
    def _context(self) -> zmq.Context[Any] | None:
        """PyZMQ's name for the context of a device that runs in this process."""
        relay = getattr(self._launcher, "relay", None)
        return relay.context if relay else None

    def _new_launcher(self) -> Launcher:
        return InlineLauncher(self._plan(), self._on_end, self.daemon)

    def _refuse_mistakes(self) -> None:
        refuse_mistakes(self._plan(), is_process=self._is_process)

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
            engine=self._engine_setting,
            workers=self.workers,
        )

    def _cpu_set(self) -> frozenset[int]:
        given: Any = self.cpus
        try:
            return frozenset(given)
        except TypeError:
            raise TypeError(f"{self.name}: cpus must be a collection of processors, like {{0, 1}}, not {given!r}") from None

    def _ready(self) -> Launcher | None:
        launcher = self._alive()
        return launcher if launcher and launcher.ready.done() and not launcher.ready.exception() else None

    def _running(self) -> Launcher:
        launcher = self._ready()
        if launcher is None:
            raise RuntimeError(f"{self.name} is not running: start it first")
        return launcher


def _described(spec: SocketSpec) -> str:
    return f"{spec.role} ({spec.type_name}, {spec.mechanism})" if spec.mechanism else str(spec)
