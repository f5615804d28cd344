"""The public device classes, which combine what is relayed with where it runs. The interface is that of `zmq.devices`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import zmq

from ._device import Device
from ._launchers import Launcher, OnEnd, ThreadLauncher
from ._plan import Plan
from ._process import ProcessLauncher
from ._restart import Restart, RestartHooks, RestartPolicy, Supervisor
from ._role_methods import CtrlRole, MonRole
from ._roles import prefix, socket_type
from ._spec import SocketSpec
from ._workers import Workers


class _Background(Device):
    """A `Device` that does not run in the calling thread, and so can be restarted when it fails."""

    restart: Restart = "never"
    """Whether the device is started again when it fails or its process is killed, "never" or "on-failure".

    It is restarted on the same endpoints, so that its peers reconnect, and paused if `pause` had paused it. The messages that it
    held are lost. `restart_policy` has the delays: by default 0.1 s, doubled for each further failure up to 5 s, and 0.1 s again
    after a run of a second. A first start that fails raises and is not repeated. Each restart is logged. `stop` and `drain` end
    the device, also while it waits. Statistics, and a PAUSE by the ctrl socket, are those of one run."""

    restart_policy: RestartPolicy = RestartPolicy()
    """The delays of `restart`."""

    restart_hooks: RestartHooks | None = None
    """Called at starts, failures and ends. With hooks, `restart` is read when the device fails."""

    @property
    def restarts(self) -> int:
        """How often the device was restarted after a failure since `start`."""
        return self._launcher.restarts if isinstance(self._launcher, Supervisor) else 0

    def restart_now(self) -> None:
        """Restart a failed device without waiting for the delay. Returns at once; does nothing if the device is not waiting."""
        if launcher := self._alive():
            launcher.restart_now()

    def _warn_if_running(self, setting: str) -> None:
        if setting != "restart" or not isinstance(self._launcher, Supervisor):  # which looks at it when the device fails
            super()._warn_if_running(setting)

    def _new_launcher(self) -> Launcher:
        if self.restart not in get_args(Restart):
            raise ValueError(f'{self.name}: invalid restart {self.restart!r}: it must be "never" or "on-failure"')
        new_run, plan = self._run_factory(), self._plan()
        if self.restart == "never" and not self.restart_hooks:
            return new_run(plan, self._on_end, self.daemon)
        return Supervisor(
            plan,
            self._on_end,
            self.daemon,
            new_run,
            wants_restart=lambda: self.restart == "on-failure",
            policy=self.restart_policy,
            hooks=self.restart_hooks or RestartHooks(),
        )

    def _run_factory(self) -> Callable[[Plan, OnEnd, bool], Launcher]:
        raise NotImplementedError


class ThreadDevice(_Background):
    """A `Device` that runs in its own thread. `start` returns when its sockets are bound and connected.

    Attributes:
        restart: "never" or "on-failure".
        restart_policy: The delays of restarts.
        restart_hooks: Called at starts, failures and ends.

    Example::

        device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
        device.bind_in("tcp://127.0.0.1:5559")
        device.bind_out("tcp://127.0.0.1:5560")
        with device:  # start() and stop()
            ...
    """

    def _run_factory(self) -> Callable[[Plan, OnEnd, bool], Launcher]:
        return ThreadLauncher


class ProcessDevice(_Background):
    """A `Device` that runs in its own process. `start` returns when its sockets are bound and connected.

    The process ends with its parent, however that ends. Ctrl-C in a terminal does not reach it: the parent decides when to stop
    it. SIGTERM stops it as `stop` does. When it dies, `exception` says so within a second. Methods raise TimeoutError when the
    process does not answer, for example while it is suspended.

    Attributes:
        restart: "never" or "on-failure".
        restart_policy: The delays of restarts.
        restart_hooks: Called at starts, failures and ends.
        start_method: "fork", "spawn" or "forkserver".

    Example::

        device = ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
        device.bind_in("tcp://127.0.0.1:5559")
        device.bind_out("tcp://127.0.0.1:5560")
        with device:  # start() and stop()
            print(device.pid)
    """

    _is_process = True

    context_factory: Callable[[], zmq.Context[Any]] = zmq.Context
    """Makes the context of the sockets, in the device's process. The device terminates the context at its end if this is a class."""

    start_method: str | None = None
    """How the process starts, "fork", "spawn" or "forkserver". None is the default of multiprocessing.

    Since Python 3.12, "fork" in a program with threads, such as one with thread devices, raises a DeprecationWarning: another
    thread may hold a lock of Python or libc at that moment. Use "forkserver" or "spawn" there."""

    @property
    def pid(self) -> int | None:
        """Process ID of the device. None when it does not run, or waits to be restarted."""
        return self._launcher.pid if self._launcher else None

    def _run_factory(self) -> Callable[[Plan, OnEnd, bool], Launcher]:
        methods = multiprocessing.get_all_start_methods()
        if self.start_method not in (None, *methods):
            raise ValueError(
                f"{self.name}: start_method must be None or one of {', '.join(methods)}, not {self.start_method!r}"
            )
        return partial(ProcessLauncher, start_method=self.start_method)


