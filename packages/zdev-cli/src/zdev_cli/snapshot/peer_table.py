"""The table of peers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from .._units import bytes_text, duration_text
from .connections import ConnectView
from .item_table import ItemColumn, ItemTable, count_column, short
from .peers import PeerView

STYLES = {
    "handshake": "yellow",
    "up": "green",
    "blocked": "bold yellow",
    "held": "bold yellow",
    "connecting": "yellow",
    "retrying": "bold red",
    "disconnected": "bold red",
}


PeerColumn = ItemColumn[PeerView]


def _bytes(title: str, value: Callable[[PeerView], int]) -> PeerColumn:
    return PeerColumn(title, value, lambda peer: bytes_text(value(peer)))


COLUMNS: tuple[PeerColumn, ...] = (
    PeerColumn("DEVICE", lambda peer: peer.device),
    PeerColumn("ID", lambda peer: peer.number, is_kept=True),
    PeerColumn("ROLE", lambda peer: peer.role),
    PeerColumn("STATE", lambda peer: peer.state),
    PeerColumn("ADDRESS", lambda peer: short(peer.address)),
    PeerColumn("USER", lambda peer: peer.user),
    PeerColumn("ROUTING ID", lambda peer: peer.routing_id),
    PeerColumn("TYPE", lambda peer: peer.socket_type),
    PeerColumn("PROTOCOL", lambda peer: peer.protocol.removeprefix("ZMTP ")),
    count_column("RECEIVED", lambda peer: peer.messages_received, is_kept=True),
    _bytes("RECEIVED B", lambda peer: peer.bytes_received),
    count_column("SENT", lambda peer: peer.messages_sent, is_kept=True),
    _bytes("SENT B", lambda peer: peer.bytes_sent),
    count_column("WAITING", lambda peer: peer.waiting),
    count_column("FLIGHT", lambda peer: peer.in_flight),
    count_column("DROPPED", lambda peer: peer.dropped),
    count_column("SUBS", lambda peer: peer.subscriptions),
    PeerColumn("AGE", lambda peer: -1 if peer.age is None else peer.age, lambda peer: duration_text(peer.age or 0), True),
)
SORT_KEYS = tuple(column.key for column in COLUMNS)
TABLE = ItemTable(COLUMNS, ("PROTOCOL", "RECEIVED B", "SENT B", "TYPE", "SUBS", "FLIGHT", "ROLE", "AGE", "ROUTING ID"), STYLES)


def sorted_by(key: str | None, peers: Sequence[PeerView]) -> list[PeerView]:
    """Return the peers in the order of a column: words upwards, numbers downwards. Default: as they connected."""
    if key is None:
        return list(peers)
    column = next(each for each in COLUMNS if each.key == key)
    return sorted(peers, key=column.value, reverse=not column.is_word and key != "id")


def show_peers(peers: Sequence[PeerView], *, one_device: bool) -> None:
    """Print the peers, then a line for each endpoint that failed."""
    TABLE.show(peers, one_device=one_device)
    for line in failure_lines(peers):
        click.echo(line)


def failure_lines(peers: Sequence[PeerView]) -> list[str]:
    """Return one line for each endpoint without a connection that failed."""
    failed = [
        (each, ConnectView(endpoint=each.endpoint, connected=False, failure=each.failure, retry_in=each.retry_in))
        for each in peers
        if each.failure
    ]
    return [f"{peer.device}: {peer.role}: {connect}" for peer, connect in failed]
