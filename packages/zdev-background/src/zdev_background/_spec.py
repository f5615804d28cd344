"""Sockets as values: the description of a socket, apart from the place and time where it is made."""

from __future__ import annotations

import errno
import itertools
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import zmq

from ._buffers import make_socket
from ._endpoints import is_ipv6, refusal_of
from ._errors import explained
from ._ipc import refuse_in_use, remove_file
from ._limits import Limits
from ._option_checks import conflict_of
from ._option_table import SECRETS, option_refusal, verdict_of
from ._ports import Ports
from ._rights import rights_refusal
from ._security import Security, Server, is_loopback
from ._socket_options import default_options

logger = logging.getLogger("zdev")

Role = Literal["in", "out", "mon", "ctrl"]
OptionValue = int | bytes | str

SOCKET_TYPES = {int(each): each.name for each in zmq.SocketType if each <= zmq.XSUB}
"""Socket types that a device can relay, by number. It cannot relay STREAM, which has no message frames, and libzmq's drafts."""

_REPLACED = {int(zmq.HWM): (zmq.SNDHWM, zmq.RCVHWM)}  # ØMQ 2 had one option for both directions
_SERVER_OPTIONS = {zmq.CURVE_SERVER: "CURVE", zmq.PLAIN_SERVER: "PLAIN", zmq.GSSAPI_SERVER: "GSSAPI"}
UNBIND_TIMEOUT = 1.0  # seconds for libzmq's I/O thread to close a listener, which usually takes a millisecond
_numbers = itertools.count()


class OpenSocket(NamedTuple):
    """A socket made from a `SocketSpec`.

    Attributes:
        socket: The socket.
        endpoints: What it has bound, with ports in place of wildcards.
    """

    socket: zmq.Socket[bytes]
    endpoints: tuple[str, ...] = ()

    def close(self, linger: int | None = None) -> None:
        """Close the socket. Its endpoints can be bound again when this returns, which libzmq does not guarantee.

        Args:
            linger: In ms; None for the LINGER of the socket.
        """
        self.unbind()
        self.socket.close(linger=linger)

    def unbind(self) -> None:
        """Unbind the endpoints, and close the connections accepted there. Received messages can still be read."""
        try:
            self._unbind({each for each in self.endpoints if each.startswith(("tcp:", "ipc:"))})
        except zmq.ContextTerminated:  # libzmq closes the listeners itself, a little later
            in_use = True
        except zmq.ZMQError:  # unbound already
            in_use = False
        else:
            in_use = False
        for endpoint in self.endpoints:
            remove_file(endpoint, even_if_in_use=in_use)

    def _unbind(self, endpoints: set[str]) -> None:
        if not endpoints:
            return
        address = f"inproc://zdev.unbind.{next(_numbers)}"  # a new name, for libzmq frees it late
        self.socket.monitor(address, zmq.EVENT_CLOSED)
        with self.socket.context.socket(zmq.PAIR) as events:
            events.connect(address)
            for endpoint in endpoints:
                self.socket.unbind(endpoint)
            deadline = time.monotonic() + UNBIND_TIMEOUT
            while endpoints and events.poll(max(0.0, deadline - time.monotonic()) * 1000):
                endpoints.discard(events.recv_multipart()[-1].decode())


