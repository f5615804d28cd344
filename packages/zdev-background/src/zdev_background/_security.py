"""Security mechanisms of ZMTP, CURVE and PLAIN, as values: which peers may connect to a socket.

The values hold paths, never secrets. Secrets are read when the socket is made, and appear in no log, repr or pickle.

    Security
     +-- CurveServer    binds: has a key, and admits the clients whose keys it knows              RFC 26, zmq_curve(7)
     +-- CurveClient    connects: has a key, and knows the server's key
     +-- PlainServer    binds: admits clients with a name and a password; nothing is encrypted    RFC 24, zmq_plain(7)
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
    """A security mechanism for one socket."""

    is_server: bool  # whether it is for a socket that binds

    @abstractmethod
    def check(self) -> None:
        """Check the files.

        Raises:
            OSError: A file cannot be read, or others can read or write it.
            ValueError: The content of a file is invalid.
        """

    @abstractmethod
    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        """Set the security options of a socket that has not bound or connected yet.

        Args:
            socket: The socket.
            domain: Its ZAP domain (RFC 27).

        Raises:
            OSError: A file cannot be read, or others can read or write it.
            ValueError: The content of a file is invalid.
        """


class Server(Security):
    """A mechanism for a socket that binds. The files are read whenever a peer connects, so that changes need no restart."""

    is_server = True

    @abstractmethod
    def guard(self, authenticator: Authenticator, domain: str) -> None:
        """Make an authenticator admit the peers of this domain whose credentials are in the files, and no others."""

    def _enforce(self, socket: zmq.Socket[bytes], domain: str) -> None:
        socket.setsockopt_string(zmq.ZAP_DOMAIN, domain)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


@dataclass(frozen=True)
class CurveServer(Server):
    """CURVE for a socket that binds.

    Changes in the directory of client keys take effect for the next connection. Connected peers stay connected.

    Args:
        secret_key: File with both keys of this socket, in the format of pyzmq and czmq. Only its owner may have access.
        clients: Directory of `*.key` files, each with the public key of a client that may connect; or "any" for every client
            that knows this server's public key.
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
            KnownKeys(self.clients).read()
        return keys

    def guard(self, authenticator: Authenticator, domain: str) -> None:
        authenticator.configure_curve_callback(domain, _Clients(self.clients))


class _Clients:
    """The callback of zmq.auth that decides whether a client may connect."""

    def __init__(self, clients: StrPath) -> None:
        self._known = None if clients == ANY else KnownKeys(clients, logger.warning)

    def callback(self, _domain: str, key: bytes) -> bool:
        return self._known is None or key in self._known.read()


@dataclass(frozen=True)
class CurveClient(Security):
    """CURVE for a socket that connects.

    Args:
        secret_key: File with both keys of this socket. Only its owner may have access.
        server_key: File with the public key of the server.
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
    """PLAIN for a socket that binds: peers send a name and a password unencrypted. For links that are encrypted otherwise.

    Changes in the file take effect for the next connection. Connected peers stay connected.

    Args:
        passwords: File of lines NAME:PASSWORD; a line that begins with # is a comment. Only its owner may have access.
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

    Args:
        password: File with one line NAME:PASSWORD. Only its owner may have access.
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
    """Return whether other hosts cannot reach a socket that is bound to `endpoint`."""
    transport, _, address = endpoint.partition("://")
    if transport in ("ipc", "inproc"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    return transport in ("tcp", "ws", "wss") and (host in ("localhost", "lo", "::1") or _is_127(host))


def _is_127(host: str) -> bool:
    numbers = host.removeprefix("::ffff:").split(".")
    return len(numbers) == 4 and numbers[0] == "127" and all(each.isdigit() for each in numbers)
