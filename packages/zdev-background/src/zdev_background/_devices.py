"""The devices by name: what is relayed, combined with where it runs. Constructors and methods are those of `zmq.devices`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from typing import Any, get_args

import zmq

from ._device import Device
from ._launchers import Launcher, OnEnd, ThreadLauncher
from ._process import ProcessLauncher
from ._relay import Plan
from ._restart import Restart, RestartHooks, RestartPolicy, Supervisor
from ._roles import Roles, of_role, prefix, socket_type
from ._spec import SocketSpec


class _Background(Device):
    """A `Device` that does not run in the thread that starts it, and so can be restarted when it fails."""

    restart: Restart = "never"
    """Whether the device is started again when it fails, or its process is killed: "never" or "on-failure". It comes back on the
    endpoints that it had, so that peers that stay connected go on by themselves, and paused if it was paused by `pause`; what it
    held is lost. The first restart comes after 0.1 s, each further one after twice as long, up to 5 s; after a run of a second the
    delay is 0.1 s again. A first start that fails raises and is not repeated. Each restart is logged; `stop` and `drain` end the
    device, also while it waits. Statistics, and a pause by the ctrl socket, are those of one run. Takes effect at the next start."""

    restart_policy: RestartPolicy = RestartPolicy()
    """The delays of `restart`. Takes effect at the next start."""

    restart_hooks: RestartHooks | None = None
    """Learns of starts, failures and ends. With hooks, `restart` is looked at when the device fails. Takes effect at the next start."""

    @property
    def restarts(self) -> int:
        """How often the device was restarted after a failure since `start`."""
        return self._launcher.restarts if isinstance(self._launcher, Supervisor) else 0

    def restart_now(self) -> None:
        """Restart a device that waits for that immediately. Returns at once; does nothing if it does not wait."""
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
    """A `Device` that runs in its own thread: `start` returns when its sockets are bound and connected."""

    def _run_factory(self) -> Callable[[Plan, OnEnd, bool], Launcher]:
        return ThreadLauncher


class ProcessDevice(_Background):
    """A `Device` that runs in its own process: `start` returns when its sockets are bound and connected.

    The process ends with its parent, however that ends. Ctrl-C in a terminal does not reach it: the parent decides when to stop it.
    SIGTERM stops it as `stop` does. When it dies, `exception` says so within a second. Methods raise TimeoutError when it does not
    answer, as when it is suspended.
    """

    _is_process = True

    context_factory: Callable[[], zmq.Context[Any]] = zmq.Context
    """Makes the context of the sockets, in the device's process. The device terminates it at its end if this is a class."""

    start_method: str | None = None
    """How the process starts: "fork", "spawn" or "forkserver"; None: the default of multiprocessing.

    From Python 3.12 on, "fork" in a program with threads, as a program with devices usually is, gives a DeprecationWarning. The child
    uses none of them, but another thread may hold a lock of Python's or libc's at that moment: use "forkserver" or "spawn" there."""

    def _run_factory(self) -> Callable[[Plan, OnEnd, bool], Launcher]:
        methods = multiprocessing.get_all_start_methods()
        if self.start_method not in (None, *methods):
            raise ValueError(
                f"{self.name}: start_method must be None or one of {', '.join(methods)}, not {self.start_method!r}"
            )
        return partial(ProcessLauncher, start_method=self.start_method)


class Proxy(Device):
    """A `Device` that copies every message to a third socket, the monitor, and adds nothing to it.

    mon_type: PUB or XPUB, which drop what their subscribers don't take; or PUSH, PAIR or DEALER (see `mon_on_full`).
    """

    def __init__(self, in_type: int, out_type: int, mon_type: int = zmq.PUB) -> None:
        super().__init__(in_type=in_type, out_type=out_type)
        self._specs["mon"] = SocketSpec("mon", socket_type("mon_type", mon_type))

    bind_mon = of_role(Roles.bind, "mon")
    connect_mon = of_role(Roles.connect, "mon")
    setsockopt_mon = of_role(Roles.setsockopt, "mon")
    secure_mon = of_role(Roles.secure, "mon")
    bind_mon_to_random_port = of_role(Roles.bind_to_random_port, "mon")

    @property
    def mon_type(self) -> int:
        return self._specs["mon"].type


class ThreadProxy(Proxy, ThreadDevice):
    """A `Proxy` in a thread of its own."""


class ProcessProxy(Proxy, ProcessDevice):
    """A `Proxy` in a process of its own."""


class MonitoredQueue(Proxy):
    """A `Device` that copies every message to a third socket, the monitor, after a prefix that tells where it was received.

    in_prefix, out_prefix: the first frame of the copy of a message that the in socket, or the out socket, received; a str is
    sent as UTF-8. dropped_prefix: the first frame of the copy of a message that was dropped because its receiver has left or is
    full; None: the monitor gets no copies of these. Between ROUTERs the first two frames are swapped, so that a message reaches the peer that its sender named.
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
    ) -> None:
        super().__init__(in_type, out_type, mon_type)
        self._in_prefix = prefix("in_prefix", in_prefix)
        self._out_prefix = prefix("out_prefix", out_prefix)
        self._dropped_prefix = prefix("dropped_prefix", dropped_prefix)


class ThreadMonitoredQueue(MonitoredQueue, ThreadProxy):
    """A `MonitoredQueue` in a thread of its own."""


class ProcessMonitoredQueue(MonitoredQueue, ProcessProxy):
    """A `MonitoredQueue` in a process of its own."""


class ProxySteerable(Proxy):
    """A `Proxy` that obeys a fourth socket: PAUSE, RESUME, DRAIN, TERMINATE and STATISTICS, each a message of one frame.

    ctrl_type: REP, PAIR, DEALER, SUB, PULL or XSUB; None: no such socket. REP answers every message, the others STATISTICS
    only.
    """

    def __init__(self, in_type: int, out_type: int, mon_type: int = zmq.PUB, ctrl_type: int | None = None) -> None:
        super().__init__(in_type, out_type, mon_type)
        if ctrl_type is not None:
            self._specs["ctrl"] = SocketSpec("ctrl", socket_type("ctrl_type", ctrl_type))

    bind_ctrl = of_role(Roles.bind, "ctrl")
    connect_ctrl = of_role(Roles.connect, "ctrl")
    setsockopt_ctrl = of_role(Roles.setsockopt, "ctrl")
    secure_ctrl = of_role(Roles.secure, "ctrl")
    bind_ctrl_to_random_port = of_role(Roles.bind_to_random_port, "ctrl")

    @property
    def ctrl_type(self) -> int | None:
        return self._specs["ctrl"].type if "ctrl" in self._specs else None


class ThreadProxySteerable(ProxySteerable, ThreadProxy):
    """A `ProxySteerable` in a thread of its own."""


class ProcessProxySteerable(ProxySteerable, ProcessProxy):
    """A `ProxySteerable` in a process of its own."""