@dataclass
class SocketSpec:
    """The description of a socket, which can be copied, compared, pickled, and opened any number of times.

    Args:
        role: Its role in the device.
        type: Socket type, such as zmq.ROUTER.
        options: Pairs of option and value, in the order in which they are set.
        binds: Endpoints to bind.
        connects: Endpoints to connect to.
        security: Mechanism that protects the socket; None for no mechanism.
        limits: Limits on the connections that it accepts, for the wire engine; None for no limits.
    """

    role: Role
    type: int
    options: list[tuple[int, OptionValue]] = field(default_factory=list, repr=False)  # a value may be a secret
    binds: list[str] = field(default_factory=list)
    connects: list[str] = field(default_factory=list)
    security: Security | None = None
    limits: Limits | None = None

    def open(self, context: zmq.Context[Any], owner: str = "zdev", ports: Ports | None = None) -> OpenSocket:
        """Make the socket, set its options, then bind and connect it. The caller must close it.

        Options are set in this order: zdev's defaults, `options`, `security`.

        Args:
            context: Makes the socket.
            owner: The device, for errors.
            ports: The listening sockets that the device has already.

        Returns:
            The open socket.

        Raises:
            zmq.ZMQError: The socket cannot be made as described. The text names the owner, the role, and the option or endpoint; errno
                is that of libzmq, or EINVAL for an invalid option. No socket stays open.
        """
        socket = self.make(context, owner)
        opened = OpenSocket(socket)
        try:
            if self.security:
                self._protect(socket, owner, self.security)
            for endpoint in self.binds:
                opened = OpenSocket(socket, (*opened.endpoints, self._bind(socket, owner, endpoint, ports)))
            for endpoint in self.connects:
                self._connect(socket, owner, endpoint)
        except BaseException:
            opened.close(linger=0)
            raise
        return opened

    def make(self, context: zmq.Context[Any], owner: str = "zdev") -> zmq.Socket[bytes]:
        """Make the socket and set its options: zdev's defaults, then `options`. The caller must close it.

        Raises:
            zmq.ZMQError: See `open`.
        """
        try:
            if self.type not in SOCKET_TYPES:
                raise ValueError("a device cannot relay this type")
            socket = make_socket(context, self.type) if self.role == "in" else context.socket(self.type)
        except (zmq.ZMQError, ValueError) as error:
            advice = "" if self.type in SOCKET_TYPES else f"use one of {', '.join(SOCKET_TYPES.values())}"
            raise explained(owner, f"cannot make {self}", error, advice) from error
        try:
            self._check_options(context, owner)
            for option, value in (*self.defaults(context), *self.options):
                self._set(socket, owner, option, value)
        except BaseException:
            socket.close(linger=0)
            raise
        return socket

    def refuse_invalid_endpoints(self, owner: str, ports: Ports) -> None:
        """Check the endpoints without opening anything.

        Args:
            owner: The device, for errors.
            ports: The listening sockets that the device has already.

        Raises:
            zmq.ZMQError: An endpoint is invalid, or another program listens at an ipc path that is to be bound.
        """
        for endpoint in self.binds:
            with self._explaining(owner, f"cannot bind {self} to {endpoint}"):
                _refuse_invalid(endpoint, connects=False)
                if not ports.has(endpoint):
                    refuse_in_use(endpoint)
        for endpoint in self.connects:
            with self._explaining(owner, f"cannot connect {self} to {endpoint}"):
                _refuse_invalid(endpoint, connects=True)

    def snapshot(self) -> SocketSpec:
        """Return a copy that does not change when this description does."""
        return replace(self, options=[*self.options], binds=[*self.binds], connects=[*self.connects])

    def exposed(self) -> list[str]:
        """Return the endpoints that other hosts can reach, if the socket has no security mechanism."""
        if self.security or any(self.has_option(option, true=True) for option in _SERVER_OPTIONS):
            return []
        return [endpoint for endpoint in self.binds if not is_loopback(endpoint)]

    def has_option(self, option: int, *, true: bool = False) -> bool:
        """Return whether `options` has this option; with `true`, whether its last value is not 0."""
        values = [value for each, value in self.options if each == option]
        return bool(values) and (not true or bool(values[-1]))

    @property
    def mechanism(self) -> str:
        """The security mechanism by its name, such as CURVE, or an empty text for none."""
        if self.security:
            return self.security.mechanism
        by_option = {**_SERVER_OPTIONS, zmq.CURVE_SERVERKEY: "CURVE", zmq.PLAIN_USERNAME: "PLAIN"}
        return next((name for option, name in by_option.items() if self.has_option(option, true=True)), "")

    @property
    def has_rights(self) -> bool:
        """Whether what its users may publish and subscribe to is limited."""
        return isinstance(self.security, Server) and self.security.rights is not None

    def refuse_rights(self) -> None:
        """Raise ValueError if users of this socket cannot have rights."""
        if refusal := rights_refusal(self.type, is_inverted=self.has_option(zmq.INVERT_MATCHING, true=True)):
            raise ValueError(refusal)

    @property
    def type_name(self) -> str:
        """Name of the socket type, such as ROUTER."""
        with suppress(ValueError):
            return zmq.SocketType(self.type).name
        return f"type {self.type}"

    def __str__(self) -> str:
        return f"{self.role} ({self.type_name})"

    def defaults(self, context: zmq.Context[Any]) -> list[tuple[int, OptionValue]]:
        """Return the default options of the socket, without those that the context sets on all its sockets."""
        # A message that leaves through `in` returns to one peer, and can wait until that peer has reconnected; a PUSH has receivers.
        to_receivers = self.role in ("out", "mon") or self.type == zmq.PUSH
        defaults = default_options(self.type, connects=bool(self.connects) and to_receivers)
        if any(map(is_ipv6, (*self.binds, *self.connects))):
            defaults[zmq.IPV6] = 1
        return [(option, value) for option, value in defaults.items() if option not in context.sockopts]

    def _check_options(self, context: zmq.Context[Any], owner: str) -> None:
        """Raise ZMQError with EINVAL for an option that libzmq accepts although it makes a device lose messages or abort."""
        options: list[tuple[int, Any]] = [*context.sockopts.items(), *self.options]
        for option, value in options:
            if refusal := option_refusal(option, encoded(value), probe=True):
                raise zmq.ZMQError(errno.EINVAL, f"{owner}: {self._setting(option, value)}: {refusal}")
            verdict = verdict_of(option)
            if verdict and verdict.kind == "no effect":
                logger.warning("%s: option %s of %s has no effect: %s", owner, option_name(option), self, verdict.note)
        if conflict := conflict_of(options, len(self.binds)):
            raise zmq.ZMQError(errno.EINVAL, f"{owner}: cannot set the options of {self}: {conflict}")

    def _set(self, socket: zmq.Socket[bytes], owner: str, option: int, value: OptionValue) -> None:
        try:
            for each in _REPLACED.get(option, (option,)):
                socket.setsockopt(each, encoded(value))
        except (zmq.ZMQError, TypeError, ValueError, OverflowError) as error:
            advice = "see zmq_setsockopt(3) for the options and their values"
            raise explained(owner, self._setting(option, value), error, advice) from error

    def _setting(self, option: int, value: object) -> str:
        shown = "the given value" if option_name(option) in SECRETS else repr(value)
        return f"cannot set option {option_name(option)} of {self} to {shown}"

    def security_options(self, owner: str) -> dict[str, Any]:
        """Return the options of a `WireSocket` that protect the socket.

        Raises:
            zmq.ZMQError: See `open`.
        """
        if not self.security:
            return {}
        with self._protecting(owner, self.security) as security:
            return security.wire_options()

    def _protect(self, socket: zmq.Socket[bytes], owner: str, security: Security) -> None:
        with self._protecting(owner, security):
            security.protect(socket, self.role)

    @contextmanager
    def _protecting(self, owner: str, security: Security) -> Iterator[Security]:
        try:
            if security.is_server != bool(self.binds) or security.is_server == bool(self.connects):
                does = "binds" if security.is_server else "connects"
                raise ValueError(f"{type(security).__name__} is for a socket that only {does}")
            if self.has_rights:
                self.refuse_rights()
            yield security
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None) or errno.EINVAL
            raise zmq.ZMQError(number, f"{owner}: cannot protect {self}: {error}") from error

    def _bind(self, socket: zmq.Socket[bytes], owner: str, endpoint: str, ports: Ports | None) -> str:
        with self._explaining(owner, f"cannot bind {self} to {endpoint}"):
            _refuse_invalid(endpoint, connects=False)
            if ports is None or not ports.adopt(endpoint, socket):
                refuse_in_use(endpoint)
                socket.bind(endpoint)
        return _last_endpoint(socket)

    def _connect(self, socket: zmq.Socket[bytes], owner: str, endpoint: str) -> None:
        with self._explaining(owner, f"cannot connect {self} to {endpoint}"):
            _refuse_invalid(endpoint, connects=True)
            socket.connect(endpoint)

    @contextmanager
    def _explaining(self, owner: str, doing: str) -> Iterator[None]:
        try:
            yield
        except (zmq.ZMQError, OSError) as error:
            raise explained(owner, doing, error) from error


def encoded(value: OptionValue) -> int | bytes:
    """Return a value as libzmq takes it."""
    return value.encode() if isinstance(value, str) else value


def _refuse_invalid(endpoint: str, *, connects: bool) -> None:
    if refusal := refusal_of(endpoint, connects=connects):
        raise OSError(errno.ENAMETOOLONG if "too long" in refusal else errno.EINVAL, refusal)


def _last_endpoint(socket: zmq.Socket[bytes]) -> str:
    endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return endpoint.rstrip(b"\0").decode()


def option_name(option: int) -> str:
    """Return the name of an option, or its number if it has none."""
    with suppress(ValueError):
        return zmq.SocketOption(option).name
    return str(option)