class Proxy(Device, MonRole):
    """A `Device` that also sends a copy of every message to a third socket, the monitor, which is called mon."""

    def __init__(self, in_type: int, out_type: int, mon_type: int = zmq.PUB, *, workers: Workers | None = None) -> None:
        """Describe a device, without sockets yet.

        Args:
            in_type: Socket type, such as zmq.ROUTER.
            out_type: Socket type; below 0, the in socket is both ends, and its messages go back to its peers.
            mon_type: PUB or XPUB, which drop copies for slow subscribers; or PUSH, PAIR or DEALER (see `mon_on_full`).
            workers: Settings of a queue that knows its workers; None for any other device.

        Raises:
            TypeError: A socket type is not a number.
            ValueError: A device cannot relay a socket type.
        """
        super().__init__(in_type=in_type, out_type=out_type, workers=workers)
        self._specs["mon"] = SocketSpec("mon", socket_type("mon_type", mon_type))


class ThreadProxy(Proxy, ThreadDevice):
    """A `Proxy` that runs in its own thread."""


class ProcessProxy(Proxy, ProcessDevice):
    """A `Proxy` that runs in its own process."""


class MonitoredQueue(Proxy):
    """A `Proxy` whose copies begin with a prefix, which shows which socket received the message.

    Between ROUTERs the first two frames are swapped, so that a message reaches the peer that its sender named.
    """

    def __init__(
        self,
        in_type: int,
        out_type: int,
        mon_type: int = zmq.PUB,
        in_prefix: bytes | str = b"in",
        out_prefix: bytes | str = b"out",
        *,
        dropped_prefix: bytes | str | None = None,
        workers: Workers | None = None,
    ) -> None:
        """Describe a device, without sockets yet.

        Args:
            in_type: Socket type, such as zmq.ROUTER.
            out_type: Socket type; below 0, the in socket is both ends, and its messages go back to its peers.
            mon_type: PUB or XPUB, which drop copies for slow subscribers; or PUSH, PAIR or DEALER (see `mon_on_full`).
            in_prefix: First frame of copies of messages from the in socket; text is sent as UTF-8.
            out_prefix: First frame of copies of messages from the out socket; text is sent as UTF-8.
            dropped_prefix: First frame of copies of messages that were dropped because their receiver has left or is full; None for no
                such copies.
            workers: Settings of a queue that knows its workers; None for any other device.

        Raises:
            TypeError: A socket type is not a number, or a prefix is neither bytes nor text.
            ValueError: A device cannot relay a socket type.
        """
        super().__init__(in_type, out_type, mon_type, workers=workers)
        self._in_prefix = prefix("in_prefix", in_prefix)
        self._out_prefix = prefix("out_prefix", out_prefix)
        self._dropped_prefix = prefix("dropped_prefix", dropped_prefix)


class ThreadMonitoredQueue(MonitoredQueue, ThreadProxy):
    """A `MonitoredQueue` that runs in its own thread. `start` returns when its sockets are bound and connected.

    `help(Device)` and `help(ThreadDevice)` list the settings, such as `on_full` and `restart`.

    Example::

        queue = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUB)
        queue.bind_in("tcp://127.0.0.1:5559")  # clients connect here
        queue.bind_out("tcp://127.0.0.1:5560")  # workers connect here
        queue.bind_mon("tcp://127.0.0.1:5561")  # watchers subscribe here
        with queue:  # start() and stop()
            print(queue.statistics().in_.messages_sent, "requests forwarded")
    """


class ProcessMonitoredQueue(MonitoredQueue, ProcessProxy):
    """A `MonitoredQueue` that runs in its own process."""


class ProxySteerable(Proxy, CtrlRole):
    """A `Proxy` that obeys the commands PAUSE, RESUME, DRAIN, TERMINATE and STATISTICS, sent to a fourth socket, called ctrl.

    A command is a message of one frame.
    """

    def __init__(self, in_type: int, out_type: int, mon_type: int = zmq.PUB, ctrl_type: int | None = None) -> None:
        """Describe a device, without sockets yet.

        Args:
            in_type: Socket type, such as zmq.ROUTER.
            out_type: Socket type; below 0, the in socket is both ends, and its messages go back to its peers.
            mon_type: PUB or XPUB, which drop copies for slow subscribers; or PUSH, PAIR or DEALER (see `mon_on_full`).
            ctrl_type: REP, which answers every command; PAIR or DEALER, which answer STATISTICS; or SUB, PULL or XSUB. None
                for no such socket.

        Raises:
            TypeError: A socket type is not a number.
            ValueError: A device cannot relay a socket type.
        """
        super().__init__(in_type, out_type, mon_type)
        if ctrl_type is not None:
            self._specs["ctrl"] = SocketSpec("ctrl", socket_type("ctrl_type", ctrl_type))


class ThreadProxySteerable(ProxySteerable, ThreadProxy):
    """A `ProxySteerable` that runs in its own thread."""


class ProcessProxySteerable(ProxySteerable, ProcessProxy):
    """A `ProxySteerable` that runs in its own process."""
