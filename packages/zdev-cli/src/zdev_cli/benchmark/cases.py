"""The cases that are measured, and their results."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from .._words import Role
from ..config.model import DeviceType, SocketType

Pattern = Literal["stream", "round-trips", "clients", "fan-out"]

Monitor = Literal["none", "no-subscriber", "fast"]
Endpoints = dict[Role, str]

SOCKET_TYPES: dict[Pattern, tuple[SocketType, SocketType]] = {
    "stream": ("PULL", "PUSH"),
    "round-trips": ("ROUTER", "DEALER"),
    "clients": ("ROUTER", "DEALER"),
    "fan-out": ("XSUB", "XPUB"),
}
"""Of the device's in and out."""

PEER_TYPES: dict[Pattern, tuple[SocketType, SocketType]] = {
    "stream": ("PUSH", "PULL"),
    "round-trips": ("DEALER", "DEALER"),
    "clients": ("ROUTER", "ROUTER"),
    "fan-out": ("PUB", "SUB"),
}
"""Of the load's, which connect to them."""

BUSY_WINDOW = 256  # outstanding requests that keep a device busy


class BenchOptions(Struct, frozen=True, kw_only=True):
    """The options of the command line."""

    type: DeviceType
    size: int
    """Bytes per frame."""
    frames: int
    clients: int
    window: int | None
    """Outstanding requests per client; None: as many as keep the device busy, and then one."""
    seconds: float
    monitor: Monitor


class Case(Struct, frozen=True, kw_only=True):
    """One row of the table."""

    name: str
    pattern: Pattern
    window: int = 1
    clients: int = 1
    direct: bool = False
    """Without a device."""


class Bucket(Struct, frozen=True, kw_only=True):
    """Round trips of about one latency."""

    from_us: float
    below_us: float
    trips: int


class Figures(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The results of a case. Latencies are those of round trips, in microseconds."""

    case: Case
    per_second: float
    """Messages that arrived at their end, or round trips."""
    bytes_per_second: float
    """Of these messages' frames; of round trips, one way."""
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None
    max_us: float | None = None
    histogram: list[Bucket] = []
    watched: int | None = None
    """Copies that the subscriber of mon received."""


def cases_of(options: BenchOptions, *, own: bool) -> list[Case]:
    """The rows for a device of this type. own: made for this, so that messages may pass it one way and stay unanswered."""
    if options.type == "forwarder":
        count = f"{options.clients} subscriber{'s' * (options.clients > 1)}"
        return [Case(name=f"publish to {count}", pattern="fan-out", clients=options.clients)]
    one_way = Case(name="one way", pattern="stream")
    if options.type == "streamer":
        return [*_limit(own), one_way]
    return [*_limit(own), *[one_way] * own, *_round_trips(options)]


def _limit(own: bool) -> list[Case]:
    return [Case(name="one way, no device", pattern="stream", direct=True)] * own


def _round_trips(options: BenchOptions) -> list[Case]:
    cases = []
    for window in [options.window] if options.window else [BUSY_WINDOW, 1] if options.clients == 1 else [1]:
        each = (
            f"{options.clients} clients, {window} each"
            if options.clients > 1
            else f"{window} outstanding"
            if window > 1
            else "one at a time"
        )
        pattern: Pattern = "clients" if options.clients > 1 else "round-trips"
        cases.append(Case(name=f"round trips, {each}", pattern=pattern, window=window, clients=options.clients))
    return cases
