"""The model of a configuration file: field names are its keys.

A description is shown by editors (see `zdev schema`); a title names the allowed values in errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct, field

from .._words import DEVICE_TYPES, ROLES, Role, default_type
from .workers import WorkersConfig

DeviceType = Literal["monitored-queue", "queue", "forwarder", "streamer"]
SocketType = Literal["ROUTER", "DEALER", "REP", "REQ", "PULL", "PUSH", "SUB", "PUB", "XSUB", "XPUB", "PAIR"]
Isolation = Literal["thread", "process"]
EngineSetting = Literal["auto", "wire", "libzmq"]
Policy = Literal["block", "drop"]
Restart = Literal["on-failure", "never"]
ReadyWhen = Literal["bound", "connected"]
LogFormat = Literal["text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]
OptionValue = Annotated[int | str | bool | list[int | str], Meta(title="a number, text, true, false, or an array of them")]
Options = dict[str, OptionValue]
Seconds = Annotated[float, Meta(ge=0, le=86400, title="0 to 86400 seconds")]
Connections = Annotated[int, Meta(ge=1, le=10_000_000, title="1 to 10000000 connections")]
Prefixes = Annotated[list[str], Meta(title='an array of prefixes of topics, like ["orders."]')]
IdleTime = Annotated[float, Meta(gt=0, le=86400, title="a number of seconds above 0, up to 86400")]
ExportInterval = Annotated[float, Meta(ge=0.1, le=86400, title="0.1 to 86400 seconds")]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$(?!\n)",
        title='1 to 64 letters, digits, "-", "_" or ".", starting with a letter or digit',
    ),
]
Endpoint = Annotated[str, Meta(title="an endpoint like tcp://127.0.0.1:5559")]
Endpoints = Annotated[
    Endpoint | list[Endpoint], Meta(title='an endpoint like "tcp://127.0.0.1:5559", or an array of endpoints')
]

SOCKETS = ("in_", "out", "mon", "ctrl")  # the fields of a device
SomeTable = TypeVar("SomeTable", bound="Table")
DRAIN_TIMEOUT = 30.0
ANY_CLIENT = "any"


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file."""


class CurveConfig(Table, frozen=True, kw_only=True):
    """CURVE: peers authenticate by keys, and messages are encrypted. `zdev key new` makes keys."""

    secret_key: Annotated[str, Meta(description="File with this socket's keys, *.key_secret, of mode 0600.")]
    clients: Annotated[
        str | None,
        Meta(description='If the socket binds: directory with the *.key file of each client that may connect, or "any".'),
    ] = None
    server_key: Annotated[
        str | None, Meta(description="If the socket connects: file with the public key of the server, *.key.")
    ] = None


class PlainConfig(Table, frozen=True, kw_only=True):
    """PLAIN: peers send a name and a password. Nothing is encrypted."""

    passwords: Annotated[
        str | None, Meta(description="If the socket binds: file with one line NAME:PASSWORD per client, of mode 0600.")
    ] = None
    password: Annotated[
        str | None, Meta(description="If the socket connects: file with one line NAME:PASSWORD, of mode 0600.")
    ] = None


class RightsConfig(Table, frozen=True, kw_only=True):
    """Topics that a user may publish and subscribe to, by their prefixes. An empty prefix: all topics."""

    publish: Annotated[
        Prefixes, Meta(description="Topics of messages that the device takes from the user. Default: none.")
    ] = []
    subscribe: Annotated[Prefixes, Meta(description="Topics that the user may subscribe to. Default: none.")] = []


