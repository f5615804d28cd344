"""Endpoints: whether they can be, and whether two of them meet."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import zmq

from .._words import endpoint_of, is_port
from .values import nearest

ANY = "*"


class Address(NamedTuple):
    """What an endpoint names."""

    transport: str
    place: str
    """Of tcp the port, of others all."""
    host: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Addresses that meet have the same."""
        return self.transport, self.place

    def clashes(self, other: Address) -> bool:
        """Whether no two sockets can bind both."""
        return self.key == other.key and (self.host == other.host or ANY in (self.host, other.host))

    def reaches(self, bound: Address) -> bool:
        """Whether what connects here surely gets to what is bound there. Names and other addresses of this machine: unknown."""
        local = self.host == ANY or self.host == "::1" or self.host.startswith("127.")
        return self.key == bound.key and (self.host == bound.host or (local and bound.host == ANY))


def address_of(endpoint: str) -> Address | None:
    """None for one that is another address each time, and for what is no endpoint."""
    transport, _, address = endpoint.partition("://")
    if transport == "ipc":
        return None if address == ANY or not address else Address(transport, _ipc_place(address))
    if transport != "tcp":
        return Address(transport, address)
    host, _, port = address.rpartition(";")[2].rpartition(":")
    if not is_port(port) or port == ANY or int(port) == 0:
        return None
    return Address(transport, str(int(port)), _host(host))


def refusal_of(endpoint: str, *, connects: bool) -> str | None:
    """Why nothing can be bound or connected there."""
    try:
        endpoint_of(endpoint)
    except ValueError as error:
        return str(error)
    transport, _, address = endpoint.partition("://")
    if not _has(transport):
        near = nearest(transport, ("tcp", "ipc"))
        hint = f"did you mean {near}://?" if near else "use tcp:// or ipc://"
        return f"{endpoint!r}: there is no transport {transport}; {hint}"
    if any(each.isspace() or not each.isprintable() for each in address) and transport == "tcp":
        return f"{endpoint!r}: a tcp endpoint has no spaces"
    if transport == "ipc":
        return _ipc_refusal(endpoint, connects=connects)
    host = address.rpartition(":")[0]
    if transport == "tcp" and not host:
        return f"{endpoint!r} has no host; write {'tcp://127.0.0.1' if connects else 'tcp://*'}{address}"
    if transport == "tcp" and connects and (host == ANY or address_of(endpoint) is None):
        return f"{endpoint!r}: one can bind to any address, but connect to one only; write host and port"
    return None


def control_endpoint_of(text: str) -> Path:
    """The path of the control socket. Raises ValueError with a text that says what is allowed."""
    path = text.removeprefix("unix://").removeprefix("ipc://")
    if path == text or not path or path[0] in "@*":
        raise ValueError(f"{text!r} is not allowed; write unix://PATH, like unix:///run/zdev/control.sock")
    if refusal := _ipc_refusal(f"ipc://{_ipc_place(path)}", connects=True):
        raise ValueError(refusal)
    return Path(path)


def listen_of(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT. Raises ValueError with a text that says what is allowed."""
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host[:1] + host[-1:] == "[]" else host
    if not bare or any(each.isspace() or each in "/[]" for each in bare) or (":" in bare and bare == host):
        raise ValueError(f"{text!r} is not allowed; write HOST:PORT, like 127.0.0.1:9595 or [::1]:9595")
    if port == ANY or not is_port(port):
        raise ValueError(f"{text!r}: the port is a number up to 65535, 0 for any free one")
    return bare, int(port)


def _ipc_place(address: str) -> str:
    """Of one that begins with @ there is no file."""
    return address if address[0] == "@" else os.path.normpath(Path(address).absolute())


def _ipc_refusal(endpoint: str, *, connects: bool) -> str | None:
    path = endpoint.removeprefix("ipc://")
    length = len(path.encode())
    if length > zmq.IPC_PATH_MAX_LEN:
        return f"the path of an ipc endpoint has {zmq.IPC_PATH_MAX_LEN} bytes at most; this one has {length}"
    if "\0" in path:
        return f"{endpoint!r}: a path has no null character"
    if connects and path == ANY:
        return f"{endpoint!r}: one can bind to any path, but connect to one only; write the path"
    return None


def _has(transport: str) -> bool:
    """Whether the libzmq at hand has that transport between programs."""
    if transport in ("tipc", "vmci", "ws", "wss", "pgm", "epgm", "norm"):
        return bool(zmq.has(transport.removeprefix("e")))
    return transport in ("tcp", "ipc")


def _host(text: str) -> str:
    bare = text[1:-1] if text[:1] + text[-1:] == "[]" else text.lower()
    if bare == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(bare)
    except ValueError:
        return bare
    return ANY if address.is_unspecified else str(address)
