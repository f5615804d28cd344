"""The values that launchers pass on: the plan of a run, the report of a start, and how a run ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from socket import socket
from typing import Any, Literal, NamedTuple, Self

import zmq

from zdev_core import ConnectStatus, Outcome, RoleStatistics, Statistics

from ._placement import Placement
from ._ports import Ports
from ._requests import Requests
from ._rights import UserRights
from ._security import Server
from ._spec import Role, SocketSpec
from ._workers import Workers

Endpoints = Mapping[Role, tuple[str, ...]]
Listening = Mapping[Role, tuple[socket, ...]]
Policy = Literal["block", "drop"]
EngineSetting = Literal["auto", "wire", "libzmq"]


class Engine(str):
    """The name of an engine, "wire" or "libzmq", with the reason why it was taken.

    Attributes:
        reason: Why this engine, for people; empty before the first start.
    """

    __slots__ = ("reason",)

    reason: str

    def __new__(cls, name: str, reason: str = "") -> Self:
        self = super().__new__(cls, name)
        self.reason = reason
        return self

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]
        return str(self), self.reason


class Connections(NamedTuple):
    """The connections of one role.

    Attributes:
        counters: What they have done so far.
        connects: How each endpoint that the role connects to is, in the order given.
    """

    counters: RoleStatistics
    connects: tuple[ConnectStatus, ...]

    @property
    def lost(self) -> int:
        """Messages received and not delivered, because the receiver left or the run ended, those of a drain among them."""
        return self.counters.messages_lost + self.counters.drain_discards


class Started(NamedTuple):
    """The report of a start.

    Attributes:
        endpoints: What each role has bound.
        engine: Which engine relays, and why.
        setting: The engine that the device had asked for.
    """

    endpoints: Endpoints
    engine: Engine
    setting: str


class Update(NamedTuple):
    """The report of an update.

    Attributes:
        changes: What has changed, in words.
        endpoints: What each role has bound now.
    """

    changes: list[str]
    endpoints: Endpoints


@dataclass(frozen=True)
class Plan:
    """All that a launcher must know to run a device somewhere else. It pickles if its parts do.

    in_prefix, out_prefix: of monitor messages; None: none.
    on_full: None: "drop", or "block" if the user set ROUTER_MANDATORY on a socket.
    """

    owner: str
    specs: Mapping[Role, SocketSpec]
    ports: Ports
    context_factory: Callable[[], zmq.Context[Any]]
    in_prefix: bytes | str | None
    out_prefix: bytes | str | None
    on_full: Policy | None
    mon_on_full: Policy
    placement: Placement
    file_limit: int | None = None
    paused: bool = False
    dropped_prefix: bytes | str | None = None
    engine: str = "auto"
    workers: Workers | None = None

    def with_rights(self, role: Role, rights: UserRights | None) -> Plan:
        """Return a copy in which the users of a role have these rights.

        Raises:
            ValueError: The role was started without a server's mechanism.
        """
        spec = self.specs[role]
        security: Any = spec.security
        if spec.role not in self.servers():
            raise ValueError(f"{self.owner}: cannot set rights: {spec} was started without CurveServer or PlainServer")
        changed = replace(spec, security=replace(security, rights=rights))
        return replace(self, specs={name: changed if each is spec else each for name, each in self.specs.items()})

    def sockets(self) -> list[SocketSpec]:
        """Return each socket once, also one that is both ends."""
        return [spec for role, spec in self.specs.items() if spec.role == role]

    def dead_letters(self) -> list[SocketSpec]:
        """Return the socket that gets failed requests, if there is one."""
        spec = self.workers.dead_letter_socket() if self.workers else None
        return [spec] if spec else []

    def engine_policy(self) -> Policy:
        mandatory = any(spec.has_option(zmq.ROUTER_MANDATORY, true=True) for spec in self.specs.values())
        return self.on_full or ("block" if mandatory else "drop")

    def servers(self) -> dict[str, Server]:
        """Return the mechanisms of the sockets that authenticate their peers, by ZAP domain."""
        return {spec.role: spec.security for spec in self.specs.values() if isinstance(spec.security, Server)}


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Attributes:
        outcome: None after an error.
        error: What ended the run, unless somebody asked for its end.
        statistics: The counters at the end.
        lost: Messages received and not delivered (wire), or not handed to libzmq.
        linger_expired: See `Device.linger_expired`.
        connections: See `Device.connections`.
        requests: See `Device.requests`.
    """

    outcome: Outcome | None = None
    error: BaseException | None = None
    statistics: Statistics = field(default_factory=Statistics)
    lost: int = 0
    linger_expired: bool | None = None
    connections: Mapping[Role, Connections] = field(default_factory=dict)
    requests: Requests = field(default_factory=Requests)