class SocketConfig(Table, frozen=True, kw_only=True):
    """One socket of a device."""

    type: Annotated[SocketType | None, Meta(description="Socket type of libzmq. Default: by the type of the device.")] = None
    bind: Annotated[Endpoints, Meta(description="Endpoints to bind, like tcp://127.0.0.1:5559 or ipc:///run/name.")] = []
    connect: Annotated[Endpoints, Meta(description="Endpoints to connect to.")] = []
    options: Annotated[
        Options,
        Meta(description="Socket options by their names in zmq_setsockopt(3), without ZMQ_. An array sets one repeatedly."),
    ] = {}
    prefix: Annotated[
        str | bool,
        Meta(
            description="For in and out: first frame of mon's copies of what this socket received; false: none. Default: in or "
            "out."
        ),
    ] = True
    max_connections: Annotated[
        Connections | None,
        Meta(description="Connections that the socket accepts at the same time. With the wire engine. Default: no limit."),
    ] = None
    max_connections_per_address: Annotated[
        Connections | None,
        Meta(description="Those of one IP address, or over ipc of one process. With the wire engine. Default: no limit."),
    ] = None
    max_connections_per_key: Annotated[
        Connections | None,
        Meta(
            description="Those of one key or name, past their handshake, of a socket that binds with curve or plain. With the wire "
            "engine. Default: no limit."
        ),
    ] = None
    idle_timeout: Annotated[
        IdleTime | None,
        Meta(
            description="Seconds without a message after which a connection is ended. With the wire engine. Default: no limit."
        ),
    ] = None
    curve: Annotated[CurveConfig | None, Meta(description="Authentication by keys; see docs/security.md.")] = None
    plain: Annotated[PlainConfig | None, Meta(description="Authentication by passwords; see docs/security.md.")] = None
    rights: Annotated[
        dict[str, RightsConfig] | None,
        Meta(
            description='Topics of each user of a PUB, XPUB, SUB or XSUB that binds with curve or plain; "*": all others. With the wire '
            "engine. Default: everything. See docs/security.md."
        ),
    ] = None

    @property
    def binds(self) -> list[str]:
        return [self.bind] if isinstance(self.bind, str) else self.bind

    @property
    def connects(self) -> list[str]:
        return [self.connect] if isinstance(self.connect, str) else self.connect


class DeviceSettings(Table, frozen=True, kw_only=True):
    """Settings of one device, or of all in [defaults]."""

    isolation: Annotated[
        Isolation | None,
        Meta(description="Run the device in a thread of zdev or in a separate process. Default: thread."),
    ] = None
    engine: Annotated[
        EngineSetting | None,
        Meta(
            description="Engine: wire (Linux, tcp and ipc) or libzmq; auto: wire if it supports all that the device asks for. "
            "Default: auto."
        ),
    ] = None
    on_full: Annotated[
        Policy | None,
        Meta(description="Drop or hold a message whose only receiver, a peer of a ROUTER, is full. Default: drop."),
    ] = None
    mon_on_full: Annotated[
        Policy | None, Meta(description="Drop copies or block when a mon of type PUSH, PAIR or DEALER is full. Default: block.")
    ] = None
    drain_timeout: Annotated[Seconds | None, Meta(description="Time limit of a drain, in seconds. Default: 30.")] = None
    restart: Annotated[
        Restart | None,
        Meta(
            description="Whether to restart a device that failed, after a delay that grows from 0.1 to 5 s. Default: on-failure."
        ),
    ] = None
    ready_when: Annotated[
        ReadyWhen | None,
        Meta(
            description="When the device counts as ready: when its sockets are bound, or while every endpoint that it connects to is "
            "connected, too. Default: bound."
        ),
    ] = None
    insecure: Annotated[
        bool | None,
        Meta(description="Whether other hosts may reach a socket without curve or plain. Default: false."),
    ] = None


class Defaults(DeviceSettings, frozen=True, kw_only=True):
    """Settings of all devices that do not override them."""

    options: Annotated[Options, Meta(description="Options of every in, out and mon socket of every device.")] = {}


