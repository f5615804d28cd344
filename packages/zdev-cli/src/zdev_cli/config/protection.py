"""Access to sockets: the tables `curve` and `plain`, errors in them, and sockets that other hosts can reach without either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .._words import settings_of
from .diagnostics import Path, PendingDiagnostic
from .model import SocketConfig

if TYPE_CHECKING:
    from zdev_background import Security

_SERVER = {"curve": "clients", "plain": "passwords"}  # the key of a socket that binds
_CLIENT = {"curve": "server_key", "plain": "password"}  # the key of a socket that connects


def security_of(socket: SocketConfig) -> Security | None:
    """Return the security of a socket, whose tables must be valid."""
    if not (socket.curve or socket.plain):
        return None
    from zdev_background import CurveClient, CurveServer, PlainClient, PlainServer

    if curve := socket.curve:
        if curve.clients is not None:
            return CurveServer(curve.secret_key, curve.clients)
        return CurveClient(curve.secret_key, curve.server_key or "")
    if plain := socket.plain:
        return PlainServer(plain.passwords) if plain.passwords is not None else PlainClient(plain.password or "")
    return None


def broken_security(path: Path, socket: SocketConfig) -> Iterator[PendingDiagnostic]:
    """Report tables that do not fit their socket, and files that cannot be used."""
    tables = list(_misfits(path, socket))
    yield from tables
    if not tables and (socket.curve or socket.plain):
        yield from _unusable(path, socket)


def _misfits(path: Path, socket: SocketConfig) -> Iterator[PendingDiagnostic]:
    if socket.curve and socket.plain:
        yield PendingDiagnostic((*path, "plain"), "curve is set too: a socket has one security mechanism", at_key=True)
    for name in ("curve", "plain"):
        table = getattr(socket, name)
        if not table:
            continue
        here: Path = (*path, name)
        grounds = (here, (*path, "bind"), (*path, "connect"))
        if socket.binds and socket.connects:
            text = f"a socket with {name} must either bind or connect: its peers know it as server or as client"
            yield PendingDiagnostic(here, text, at_key=True, depends_on=grounds)
            continue
        wanted, other = (_SERVER, _CLIENT) if socket.binds else (_CLIENT, _SERVER)
        does = "binds" if socket.binds else "connects"
        if getattr(table, wanted[name]) is None:
            text = f"{wanted[name]} is required for a socket that {does}"
            yield PendingDiagnostic(here, text, at_key=True, depends_on=grounds)
        if getattr(table, other[name]) is not None:
            text = f"not allowed for a socket that {does} (use {wanted[name]})"
            yield PendingDiagnostic((*here, other[name]), text, at_key=True, depends_on=grounds)


def _unusable(path: Path, socket: SocketConfig) -> Iterator[PendingDiagnostic]:
    security = security_of(socket)
    try:
        if security:
            security.check()
    except (OSError, ValueError) as error:
        here = (*path, "curve" if socket.curve else "plain")
        yield PendingDiagnostic(here, str(error).partition("] ")[2] or str(error), at_key=True, depends_on=(here,))


def is_exposed(endpoint: str, options: Mapping[str, object]) -> bool:
    """Return whether other hosts can reach what is bound to a valid endpoint, and no option sets a security mechanism."""
    mechanisms = ("CURVE_SERVER", "PLAIN_SERVER", "GSSAPI_SERVER")
    if any(name.upper() in mechanisms and _is_on(name, value) for name, value in options.items()):
        return False
    from zdev_background import SocketSpec

    return bool(SocketSpec("in", 0, binds=[endpoint]).exposed())


def _is_on(name: str, value: object) -> bool:
    try:
        return any(setting for _, setting in settings_of(name, value))
    except ValueError:
        return True  # the invalid option is reported, and is enough
