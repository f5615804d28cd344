"""Sockets as values: what a socket shall be, told before and apart from where it is made."""

from __future__ import annotations

import errno
import itertools
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import zmq

from ._buffers import make_socket
from ._endpoints import is_ipv6, refusal_of
from ._errors import explained
from ._ipc import refuse_in_use, remove_file
from ._option_checks import conflict_of
from ._option_table import SECRETS, option_refusal, verdict_of
from ._ports import Ports
from ._security import Security, is_loopback
from ._socket_options import default_options

logger = logging.getLogger("zdev")

Role = Literal["in", "out", "mon", "ctrl"]
OptionValue = int | bytes | str

SOCKET_TYPES = {int(each): each.name for each in zmq.SocketType if each <= zmq.XSUB}
"""Types that a device can relay, by number. The others are STREAM, whose messages have no frames, and drafts of libzmq."""

_REPLACED = {int(zmq.HWM): (zmq.SNDHWM, zmq.RCVHWM)}  # ØMQ 2 had one for both directions
UNBIND_TIMEOUT = 1.0  # seconds for libzmq's own thread to give an address up, which takes it a millisecond
_numbers = itertools.count()


class OpenSocket(NamedTuple):
    """What a `SocketSpec` became, and the addresses it bound as they are: ports in place of wildcards."""

    socket: zmq.Socket[bytes]
    endpoints: tuple[str, ...] = ()

    def close(self, linger: int | None = None) -> None:
        """Close the socket. What it had bound can be bound anew when this returns, which libzmq alone leaves open.

        linger: in ms, instead of the socket's own LINGER.
        """
        self.unbind()
        self.socket.close(linger=linger)

    def unbind(self) -> None:
        """Give up the addresses, and the connections made there. What has been received can still be read."""
        try:
            self._unbind({each for each in self.endpoints if each.startswith(("tcp:", "ipc:"))})
        except zmq.ContextTerminated:  # which ends all of this by itself, a little later
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
        address = f"inproc://zdev.unbind.{next(_numbers)}"  # a name is in use for a while after its socket was closed
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
    """A socket that does not exist yet. It can be copied, compared and pickled, and opened any number of times."""

    role: Role
    type: int
    options: list[tuple[int, OptionValue]] = field(default_factory=list, repr=False)  # a value may be a secret
    binds: list[str] = field(default_factory=list)
    connects: list[str] = field(default_factory=list)
    security: Security | None = None

    def open(self, context: zmq.Context[Any], owner: str = "zdev", ports: Ports | None = None) -> OpenSocket:
        """Make the socket: set zdev's defaults, then its options in order, then its security; bind, then connect. The caller
        closes it.

        owner: who is named in errors. ports: where a bound port may have been kept.

        Raises ZMQError with libzmq's errno, or with EINVAL for an option that doesn't exist or doesn't take the value; the
        text names owner, role and option or endpoint. Nothing stays open then.
        """
        try:
            if self.type not in SOCKET_TYPES:
                raise ValueError("a device cannot relay this type")
            socket = make_socket(context, self.type) if self.role == "in" else context.socket(self.type)
        except (zmq.ZMQError, ValueError) as error:
            advice = "" if self.type in SOCKET_TYPES else f"use one of {', '.join(SOCKET_TYPES.values())}"
            raise explained(owner, f"cannot make {self}", error, advice) from error
        opened = OpenSocket(socket)
        try:
            self._check_options(context, owner)
            for option, value in (*self._defaults(context), *self.options):
                self._set(socket, owner, option, value)
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

    def snapshot(self) -> SocketSpec:
        """As it is now, whatever becomes of this one."""
        return replace(self, options=[*self.options], binds=[*self.binds], connects=[*self.connects])

    def exposed(self) -> list[str]:
        """The endpoints bound that other hosts can reach, where anybody may connect."""
        mechanisms = (zmq.CURVE_SERVER, zmq.PLAIN_SERVER, zmq.GSSAPI_SERVER)
        if self.security or any(self.has_option(option, true=True) for option in mechanisms):
            return []
        return [endpoint for endpoint in self.binds if not is_loopback(endpoint)]

    def has_option(self, option: int, *, true: bool = False) -> bool:
        """Whether the user set `option`; with `true`, whether the last value set is one other than 0."""
        values = [value for each, value in self.options if each == option]
        return bool(values) and (not true or bool(values[-1]))

    @property
    def type_name(self) -> str:
        with suppress(ValueError):
            return zmq.SocketType(self.type).name
        return f"type {self.type}"

    def __str__(self) -> str:
        return f"{self.role} ({self.type_name})"

    def _defaults(self, context: zmq.Context[Any]) -> list[tuple[int, OptionValue]]:
        # What leaves through `in` goes back to its sender, and can wait until that is connected again; but a PUSH has receivers.
        to_receivers = self.role in ("out", "mon") or self.type == zmq.PUSH
        defaults = default_options(self.type, connects=bool(self.connects) and to_receivers)
        if any(map(is_ipv6, (*self.binds, *self.connects))):
            defaults[zmq.IPV6] = 1
        return [(option, value) for option, value in defaults.items() if option not in context.sockopts]

    def _check_options(self, context: zmq.Context[Any], owner: str) -> None:
        """Raise ZMQError with EINVAL for an option that libzmq takes, and that makes a device lose messages or abort."""
        options: list[tuple[int, Any]] = [*context.sockopts.items(), *self.options]
        for option, value in options:
            if refusal := option_refusal(option, _encoded(value), probe=True):
                raise zmq.ZMQError(errno.EINVAL, f"{owner}: {self._setting(option, value)}: {refusal}")
            verdict = verdict_of(option)
            if verdict and verdict.kind == "no effect":
                logger.warning("%s: option %s of %s has no effect: %s", owner, option_name(option), self, verdict.note)
        if conflict := conflict_of(options, len(self.binds)):
            raise zmq.ZMQError(errno.EINVAL, f"{owner}: cannot set the options of {self}: {conflict}")

    def _set(self, socket: zmq.Socket[bytes], owner: str, option: int, value: OptionValue) -> None:
        try:
            for each in _REPLACED.get(option, (option,)):
                socket.setsockopt(each, _encoded(value))
        except (zmq.ZMQError, TypeError, ValueError, OverflowError) as error:
            advice = "zmq_setsockopt(3) has the options and their values"
            raise explained(owner, self._setting(option, value), error, advice) from error

    def _setting(self, option: int, value: object) -> str:
        shown = "the given value" if option_name(option) in SECRETS else repr(value)
        return f"cannot set option {option_name(option)} of {self} to {shown}"

    def _protect(self, socket: zmq.Socket[bytes], owner: str, security: Security) -> None:
        try:
            if security.is_server != bool(self.binds) or security.is_server == bool(self.connects):
                does = "binds only" if security.is_server else "connects only"
                raise ValueError(f"{type(security).__name__} is for a socket that {does}")
            security.protect(socket, self.role)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None) or errno.EINVAL
            raise zmq.ZMQError(number, f"{owner}: cannot protect {self}: {error}") from error

    def _bind(self, socket: zmq.Socket[bytes], owner: str, endpoint: str, ports: Ports | None) -> str:
        try:
            _refuse_invalid(endpoint, connects=False)
            refuse_in_use(endpoint)
            if ports is None or not ports.adopt(endpoint, socket):
                socket.bind(endpoint)
            return _last_endpoint(socket)
        except (zmq.ZMQError, OSError) as error:
            raise explained(owner, f"cannot bind {self} to {endpoint}", error) from error

    def _connect(self, socket: zmq.Socket[bytes], owner: str, endpoint: str) -> None:
        try:
            _refuse_invalid(endpoint, connects=True)
            socket.connect(endpoint)
        except (zmq.ZMQError, OSError) as error:
            raise explained(owner, f"cannot connect {self} to {endpoint}", error) from error


def _encoded(value: OptionValue) -> int | bytes:
    return value.encode() if isinstance(value, str) else value


def _refuse_invalid(endpoint: str, *, connects: bool) -> None:
    if refusal := refusal_of(endpoint, connects=connects):
        raise OSError(errno.ENAMETOOLONG if "too long" in refusal else errno.EINVAL, refusal)


def _last_endpoint(socket: zmq.Socket[bytes]) -> str:
    endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
    assert isinstance(endpoint, bytes)
    return endpoint.rstrip(b"\0").decode()


def option_name(option: int) -> str:
    with suppress(ValueError):
        return zmq.SocketOption(option).name
    return str(option)
