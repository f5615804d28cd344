"""A table of peers, which leaves out columns that do not fit the terminal or show nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import click

from .._units import bytes_text, duration_text, number_text
from .connections import ConnectView
from .peers import PeerView

NONE = "-"
_WORDS = ("DEVICE", "ROLE", "STATE", "ADDRESS", "USER", "ROUTING ID", "TYPE", "PROTOCOL")
STYLES = {
    "handshake": "yellow",
    "up": "green",
    "blocked": "bold yellow",
    "held": "bold yellow",
    "connecting": "yellow",
    "retrying": "bold red",
    "disconnected": "bold red",
}


class PeerColumn(NamedTuple):
    """One column.

    Attributes:
        title: Its heading.
        value: What to sort by; where all are "" or 0, a terminal does not show the column.
        text: How a value that is not "" or 0 is shown.
        is_kept: Whether a terminal shows it even if nothing is in it.
    """

    title: str
    value: Callable[[PeerView], str | float]
    text: Callable[[PeerView], str] | None = None
    is_kept: bool = False

    @property
    def is_word(self) -> bool:
        """Words are aligned left and sort upwards, numbers are aligned right and sort downwards."""
        return self.title in _WORDS

    @property
    def key(self) -> str:
        """Its name for --sort."""
        return self.title.lower().replace(" ", "-")

    def shown(self, peer: PeerView) -> str:
        value = self.value(peer)
        if value in ("", -1) or (value == 0 and self.title == "ID"):
            return NONE
        return self.text(peer) if self.text else str(value)


def _number(title: str, value: Callable[[PeerView], int], *, is_kept: bool = False) -> PeerColumn:
    def text(peer: PeerView) -> str:
        count = value(peer)
        return f"{count:,}" if count < 1e6 else number_text(count)

    return PeerColumn(title, value, text, is_kept)


def _bytes(title: str, value: Callable[[PeerView], int]) -> PeerColumn:
    return PeerColumn(title, value, lambda peer: bytes_text(value(peer)))


def _short(address: str) -> str:
    return address.removeprefix("tcp://")


COLUMNS = (
    PeerColumn("DEVICE", lambda peer: peer.device),
    PeerColumn("ID", lambda peer: peer.number, is_kept=True),
    PeerColumn("ROLE", lambda peer: peer.role),
    PeerColumn("STATE", lambda peer: peer.state),
    PeerColumn("ADDRESS", lambda peer: _short(peer.address)),
    PeerColumn("USER", lambda peer: peer.user),
    PeerColumn("ROUTING ID", lambda peer: peer.routing_id),
    PeerColumn("TYPE", lambda peer: peer.socket_type),
    PeerColumn("PROTOCOL", lambda peer: peer.protocol.removeprefix("ZMTP ")),
    _number("RECEIVED", lambda peer: peer.messages_received, is_kept=True),
    _bytes("RECEIVED B", lambda peer: peer.bytes_received),
    _number("SENT", lambda peer: peer.messages_sent, is_kept=True),
    _bytes("SENT B", lambda peer: peer.bytes_sent),
    _number("WAITING", lambda peer: peer.waiting),
    _number("FLIGHT", lambda peer: peer.in_flight),
    _number("DROPPED", lambda peer: peer.dropped),
    _number("SUBS", lambda peer: peer.subscriptions),
    PeerColumn("AGE", lambda peer: -1 if peer.age is None else peer.age, lambda peer: duration_text(peer.age or 0), True),
)
SORT_KEYS = tuple(column.key for column in COLUMNS)
_DISPENSABLE = ("PROTOCOL", "RECEIVED B", "SENT B", "TYPE", "SUBS", "FLIGHT", "ROLE", "AGE", "ROUTING ID")
"""Columns that a narrow terminal leaves out, in this order."""
_SHORTENED = ("DEVICE", "ADDRESS", "USER", "ROUTING ID")
"""Columns whose cells it shortens if that is not enough."""
GAP = 2  # characters between columns


def sorted_by(key: str | None, peers: Sequence[PeerView]) -> list[PeerView]:
    """Return the peers in the order of a column: words upwards, numbers downwards. Default: as they connected."""
    if key is None:
        return list(peers)
    column = next(each for each in COLUMNS if each.key == key)
    return sorted(peers, key=column.value, reverse=not column.is_word and key != "id")


def show_peers(peers: Sequence[PeerView], *, one_device: bool) -> None:
    """Print the peers. Without a terminal, all columns are printed, and every heading and cell is one word."""
    columns = [column for column in COLUMNS if not (column.title == "DEVICE" and one_device)]
    if sys.stdout.isatty():
        _print_table(columns, peers)
    else:
        _print_columns(columns, peers)
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


def _print_columns(columns: Sequence[PeerColumn], peers: Sequence[PeerView]) -> None:
    rows = [[column.title.replace(" ", "_") for column in columns]]
    rows += [[column.shown(each).replace(" ", "") for column in columns] for each in peers]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def fitting(columns: Sequence[PeerColumn], peers: Sequence[PeerView], width: int) -> list[PeerColumn]:
    """Return the columns that have something to show, and fit the width together if those that matter least are left out."""
    shown = [each for each in columns if each.is_kept or any(each.value(peer) not in ("", 0) for peer in peers)]

    for title in _DISPENSABLE:
        if sum(width_of(each, peers) + GAP for each in shown) > width:
            shown = [each for each in shown if each.title != title]
    return shown


def width_of(column: PeerColumn, peers: Sequence[PeerView]) -> int:
    """Return the width of the widest cell of a column, or of its heading."""
    return max(len(column.title), *(len(column.shown(peer)) for peer in peers)) if peers else len(column.title)


def _print_table(columns: Sequence[PeerColumn], peers: Sequence[PeerView]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=box.SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0))
    shown = fitting(columns, peers, console.width)
    for each in shown:
        least = None if each.title in _SHORTENED else width_of(each, peers)
        table.add_column(each.title, justify="left" if each.is_word else "right", no_wrap=True, min_width=least)
    for peer in peers:
        table.add_row(*(Text(each.shown(peer), style=STYLES[peer.state] if each.title == "STATE" else "") for each in shown))
    console.print(table)
