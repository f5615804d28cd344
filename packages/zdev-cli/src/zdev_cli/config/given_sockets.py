"""Listening sockets that zdev is given when it starts, by systemd or by the zdev that it replaces, and the binds that they serve."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from zdev_background._listening import endpoint_of

from .._failure import Failure, Status
from .endpoints import ANY, address_of

if TYPE_CHECKING:
    from .model import DeviceConfig

FIRST = 3  # SD_LISTEN_FDS_START
HTTP = "http"  # the name of the socket for the HTTP server


class GivenSocket(NamedTuple):
    """A listening socket.

    Attributes:
        name: DEVICE.ROLE or http, or any other name that the unit of systemd gives.
        endpoint: Where it listens.
        socket: The socket, which stays open until zdev ends if it is kept.
        keep: Whether it is for all starts of a device; else for the first one.
    """

    name: str
    endpoint: str
    socket: socket.socket
    keep: bool = True

    def __str__(self) -> str:
        return f'"{self.name}" at {self.endpoint}'


class GivenSockets:
    """The listening sockets that zdev was given."""

    def __init__(self, given: Iterable[GivenSocket] = ()) -> None:
        self._given = list(given)

    def add(self, given: Iterable[GivenSocket]) -> None:
        """Add sockets. Those that were added before are preferred."""
        self._given += given

    def serving(self, device: str, role: str, binds: Sequence[str]) -> list[GivenSocket | None]:
        """Return for each bind the socket that serves it, if there is one.

        A socket serves the bind with its address. A bind that leaves its address open (any port, or the name of an interface) is
        served by a socket that has the name of the device and role.
        """
        free, served = list(self._given), list[GivenSocket | None]()
        for bind in binds:
            at = address_of(bind)
            by_address = (each for each in free if at is not None and address_of(each.endpoint) == at)
            by_name = (each for each in free if each.name == f"{device}.{role}" and _suits(bind, each.endpoint))
            found = next(by_address, None) or next(by_name, None)
            if found:
                free.remove(found)
            served.append(found)
        return served

    def for_http(self, listen: str | None) -> socket.socket | None:
        """Return a duplicate of the socket that serves the HTTP server at `listen`, if there is one."""
        found = self._serving_http(listen)
        return found.socket.dup() if found else None

    def unused(self, devices: Mapping[str, DeviceConfig], listen: str | None) -> list[GivenSocket]:
        """Return the kept sockets that serve neither a device nor HTTP."""
        used: list[object] = [self._serving_http(listen)]
        for name, device in devices.items():
            for role, config in device.sockets.items():
                used += self.serving(name, role, config.binds)
        return [each for each in self._given if each.keep and each not in used]

    def refuse_unused(self, devices: Mapping[str, DeviceConfig], listen: str | None, where: str) -> None:
        """Raise Failure if a kept socket serves nothing: clients would connect there, and wait for ever."""
        if unused := self.unused(devices, listen):
            named = ", ".join(map(str, unused))
            advice = (
                "add the bind, or remove the socket; for a bind without a fixed address, set FileDescriptorName=DEVICE.ROLE"
            )
            raise Failure(f"{where}: no bind has the address of socket {named}: {advice}", Status.CONFIGURATION)

    def close_handed_over(self) -> None:
        """Close those for the first start of a device only, once it has started."""
        for each in self._given:
            if not each.keep:
                each.socket.close()
        self._given = [each for each in self._given if each.keep]

    def _serving_http(self, listen: str | None) -> GivenSocket | None:
        if listen is None:
            return None
        (found,) = self.serving("", "", [f"tcp://{listen}"])
        by_name = (each for each in self._given if each.name == HTTP and _suits(f"tcp://{listen}", each.endpoint))
        return found or next(by_name, None)


def from_systemd() -> list[GivenSocket]:
    """Return the sockets that systemd passed (sd_listen_fds(3)), and remove the variables that name them from the environment.

    Raises Failure if one is not a listening socket of tcp or ipc.
    """
    names = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")
    pid, count, fdnames, _ = (os.environ.pop(name, "") for name in names)
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    given = []
    for number, name in enumerate(fdnames.split(":") + ["unknown"] * int(count), FIRST):
        if number == FIRST + int(count):
            break
        try:
            listener = socket.socket(fileno=number)
            listener.set_inheritable(False)
            given.append(GivenSocket(name or "unknown", endpoint_of(listener), listener))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            text = f'cannot use the socket "{name}" of systemd (descriptor {number}): {why} (use ListenStream= and Accept=no)'
            raise Failure(text, Status.CONFIGURATION) from error
    return given


def _suits(bind: str, endpoint: str) -> bool:
    """Whether a socket at `endpoint` can serve a bind that leaves its address open."""
    at = address_of(endpoint)
    if bind == f"ipc://{ANY}" or at is None or not (bind.startswith("tcp://") and endpoint.startswith("tcp://")):
        return bind == f"ipc://{ANY}" and endpoint.startswith("ipc://")
    host, _, port = bind.removeprefix("tcp://").rpartition(":")
    is_open = port in (ANY, "0")
    wanted = address_of(f"tcp://{host}:{at.place}")
    return (is_open and wanted == at) or (_is_name(host) and (is_open or port == at.place))


def _is_name(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return host not in (ANY, "localhost")
    return False