class DeviceConfig(DeviceSettings, frozen=True, kw_only=True):
    """One device: a relay between two sockets."""

    name: Annotated[Name, Meta(description="Name in logs, metrics and commands.")]
    type: Annotated[DeviceType, Meta(description="Decides the default types of the sockets.")]
    in_: Annotated[SocketConfig, Meta(description="Socket that receives requests, publications or tasks.")] = field(name="in")
    out: Annotated[SocketConfig, Meta(description="Socket that sends them on.")]
    mon: Annotated[
        SocketConfig | None,
        Meta(description="Monitor: sends a copy of every message. Default type: PUB. Required for a monitored-queue."),
    ] = None
    dropped_prefix: Annotated[
        str | None,
        Meta(
            description="First frame of mon's copies of messages that could not be delivered: their receiver has left or is full. "
            "Default: no such copies."
        ),
    ] = None
    workers: Annotated[
        WorkersConfig | None,
        Meta(description="Makes it a queue that knows its workers; see docs/workers.md. With the wire engine."),
    ] = None
    ctrl: Annotated[SocketConfig | None, Meta(description="Receives commands such as PAUSE. Default type: REP.")] = None

    @property
    def sockets(self) -> dict[Role, SocketConfig]:
        """The configured sockets, by role."""
        by_role = {"in": self.in_, "out": self.out, "mon": self.mon, "ctrl": self.ctrl}
        return {role: socket for role in ROLES if (socket := by_role[role])}

    def socket_type(self, role: Role) -> str:
        return self.sockets[role].type or default_type(self.type, role)


class ControlConfig(Table, frozen=True, kw_only=True):
    """The control socket, used by `zdev status`, `zdev top`, `zdev stop` and similar commands."""

    endpoint: Annotated[
        str | None,
        Meta(description="unix://PATH. Default: in a directory of this user, as printed by zdev run."),
    ] = None


class TlsConfig(Table, frozen=True, kw_only=True):
    """TLS of a server."""

    cert_file: Annotated[str, Meta(description="PEM file with the certificate, followed by those of its issuers.")]
    key_file: Annotated[str, Meta(description="PEM file with the key, not encrypted, of mode 0600.")]


class HttpConfig(Table, frozen=True, kw_only=True):
    """The HTTP server for metrics, health and the status page. Without this table it is not started."""

    listen: Annotated[
        str,
        Meta(description="HOST:PORT; port 0: any free port. Default: 127.0.0.1:9595.", title="HOST:PORT, like 127.0.0.1:9595"),
    ] = "127.0.0.1:9595"
    tls: Annotated[TlsConfig | None, Meta(description="Certificate, for https. Default: http without TLS.")] = None
    password_file: Annotated[
        str | None,
        Meta(description="File with one line NAME:PASSWORD per client, of mode 0600: basic authentication. Default: none."),
    ] = None
    token_file: Annotated[str | None, Meta(description="File with one bearer token per line, of mode 0600. Default: none.")] = (
        None
    )
    insecure: Annotated[
        bool, Meta(description="Whether other hosts may reach it without authentication, or without TLS. Default: false.")
    ] = False

    @property
    def has_credentials(self) -> bool:
        return self.password_file is not None or self.token_file is not None


class LogConfig(Table, frozen=True, kw_only=True):
    """The log on stderr."""

    format: Annotated[LogFormat, Meta(description="text: lines for people; json: one object per line. Default: text.")] = "text"
    level: Annotated[LogLevel, Meta(description="Severity from which records are written. Default: info.")] = "info"


Include = Annotated[
    list[str],
    Meta(
        description="Further files with [[device]] tables: paths, relative to this file, or patterns like conf.d/*.toml.",
        title='an array of paths or patterns, like ["conf.d/*.toml"]',
    ),
]
Devices = Annotated[list[DeviceConfig], Meta(description="The devices, one [[device]] table each.")]


class IncludedFile(Table, frozen=True, kw_only=True):
    """A file that another one includes."""

    include: Include = []
    device: Devices = []

    def relative_to(self, directory: Path) -> IncludedFile:
        """Return a copy in which paths of keys and passwords are relative to `directory`, the one of the file."""
        from msgspec.structs import replace

        return replace(self, device=[_relative(each, directory) for each in self.device])


