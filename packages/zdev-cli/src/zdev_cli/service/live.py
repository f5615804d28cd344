"""Changes of a device that runs: what a reload can do without a restart, and why it restarts otherwise."""

from __future__ import annotations

import errno
from collections.abc import Collection
from typing import Any, Literal, NamedTuple

import zmq
from msgspec import Struct, to_builtins
from msgspec.json import encode
from msgspec.structs import replace

from .._words import Role
from ..config import DeviceConfig
from .keeper import DeviceKeeper

_SETTINGS = ("drain_timeout", "restart", "ready_when", "insecure")  # which the engine does not know
_NEEDS_RESTART = "cannot be changed while it runs: "


class Change(NamedTuple):
    """The result of an attempt to take over another configuration."""

    how: Literal["live", "refused", "restart"]
    text: str = ""
    """The changes; or the reason why there are none, or why a restart is needed."""


def change(
    keeper: DeviceKeeper | None,
    before: DeviceConfig,
    config: DeviceConfig,
    released: Collection[str],
    *,
    dry_run: bool = False,
) -> Change:
    """Take over a configuration without a restart, if that is possible.

    Args:
        keeper: Keeps the device; None if it has never been started.
        before: Its configuration so far.
        config: The new one.
        released: The places that this reload releases, on all devices; they are free only later. See `released_by`.
        dry_run: Whether only to find out what would happen. Whether new endpoints can be bound is not found out.
    """
    settings = [f"{name} {getattr(before, name)} -> {getattr(config, name)}" for name in _settings_changed(before, config)]
    lines = list(settings)
    if replace(before, **{name: getattr(config, name) for name in _SETTINGS}) != config:
        if keeper is None or keeper.phase != "running" or keeper.is_ending:
            return Change("restart")
        if moved := [each for each in _added(before, config) if _place(each) in released]:
            return Change("restart", f"{moved[0]} was in use")
        try:
            lines += keeper.try_update(config) if dry_run else keeper.update(config)
        except (zmq.ZMQError, ValueError, OSError, RuntimeError) as error:
            return _failed(error, config.name)
    elif keeper and not dry_run:
        keeper.configure(config)
    return Change("live", "; ".join(lines))


def differences(before: object, after: object, name: str = "") -> list[str]:
    """Return what differs between two configurations, like `in.max_connections 10 -> 20`.

    No secret is among them: a file names the files of keys and passwords.
    """
    if before == after:
        return []
    if isinstance(before, Struct) and type(before) is type(after):
        before, after = _fields(before), _fields(after)
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys([*before, *after])
        prefix = f"{name}." if name else ""
        return [line for key in keys for line in differences(before.get(key), after.get(key), f"{prefix}{key}")]
    return [f"{name} {_shown(before)} -> {_shown(after)}"]


def _fields(of: Struct) -> dict[str, Any]:
    """Return the values by their names in a file."""
    return {name: getattr(of, field) for name, field in zip(of.__struct_encode_fields__, of.__struct_fields__, strict=True)}


def _shown(value: object) -> str:
    return "unset" if value is None else encode(to_builtins(value, str_keys=True)).decode()


def released_by(keeper: DeviceKeeper | None, before: DeviceConfig, config: DeviceConfig | None) -> set[str]:
    """Return the ports and paths that a device has bound, and does not bind with a new configuration; None: it is removed."""
    bound = keeper.endpoints if keeper else {}
    found = set()
    for role, socket in before.sockets.items():
        kept = _binds(config, role) if config else []
        pairs = zip(socket.binds, bound.get(role, ()), strict=False)
        found |= {_place(actual) for given, actual in pairs if given not in kept}
    return found


def _settings_changed(before: DeviceConfig, config: DeviceConfig) -> list[str]:
    return [name for name in _SETTINGS if getattr(before, name) != getattr(config, name)]


def _failed(error: Exception, name: str) -> Change:
    text = str(error).removeprefix(f"{name}: ")
    is_refused = isinstance(error, zmq.ZMQError | ValueError) and getattr(error, "errno", None) != errno.ENOTSUP
    return Change("refused" if is_refused else "restart", text.removeprefix(_NEEDS_RESTART))


def _binds(config: DeviceConfig, role: Role) -> list[str]:
    socket = config.sockets.get(role)
    return socket.binds if socket else []


def _added(before: DeviceConfig, config: DeviceConfig) -> list[str]:
    return [each for role in config.sockets for each in _binds(config, role) if each not in _binds(before, role)]


def _place(endpoint: str) -> str:
    """Return what two endpoints that cannot be bound at the same time have in common: a port, or a path."""
    return endpoint.rpartition(":")[2] if endpoint.startswith("tcp:") else endpoint
