"""Limits of a socket on the connections that it accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a socket on the connections that it accepts, for the wire engine. None: no limit.

    A connection beyond a limit is closed as soon as it is accepted, or has authenticated, and counted by reason. Those in their handshake count, and those
    that the socket makes by `connect` do not.

    Args:
        max_connections: Connections at the same time.
        max_connections_per_address: Connections of one IP address, or over ipc of one process, at the same time.
        max_connections_per_key: Connections of one key (CURVE) or user (PLAIN) at the same time, past their handshake. For a socket with
            CurveServer or PlainServer.
        idle_timeout: Seconds without a message after which a connection is ended. One with messages waiting, requests in flight or
            messages held back is not idle.

    Raises:
        TypeError: A limit is not a number.
        ValueError: A limit is not above 0.
    """

    max_connections: int | None = None
    max_connections_per_address: int | None = None
    max_connections_per_key: int | None = None
    idle_timeout: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            kinds = int | float if name == "idle_timeout" else int
            given: Any = value
            if given is not None and (not isinstance(given, kinds) or isinstance(given, bool)):
                raise TypeError(f"{name} must be a number or None, not {value!r}")
            if given is not None and not 0 < given < float("inf"):
                raise ValueError(f"{name} must be above 0, or None for no limit, not {value!r}")

    def options(self) -> dict[str, int]:
        """Return the limits as options of a WireSocket."""
        idle = None if self.idle_timeout is None else max(1, round(self.idle_timeout * 1000))
        values = vars(self) | {"idle_timeout": idle}
        return {name: value for name, value in values.items() if value is not None}
