"""What a configuration file can say, as values. Field names are the file's keys; `read` makes one of a file."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from .._words import DEVICE_TYPES, ROLES, Role, default_type

DeviceType = Literal["monitored-queue", "queue", "forwarder", "streamer"]
SocketType = Literal["ROUTER", "DEALER", "REP", "REQ", "PULL", "PUSH", "SUB", "PUB", "XSUB", "XPUB", "PAIR"]
Isolation = Literal["thread", "process"]
Policy = Literal["block", "drop"]
Restart = Literal["on-failure", "never"]
OptionValue = int | str | bool | list[int | str]
Options = dict[str, OptionValue]
Seconds = Annotated[float, Meta(ge=0)]
Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", description="letters, digits, - _ and .")]

DRAIN_TIMEOUT = 30.0


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of the file."""


class SocketConfig(Table, frozen=True, kw_only=True):
    """One socket of a device."""

    type: SocketType | None = None
    """Of libzmq; each device type has defaults."""
    bind: str | list[str] = []
    """Endpoints, like tcp://127.0.0.1:5559 or ipc:///run/name."""
    connect: str | list[str] = []
    """Endpoints of others."""
    options: Options = {}
    """Socket options by their names in zmq_setsockopt(3), without ZMQ_."""
    prefix: str | bool = True
    """Of in and out: first frame of the monitor's copies of what this socket received; the role's name unless told; false: none."""

    @property
    def binds(self) -> list[str]:
        return [self.bind] if isinstance(self.bind, str) else self.bind

    @property
    def connects(self) -> list[str]:
        return [self.connect] if isinstance(self.connect, str) else self.connect


class DeviceSettings(Table, frozen=True, kw_only=True):
    """What a device can be told, and all of them in [defaults]."""

    isolation: Isolation | None = None
    """Where it runs: in a thread of zdev's own process (the default) or in a process of its own."""
    on_full: Policy | None = None
    """What to do with a message whose one receiver, the peer of a ROUTER, is full; drop unless told."""
    mon_on_full: Policy | None = None
    """What to do when a mon of type PUSH, PAIR or DEALER is full; block unless told."""
    drain_timeout: Seconds | None = None
    """Seconds that a drain may take; 30 unless told."""
    restart: Restart | None = None
    """Whether a device that fails is started again, after a delay that grows from 0.1 to 5 s; on-failure unless told."""


class Defaults(DeviceSettings, frozen=True, kw_only=True):
    """For devices that don't say otherwise."""

    options: Options = {}
    """Options of every in, out and mon socket of every device."""


class DeviceConfig(DeviceSettings, frozen=True, kw_only=True):
    """One device."""

    name: Name
    type: DeviceType
    in_: SocketConfig = field(name="in")
    out: SocketConfig
    mon: SocketConfig | None = None
    ctrl: SocketConfig | None = None

    @property
    def sockets(self) -> dict[Role, SocketConfig]:
        """The sockets that there are, by role."""
        by_role = {"in": self.in_, "out": self.out, "mon": self.mon, "ctrl": self.ctrl}
        return {role: socket for role in ROLES if (socket := by_role[role])}

    def socket_type(self, role: Role) -> str:
        return self.sockets[role].type or default_type(self.type, role)


class ControlConfig(Table, frozen=True, kw_only=True):
    """Where `zdev status` and its like reach this zdev."""

    endpoint: str | None = None
    """ipc://PATH; unless told in a directory of the user's own, which `zdev run` tells at its start."""


class HttpConfig(Table, frozen=True, kw_only=True):
    """Metrics, health and the page."""

    listen: str = "127.0.0.1:9595"
    """HOST:PORT."""


class Config(Table, frozen=True, kw_only=True):
    """A whole file."""

    defaults: Defaults = Defaults()
    control: ControlConfig = ControlConfig()
    http: HttpConfig | None = None
    device: list[DeviceConfig] = []

    def devices(self) -> dict[str, DeviceConfig]:
        """The devices by name, with what [defaults] says filled in: two that are equal behave the same."""
        return {each.name: _with_defaults(each, self.defaults) for each in self.device}


assert set(DEVICE_TYPES) == set(DeviceType.__args__)  # type: ignore[attr-defined]


def _with_defaults(device: DeviceConfig, defaults: Defaults) -> DeviceConfig:
    from msgspec.structs import replace

    told = {name: getattr(device, name) for name in DeviceSettings.__struct_fields__}
    given = {name: getattr(defaults, name) for name in told}
    ours = {"isolation": "thread", "mon_on_full": "block", "drain_timeout": DRAIN_TIMEOUT, "restart": "on-failure"}
    settings = {
        name: next((value for value in (told[name], given[name]) if value is not None), ours.get(name)) for name in told
    }
    sockets = {
        field_name: replace(socket, options={**defaults.options, **socket.options})
        for field_name in ("in_", "out", "mon")
        if (socket := getattr(device, field_name))
    }
    return replace(device, **settings, **sockets)
