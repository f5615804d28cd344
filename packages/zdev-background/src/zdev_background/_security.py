"""Who may connect: mechanisms of ZMTP (CURVE, PLAIN) as values, told apart from the sockets that they protect.

They hold paths, never secrets: a secret is read when the socket is made, and is in no log, repr or pickle.

    Security
     +-- CurveServer    binds: proves itself by a key, and lets in the clients whose keys it knows   RFC 26, zmq_curve(7)
     +-- CurveClient    connects: knows the server's key, and has one of its own
     +-- PlainServer    binds: lets in who has a name and a password; nothing is encrypted           RFC 24, zmq_plain(7)
     +-- PlainClient    connects: has a name and a password
"""

from __future__ import annotations

import logging
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import zmq
from zmq.auth.base import Authenticator

from ._keys import KnownKeys, Passwords, StrPath, read_passwords, read_public_key, read_secret_key

logger = logging.getLogger("zdev.security")

ANY: Literal["any"] = "any"


class Security(ABC):
    """What protects one socket."""

    is_server: bool

    @abstractmethod
    def check(self) -> None:
        """Read the files. Raises OSError or ValueError about one that can't be used as it is."""

    @abstractmethod
    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        """Set the options of `socket`, before it binds or connects. Raises OSError or ValueError about a file."""


class Server(Security):
    """Of a socket that binds. Its peers' credentials are checked as they connect, against files as these are at that time."""

    is_server = True

    @abstractmethod
    def guard(self, authenticator: Authenticator, domain: str) -> None:
        """Have `authenticator` let in whom this says, and nobody else."""

    def _enforce(self, socket: zmq.Socket[bytes], domain: str) -> None:
        socket.setsockopt_string(zmq.ZAP_DOMAIN, domain)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


@dataclass(frozen=True)
class CurveServer(Server):
    """CURVE for a socket that binds.

    secret_key: file with both keys of this socket, as pyzmq and czmq write it; nobody but its owner may be able to read it.
    clients: directory of *.key files, each with the public key of a client that may connect; or "any" for every client that
    knows this server's public key. Keys added or removed count from the next connection on; those that are connected stay.
    """

    secret_key: StrPath
    clients: StrPath

    def check(self) -> None:
        self._read()

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        public, secret = self._read()
        self._enforce(socket, domain)
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = public, secret

    def _read(self) -> tuple[bytes, bytes]:
        keys = read_secret_key(self.secret_key)
        if self.clients != ANY:
            KnownKeys(self.clients).look()
        return keys

    def guard(self, authenticator: Authenticator, domain: str) -> None:
        authenticator.configure_curve_callback(domain, _Clients(self.clients))


class _Clients:
    """Tells zmq.auth who may connect."""

    def __init__(self, clients: StrPath) -> None:
        self._known = None if clients == ANY else KnownKeys(clients, logger.warning)

    def callback(self, _domain: str, key: bytes) -> bool:
        return self._known is None or key in self._known.look()


@dataclass(frozen=True)
class CurveClient(Security):
    """CURVE for a socket that connects.

    secret_key: file with both keys of this socket; nobody but its owner may be able to read it.
    server_key: file with the public key of the server that it connects to.
    """

    secret_key: StrPath
    server_key: StrPath
    is_server = False

    def check(self) -> None:
        read_secret_key(self.secret_key)
        read_public_key(self.server_key)

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:  # noqa: ARG002
        socket.curve_publickey, socket.curve_secretkey = read_secret_key(self.secret_key)
        socket.curve_serverkey = read_public_key(self.server_key)


@dataclass(frozen=True)
class PlainServer(Server):
    """PLAIN for a socket that binds: a name and a password, sent as they are. For links that are encrypted otherwise.

    passwords: file of lines NAME:PASSWORD, which nobody but its owner may be able to read; # begins a comment line. Changes
    count from the next connection on.
    """

    passwords: StrPath

    def check(self) -> None:
        read_passwords(self.passwords)

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        self.check()
        self._enforce(socket, domain)
        socket.plain_server = True

    def guard(self, authenticator: Authenticator, domain: str) -> None:
        passwords: Any = Passwords(self.passwords)
        authenticator.configure_plain(domain, passwords)


@dataclass(frozen=True)
class PlainClient(Security):
    """PLAIN for a socket that connects.

    password: file with one line NAME:PASSWORD, which nobody but its owner may be able to read.
    """

    password: StrPath
    is_server = False

    def check(self) -> None:
        self._read()

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:  # noqa: ARG002
        socket.plain_username, socket.plain_password = self._read()

    def _read(self) -> tuple[bytes, bytes]:
        known = read_passwords(self.password)
        if len(known) != 1:
            raise ValueError(f"{os.fspath(self.password)} must have one line NAME:PASSWORD, and has {len(known)}")
        return next(iter(known.items()))


def is_loopback(endpoint: str) -> bool:
    """Whether no other host can reach what is bound to `endpoint`."""
    transport, _, address = endpoint.partition("://")
    if transport in ("ipc", "inproc"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    return transport in ("tcp", "ws", "wss") and (host in ("localhost", "lo", "::1") or _is_127(host))


def _is_127(host: str) -> bool:
    numbers = host.removeprefix("::ffff:").split(".")
    return len(numbers) == 4 and numbers[0] == "127" and all(each.isdigit() for each in numbers)
