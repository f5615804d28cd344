"""Endpoints: which ones a socket can bind or connect to, and which ones conflict. libzmq itself takes port 99999 for 34463."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import zmq

ANY = "*"


class Address(NamedTuple):
    """The address that an endpoint names.

    Attributes:
        transport: Such as tcp or ipc.
        place: The port of tcp; of other transports the whole address.
        host: The host of tcp, with `*` for all interfaces.
    """

    transport: str
    place: str
    host: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Equal for addresses that may conflict."""
        return self.transport, self.place

    def clashes(self, other: Address) -> bool:
        """Return whether two sockets cannot bind to both."""
        return self.key == other.key and (self.host == other.host or ANY in (self.host, other.host))

    def reaches(self, bound: Address) -> bool:
        """Return whether a connection to this address certainly reaches `bound`.

        False also for host names and for other addresses of this machine, where that is unknown.
        """
        local = self.host == ANY or self.host == "::1" or self.host.startswith("127.")
        return self.key == bound.key and (self.host == bound.host or (local and bound.host == ANY))


def address_of(endpoint: str) -> Address | None:
    """Parse an endpoint. Returns None for a wildcard, which is a different address each time, and for an invalid endpoint."""
    transport, _, address = endpoint.partition("://")
    if transport == "ipc":
        return None if address == ANY or not address else Address(transport, ipc_place(address))
    if transport != "tcp":
        return Address(transport, address)
    host, _, port = address.rpartition(";")[2].rpartition(":")
    if not is_port(port) or port == ANY or int(port) == 0:
        return None
    return Address(transport, str(int(port)), _host(host))


def refusal_of(endpoint: str, *, connects: bool) -> str | None:
    """Say why no socket can bind, or connect, to this endpoint. Whether libzmq has the transport is not checked."""
    transport, separator, address = endpoint.partition("://")
    if not (transport and separator and address):
        return "invalid endpoint: write transport://address, like tcp://127.0.0.1:5559"
    if "\0" in address:
        return "invalid endpoint: null characters are not allowed"
    if transport == "ipc":
        return ipc_refusal(address, connects=connects)
    return _tcp_refusal(address, connects=connects) if transport == "tcp" else None


def ipc_refusal(path: str, *, connects: bool) -> str | None:
    """Say why no socket can bind, or connect, to ipc://`path`."""
    length = len(path.encode())
    if length > zmq.IPC_PATH_MAX_LEN:
        return f"path too long: {length} bytes (an ipc path may have {zmq.IPC_PATH_MAX_LEN})"
    if connects and path == ANY:
        return "cannot connect to a wildcard: write the path"
    return None


def ipc_place(path: str) -> str:
    """Return the normalised path of an ipc socket. A name in the abstract namespace (@) has no file and stays as it is."""
    return path if path[0] == "@" else os.path.normpath(Path(path).absolute())


def is_port(text: str) -> bool:
    """Return whether this is a port, or `*` for any free one. libzmq itself takes any number, modulo 65536."""
    return text == ANY or (len(text) < 6 and text.isascii() and text.isdigit() and int(text) <= 65535)


def is_ipv6(endpoint: str) -> bool:
    """Return whether a tcp endpoint names an IPv6 address, which libzmq accepts only with the option IPV6."""
    transport, _, address = endpoint.partition("://")
    return transport == "tcp" and ":" in address.rpartition(";")[2].rpartition(":")[0]


def _tcp_refusal(address: str, *, connects: bool) -> str | None:
    if any(each.isspace() or not each.isprintable() for each in address):
        return "invalid endpoint: spaces are not allowed in a tcp address"
    host, _, port = address.rpartition(";")[2].rpartition(":")
    if not is_port(port):
        return "invalid port: a tcp endpoint ends in :PORT, 1 to 65535" + ("" if connects else ", or * for any free one")
    if not host:
        return f"host missing: write tcp://{'127.0.0.1' if connects else ANY}:{port}"
    if connects and (host == ANY or port == ANY or int(port) == 0):
        return "cannot connect to a wildcard: write one host and one port"
    return None


def _host(text: str) -> str:
    bare = text[1:-1] if text[:1] + text[-1:] == "[]" else text.lower()
    if bare == "localhost":
        return "127.0.0.1"
    try:
        address = ip_address(bare)
    except ValueError:
        return bare
    return ANY if address.is_unspecified else str(address)
