"""Who may connect: what a socket says of it, as what protects it, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .._words import Role, settings_of
from .endpoints import refusal_of
from .fault import Finding, Path
from .model import Config, DeviceConfig, SocketConfig
from .places import endpoint_path, socket_path

if TYPE_CHECKING:
    from zdev_background import Security

_SERVER = {"curve": "clients", "plain": "passwords"}  # the key of a socket that binds, and of one that connects
_CLIENT = {"curve": "server_key", "plain": "password"}


def security_of(socket: SocketConfig) -> Security | None:
    """What protects the socket, whose tables must be right."""
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


def unprotected(config: Config) -> Iterator[Finding]:
    """Tables that don't fit their sockets, files that can't be used, and sockets open to other hosts."""
    for index, device in enumerate(config.device):
        for role, socket in device.sockets.items():
            tables = list(_misfits(index, role, socket))
            yield from tables
            if not tables and (socket.curve or socket.plain):
                yield from _unusable(index, role, socket)
            yield from _exposed(index, role, device, config)
    if config.http and not config.http.insecure and is_exposed("tcp://" + config.http.listen, {}):
        text = "other hosts can reach it, and anybody there may look; use 127.0.0.1, or say insecure = true"
        yield Finding(("http", "listen"), text, depends_on=(("http",),))


def _misfits(index: int, role: Role, socket: SocketConfig) -> Iterator[Finding]:
    path = socket_path(index, role)
    if socket.curve and socket.plain:
        yield Finding((*path, "plain"), "there is curve too; a socket has one mechanism", at_key=True)
    for name in ("curve", "plain"):
        table = getattr(socket, name)
        if not table:
            continue
        here: Path = (*path, name)
        grounds = (here, (*path, "bind"), (*path, "connect"))
        if socket.binds and socket.connects:
            text = f"a socket with {name} either binds or connects: its peers know it as server or as client"
            yield Finding(here, text, at_key=True, depends_on=grounds)
            continue
        wanted, other = (_SERVER, _CLIENT) if socket.binds else (_CLIENT, _SERVER)
        does = "binds" if socket.binds else "connects"
        if getattr(table, wanted[name]) is None:
            yield Finding(here, f"{wanted[name]} is missing; a socket that {does} needs it", at_key=True, depends_on=grounds)
        if getattr(table, other[name]) is not None:
            text = f"this is not for a socket that {does}; use {wanted[name]}"
            yield Finding((*here, other[name]), text, at_key=True, depends_on=grounds)


def _unusable(index: int, role: Role, socket: SocketConfig) -> Iterator[Finding]:
    security = security_of(socket)
    try:
        if security:
            security.check()
    except (OSError, ValueError) as error:
        here = (*socket_path(index, role), "curve" if socket.curve else "plain")
        yield Finding(here, str(error).partition("] ")[2] or str(error), at_key=True, depends_on=(here,))


def is_exposed(endpoint: str, options: Mapping[str, object]) -> bool:
    """Whether other hosts can reach what is bound there, and `options` have no mechanism, for whose consequences users care.

    What is no endpoint is told elsewhere.
    """
    mechanisms = ("CURVE_SERVER", "PLAIN_SERVER", "GSSAPI_SERVER")
    if any(name.upper() in mechanisms and _is_on(name, value) for name, value in options.items()) or refusal_of(
        endpoint, connects=False
    ):
        return False
    from zdev_background import SocketSpec

    return bool(SocketSpec("in", 0, binds=[endpoint]).exposed())


def _is_on(name: str, value: object) -> bool:
    try:
        return any(setting for _, setting in settings_of(name, value))
    except ValueError:
        return True  # told elsewhere


def _exposed(index: int, role: Role, device: DeviceConfig, config: Config) -> Iterator[Finding]:
    socket = device.sockets[role]
    insecure = config.defaults.insecure if device.insecure is None else device.insecure
    if insecure or socket.curve or socket.plain:
        return
    for number, endpoint in enumerate(socket.binds):
        if is_exposed(endpoint, {**config.defaults.options, **socket.options}):
            path = endpoint_path(index, role, "bind", None if isinstance(socket.bind, str) else number)
            text = (
                f"{endpoint}: other hosts can reach it, and anybody there may connect; use 127.0.0.1, add "
                f"[device.{role}.curve], or say insecure = true"
            )
            yield Finding(path, text, depends_on=(path, ("device", index, "insecure"), ("defaults", "insecure")))
