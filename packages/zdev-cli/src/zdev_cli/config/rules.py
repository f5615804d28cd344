"""Rules that the types of the model cannot express. The file is walked once: device by device, socket by socket."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import zmq

from .._words import Role, needed_roles, settings_of
from .diagnostics import Path, PendingDiagnostic, endpoint_path, socket_path
from .endpoints import address_of, control_endpoint_of, listen_of, receiver_refusal, refusal_of
from .http_access import broken_access
from .libzmq_probe import LibzmqProbe
from .model import Config, DeviceConfig, OptionValue, SocketConfig
from .protection import broken_security, is_exposed
from .topology import End, Use, broken_links
from .worker_rules import broken_workers


def broken_rules(config: Config) -> Iterator[PendingDiagnostic]:
    """Report all errors of a configuration whose values have the right types."""
    if not config.device:
        yield PendingDiagnostic(("device",), "no devices; add a [[device]] table", depends_on=(("device",),))
    with LibzmqProbe() as probe:
        walk = _Walk(config, probe)
        found = [each for index, device in enumerate(config.device) for each in walk.device(index, device)]
    yield from found
    yield from walk.services()
    yield from broken_links(walk.uses)
    if not found:
        from .engines import impossible_engines

        yield from impossible_engines(config)


def sends_to_connected_only(device: DeviceConfig) -> bool | None:
    """Return whether `out` of libzmq sends to connected receivers only: the option IMMEDIATE of a socket that distributes messages.

    Args:
        device: The device, with its defaults filled in.

    Returns:
        None if `out` does not connect, or its type does not distribute messages.
    """
    from zdev_background._socket_options import default_options

    default = default_options(zmq.SocketType[device.socket_type("out")], connects=True).get(zmq.IMMEDIATE)
    if default is None or not device.out.connects:
        return None
    settings = [setting for name, value in device.out.options.items() for setting in settings_of(name, value)]
    return bool(dict(settings).get(zmq.IMMEDIATE, default))


class _Walk:
    """One pass over a configuration.

    Attributes:
        uses: The valid endpoints that were passed.
    """

    def __init__(self, config: Config, probe: LibzmqProbe) -> None:
        self.uses: list[Use] = []
        self._config, self._probe = config, probe
        self._names: dict[str, Path] = {}
        self._refused_defaults: set[str] = set()

    def device(self, index: int, device: DeviceConfig) -> Iterator[PendingDiagnostic]:
        path: Path = ("device", index, "name")
        other = self._names.setdefault(device.name, path)
        if other != path:
            text = f"duplicate name {device.name}: device names must be unique"
            yield PendingDiagnostic(path, text, depends_on=(path, other), see=other)
        yield from _missing(index, device)
        yield from self._pair(index, device)
        for role, socket in device.sockets.items():
            end = End(index, role, device.name, device.socket_type(role))
            yield from _socket(end, socket, device)
            yield from self._endpoints(end, socket, device)
            yield from self._options(end, socket)
            yield from broken_security(end.path, socket, end.type)
        for found in broken_workers(index, device, insecure=self._is_insecure(device)):
            if isinstance(found, Use):
                self._use(found)
            else:
                yield found

    def services(self) -> Iterator[PendingDiagnostic]:
        """Check the endpoints that the program binds for itself."""
        if (endpoint := self._config.control.endpoint) is not None:
            path: Path = ("control", "endpoint")
            try:
                socket = control_endpoint_of(endpoint)
            except ValueError as error:
                yield PendingDiagnostic(path, str(error), depends_on=(path,))
            else:
                self._use(Use(endpoint, address_of(f"ipc://{socket}"), path, None))
        if otlp := self._config.otlp:
            if refusal := receiver_refusal(otlp.endpoint):
                yield PendingDiagnostic(("otlp", "endpoint"), refusal, depends_on=(("otlp", "endpoint"),))
            if not _has_otlp():
                text = 'OpenTelemetry is not installed (run: pip install "zdev-cli[otlp]")'
                yield PendingDiagnostic(("otlp",), text, at_key=True)
        if http := self._config.http:
            path = ("http", "listen")
            try:
                listen_of(http.listen)
            except ValueError as error:
                yield PendingDiagnostic(path, str(error), depends_on=(path,))
                return
            self._use(Use(http.listen, address_of(f"tcp://{http.listen}"), path, None))
            yield from broken_access(http)

    def _use(self, use: Use) -> None:
        if use.address:  # else a wildcard, which is another address each time
            self.uses.append(use)

    def _pair(self, index: int, device: DeviceConfig) -> Iterator[PendingDiagnostic]:
        if refusal := self._probe.pair_refusal(device.socket_type("in"), device.socket_type("out")):
            role: Role = "out" if device.out.type and not device.in_.type else "in"
            grounds = ((*socket_path(index, "in"), "type"), (*socket_path(index, "out"), "type"), ("device", index, "type"))
            yield PendingDiagnostic((*socket_path(index, role), "type"), refusal, depends_on=grounds)

    def _endpoints(self, end: End, socket: SocketConfig, device: DeviceConfig) -> Iterator[PendingDiagnostic]:
        for verb, value, endpoints in (("bind", socket.bind, socket.binds), ("connect", socket.connect, socket.connects)):
            for number, endpoint in enumerate(endpoints):
                path = endpoint_path(end.path, verb, None if isinstance(value, str) else number)
                if refusal := refusal_of(endpoint, connects=verb == "connect"):
                    yield PendingDiagnostic(path, refusal, depends_on=(path,))
                    continue
                self._use(Use(endpoint, address_of(endpoint), path, end, connects=verb == "connect"))
                if verb == "bind":
                    yield from self._exposed(endpoint, path, end, socket, device)

    def _exposed(
        self, endpoint: str, path: Path, end: End, socket: SocketConfig, device: DeviceConfig
    ) -> Iterator[PendingDiagnostic]:
        defaults = self._config.defaults
        if (
            self._is_insecure(device)
            or socket.curve
            or socket.plain
            or not is_exposed(endpoint, {**defaults.options, **socket.options})
        ):
            return
        text = (
            f"{endpoint} is reachable from other hosts without authentication (bind 127.0.0.1, add [device.{end.role}.curve], "
            "or set insecure = true)"
        )
        yield PendingDiagnostic(path, text, depends_on=(path, ("device", end.device, "insecure"), ("defaults", "insecure")))

    def _is_insecure(self, device: DeviceConfig) -> bool:
        return bool(self._config.defaults.insecure if device.insecure is None else device.insecure)

    def _options(self, end: End, socket: SocketConfig) -> Iterator[PendingDiagnostic]:
        """Check each option of the socket and the defaults that it gets, then whether they fit together."""
        defaults = {} if end.role == "ctrl" else self._config.defaults.options
        for name, value in socket.options.items():
            here: Path = (*end.path, "options", name)
            if refusal := self._probe.option_refusal(end.type, name, value):
                yield PendingDiagnostic(here, refusal, at_key=True, depends_on=(here, *end.grounds))
        for name, value in defaults.items():  # each is reported once, not for every socket
            here = ("defaults", "options", name)
            if name not in self._refused_defaults and (refusal := self._probe.option_refusal(end.type, name, value)):
                self._refused_defaults.add(name)
                yield PendingDiagnostic(here, refusal, at_key=True, depends_on=(here, *end.grounds))
        if conflict := _conflict({**defaults, **socket.options}, len(socket.binds)):
            here = (*end.path, "options") if socket.options else ("defaults", "options")
            yield PendingDiagnostic(here, conflict, at_key=True, depends_on=(here, ("defaults", "options")))


def _has_otlp() -> bool:
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # a package above it is missing
        return False


def _missing(index: int, device: DeviceConfig) -> Iterator[PendingDiagnostic]:
    """Report missing sockets, and settings of a missing mon."""
    here: Path = ("device", index)
    for role in needed_roles(device.type):
        if role not in device.sockets:
            text = f"required for a {device.type}: add [device.{role}] with bind or connect"
            yield PendingDiagnostic((*here, role), text, depends_on=((*here, role), (*here, "type")))
    for key in ("mon_on_full", "dropped_prefix"):
        if getattr(device, key) is not None and not device.mon:
            text = "not used: there is no mon socket (add [device.mon])"
            yield PendingDiagnostic((*here, key), text, at_key=True, depends_on=((*here, "mon"),))


def _socket(end: End, socket: SocketConfig, device: DeviceConfig) -> Iterator[PendingDiagnostic]:
    if not socket.binds and not socket.connects:
        yield PendingDiagnostic(end.path, "no endpoint (add bind or connect)", depends_on=(end.path,))
    if not end.can_be:
        text = f"invalid type {end.type} for {end.role}: must be one of {', '.join(end.types)}"
        yield PendingDiagnostic((*end.path, "type"), text)
    if socket.prefix is True:
        return
    here: Path = (*end.path, "prefix")
    if end.role in ("mon", "ctrl"):
        yield PendingDiagnostic(here, f"{end.role} has no prefix (only in and out have one)", at_key=True)
    elif not device.mon:
        text = "not used: there is no mon socket (add [device.mon])"
        yield PendingDiagnostic(here, text, at_key=True, depends_on=(("device", end.device, "mon"),))


def _conflict(options: dict[str, OptionValue], binds: int) -> str | None:
    """Say why options that are valid one by one cannot be used together."""
    from zdev_background._option_checks import conflict_of

    try:
        settings = [setting for name, value in options.items() for setting in settings_of(name, value)]
    except ValueError:  # reported for the option itself
        return None
    return conflict_of(settings, binds)