class OtlpConfig(Table, frozen=True, kw_only=True):
    """Export of the metrics by OTLP over HTTP, to a collector of OpenTelemetry. Needs zdev-cli[otlp]."""

    endpoint: Annotated[
        str,
        Meta(
            description="URL of the receiver, to which /v1/metrics is added. Default: http://127.0.0.1:4318.",
            title="a URL like http://127.0.0.1:4318",
        ),
    ] = "http://127.0.0.1:4318"
    interval: Annotated[ExportInterval, Meta(description="Seconds from one export to the next. Default: 10.")] = 10.0


class Config(Table, frozen=True, kw_only=True):
    """The configuration of zdev: its devices, and how to monitor and control them."""

    defaults: Annotated[Defaults, Meta(description="Settings of all devices that do not override them.")] = Defaults()
    control: Annotated[ControlConfig, Meta(description="Control socket of zdev status and similar commands.")] = ControlConfig()
    http: Annotated[HttpConfig | None, Meta(description="Metrics, health and the status page. Default: no HTTP server.")] = None
    log: Annotated[LogConfig, Meta(description="The log on stderr.")] = LogConfig()
    otlp: Annotated[OtlpConfig | None, Meta(description="Export of the metrics by OTLP. Default: none.")] = None
    include: Include = []
    device: Devices = []

    def devices(self) -> dict[str, DeviceConfig]:
        """Return the devices by name, with [defaults] filled in: two that are equal behave the same."""
        return {each.name: _with_defaults(each, self.defaults) for each in self.device}

    def relative_to(self, directory: Path) -> Config:
        """Return a copy in which paths of keys and passwords are relative to `directory`, the one of the file."""
        from msgspec.structs import replace

        http = self.http
        if http:
            http = _moved(http, directory, "password_file", "token_file")
            http = replace(http, tls=http.tls and _moved(http.tls, directory))
        return replace(self, device=[_relative(each, directory) for each in self.device], http=http)


assert set(DEVICE_TYPES) == set(DeviceType.__args__)  # type: ignore[attr-defined]


def _moved(table: SomeTable, directory: Path, *names: str) -> SomeTable:
    """Return a copy in which the paths of these names are relative to `directory`; without names, all are paths."""
    from msgspec.structs import replace

    paths = {name: getattr(table, name) for name in names or table.__struct_fields__}
    return replace(table, **{name: str(directory / path) for name, path in paths.items() if path not in (None, ANY_CLIENT)})


def _relative(device: DeviceConfig, directory: Path) -> DeviceConfig:
    from msgspec.structs import replace

    sockets = {}
    for name in SOCKETS:
        if socket := getattr(device, name):
            tables = {key: _moved(table, directory) for key in ("curve", "plain") if (table := getattr(socket, key))}
            sockets[name] = replace(socket, **tables)
    return replace(device, **sockets)


def _with_defaults(device: DeviceConfig, defaults: Defaults) -> DeviceConfig:
    from msgspec.structs import replace

    own = {name: getattr(device, name) for name in DeviceSettings.__struct_fields__}
    shared = {name: getattr(defaults, name) for name in own}
    ours = {
        "insecure": False,
        "isolation": "thread",
        "engine": "auto",
        "mon_on_full": "block",
        "drain_timeout": DRAIN_TIMEOUT,
        "restart": "on-failure",
        "ready_when": "bound",
    }
    settings = {name: next((value for value in (own[name], shared[name]) if value is not None), ours.get(name)) for name in own}
    sockets = {
        field_name: replace(socket, options={**defaults.options, **socket.options})
        for field_name in ("in_", "out", "mon")
        if (socket := getattr(device, field_name))
    }
    return replace(device, **settings, **sockets)
