"""The devices by name: what is relayed, combined with where it runs. Constructors and methods are those of `zmq.devices`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any, Literal

import zmq

from ._device import Device
from ._launchers import Launcher, ThreadLauncher
from ._process import ProcessLauncher
from ._restart import RestartingLauncher
from ._roles import Roles, of_role, prefix, socket_type
from ._spec import SocketSpec


class ThreadDevice(Device):
    """A `Device` that runs in a thread of its own: `start` returns when its sockets are bound and connected."""

    def _new_launcher(self) -> Launcher:
        return ThreadLauncher(self._plan(), self._on_end, self.daemon)


class ProcessDevice(Device):
    """A `Device` that runs in a process of its own: `start` returns when its sockets are bound and connected.

    The process ends with its parent, however that ends. Ctrl-C in a terminal doesn't reach it: the parent decides when to
    stop it. SIGTERM stops it as `stop` does. When it dies, `exception` says so within a second. Methods raise TimeoutError
    when it doesn't answer them, as when it is suspended.
    """

    _is_process = True

    context_factory: Callable[[], zmq.Context[Any]] = zmq.Context
    """Makes the context of the sockets, in the device's process. The device terminates it at its end if this is a class."""

    start_method: str | None = None
    """How the process starts: "fork", "spawn" or "forkserver"; None: as is usual for multiprocessing.

    From Python 3.12 on, "fork" in a program with threads, which a program with devices mostly is, gives a DeprecationWarning.
    The child uses nothing of them, but another thread may hold a lock of Python's or libc's at that moment: there, use
    "forkserver" or "spawn"."""

    restart: Literal["no", "on-failure"] = "no"
    """What to do when the process fails or is killed: "on-failure" starts it anew, on the endpoints that it had, so that peers
    that stay connected go on by themselves; what it held is lost. The first time after 0.1 s, then after twice as long each
    time, up to 5 s; a run that lasts a second begins that anew. A start that fails is not repeated. Each one is logged; `stop` and
    `drain` end it. Settings made with `pause`, and statistics, are those of one process, and begin anew. Takes effect at the
    next start."""

    @property
    def restarts(self) -> int:
        """How often the run under way, or the last one, was started anew after a failure."""
        return self._launcher.restarts if isinstance(self._launcher, RestartingLauncher) else 0

    def _new_launcher(self) -> Launcher:
        methods = multiprocessing.get_all_start_methods()
        if self.start_method not in (None, *methods):
            raise ValueError(
                f"{self.name}: start_method must be None or one of {', '.join(methods)}, not {self.start_method!r}"
            )
        if self.restart == "on-failure":
            return RestartingLauncher(self._plan(), self._on_end, self.daemon, self.start_method)
        if self.restart != "no":
            raise ValueError(f'{self.name}: restart is {self.restart!r}: it can be "no" or "on-failure"')
        return ProcessLauncher(self._plan(), self._on_end, self.daemon, self.start_method)


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
    sent as UTF-8. Between ROUTERs the first two frames are swapped, so that a message reaches the peer that its sender named.
    """

    def __init__(
        self,
        in_type: int,
        out_type: int,
        mon_type: int = zmq.PUB,
        in_prefix: bytes | str = b"in",
        out_prefix: bytes | str = b"out",
    ) -> None:
        super().__init__(in_type, out_type, mon_type)
        self._in_prefix = prefix("in_prefix", in_prefix)
        self._out_prefix = prefix("out_prefix", out_prefix)


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
