"""What a configuration file can say, as values. Field names are the file's keys; `read` makes one of a file.

A description is for editors (see `zdev schema`), a title for errors: what a value of that type is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from .._words import DEVICE_TYPES, ROLES, Role, default_type

DeviceType = Literal["monitored-queue", "queue", "forwarder", "streamer"]
SocketType = Literal["ROUTER", "DEALER", "REP", "REQ", "PULL", "PUSH", "SUB", "PUB", "XSUB", "XPUB", "PAIR"]
Isolation = Literal["thread", "process"]
Policy = Literal["block", "drop"]
Restart = Literal["on-failure", "never"]
OptionValue = Annotated[int | str | bool | list[int | str], Meta(title="a number, text, true, false, or an array of them")]
Options = dict[str, OptionValue]
Seconds = Annotated[float, Meta(ge=0, le=86400, title="seconds, from 0 to 86400")]
Name = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$(?!\n)", title="1 to 64 letters, digits, - _ and ., the first no sign")
]
Endpoint = Annotated[str, Meta(title="an endpoint like tcp://127.0.0.1:5559")]
Endpoints = Annotated[
    Endpoint | list[Endpoint], Meta(title='an endpoint like "tcp://127.0.0.1:5559", or an array of endpoints')
]

DRAIN_TIMEOUT = 30.0
ANY_CLIENT = "any"


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file."""


class CurveConfig(Table, frozen=True, kw_only=True):
    """CURVE: peers prove themselves by keys, and what passes is encrypted. `zdev key new` makes keys."""

    secret_key: Annotated[str, Meta(description="File with this socket's own keys, *.key_secret, of mode 0600.")]
    clients: Annotated[
        str | None,
        Meta(description='If it binds: directory of the *.key files of the clients that may connect; "any": all may.'),
    ] = None
    server_key: Annotated[
        str | None, Meta(description="If it connects: file with the public key, *.key, of the server that it connects to.")
    ] = None


class PlainConfig(Table, frozen=True, kw_only=True):
    """PLAIN: peers tell a name and a password. Nothing is encrypted."""

    passwords: Annotated[
        str | None, Meta(description="If it binds: file with a line NAME:PASSWORD for each client, of mode 0600.")
    ] = None
    password: Annotated[str | None, Meta(description="If it connects: file with one line NAME:PASSWORD, of mode 0600.")] = None


class SocketConfig(Table, frozen=True, kw_only=True):
    """One socket of a device."""

    type: Annotated[SocketType | None, Meta(description="Of libzmq; each device type has defaults.")] = None
    bind: Annotated[Endpoints, Meta(description="Endpoints, like tcp://127.0.0.1:5559 or ipc:///run/name.")] = []
    connect: Annotated[Endpoints, Meta(description="Endpoints of others.")] = []
    options: Annotated[
        Options,
        Meta(description="Socket options by their names in zmq_setsockopt(3), without ZMQ_; an array sets one repeatedly."),
    ] = {}
    prefix: Annotated[
        str | bool,
        Meta(
            description="Of in and out: first frame of the mon's copies of what this socket received; the role's name unless "
            "told; false: none."
        ),
    ] = True
    curve: Annotated[CurveConfig | None, Meta(description="Who may connect, by keys; see docs/security.md.")] = None
    plain: Annotated[PlainConfig | None, Meta(description="Who may connect, by passwords; see docs/security.md.")] = None

    @property
    def binds(self) -> list[str]:
        return [self.bind] if isinstance(self.bind, str) else self.bind

    @property
    def connects(self) -> list[str]:
        return [self.connect] if isinstance(self.connect, str) else self.connect


class DeviceSettings(Table, frozen=True, kw_only=True):
    """What a device can be told, and all of them in [defaults]."""

    isolation: Annotated[
        Isolation | None,
        Meta(description="Where it runs: in a thread of zdev's own process (unless told) or in a process of its own."),
    ] = None
    on_full: Annotated[
        Policy | None,
        Meta(description="What to do with a message whose one receiver, the peer of a ROUTER, is full; drop unless told."),
    ] = None
    mon_on_full: Annotated[
        Policy | None, Meta(description="What to do when a mon of type PUSH, PAIR or DEALER is full; block unless told.")
    ] = None
    drain_timeout: Annotated[Seconds | None, Meta(description="Seconds that a drain may take; 30 unless told.")] = None
    restart: Annotated[
        Restart | None,
        Meta(
            description="Whether a device that fails is started again, after a delay that grows from 0.1 to 5 s; on-failure "
            "unless told."
        ),
    ] = None
    insecure: Annotated[
        bool | None,
        Meta(description="Whether other hosts may reach a socket that has neither curve nor plain; false unless told."),
    ] = None


