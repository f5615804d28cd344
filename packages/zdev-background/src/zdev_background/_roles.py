"""The description of a device's sockets, one per role."""

from __future__ import annotations

import socket
import sys
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Self, get_args

import zmq

from ._errors import explained
from ._limits import Limits
from ._ports import Ports
from ._security import Security
from ._spec import SOCKET_TYPES, OptionValue, Role, SocketSpec


class Roles:
    """The sockets of a device, as described for its next start.

    Args:
        in_type: Socket type, such as zmq.ROUTER.
        out_type: Socket type; below 0, the in socket is both ends.

    Raises:
        TypeError: A socket type is not a number.
        ValueError: A device cannot relay a socket type.
    """

    name: str
    """Name of the device in messages and logs. The default is the name of its class."""

    # Prefixes of the copies that the mon socket sends; None: no prefix.
    _in_prefix: bytes | str | None = None
    _out_prefix: bytes | str | None = None
    _dropped_prefix: bytes | str | None = None

    def __init__(self, in_type: int, out_type: int) -> None:
        self.name = type(self).__name__
        self._specs: dict[Role, SocketSpec] = {"in": SocketSpec("in", socket_type("in_type", in_type))}
        given: Any = out_type
        both_ends = isinstance(given, int) and given < 0
        self._specs["out"] = self._specs["in"] if both_ends else SocketSpec("out", socket_type("out_type", out_type))
        self._ports = Ports()

    @classmethod
    def from_specs(
        cls,
        specs: Iterable[SocketSpec],
        *,
        name: str | None = None,
        in_prefix: bytes | str | None = None,
        out_prefix: bytes | str | None = None,
        dropped_prefix: bytes | str | None = None,
    ) -> Self:
        """Make a device of these sockets, each in its role.

        Args:
            specs: The sockets. Without one for `out`, the in socket is both ends.
            name: Name of the device in messages and logs. Default: the name of its class.
            in_prefix: First frame of copies of messages from the in socket. Default: no prefix.
            out_prefix: First frame of copies of messages from the out socket. Default: no prefix.
            dropped_prefix: First frame of copies of messages that could not be delivered. Default: no such copies.

        Raises:
            ValueError: There is no socket for `in`, or a role is unknown.
        """
        given = _by_role(specs)
        if "in" not in given:
            raise ValueError(f"{cls.__name__} needs a socket for in")
        made: Any = cls
        device: Self = made(in_type=given["in"].type, out_type=given["out"].type if "out" in given else -1)
        device.use_specs(given.values(), in_prefix=in_prefix, out_prefix=out_prefix, dropped_prefix=dropped_prefix)
        device.name = name or device.name
        return device

    def use_specs(
        self,
        specs: Iterable[SocketSpec],
        *,
        in_prefix: bytes | str | None = None,
        out_prefix: bytes | str | None = None,
        dropped_prefix: bytes | str | None = None,
    ) -> None:
        """Replace the sockets of these roles, from the next start on.

        Args:
            specs: The sockets.
            in_prefix: First frame of copies of messages from the in socket. Default: no prefix.
            out_prefix: First frame of copies of messages from the out socket. Default: no prefix.
            dropped_prefix: First frame of copies of messages that could not be delivered. Default: no such copies.

        Raises:
            ValueError: A role is unknown.
        """
        self._specs.update(_by_role(specs))
        if self._specs["out"].role == "in":
            self._specs["out"] = self._specs["in"]
        self._in_prefix, self._out_prefix = prefix("in_prefix", in_prefix), prefix("out_prefix", out_prefix)
        self._dropped_prefix = prefix("dropped_prefix", dropped_prefix)

    @property
    def specs(self) -> Mapping[Role, SocketSpec]:
        """The sockets by role, as described so far. A socket that is both ends has both roles."""
        return MappingProxyType(self._specs)

    def bind(
        self,
        role: Role,
        addr: str | bytes | socket.socket,
        *,
        listening: socket.socket | None = None,
        keep: bool = True,
    ) -> None:
        """Bind the socket of `role` to `addr` when the device starts. See `bind_in`.

        Args:
            role: Its role.
            addr: Endpoint, or a listening socket.
            listening: A listening socket that serves the endpoint `addr`, which may be a wildcard.
            keep: Whether later starts serve that socket too; else they bind to the endpoint.
        """
        spec = self._spec(role)
        given: Any = addr
        is_socket = hasattr(given, "getsockname")
        endpoint = None if is_socket else _endpoint(given)
        listener: socket.socket | None = given if is_socket else listening
        if listener is None:
            spec.binds.append(_endpoint(given))
            return
        try:
            spec.binds.append(self._ports.add(listener, endpoint, keep=keep))
        except (OSError, ValueError) as error:
            why = (error.strerror or "").lower() if isinstance(error, OSError) else error
            raise ValueError(f"{self.name}: cannot bind {spec} to the given socket: {why}") from error

    def connect(self, role: Role, addr: str | bytes) -> None:
        """Connect the socket of `role` to `addr` when the device starts. See `connect_in`."""
        self._spec(role).connects.append(_endpoint(addr))

    def setsockopt(self, role: Role, opt: int, value: OptionValue) -> None:
        """Set an option of the socket of `role` when the device starts. See `setsockopt_in`."""
        if not isinstance(opt, int):
            raise TypeError(f"opt must be a socket option like zmq.SNDHWM, not {opt!r}")
        self._spec(role).options.append((opt, value))

    def secure(self, role: Role, security: Security | None) -> None:
        """Protect the socket of `role` by a security mechanism when the device starts. See `secure_in`."""
        if not isinstance(security, Security | None):
            raise TypeError(f"security must be a value like CurveServer(secret_key, clients), or None, not {security!r}")
        self._spec(role).security = security

    def limit(self, role: Role, limits: Limits | None) -> None:
        """Limit the connections that the socket of `role` accepts, from the next start on. See `limit_in`."""
        if not isinstance(limits, Limits | None):
            raise TypeError(f"limits must be a value like Limits(max_connections=100), or None, not {limits!r}")
        self._spec(role).limits = limits

    def bind_to_random_port(
        self, role: Role, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100
    ) -> int:
        """Reserve a free port for the socket of `role`. See `bind_in_to_random_port`."""
        spec, address = self._spec(role), _endpoint(addr)
        try:
            if ":" in address.partition("://")[2].rpartition("]")[2]:
                raise ValueError("invalid address")
            port = self._ports.reserve(address, min_port, max_port, max_tries)
        except (zmq.ZMQError, ValueError) as error:
            advice = "write transport and host without a port, like tcp://127.0.0.1"
            raise explained(self.name, f"cannot reserve a port for {spec} at {address}", error, advice) from error
        spec.binds.append(f"{address}:{port}")
        return port

    def _spec(self, role: Role) -> SocketSpec:
        if role not in self._specs:
            raise ValueError(f"{type(self).__name__} has no {role} socket; it has {', '.join(self._specs)}")
        self._warn_if_running(f"this setting of {role}")
        return self._specs[role]

    def _warn_if_running(self, setting: str) -> None:
        """Warn at the user's line, outside of this package, that the running device keeps its former setting."""
        if self.is_alive():
            text = f"{self.name} is running: {setting} takes effect at the next start, or with update()"
            warnings.warn(text, RuntimeWarning, stacklevel=_depth())

    def is_alive(self) -> bool:
        """Return whether the device runs."""
        raise NotImplementedError


