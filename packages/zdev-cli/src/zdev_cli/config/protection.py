"""Access to sockets: the tables `curve` and `plain`, errors in them, and sockets that other hosts can reach without either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .._words import settings_of
from .diagnostics import Path, PendingDiagnostic
from .model import SocketConfig

if TYPE_CHECKING:
    from zdev_background import Rights, Security, SocketSpec

_SERVER = {"curve": "clients", "plain": "passwords"}  # the key of a socket that binds
_CLIENT = {"curve": "server_key", "plain": "password"}  # the key of a socket that connects


def security_of(socket: SocketConfig) -> Security | None:
    """Return the security of a socket, whose tables must be valid."""
    if not (socket.curve or socket.plain):
        return None
    from zdev_background import CurveClient, CurveServer, PlainClient, PlainServer

    if curve := socket.curve:
        if curve.clients is not None:
            return CurveServer(curve.secret_key, curve.clients, rights_of(socket))
        return CurveClient(curve.secret_key, curve.server_key or "")
    if plain := socket.plain:
        if plain.passwords is not None:
            return PlainServer(plain.passwords, rights_of(socket))
        return PlainClient(plain.password or "")
    return None


def rights_of(socket: SocketConfig) -> dict[str, Rights] | None:
    """Return the rights of the users of a socket; None: everything."""
    if socket.rights is None:
        return None
    from zdev_background import Rights

    return {user: Rights(publish=each.publish, subscribe=each.subscribe) for user, each in socket.rights.items()}


def mechanism_of(socket: SocketConfig) -> str:
    """Return the security mechanism of a socket, such as CURVE; empty: none."""
    return _spec_of(socket).mechanism


def broken_security(path: Path, socket: SocketConfig, socket_type: str) -> Iterator[PendingDiagnostic]:
    """Report tables that do not fit their socket, and files that cannot be used."""
    tables = list(_misfits(path, socket))
    yield from tables
    yield from _unusable_users(path, socket, socket_type)
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


def _unusable_users(path: Path, socket: SocketConfig, socket_type: str) -> Iterator[PendingDiagnostic]:
    """Report settings for single users of a socket that does not know its users, or whose messages have no topics."""
    import zmq

    knows_users = socket.binds and (socket.curve or socket.plain)
    for key in ("rights", "max_connections_per_key"):
        if getattr(socket, key) is not None and not knows_users:
            text = "this socket does not know its users (bind, and add curve or plain)"
            grounds = tuple((*path, each) for each in ("bind", "connect", "curve", "plain"))
            yield PendingDiagnostic((*path, key), text, at_key=True, depends_on=grounds)
    if socket.rights is None or not knows_users:
        return
    try:
        _spec_of(socket, zmq.SocketType[socket_type]).refuse_rights()
    except ValueError as error:
        grounds = ((*path, "type"), (*path, "options"))
        yield PendingDiagnostic((*path, "rights"), str(error), at_key=True, depends_on=grounds)


def _spec_of(socket: SocketConfig, socket_type: int = 0) -> SocketSpec:
    """Return a socket with the security, if its table is valid, and the valid options."""
    from zdev_background import SocketSpec

    spec = SocketSpec("in", socket_type, security=security_of(socket))
    for name, value in socket.options.items():
        if _is_valid(name, value):
            spec.options.extend(settings_of(name, value))
    return spec


def _is_valid(name: str, value: object) -> bool:
    try:
        settings_of(name, value)
    except ValueError:  # which is reported
        return False
    return True


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
    return not _is_valid(name, value) or any(setting for _, setting in settings_of(name, value))
