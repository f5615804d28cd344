"""The connections of a device, as a snapshot shows them and the log reports them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from zdev_background import ConnectStatus

from .._words import Role
from ..snapshot.connections import ConnectionsView, ConnectView, PeerCounts
from .statistics import ConnectionReading


class ConnectChanges:
    """Remembers which connects have failed. For one thread."""

    def __init__(self) -> None:
        self._failed: set[tuple[Role, str, int]] = set()  # the last: which of several to one endpoint

    def lines(self, roles: Mapping[Role, Sequence[ConnectStatus]]) -> Iterator[tuple[str, int]]:
        """Yield a line and its log level for each change since the last call. An attempt that fails like the one before is not a change."""
        count: Counter[tuple[Role, str]] = Counter()
        connects = {}
        for role, each in ((role, each) for role, connects in roles.items() for each in connects):
            connects[role, each.endpoint, count[role, each.endpoint]] = each
            count[role, each.endpoint] += 1
        self._failed &= connects.keys()  # those of a run that has ended, and removed ones, are forgotten
        for place, each in connects.items():
            if each.connected and place in self._failed:
                self._failed.remove(place)
                yield f"{place[0]}: connected to {each.endpoint}", logging.INFO
            elif each.failure and place not in self._failed:
                self._failed.add(place)
                yield f"{place[0]}: {each.endpoint} {each.failure}, retrying", logging.WARNING


def connection_fields(reading: ConnectionReading) -> dict[str, Any]:
    """Return the fields of a SocketView about its connections."""
    connects = [
        ConnectView(
            endpoint=each.endpoint,
            connected=each.connected,
            failure=each.failure,
            retry_in=None if each.retry_in is None else round(each.retry_in, 1),
        )
        for each in reading.connects
    ]
    return {
        "connections": ConnectionsView(**reading.current, **reading.totals),
        "peers": _peer_counts(reading.current, connects),
        "connect_states": connects,
    }


def _peer_counts(current: Mapping[str, int], connects: Sequence[ConnectView]) -> PeerCounts:
    """Return the peers by state. A connection that was blocked or held a second ago may have ended since."""
    handshake, blocked, held = (current.get(name, 0) for name in ("shaking_hands", "blocked", "held"))
    up = max(0, current.get("connections", 0) - blocked - held)
    return PeerCounts(handshake=handshake, up=up, blocked=blocked, held=held, **_without_connection(connects))


def _without_connection(connects: Sequence[ConnectView]) -> dict[str, int]:
    return Counter(each.state for each in connects if not each.connected)