def socket_type(parameter: str, value: Any) -> int:
    """Return the value of a parameter that takes a socket type.

    Raises:
        TypeError: It is not a number.
        ValueError: A device cannot relay this type.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{parameter} must be a socket type like zmq.ROUTER, not {value!r}")
    number: int = value
    if number not in SOCKET_TYPES:
        shown = zmq.SocketType(value).name if value in zmq.SocketType.__members__.values() else value
        raise ValueError(f"{parameter} is {shown}, which a device cannot relay: use one of {', '.join(SOCKET_TYPES.values())}")
    return number


def _depth() -> int:
    """Return the stack level, as `warnings.warn` counts it from the caller, of the first frame outside of this package."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(__package__ + "."):
        frame, depth = frame.f_back, depth + 1
    return depth


def prefix(parameter: str, value: bytes | str | None) -> bytes | str | None:
    """Return a prefix of monitor messages. Raises TypeError for another kind of value."""
    if not isinstance(value, bytes | str | None):
        raise TypeError(f"{parameter} must be bytes or str, not {value!r}")
    return value


def _by_role(specs: Iterable[SocketSpec]) -> dict[Role, SocketSpec]:
    given: list[Any] = list(specs)
    for spec in given:
        if not isinstance(spec, SocketSpec):
            raise TypeError(f"specs must be of type SocketSpec, not {spec!r}")
        if spec.role not in get_args(Role):
            raise ValueError(f"unknown role {spec.role!r} (roles: {', '.join(get_args(Role))})")
    return {spec.role: spec for spec in given}


def _endpoint(value: str | bytes) -> str:
    given: Any = value
    with suppress(UnicodeDecodeError):
        given = value.decode() if isinstance(value, bytes) else value
    if not isinstance(given, str):
        raise TypeError(f"an endpoint must be text like tcp://127.0.0.1:5559, not {value!r}")
    return given
