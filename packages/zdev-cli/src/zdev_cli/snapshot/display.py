"""A snapshot as text: the columns of tables, and one device in detail. Words, units and colours are the same everywhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from shutil import get_terminal_size

import click

from .._terminal import TableColumn, print_columns, print_table
from .._units import amount_text, bytes_text, duration_text, number_text
from . import DEVICE_STATES, REASONS, DeviceView, DirectionView, Snapshot, SocketView
from .connections import ConnectionsView
from .requests import RequestsView

NONE = "-"
IN_TO_OUT, OUT_TO_IN = "in to out", "out to in"
STATE_STYLES = {
    "starting": "yellow",
    "active": "green",
    "paused": "yellow",
    "draining": "yellow",
    "waiting": "bold red",
    "stopped": "dim",
    "failed": "bold red",
}
TROUBLE = "bold red"
WIDE = 140  # characters of a terminal with room for all columns

_WORDS = ("DEVICE", "TYPE", "STATE", "ENGINE")
_DISPENSABLE = (
    *("ENGINE", "OUT>IN B/S", "IN>OUT B/S", "TYPE", "OUT>IN", "IN>OUT", "UPTIME", "IN FLIGHT", "RESTARTS"),
    *("OUT>IN/S", "IN>OUT/S", "HELD", "OVERFLOWED", "UNROUTABLE", "MALFORMED", "DROPPED", "LOST"),
)
"""Columns that a narrow terminal leaves out, in this order."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: Its heading in text.
        short: Its heading in `zdev top`.
        width: Characters that its cells take in `zdev top` at least.
        value: What to sort by.
        trouble: Whether anything but 0 deserves attention; the column is left out of a table where all are 0.
        wide: Whether it is shown only on a wide terminal; narrow: only on another.
        live: Whether `zdev top` shows it; still: whether text does.
    """

    title: str
    short: str
    width: int
    value: Callable[[DeviceView], float | str]
    text: Callable[[DeviceView], str]
    trouble: bool = False
    wide: bool = False
    narrow: bool = False
    live: bool = True
    still: bool = True

    @property
    def is_word(self) -> bool:
        """Words are aligned left and sort upwards, numbers are aligned right and sort downwards."""
        return self.title in _WORDS

    def style(self, device: DeviceView) -> str:
        if self.title == "STATE":
            return STATE_STYLES[device.state]
        value = self.value(device)
        if self.trouble and value:
            return "bold yellow"
        return "dim" if not self.is_word and value in (0, -1) else ""


def _count(title: str, width: int, value: Callable[[DeviceView], int], **options: bool) -> Column:
    return Column(title, title, width, value, lambda device: f"{value(device):,}", trouble=True, **options)


def _reason(reason: str) -> Column:
    width = max(len(reason), 7)
    return _count(reason.upper(), width, lambda device: device.dropped.by_reason[reason], wide=True)


def _back(value: float, device: DeviceView) -> float:
    """Return a number of the direction out to in; -1 for a device with one direction."""
    return value if device.two_ways else -1


def _rate(
    title: str, short: str, width: int, value: Callable[[DeviceView], float], text: Callable[[float], str], **options: bool
) -> Column:
    def shown(device: DeviceView) -> str:
        return NONE if value(device) < 0 else text(value(device))

    return Column(title, short, width, value, shown, **options)


def _held(device: DeviceView) -> float:
    return max(device.in_.backpressure, device.out.backpressure)


COLUMNS = (
    Column("DEVICE", "DEVICE", 0, lambda device: device.name, lambda device: device.name),
    Column("TYPE", "TYPE", 15, lambda device: device.type, lambda device: device.type, wide=True),
    Column("STATE", "STATE", 8, lambda device: DEVICE_STATES.index(device.state), lambda device: device.state),
    _rate("IN>OUT/S", "IN/S", 6, lambda device: device.in_.messages_per_second, number_text),
    _rate("OUT>IN/S", "OUT/S", 6, lambda device: _back(device.out.messages_per_second, device), number_text),
    _rate("IN>OUT B/S", "IN B/S", 7, lambda device: device.in_.bytes_per_second, bytes_text),
    _rate("OUT>IN B/S", "OUT B/S", 8, lambda device: _back(device.out.bytes_per_second, device), bytes_text),
    _rate("IN>OUT", "IN", 7, lambda device: device.in_.messages_sent, lambda number: f"{number:,.0f}", live=False),
    _rate(
        "OUT>IN", "OUT", 7, lambda device: _back(device.out.messages_sent, device), lambda number: f"{number:,.0f}", live=False
    ),
    _rate("IN FLIGHT", "FLIGHT", 6, lambda device: device.in_flight, lambda number: f"{number:,.0f}"),
    _count("DROPPED", 7, lambda device: device.dropped.total, narrow=True),
    *map(_reason, REASONS),
    Column("HELD", "HELD", 4, _held, lambda device: f"{_held(device):.0%}", trouble=True),
    _count("LOST", 7, lambda device: device.lost, wide=True),
    _count("RESTARTS", 8, lambda device: device.restarts, wide=True),
    _count("RST", 3, lambda device: device.restarts, narrow=True, still=False),
    _rate("UPTIME", "UPTIME", 7, lambda device: -1 if device.uptime is None else device.uptime, duration_text, wide=True),
    Column("ENGINE", "ENGINE", 6, lambda device: device.engine, lambda device: device.engine, live=False),
)
"""IN>OUT: received on in and sent on out; OUT>IN: the way back. HELD: share of the last second in which messages were held back."""


def show_all(snapshot: Snapshot) -> None:
    """Print one line per device, then one per error and per socket with a connect that is down, then whether zdev is ready.

    A table on a terminal, stable columns elsewhere.
    """
    columns = [each for each in COLUMNS if each.still]
    if sys.stdout.isatty():
        _print_table(columns, snapshot.devices)
    else:
        print_columns([_table_column(each, snapshot.devices) for each in columns])
    for device in snapshot.devices:
        for line in device.troubles:
            click.echo(f"{device.name}: {line}")
    click.echo(snapshot.readiness)


def show_one(device: DeviceView) -> None:
    """Print one line per fact."""
    facts = {"device": device.name, "type": f"{device.type}, in a {device.isolation}", "state": device.state}
    if device.uptime is not None:
        facts["uptime"] = duration_text(device.uptime)
    facts["engine"] = device.engine + (f": {device.engine_reason}" if device.engine_reason else "")
    if device.trouble:
        facts["trouble"] = device.trouble
    for socket in device.sockets:
        endpoints = [f"bind {each}" for each in socket.binds] + [f"connect {each}" for each in socket.connects]
        facts[socket.role] = f"{socket.type:<6} {', '.join(endpoints)}"
        if socket.protection:
            facts[f"{socket.role}, security"] = socket.protection
        if socket.disconnected:
            facts[f"{socket.role}, connects"] = socket.disconnected.removeprefix(f"{socket.role}: ")
        if socket.connections:
            facts[f"{socket.role}, connections"] = connections_text(socket, socket.connections)
        if socket.immediate is not None:
            facts[f"{socket.role}, sends to"] = (
                "connected receivers only" if socket.immediate else "connected and absent receivers (IMMEDIATE = 0)"
            )
    for name, way in device.directions.items():
        facts |= _direction(IN_TO_OUT if name == "in" else OUT_TO_IN, way)
    if device.requests:
        facts |= requests_facts(device.requests)
    facts |= {"in flight": f"{device.in_flight:,}", "lost": f"{device.lost:,}"}
    facts |= {"restart": device.restart, "restarts": f"{device.restarts:,}"}
    for name, text in facts.items():
        click.echo(f"{name:<19}  {text}")


def requests_facts(of: RequestsView) -> dict[str, str]:
    """Return the facts of a queue that knows its workers."""
    facts = {"requests": f"{of.waiting:,} waiting, {of.at_work:,} at work; {of.received:,} received, {of.answered:,} answered"}
    if of.failures:
        facts["requests, failed"] = of.failures
    times = {"requests, waiting": str(of.waited), "requests, latency": str(of.latency)}
    return facts | times | {"workers": f"{of.workers}; {of.served}"}


def connections_text(socket: SocketView, connections: ConnectionsView) -> str:
    """Return how many connections there are and were, then each other counter that is not 0."""
    always = {"connections", *(["accepted"] if socket.binds else []), *(["connected"] if socket.connects else [])}
    counts = [
        f"{number:,} {'now' if name == 'connections' else name.replace('_', ' ')}"
        for name in ConnectionsView.__struct_fields__
        if (number := getattr(connections, name)) or name in always
    ]
    return ", ".join(counts)


def _direction(name: str, way: DirectionView) -> dict[str, str]:
    return {
        name: f"{number_text(way.messages_per_second)} messages/s, {bytes_text(way.bytes_per_second)}/s",
        f"{name}, total": amount_text(way.messages_sent, "message", way.bytes_sent),
        f"{name}, held": f"{way.backpressure:.0%} of the last second, {way.backpressure_seconds:.1f} s in total",
        f"{name}, dropped": ", ".join(f"{count:,} {reason}" for reason, count in way.dropped.by_reason.items()),
        f"{name}, monitor": f"{way.monitor_sent:,} sent, {way.monitor_dropped:,} dropped",
    }


def _print_table(columns: Sequence[Column], devices: Sequence[DeviceView]) -> None:
    reasons = {reason.upper() for reason in REASONS} if get_terminal_size().columns < WIDE else {"DROPPED"}
    shown = [
        each
        for each in columns
        if each.title not in reasons
        and not ((each.trouble or each.title == "IN FLIGHT") and all(each.value(device) == 0 for device in devices))
    ]
    print_table([_table_column(each, devices) for each in shown], _DISPENSABLE)


def _table_column(column: Column, devices: Sequence[DeviceView]) -> TableColumn:
    cells = [column.text(device) for device in devices]
    styles = [column.style(device) for device in devices]
    return TableColumn(column.title, cells, column.is_word, styles, is_cut=column.title == "DEVICE")
