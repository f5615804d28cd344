"""What the types of the model can't say: whether a configuration makes sense."""

from __future__ import annotations

from collections.abc import Iterator

from .._words import SOCKET_TYPES, Role, needed_roles, settings_of
from .endpoints import control_endpoint_of, listen_of, refusal_of
from .engine import Engine
from .fault import Finding, Path
from .links import broken_links
from .model import Config, DeviceConfig
from .places import endpoint_path, socket_path
from .protection import unprotected


def broken_rules(config: Config) -> Iterator[Finding]:
    """Everything that is wrong with values that are each of the right type."""
    if not config.device:
        yield Finding(("device",), "there is none; add one that begins with [[device]]", depends_on=(("device",),))
    yield from _same_names(config)
    with Engine() as engine:
        for index, device in enumerate(config.device):
            yield from _needs(index, device)
            yield from _endpoints(index, device)
            yield from _types(index, device, engine)
            yield from _options(index, device, engine)
            yield from _conflicts(index, device, config)
        yield from _default_options(config, engine)
    yield from _services(config)
    yield from broken_links(config)
    yield from unprotected(config)


def _same_names(config: Config) -> Iterator[Finding]:
    seen: dict[str, Path] = {}
    for index, device in enumerate(config.device):
        path: Path = ("device", index, "name")
        other = seen.setdefault(device.name, path)
        if other != path:
            text = f"another device is called {device.name} already; each needs a name of its own"
            yield Finding(path, text, depends_on=(path, other), see=other)


def _needs(index: int, device: DeviceConfig) -> Iterator[Finding]:
    """What is missing, and what is told for a socket that is missing."""
    here: Path = ("device", index)
    for role in needed_roles(device.type):
        if role not in device.sockets:
            text = f"missing; a {device.type} needs a {role} socket: add [device.{role}] with bind or connect"
            yield Finding((*here, role), text, depends_on=((*here, role), (*here, "type")))
    for role, socket in device.sockets.items():
        path = socket_path(index, role)
        if not socket.binds and not socket.connects:
            yield Finding(path, "no endpoint; add bind or connect", depends_on=(path,))
        if socket.prefix is not True and role in ("mon", "ctrl"):
            yield Finding((*path, "prefix"), f"{role} has no prefix; in and out have one each", at_key=True)
        elif socket.prefix is not True and not device.mon:
            text = "there is no mon socket whose copies it could mark: add [device.mon]"
            yield Finding((*path, "prefix"), text, at_key=True, depends_on=((*here, "mon"),))
    if device.mon_on_full and not device.mon:
        text = "there is no mon socket: add [device.mon]"
        yield Finding((*here, "mon_on_full"), text, at_key=True, depends_on=((*here, "mon"),))


def _endpoints(index: int, device: DeviceConfig) -> Iterator[Finding]:
    for role, socket in device.sockets.items():
        for verb, endpoints in (("bind", socket.binds), ("connect", socket.connects)):
            for number, endpoint in enumerate(endpoints):
                if refusal := refusal_of(endpoint, connects=verb == "connect"):
                    path = endpoint_path(index, role, verb, None if isinstance(getattr(socket, verb), str) else number)
                    yield Finding(path, refusal, depends_on=(path,))


def _types(index: int, device: DeviceConfig, engine: Engine) -> Iterator[Finding]:
    types = {role: device.socket_type(role) for role in device.sockets}
    for role, kind in types.items():
        if kind not in SOCKET_TYPES[role]:
            text = f"{kind} is no type for {role}; use one of {', '.join(SOCKET_TYPES[role])}"
            yield Finding((*socket_path(index, role), "type"), text)
    if refusal := engine.pair_refusal(types["in"], types["out"]):
        told: Role = "out" if device.out.type and not device.in_.type else "in"
        paths = [(*socket_path(index, role), "type") for role in ("in", "out")]
        yield Finding((*socket_path(index, told), "type"), refusal, depends_on=(*paths, ("device", index, "type")))


def _options(index: int, device: DeviceConfig, engine: Engine) -> Iterator[Finding]:
    for role, socket in device.sockets.items():
        kind, path = device.socket_type(role), socket_path(index, role)
        for name, value in socket.options.items():
            if refusal := engine.option_refusal(kind, name, value):
                here = (*path, "options", name)
                yield Finding(here, refusal, at_key=True, depends_on=(here, (*path, "type"), ("device", index, "type")))


def _conflicts(index: int, device: DeviceConfig, config: Config) -> Iterator[Finding]:
    """Options that are allowed one by one, but not together."""
    from zdev_background._option_checks import conflict_of

    for role, socket in device.sockets.items():
        options = socket.options if role == "ctrl" else {**config.defaults.options, **socket.options}
        try:
            settings = [setting for name, value in options.items() for setting in settings_of(name, value)]
        except ValueError:  # which `_options` reports
            continue
        if conflict := conflict_of(settings, len(socket.binds)):
            here: Path = (*socket_path(index, role), "options") if socket.options else ("defaults", "options")
            yield Finding(here, conflict, at_key=True, depends_on=(here, ("defaults", "options")))


def _default_options(config: Config, engine: Engine) -> Iterator[Finding]:
    """Of each option the first refusal: what is wrong by itself is so for all sockets."""
    sockets = [(index, device, role) for index, device in enumerate(config.device) for role in device.sockets if role != "ctrl"]
    for name, value in config.defaults.options.items():
        here: Path = ("defaults", "options", name)
        for index, device, role in sockets:
            if refusal := engine.option_refusal(device.socket_type(role), name, value):
                grounds = (here, (*socket_path(index, role), "type"), ("device", index, "type"))
                yield Finding(here, refusal, at_key=True, depends_on=grounds)
                break


def _services(config: Config) -> Iterator[Finding]:
    if config.control.endpoint is not None:
        path: Path = ("control", "endpoint")
        try:
            control_endpoint_of(config.control.endpoint)
        except ValueError as error:
            yield Finding(path, str(error), depends_on=(path,))
    if config.http:
        path = ("http", "listen")
        try:
            listen_of(config.http.listen)
        except ValueError as error:
            yield Finding(path, str(error), depends_on=(path,))
