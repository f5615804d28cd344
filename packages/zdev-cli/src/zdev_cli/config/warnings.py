"""Warnings: settings of a valid configuration that are allowed but may surprise."""

from __future__ import annotations

from collections.abc import Iterator

from .diagnostics import Path, PendingDiagnostic, socket_path
from .engines import engine_of
from .http_access import unencrypted
from .model import ANY_CLIENT, Config, DeviceConfig, SocketConfig
from .protection import security_of
from .rules import sends_to_connected_only


def warnings_of(config: Config) -> Iterator[PendingDiagnostic]:
    """Return the warnings of a valid configuration. Reads the files of keys and passwords."""
    for index, device in enumerate(config.devices().values()):
        for role, socket in device.sockets.items():
            yield from _unusable_keys(socket_path(index, role), socket)
            yield from _unknown_users(socket_path(index, role), socket)
        if sends_to_connected_only(device) is False:
            yield _queues_for_nobody(socket_path(index, "out"), device, config.device[index].out)
    if config.http:
        yield from unencrypted(config.http)
    if config.defaults.mon_on_full and not any(device.mon for device in config.device):
        yield PendingDiagnostic(("defaults", "mon_on_full"), "not used: no device has a mon socket", at_key=True)


def _unusable_keys(path: Path, socket: SocketConfig) -> Iterator[PendingDiagnostic]:
    """Warn of key files that cannot be used, and of a directory without any that can."""
    from zdev_background._keys import KnownKeys

    if socket.curve is None or socket.curve.clients in (None, ANY_CLIENT):
        return
    path = (*path, "curve", "clients")
    found: list[str] = []
    keys = KnownKeys(socket.curve.clients, found.append).read()
    yield from (PendingDiagnostic(path, each) for each in found)
    if not keys:
        text = f"no usable key (*.key) in {socket.curve.clients}: no client can connect (add their public keys)"
        yield PendingDiagnostic(path, text)


def _unknown_users(path: Path, socket: SocketConfig) -> Iterator[PendingDiagnostic]:
    """Warn of rights for names that no key or password has."""
    from zdev_background import CurveServer, PlainServer

    security = security_of(socket) if socket.rights else None
    if isinstance(security, CurveServer | PlainServer):
        where = socket.curve.clients if socket.curve else socket.plain.passwords if socket.plain else None
        for user in security.unknown_users():
            text = f'no key or password has the name "{user}" (see {where})'
            yield PendingDiagnostic((*path, "rights", user), text, at_key=True)


def _queues_for_nobody(path: Path, device: DeviceConfig, out: SocketConfig) -> PendingDiagnostic:
    """Warn of IMMEDIATE = 0, where it is set: for the socket, or for all."""
    name = next(name for name in device.out.options if name.upper() == "IMMEDIATE")
    place: Path = (*path, "options", name) if name in out.options else ("defaults", "options", name)
    effect = "messages queue for a receiver that is not connected"
    if engine_of(device) == "wire":
        effect = 'no effect with the wire engine, which sends to connected receivers only (engine = "libzmq" queues for all)'
    return PendingDiagnostic(place, f"{device.name}.out connects with IMMEDIATE = 0: {effect}", at_key=True)
