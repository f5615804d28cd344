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
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import zmq
from zmq.auth.base import Authenticator
from zmq.utils import z85

from ._keys import KnownKeys, Passwords, StrPath, read_passwords, read_public_key, read_secret_key
from ._rights import EVERYBODY_ELSE, UserRights, checked_rights

logger = logging.getLogger("zdev.security")

ANY: Literal["any"] = "any"


class Security(ABC):
    """A security mechanism for one socket."""

    is_server: bool  # whether it is for a socket that binds
    mechanism: str  # its name

    @abstractmethod
    def check(self) -> None:
        """Check the files.

        Raises:
            OSError: A file cannot be read, or others can read or write it.
            ValueError: The content of a file is invalid.
        """

    @abstractmethod
    def wire_options(self) -> dict[str, Any]:
        """Return the options of a `WireSocket` that make this mechanism.

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


class Credentials(NamedTuple):
    """Which peers a server admits.

    Attributes:
        known: With CURVE, keys of 32 bytes and a name for each; with PLAIN, names and their passwords.
        anyone: Whether every CURVE client that knows the server's key is admitted.
    """

    known: dict[bytes, bytes]
    anyone: bool = False


class Server(Security):
    """A mechanism for a socket that binds. Changes of the files need no restart."""

    is_server = True
    rights: UserRights | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rights", checked_rights(self.rights))

    def unknown_users(self) -> list[str]:
        """Return the names in `rights` that no key or password has.

        Raises:
            OSError: A file cannot be read, or others can read or write it.
            ValueError: The content of a file is invalid.
        """
        known = self._users()
        return [user for user in self.rights or {} if user != EVERYBODY_ELSE and user not in known]

    @abstractmethod
    def _users(self) -> set[str]: ...

    @abstractmethod
    def guard(self, authenticator: Authenticator, domain: str) -> None:
        """Make an authenticator admit the peers of this domain whose credentials are in the files, and no others."""

    @abstractmethod
    def reader(self) -> Callable[[], Credentials]:
        """Return a function that reads the credentials, and raises OSError or ValueError if it cannot."""

    def _enforce(self, socket: zmq.Socket[bytes], domain: str) -> None:
        socket.setsockopt_string(zmq.ZAP_DOMAIN, domain)
        socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)


@dataclass(frozen=True)
class CurveServer(Server):
    """CURVE for a socket that binds.

    Changes in the directory of client keys take effect for the next connection. A client whose key was removed is disconnected
    within a second on the wire engine, and stays connected on the libzmq engine.

    Args:
        secret_key: File with both keys of this socket, in the format of pyzmq and czmq. Only its owner may have access.
        clients: Directory of `*.key` files, each with the public key of a client that may connect; or "any" for every client
            that knows this server's public key.
        rights: What clients may publish and subscribe to, by the names of their files without `.key`; "*": all others. Without it,
            everything; with it, nothing else. Only the wire engine can enforce it. See `Device.set_rights`.
    """

    secret_key: StrPath
    clients: StrPath
    rights: UserRights | None = field(default=None, hash=False)
    mechanism = "CURVE"

    def check(self) -> None:
        self._read()

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        public, secret = self._read()
        self._enforce(socket, domain)
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = public, secret

    def wire_options(self) -> dict[str, Any]:
        return {"curve_server": 1, "curve_secretkey": z85.decode(self._read()[1])}

    def reader(self) -> Callable[[], Credentials]:
        if self.clients == ANY:
            return lambda: Credentials({}, anyone=True)
        known = KnownKeys(self.clients, logger.warning)
        return lambda: Credentials({z85.decode(key): os.fsencode(name) for key, name in known.names().items()})

    def _users(self) -> set[str]:
        return set() if self.clients == ANY else set(KnownKeys(self.clients).names().values())

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
    mechanism = "CURVE"

    def check(self) -> None:
        read_secret_key(self.secret_key)
        read_public_key(self.server_key)

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:  # noqa: ARG002
        socket.curve_publickey, socket.curve_secretkey = read_secret_key(self.secret_key)
        socket.curve_serverkey = read_public_key(self.server_key)

    def wire_options(self) -> dict[str, Any]:
        secret, server = read_secret_key(self.secret_key)[1], read_public_key(self.server_key)
        return {"curve_secretkey": z85.decode(secret), "curve_serverkey": z85.decode(server)}


@dataclass(frozen=True)
class PlainServer(Server):
    """PLAIN for a socket that binds: peers send a name and a password unencrypted. For links that are encrypted otherwise.

    Changes in the file take effect for the next connection. A client whose password was changed or removed is disconnected
    within a second on the wire engine, and stays connected on the libzmq engine.

    Args:
        passwords: File of lines NAME:PASSWORD; a line that begins with # is a comment. Only its owner may have access.
        rights: What clients may publish and subscribe to, by their names; see `CurveServer`.
    """

    passwords: StrPath
    rights: UserRights | None = field(default=None, hash=False)
    mechanism = "PLAIN"

    def check(self) -> None:
        read_passwords(self.passwords)

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        self.check()
        self._enforce(socket, domain)
        socket.plain_server = True

    def wire_options(self) -> dict[str, Any]:
        self.check()
        return {"plain_server": 1}

    def reader(self) -> Callable[[], Credentials]:
        return lambda: Credentials(read_passwords(self.passwords))

    def _users(self) -> set[str]:
        return {name.decode() for name in read_passwords(self.passwords)}

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
    mechanism = "PLAIN"

    def check(self) -> None:
        self._read()

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:  # noqa: ARG002
        socket.plain_username, socket.plain_password = self._read()

    def wire_options(self) -> dict[str, Any]:
        name, password = self._read()
        return {"plain_username": name, "plain_password": password}

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
