"""A role is a value: one method for every role, and from it the methods for one, like `bind_in`."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, get_args

import zmq

from ._errors import explained
from ._ports import Ports
from ._security import Security
from ._spec import SOCKET_TYPES, OptionValue, Role, SocketSpec

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


def of_role(method: Callable[Concatenate[S, Role, P], R], role: Role) -> Callable[Concatenate[S, P], R]:
    """`method`, which takes a role first, as a method for this role alone.

    A plain function comes out, so that type checkers and editors know its signature and docstring, and `help` too.
    """

    def method_of_role(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return method(self, role, *args, **kwargs)

    verb, separator, rest = method.__name__.partition("_")
    made: Any = method_of_role
    made.__name__ = f"{verb}_{role}{separator}{rest}"
    made.__qualname__ = method.__qualname__.replace(method.__name__, made.__name__)
    made.__module__ = method.__module__
    made.__doc__ = method.__doc__
    signature = inspect.signature(method)
    made.__signature__ = signature.replace(parameters=[p for p in signature.parameters.values() if p.name != "role"])
    return method_of_role


class Roles:
    """What the sockets of a device shall be, by role. It takes effect at the next start."""

    name: str
    """What messages and logs call the device: its class, unless set."""

    # What the monitor's copies begin with; None: nothing.
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
    ) -> Self:
        """A device of these sockets, each in its role; without one for `out`, that for `in` is both ends.

        name: what messages and logs call it; None: its class. in_prefix, out_prefix: what copies for `mon` begin with; None:
        nothing. Raises ValueError without a socket for `in`.
        """
        given = _by_role(specs)
        if "in" not in given:
            raise ValueError(f"{cls.__name__} needs a socket for in")
        made: Any = cls
        device: Self = made(in_type=given["in"].type, out_type=given["out"].type if "out" in given else -1)
        device.use_specs(given.values(), in_prefix=in_prefix, out_prefix=out_prefix)
        device.name = name or device.name
        return device

    def use_specs(
        self, specs: Iterable[SocketSpec], *, in_prefix: bytes | str | None = None, out_prefix: bytes | str | None = None
    ) -> None:
        """Have these sockets, each in its role, in place of those so far; see `from_specs`. It takes effect at the next start."""
        self._specs.update(_by_role(specs))
        if self._specs["out"].role == "in":
            self._specs["out"] = self._specs["in"]
        self._in_prefix, self._out_prefix = prefix("in_prefix", in_prefix), prefix("out_prefix", out_prefix)

    @property
    def specs(self) -> Mapping[Role, SocketSpec]:
        """The sockets as told so far. Where one is both ends, it is in both roles."""
        return MappingProxyType(self._specs)

    def bind(self, role: Role, addr: str | bytes) -> None:
        """Have this role's socket bind `addr`, an endpoint like tcp://127.0.0.1:5559, when the device starts.

        With port * the system chooses one; `endpoints` tells which, once the device is started. `start` raises what goes wrong.
        """
        self._spec(role).binds.append(_endpoint(addr))

    def connect(self, role: Role, addr: str | bytes) -> None:
        """Have this role's socket connect to `addr`, an endpoint like tcp://127.0.0.1:5559, when the device starts."""
        self._spec(role).connects.append(_endpoint(addr))

    def setsockopt(self, role: Role, opt: int, value: OptionValue) -> None:
        """Have this role's socket option `opt` set to `value` when the device starts, before any bind or connect.

        A str is sent as UTF-8. `start` raises ZMQError with EINVAL for an option that doesn't exist or doesn't take the value.
        """
        if not isinstance(opt, int):
            raise TypeError(f"opt must be a socket option like zmq.SNDHWM, not {opt!r}")
        self._spec(role).options.append((opt, value))

    def secure(self, role: Role, security: Security | None) -> None:
        """Have this role's socket protected by a mechanism, like CurveServer, when the device starts; None: by none.

        A device that has a server among its sockets has a context of its own. `start` raises ZMQError, naming the file, when
        a key can't be read, or could be read by others than its owner.
        """
        if not isinstance(security, Security | None):
            raise TypeError(f"security must be a value like CurveServer(secret_key, clients), or None, not {security!r}")
        self._spec(role).security = security

    def bind_to_random_port(
        self, role: Role, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100
    ) -> int:
        """Have this role's socket bind a free port of `addr`, like tcp://127.0.0.1, when the device starts. Returns the port.

        The port is kept for the device from now on. It is from `min_port` to below `max_port`, or, when neither is given, one
        that the system chooses.

        Raises ZMQBindError when no port was free in `max_tries` tries, ZMQError when `addr` can't be bound at all.
        """
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

    bind_in = of_role(bind, "in")
    connect_in = of_role(connect, "in")
    setsockopt_in = of_role(setsockopt, "in")
    secure_in = of_role(secure, "in")
    bind_in_to_random_port = of_role(bind_to_random_port, "in")

    bind_out = of_role(bind, "out")
    connect_out = of_role(connect, "out")
    setsockopt_out = of_role(setsockopt, "out")
    secure_out = of_role(secure, "out")
    bind_out_to_random_port = of_role(bind_to_random_port, "out")

    @property
    def in_type(self) -> int:
        return self._specs["in"].type

    @property
    def out_type(self) -> int:
        """-1 when one socket is both ends."""
        return -1 if self._specs["out"] is self._specs["in"] else self._specs["out"].type

    def _spec(self, role: Role) -> SocketSpec:
        if role not in self._specs:
            raise ValueError(f"{type(self).__name__} has no {role} socket; it has {', '.join(self._specs)}")
        self._warn_if_running(f"this setting of {role}")
        return self._specs[role]

    def _warn_if_running(self, setting: str) -> None:
        """Warn the caller's caller's caller, a line of the user's, that the running device keeps its former setting."""
        if self.is_alive():
            text = f"{self.name} is running: {setting} takes effect at the next start"
            warnings.warn(text, RuntimeWarning, stacklevel=_depth())

    def is_alive(self) -> bool:
        """Whether the device is running."""
        raise NotImplementedError


def socket_type(parameter: str, value: Any) -> int:
    """Check the value of a parameter that takes a socket type. Raises TypeError for another kind of value, ValueError for another
    number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{parameter} must be a socket type like zmq.ROUTER, not {value!r}")
    number: int = value
    if number not in SOCKET_TYPES:
        shown = zmq.SocketType(value).name if value in zmq.SocketType.__members__.values() else value
        raise ValueError(f"{parameter} is {shown}, which a device cannot relay: use one of {', '.join(SOCKET_TYPES.values())}")
    return number


def _depth() -> int:
    """How many frames up from the caller the first is that is not in this package, as `warnings.warn` counts them."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(__package__ + "."):
        frame, depth = frame.f_back, depth + 1
    return depth


def prefix(parameter: str, value: bytes | str | None) -> bytes | str | None:
    """Check a prefix of monitor messages. Raises TypeError for another kind of value."""
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
