"""Changes of a device that runs: what a reload can do without a restart, and why it restarts otherwise."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable
from typing import Literal, NamedTuple

import zmq
from msgspec.structs import replace

from ..config import DeviceConfig
from .keeper import DeviceKeeper

_SETTINGS = ("drain_timeout", "restart", "ready_when", "insecure")  # which the engine does not know
_NEEDS_RESTART = "cannot be changed while it runs: "


class Change(NamedTuple):
    """What became of another configuration."""

    how: Literal["live", "refused", "restart"]
    text: str = ""
    """What has changed; why nothing has; or why a restart is needed."""


def change(keeper: DeviceKeeper | None, before: DeviceConfig, config: DeviceConfig, released: Collection[str]) -> Change:
    """Take over a configuration without a restart, if that is possible.

    Args:
        keeper: Keeps the device; None if it has never been started.
        before: Its configuration so far.
        config: The new one.
        released: The places, as in `places`, that this reload releases; they are free only later.
    """
    settings = [f"{name} {getattr(before, name)} -> {getattr(config, name)}" for name in _settings_changed(before, config)]
    lines = list(settings)
    if replace(before, **{name: getattr(config, name) for name in _SETTINGS}) != config:
        if keeper is None or keeper.phase != "running" or keeper.is_ending:
            return Change("restart")
        if moved := [each for each in _added(before, config) if _place(each) in released]:
            return Change("restart", f"{moved[0]} was in use")
        try:
            lines += keeper.update(config)
        except (zmq.ZMQError, ValueError, OSError, RuntimeError) as error:
            return _failed(error, config.name)
    elif keeper:
        keeper.configure(config)
    return Change("live", "; ".join(lines))


def released(before: Iterable[DeviceConfig], wanted: Iterable[DeviceConfig]) -> set[str]:
    """Return the places that are bound in the one, and not in the same device of the other."""
    now = {config.name: config for config in wanted}
    gone = (each for old in before for each in (_added(now[old.name], old) if old.name in now else _binds(old)))
    return {_place(each) for each in gone}


def _settings_changed(before: DeviceConfig, config: DeviceConfig) -> list[str]:
    return [name for name in _SETTINGS if getattr(before, name) != getattr(config, name)]


def _failed(error: Exception, name: str) -> Change:
    text = str(error).removeprefix(f"{name}: ")
    is_refused = isinstance(error, zmq.ZMQError | ValueError) and getattr(error, "errno", None) != errno.ENOTSUP
    return Change("refused" if is_refused else "restart", text.removeprefix(_NEEDS_RESTART))


def _binds(config: DeviceConfig) -> list[str]:
    return [endpoint for socket in config.sockets.values() for endpoint in socket.binds]


def _added(before: DeviceConfig, config: DeviceConfig) -> list[str]:
    known = _binds(before)
    return [each for each in _binds(config) if each not in known]


def _place(endpoint: str) -> str:
    """Return what two endpoints that cannot be bound at once may have in common: a port, or a path."""
    return endpoint.rpartition(":")[2] if endpoint.startswith("tcp:") and not endpoint.endswith("*") else endpoint
