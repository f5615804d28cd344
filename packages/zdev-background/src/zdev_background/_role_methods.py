"""The methods for one role, such as `bind_in`: each is the method of `Roles` that takes the role as its first argument.

They are written out, one class per role, so that editors complete them with signature and docstring. A test keeps the four alike.
"""

from __future__ import annotations

import socket

from ._limits import Limits
from ._roles import Roles
from ._security import Security
from ._spec import OptionValue


class InRole(Roles):
    """The in socket, where requests or messages arrive."""

    def bind_in(self, addr: str | bytes | socket.socket) -> None:
        """Bind the in socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559. With the port `*` the system chooses one, which `endpoints` shows. Or a
                socket that listens already, for example one from systemd: the device keeps a duplicate, and each start serves it.
        """
        self.bind("in", addr)

    def connect_in(self, addr: str | bytes) -> None:
        """Connect the in socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559.
        """
        self.connect("in", addr)

    def setsockopt_in(self, opt: int, value: OptionValue) -> None:
        """Set an option of the in socket when the device starts, before the socket binds or connects.

        Args:
            opt: Option, such as zmq.SNDHWM; see zmq_setsockopt(3).
            value: Number, bytes, or text, which is sent as UTF-8.
        """
        self.setsockopt("in", opt, value)

    def secure_in(self, security: Security | None) -> None:
        """Protect the in socket by a security mechanism when the device starts.

        Args:
            security: Mechanism, such as a CurveServer; None for no mechanism. With a server, the device has its own context.
        """
        self.secure("in", security)

    def limit_in(self, limits: Limits | None) -> None:
        """Limit the connections that the in socket accepts, when the device starts. Only the wire engine can.

        Args:
            limits: Limits, such as Limits(max_connections=100); None for no limits.
        """
        self.limit("in", limits)

    def bind_in_to_random_port(
        self, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100
    ) -> int:
        """Reserve a free port now, and bind the in socket to it when the device starts.

        Args:
            addr: Transport and host, such as tcp://127.0.0.1.
            min_port: Lowest port. With the default range, the system chooses the port.
            max_port: Highest port, plus one.
            max_tries: How many ports to try.

        Returns:
            The port.

        Raises:
            zmq.ZMQBindError: No free port was found in `max_tries` tries.
            zmq.ZMQError: `addr` cannot be bound at all.
        """
        return self.bind_to_random_port("in", addr, min_port, max_port, max_tries)

    @property
    def in_type(self) -> int:
        """Socket type of the in socket."""
        return self._specs["in"].type


class OutRole(Roles):
    """The out socket, where the in socket's messages are sent on."""

    def bind_out(self, addr: str | bytes | socket.socket) -> None:
        """Bind the out socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559. With the port `*` the system chooses one, which `endpoints` shows. Or a
                socket that listens already, for example one from systemd: the device keeps a duplicate, and each start serves it.
        """
        self.bind("out", addr)

    def connect_out(self, addr: str | bytes) -> None:
        """Connect the out socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559.
        """
        self.connect("out", addr)

    def setsockopt_out(self, opt: int, value: OptionValue) -> None:
        """Set an option of the out socket when the device starts, before the socket binds or connects.

        Args:
            opt: Option, such as zmq.SNDHWM; see zmq_setsockopt(3).
            value: Number, bytes, or text, which is sent as UTF-8.
        """
        self.setsockopt("out", opt, value)

    def secure_out(self, security: Security | None) -> None:
        """Protect the out socket by a security mechanism when the device starts.

        Args:
            security: Mechanism, such as a CurveServer; None for no mechanism. With a server, the device has its own context.
        """
        self.secure("out", security)

    def limit_out(self, limits: Limits | None) -> None:
        """Limit the connections that the out socket accepts, when the device starts. Only the wire engine can.

        Args:
            limits: Limits, such as Limits(max_connections=100); None for no limits.
        """
        self.limit("out", limits)

    def bind_out_to_random_port(
        self, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100
    ) -> int:
        """Reserve a free port now, and bind the out socket to it when the device starts.

        Args:
            addr: Transport and host, such as tcp://127.0.0.1.
            min_port: Lowest port. With the default range, the system chooses the port.
            max_port: Highest port, plus one.
            max_tries: How many ports to try.

        Returns:
            The port.

        Raises:
            zmq.ZMQBindError: No free port was found in `max_tries` tries.
            zmq.ZMQError: `addr` cannot be bound at all.
        """
        return self.bind_to_random_port("out", addr, min_port, max_port, max_tries)

    @property
    def out_type(self) -> int:
        """Socket type of the out socket, or -1 if the in socket is both ends."""
        return -1 if self._specs["out"] is self._specs["in"] else self._specs["out"].type


