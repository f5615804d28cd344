"""Who may connect: mechanisms of ZMTP (CURVE, PLAIN) as values, told apart from the sockets that they protect.

They hold paths, never secrets: a secret is read when the socket is made, and is in no log, repr or pickle.

    Security
     +-- CurveServer    binds: proves itself by a key, and lets in the clients whose keys it knows   RFC 26, zmq_curve(7)
     +-- CurveClient    connects: knows the server's key, and has one of its own
     +-- PlainServer    binds: lets in who has a name and a password; nothing is encrypted           RFC 24, zmq_plain(7)
     +-- PlainClient    connects: has a name and a password
"""

from __future__ import annotations

import errno
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import zmq
from zmq.auth import create_certificates, load_certificate
from zmq.auth.base import Authenticator

StrPath = str | os.PathLike[str]
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
        read_secret_key(self.secret_key)
        if self.clients != ANY:
            read_public_keys(self.clients)

    def protect(self, socket: zmq.Socket[bytes], domain: str) -> None:
        self.check()
        self._enforce(socket, domain)
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = read_secret_key(self.secret_key)

    def guard(self, authenticator: Authenticator, domain: str) -> None:
        authenticator.configure_curve_callback(domain, self)

    def callback(self, _domain: str, key: bytes) -> bool:
        """Whether a client with this public key may connect: zmq.auth asks."""
        return self.clients == ANY or key in read_public_keys(self.clients)


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
        passwords: Any = _Passwords(self.passwords)
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


def create_key(directory: StrPath, name: str) -> tuple[Path, Path]:
    """Make a CURVE key pair: NAME.key, the public one to give away, and NAME.key_secret with both, of mode 0600.

    Returns both paths. Raises FileExistsError rather than to replace a key.
    """
    folder = Path(directory)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    public, secret = folder / f"{name}.key", folder / f"{name}.key_secret"
    for path in (public, secret):
        if path.exists():
            raise FileExistsError(errno.EEXIST, "this key exists already: give another name, or remove it first", str(path))
    # Made in a directory that nobody else can enter: zmq.auth writes files that others can read.
    with TemporaryDirectory(dir=folder, prefix=".new-") as private:
        for made, path, mode in zip(create_certificates(private, name), (public, secret), (0o644, 0o600), strict=True):
            Path(made).chmod(mode)
            Path(made).rename(path)
    return public, secret


def read_secret_key(path: StrPath) -> tuple[bytes, bytes]:
    """Public and secret key of a file for its owner alone. Raises PermissionError if others can read it."""
    _refuse_if_others_read(path)
    public, secret = _certificate(path)
    if secret is None:
        raise ValueError(f"{os.fspath(path)} has no secret-key: it is the file with the public key; name the other one")
    return public, secret


def read_public_key(path: StrPath) -> bytes:
    return _certificate(path)[0]


def read_public_keys(directory: StrPath) -> set[bytes]:
    """The keys in the *.key files of a directory. A file that is half written or gone meanwhile lets nobody in."""
    found = set()
    if not Path(directory).is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "no directory of public keys (*.key)", os.fspath(directory))
    for path in Path(directory).glob("*.key"):
        try:
            found.add(read_public_key(path))
        except (OSError, ValueError):
            continue
    return found


def read_passwords(path: StrPath) -> dict[bytes, bytes]:
    """Passwords by name. Raises PermissionError if others can read the file, ValueError for a line that is no NAME:PASSWORD."""
    _refuse_if_others_read(path)
    known = {}
    for number, line in enumerate(Path(path).read_bytes().splitlines(), 1):
        if not line.strip() or line.lstrip().startswith(b"#"):
            continue
        name, separator, password = line.partition(b":")
        if not (separator and name and password) or len(name) > 255 or len(password) > 255:
            raise ValueError(f"{os.fspath(path)}:{number}: a line must be NAME:PASSWORD, of at most 255 bytes each")
        known[name.strip()] = password
    return known


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


def _certificate(path: StrPath) -> tuple[bytes, bytes | None]:
    text = os.fspath(path)
    if not Path(path).is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)
    public, secret = load_certificate(text)
    if any(key is not None and len(key) != 40 for key in (public, secret)):
        raise ValueError(f"{text}: a key has 40 characters of Z85")
    return public, secret


def _refuse_if_others_read(path: StrPath) -> None:
    mode = Path(path).stat().st_mode
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        text = f"others than its owner can read or write it: chmod 0600 {os.fspath(path)}"
        raise PermissionError(errno.EACCES, text, os.fspath(path))


class _Passwords(Mapping[str, str]):
    """The passwords of a file as it is when one is looked up."""

    def __init__(self, path: StrPath) -> None:
        self._path = path

    def __getitem__(self, name: str) -> str:
        return read_passwords(self._path)[name.encode()].decode()

    def __iter__(self) -> Iterator[str]:
        return (name.decode() for name in read_passwords(self._path))

    def __len__(self) -> int:
        return 1  # zmq.auth takes none for "not configured"
