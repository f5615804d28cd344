"""The devices as they are at one moment, which `zdev status`, `zdev top`, the metrics and the page show.

A snapshot is a value and travels as JSON: its field names are those of `zdev status --json` and of /status. `DirectionView`,
`Dropped` and `ConnectionsView` are the one list of counters: statistics, metrics, columns and page follow from their fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import field
from msgspec.structs import fields

from .._words import Role
from .connections import ConnectionsView, ConnectView, PeerCounts
from .requests import RequestsView
from .view import Metric, View, metrics_of

DeviceState = Literal["starting", "active", "paused", "draining", "waiting", "stopped", "failed"]
DEVICE_STATES: tuple[DeviceState, ...] = DeviceState.__args__  # type: ignore[attr-defined]


class SocketView(View, frozen=True, kw_only=True):
    """A socket of a device."""

    role: Role
    type: str
    binds: list[str]
    """Ports resolved while the device runs; otherwise as configured."""
    connects: list[str]
    security: str = ""
    """Security mechanism, CURVE or PLAIN; empty: none."""
    has_rights: bool = False
    """Whether what its users may publish and subscribe to is limited."""
    immediate: bool | None = None
    """Whether an out that connects sends to connected receivers only; null: it does not connect, or does not distribute."""
    connections: ConnectionsView | None = None
    """null with the libzmq engine, which does not know its connections, and before the first run."""
    peers: PeerCounts | None = None
    """null as `connections`."""
    connect_states: list[ConnectView] = field(default_factory=list)
    """How each of `connects` is, while the device runs with the wire engine; else empty."""

    @property
    def protection(self) -> str:
        """Like `CURVE with rights`; empty: none."""
        return f"{self.security} with rights" if self.has_rights else self.security

    @property
    def disconnected(self) -> str:
        """Like `out: 1 of 2 connected; tcp://10.0.0.6:5560 connection refused, retrying in 1.2 s`; "" if all are connected."""
        down = [each for each in self.connect_states if not each.connected]
        up = len(self.connect_states) - len(down)
        parts = [f"{self.role}: {up} of {len(self.connect_states)} connected", *map(str, down)]
        return "; ".join(parts) if down else ""


class Dropped(View, frozen=True, kw_only=True):
    """Messages that could not be forwarded, by reason; see docs/relay-contract.md."""

    malformed: int = 0
    unroutable: int = 0
    overflowed: int = 0

    @property
    def total(self) -> int:
        return sum(self.by_reason.values())

    @property
    def by_reason(self) -> dict[str, int]:
        return {reason: getattr(self, reason) for reason in REASONS}

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(**{reason: count + getattr(other, reason) for reason, count in self.by_reason.items()})


REASONS = tuple(each.name for each in fields(Dropped))


class DirectionView(View, frozen=True, kw_only=True):
    """Messages that one socket received and the other sent on, over all runs since zdev started: the counters never decrease."""

    messages_received: Annotated[int, Metric("zdev_messages_received_total", "Messages received.")] = 0
    messages_sent: Annotated[int, Metric("zdev_messages_sent_total", "Messages sent on.")] = 0
    bytes_received: Annotated[int, Metric("zdev_received_bytes_total", "Bytes of messages received.")] = 0
    bytes_sent: Annotated[int, Metric("zdev_sent_bytes_total", "Bytes of messages sent on.")] = 0
    dropped: Dropped = Dropped()
    monitor_sent: Annotated[int, Metric("zdev_monitor_messages_total", "Copies sent to the mon socket.")] = 0
    monitor_dropped: Annotated[
        int, Metric("zdev_monitor_messages_dropped_total", "Copies dropped because the mon socket was full.")
    ] = 0
    backpressure_seconds: Annotated[
        float,
        Metric(
            "zdev_backpressure_seconds_total", "Time for which the next message could not be sent, so that none was received."
        ),
    ] = 0.0
    """How long messages of this direction were held back: the receiving end, or the monitor, had no room or no peer."""
    messages_per_second: float = 0.0
    """Sent on, over the last second or so."""
    bytes_per_second: float = 0.0
    backpressure: float = 0.0
    """Share of the last second or so in which messages of this direction were held back: 0 to 1."""
    history: list[float] = field(default_factory=list)
    """messages_per_second of the last minute, oldest first, one per second."""


METRICS = metrics_of(DirectionView)
"""By field of DirectionView."""


class DeviceView(View, frozen=True, kw_only=True):
    """A device."""

    name: str
    type: str
    isolation: Literal["thread", "process"]
    state: DeviceState
    """starting: its sockets are being made. waiting: it failed, and will be restarted. stopped: by an operator, or by
    TERMINATE or DRAIN on its ctrl socket. failed: it failed, and is configured not to be restarted."""
    sockets: list[SocketView]
    engine: str = "auto"
    """Which engine relays: wire or libzmq. That of the last run while the device does not run; as configured before the first one."""
    engine_reason: str = ""
    """Why that engine was taken; empty before the first run."""
    in_: DirectionView = field(default=DirectionView(), name="in")
    """In to out: received on in, sent on out."""
    out: DirectionView = DirectionView()
    """Out to in: received on out, sent on in."""
    two_ways: bool = True
    """Whether messages are also forwarded from out to in."""
    in_flight: int = 0
    """Requests awaiting their reply, and messages being forwarded."""
    requests: RequestsView | None = None
    """null: it is not a queue that knows its workers."""
    lost: int = 0
    """Messages that were received but not sent on: with the wire engine also while it runs, else when the device ended."""
    uptime: float | None = None
    """Seconds since the present run began; null: the device does not run."""
    restart: Literal["on-failure", "never"] = "on-failure"
    """Whether it is restarted after a failure, as in the configuration."""
    restarts: int = 0
    """How often it was restarted after a failure."""
    ready_when: Literal["bound", "connected"] = "bound"
    """connected: not ready while an endpoint that it connects to is not connected."""
    error: str | None = None
    """The error that ended the last run, or prevented the start."""
    retry_in: float | None = None
    """Seconds until the restart, when waiting."""

    @property
    def trouble(self) -> str:
        """The error and when the device is restarted; "" when there is none."""
        if not self.error:
            return ""
        return self.error + ("" if self.retry_in is None else f"; retrying in {self.retry_in:.1f} s")

    @property
    def troubles(self) -> list[str]:
        """The trouble, and one line for each socket with a connect that is down."""
        return [text for text in (self.trouble, *(each.disconnected for each in self.sockets)) if text]

    @property
    def awaited(self) -> list[str]:
        """One line for each socket with a connect that is down, if the device is not ready because of it."""
        lines = [each.disconnected for each in self.sockets] if self.ready_when == "connected" else []
        return [line for line in lines if line]

    @property
    def dropped(self) -> Dropped:
        """The sum of both directions."""
        return self.in_.dropped + self.out.dropped

    @property
    def directions(self) -> dict[str, DirectionView]:
        """The directions, by the socket that receives; without "out" if nothing is forwarded to in."""
        return {"in": self.in_} | ({"out": self.out} if self.two_ways else {})


class ConfigurationView(View, frozen=True, kw_only=True):
    """The content of the configuration file that is in use."""

    sha256: str = ""
    """Of the file when it was read, followed by those that it includes, as `sha256sum` prints it."""
    applied: float = 0.0
    """When it was applied, at the start or by a reload, in seconds since 1970."""
    reload_failed: bool = False
    """Whether the last reload was refused, so that the content before it is still in use."""


def states_text(states: Mapping[str, DeviceState]) -> str:
    """Return a line like `2 of 3 devices active, 1 waiting (billing)`.

    Args:
        states: By name of the device.
    """
    active = sum(state == "active" for state in states.values())
    parts = [f"{active} of {len(states)} device{'s' * (len(states) != 1)} active"]
    for state in DEVICE_STATES:
        names = [name for name, its in states.items() if its == state]
        if names and state != "active":
            parts.append(f"{len(names)} {state} ({', '.join(names)})")
    return ", ".join(parts)


class Snapshot(View, frozen=True, kw_only=True):
    """A running zdev."""

    version: str
    pid: int
    time: float
    """Of the snapshot, in seconds since 1970."""
    started: float
    """When zdev started, in seconds since 1970."""
    config: str
    """The path of its configuration file."""
    configuration: ConfigurationView = ConfigurationView()
    ready: bool
    """Whether every device relays, or was paused or stopped by an operator, has the connects that its `ready_when` requires, and
    zdev is not about to end."""
    devices: list[DeviceView]

    @property
    def readiness(self) -> str:
        """Like `not ready: 2 of 3 devices active, 1 waiting (billing)`."""
        text = states_text({each.name: each.state for each in self.devices})
        if self.ready:
            return f"ready: {text}"
        running = [each for each in self.devices if each.state in ("active", "paused")]
        reasons = {"not connected": [each.name for each in running if each.awaited]}
        reasons["unresponsive"] = [each.name for each in running if each.error]
        parts = [f"{len(names)} {reason} ({', '.join(names)})" for reason, names in reasons.items() if names]
        return ", ".join([f"not ready: {text}", *parts])

    def device(self, name: str) -> DeviceView | None:
        return next((each for each in self.devices if each.name == name), None)