class MonRole(Roles):
    """The mon socket, the monitor, which sends copies of the messages."""

    def bind_mon(self, addr: str | bytes | socket.socket) -> None:
        """Bind the mon socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559. With the port `*` the system chooses one, which `endpoints` shows. Or a
                socket that listens already, for example one from systemd: the device keeps a duplicate, and each start serves it.
        """
        self.bind("mon", addr)

    def connect_mon(self, addr: str | bytes) -> None:
        """Connect the mon socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559.
        """
        self.connect("mon", addr)

    def setsockopt_mon(self, opt: int, value: OptionValue) -> None:
        """Set an option of the mon socket when the device starts, before the socket binds or connects.

        Args:
            opt: Option, such as zmq.SNDHWM; see zmq_setsockopt(3).
            value: Number, bytes, or text, which is sent as UTF-8.
        """
        self.setsockopt("mon", opt, value)

    def secure_mon(self, security: Security | None) -> None:
        """Protect the mon socket by a security mechanism when the device starts.

        Args:
            security: Mechanism, such as a CurveServer; None for no mechanism. With a server, the device has its own context.
        """
        self.secure("mon", security)

    def limit_mon(self, limits: Limits | None) -> None:
        """Limit the connections that the mon socket accepts, when the device starts. Only the wire engine can.

        Args:
            limits: Limits, such as Limits(max_connections=100); None for no limits.
        """
        self.limit("mon", limits)

    def bind_mon_to_random_port(
        self, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100
    ) -> int:
        """Reserve a free port now, and bind the mon socket to it when the device starts.

        Args:
            addr: Transport and host, such as tcp://127.0.0.1.
            min_port: Lowest port. With the default range, the system chooses the port.
            max_port: Highest port, plus one.
            max_tries: How many ports to try.

        Returns:
            The port.

        Raises:
            zmq.ZMQBindError: No free port was found in `max_tries` tries.
            zmq.ZMQError: `addr` cannot be bound at all.
        """
        return self.bind_to_random_port("mon", addr, min_port, max_port, max_tries)

    @property
    def mon_type(self) -> int:
        """Socket type of the mon socket."""
        return self._specs["mon"].type


class CtrlRole(Roles):
    """The ctrl socket, which receives commands."""

    def bind_ctrl(self, addr: str | bytes | socket.socket) -> None:
        """Bind the ctrl socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559. With the port `*` the system chooses one, which `endpoints` shows. Or a
                socket that listens already, for example one from systemd: the device keeps a duplicate, and each start serves it.
        """
        self.bind("ctrl", addr)

    def connect_ctrl(self, addr: str | bytes) -> None:
        """Connect the ctrl socket to `addr` when the device starts.

        Args:
            addr: Endpoint, such as tcp://127.0.0.1:5559.
        """
        self.connect("ctrl", addr)

    def setsockopt_ctrl(self, opt: int, value: OptionValue) -> None:
        """Set an option of the ctrl socket when the device starts, before the socket binds or connects.

        Args:
            opt: Option, such as zmq.SNDHWM; see zmq_setsockopt(3).
            value: Number, bytes, or text, which is sent as UTF-8.
        """
        self.setsockopt("ctrl", opt, value)

    def secure_ctrl(self, security: Security | None) -> None:
        """Protect the ctrl socket by a security mechanism when the device starts.

        Args:
            security: Mechanism, such as a CurveServer; None for no mechanism. With a server, the device has its own context.
        """
        self.secure("ctrl", security)

    def limit_ctrl(self, limits: Limits | None) -> None:
        """Limit the connections that the ctrl socket accepts, when the device starts. Only the wire engine can.

        Args:
            limits: Limits, such as Limits(max_connections=100); None for no limits.
        """
        self.limit("ctrl", limits)

    def bind_ctrl_to_random_port(
        self, addr: str | bytes, min_port: int = 49152, max_port: int = 65536, max_tries: int = 100
    ) -> int:
        """Reserve a free port now, and bind the ctrl socket to it when the device starts.

        Args:
            addr: Transport and host, such as tcp://127.0.0.1.
            min_port: Lowest port. With the default range, the system chooses the port.
            max_port: Highest port, plus one.
            max_tries: How many ports to try.

        Returns:
            The port.

        Raises:
            zmq.ZMQBindError: No free port was found in `max_tries` tries.
            zmq.ZMQError: `addr` cannot be bound at all.
        """
        return self.bind_to_random_port("ctrl", addr, min_port, max_port, max_tries)

    @property
    def ctrl_type(self) -> int | None:
        """Socket type of the ctrl socket, or None if there is no such socket."""
        return self._specs["ctrl"].type if "ctrl" in self._specs else None