class Defaults(DeviceSettings, frozen=True, kw_only=True):
    """For devices that don't say otherwise."""

    options: Annotated[Options, Meta(description="Options of every in, out and mon socket of every device.")] = {}


class DeviceConfig(DeviceSettings, frozen=True, kw_only=True):
    """One device: a relay between two sockets."""

    name: Annotated[Name, Meta(description="What logs, metrics and commands call it.")]
    type: Annotated[DeviceType, Meta(description="Decides the socket types, unless they are told.")]
    in_: Annotated[SocketConfig, Meta(description="Where requests, publications or tasks come from.")] = field(name="in")
    out: Annotated[SocketConfig, Meta(description="Where they go to.")]
    mon: Annotated[
        SocketConfig | None, Meta(description="Gets a copy of everything; PUB unless told. A monitored-queue needs one.")
    ] = None
    ctrl: Annotated[SocketConfig | None, Meta(description="Takes commands like PAUSE; REP unless told.")] = None

    @property
    def sockets(self) -> dict[Role, SocketConfig]:
        """The sockets that there are, by role."""
        by_role = {"in": self.in_, "out": self.out, "mon": self.mon, "ctrl": self.ctrl}
        return {role: socket for role in ROLES if (socket := by_role[role])}

    def socket_type(self, role: Role) -> str:
        return self.sockets[role].type or default_type(self.type, role)


class ControlConfig(Table, frozen=True, kw_only=True):
    """Where `zdev status` and its like reach this zdev."""

    endpoint: Annotated[
        str | None,
        Meta(description="ipc://PATH; unless told in a directory of the user's own, which zdev run tells at its start."),
    ] = None


class HttpConfig(Table, frozen=True, kw_only=True):
    """Metrics, health and the page; without this table there is none of them."""

    listen: Annotated[str, Meta(description="HOST:PORT; port 0: any free one.", title="HOST:PORT, like 127.0.0.1:9595")] = (
        "127.0.0.1:9595"
    )
    insecure: Annotated[bool, Meta(description="Whether it may listen where other hosts reach it: anybody there may look.")] = (
        False
    )


class Config(Table, frozen=True, kw_only=True):
    """The configuration of zdev: devices, and how they are watched and steered."""

    defaults: Annotated[Defaults, Meta(description="For devices that don't say otherwise.")] = Defaults()
    control: Annotated[ControlConfig, Meta(description="Where zdev status and its like reach this zdev.")] = ControlConfig()
    http: Annotated[HttpConfig | None, Meta(description="Metrics, health and the page; none without this table.")] = None
    device: Annotated[list[DeviceConfig], Meta(description="The devices, each a [[device]].")] = []

    def devices(self) -> dict[str, DeviceConfig]:
        """The devices by name, with what [defaults] says filled in: two that are equal behave the same."""
        return {each.name: _with_defaults(each, self.defaults) for each in self.device}

    def relative_to(self, directory: Path) -> Config:
        """With the paths of keys and passwords taken from `directory`, that of the file, instead of the working directory."""
        from msgspec.structs import replace

        return replace(self, device=[_relative(each, directory) for each in self.device])


assert set(DEVICE_TYPES) == set(DeviceType.__args__)  # type: ignore[attr-defined]


def _relative(device: DeviceConfig, directory: Path) -> DeviceConfig:
    from msgspec.structs import replace

    def moved(table: Table) -> Table:
        paths = {name: value for name in table.__struct_fields__ if (value := getattr(table, name)) not in (None, ANY_CLIENT)}
        return replace(table, **{name: str(directory / path) for name, path in paths.items()})

    sockets = {}
    for name in ("in_", "out", "mon", "ctrl"):
        if socket := getattr(device, name):
            tables = {key: moved(table) for key in ("curve", "plain") if (table := getattr(socket, key))}
            sockets[name] = replace(socket, **tables)
    return replace(device, **sockets)


def _with_defaults(device: DeviceConfig, defaults: Defaults) -> DeviceConfig:
    from msgspec.structs import replace

    told = {name: getattr(device, name) for name in DeviceSettings.__struct_fields__}
    given = {name: getattr(defaults, name) for name in told}
    ours = {
        "insecure": False,
        "isolation": "thread",
        "mon_on_full": "block",
        "drain_timeout": DRAIN_TIMEOUT,
        "restart": "on-failure",
    }
    settings = {
        name: next((value for value in (told[name], given[name]) if value is not None), ours.get(name)) for name in told
    }
    sockets = {
        field_name: replace(socket, options={**defaults.options, **socket.options})
        for field_name in ("in_", "out", "mon")
        if (socket := getattr(device, field_name))
    }
    return replace(device, **settings, **sockets)
