"""What an operator sees: the devices as they are at one moment. `zdev status`, `zdev top`, the metrics and the page show it.

It is a value, and travels as JSON: the field names are those of `zdev status --json` and of /status.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from .._words import Role

DeviceState = Literal["starting", "active", "paused", "draining", "waiting", "stopped", "failed"]
DEVICE_STATES: tuple[DeviceState, ...] = DeviceState.__args__  # type: ignore[attr-defined]


class View(Struct, frozen=True, kw_only=True):
    """A part of a snapshot."""


class SocketView(View, frozen=True, kw_only=True):
    """A socket of a device."""

    role: Role
    type: str
    binds: list[str]
    """Ports resolved while it runs; else as configured."""
    connects: list[str]


class Dropped(View, frozen=True, kw_only=True):
    """Messages that could not be sent on, by reason; see docs/relay-contract.md."""

    malformed: int = 0
    unroutable: int = 0
    overflowed: int = 0

    @property
    def total(self) -> int:
        return self.malformed + self.unroutable + self.overflowed


class DirectionView(View, frozen=True, kw_only=True):
    """What one socket received and the other sent on, over all runs of the device since zdev started: it never goes back."""

    messages_received: int = 0
    messages_sent: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    dropped: Dropped = Dropped()
    monitor_sent: int = 0
    monitor_dropped: int = 0
    backpressure_seconds: float = 0.0
    """In which messages of this direction were held back: where they go, or the monitor, had no room or no peer."""
    messages_per_second: float = 0.0
    """Sent on, over the last second or so."""
    bytes_per_second: float = 0.0
    backpressure: float = 0.0
    """Share of the last second or so in which messages of this direction were held back: 0 to 1."""
    history: list[float] = []
    """messages_per_second of the last minute, oldest first, one a second."""


class DeviceView(View, frozen=True, kw_only=True):
    """A device."""

    name: str
    type: str
    isolation: Literal["thread", "process"]
    state: DeviceState
    """starting: its sockets are being made. waiting: it failed, and will be started again. stopped: by an operator, or by
    TERMINATE or DRAIN on its ctrl socket. failed: it failed, and its configuration says to leave it so."""
    sockets: list[SocketView]
    in_: DirectionView = field(default=DirectionView(), name="in")
    """Received on in, sent on out."""
    out: DirectionView = DirectionView()
    """Received on out, sent on in."""
    two_ways: bool = True
    """Whether messages go from out to in at all."""
    in_flight: int = 0
    """Requests forwarded that wait for their reply, and messages in hand."""
    lost: int = 0
    """Messages received and, as the device ended, not sent."""
    uptime: float | None = None
    """Seconds since the run under way began; null: it does not run."""
    restarts: int = 0
    """How often it was started again after a failure."""
    error: str | None = None
    """What ended the last run, or kept it from starting."""
    retry_in: float | None = None
    """Seconds until it is started again, when waiting."""


class Snapshot(View, frozen=True, kw_only=True):
    """A running zdev."""

    version: str
    pid: int
    time: float
    """Of the snapshot, in seconds since 1970."""
    started: float
    """When this zdev was, in seconds since 1970."""
    config: str
    """The path of its configuration file."""
    ready: bool
    """Whether every device relays or was paused or stopped by an operator, and zdev is not about to end."""
    devices: list[DeviceView]

    def device(self, name: str) -> DeviceView | None:
        return next((each for each in self.devices if each.name == name), None)
