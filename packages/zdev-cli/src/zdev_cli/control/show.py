"""A snapshot for people: a table on a terminal, plain columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import compress

import click

from .._units import bytes_text, duration_text, number_text
from ..service.snapshot import DeviceView, DirectionView, Snapshot

_HEADINGS = ("DEVICE", "TYPE", "STATE", "IN/S", "OUT/S", "IN", "OUT", "IN FLIGHT", "DROPPED", "LOST", "RESTARTS", "UPTIME")
_MOSTLY_0 = ("IN FLIGHT", "DROPPED", "LOST", "RESTARTS")  # left out of the table where all are
_COLOURS = {
    "active": "green",
    "paused": "yellow",
    "draining": "yellow",
    "starting": "yellow",
    "waiting": "red",
    "failed": "red",
}


def show_all(snapshot: Snapshot) -> None:
    """A line a device, then a line for each that is not well."""
    rows = [_row(device) for device in snapshot.devices]
    if sys.stdout.isatty():
        _show_table(rows)
    else:
        _show_columns(rows)
    for device in snapshot.devices:
        if trouble := _trouble(device):
            click.echo(f"{device.name}: {trouble}")


def show_one(device: DeviceView) -> None:
    """A line a fact."""
    facts = {"device": device.name, "type": f"{device.type}, in a {device.isolation}", "state": device.state}
    if device.uptime is not None:
        facts["uptime"] = duration_text(device.uptime)
    if trouble := _trouble(device):
        facts["trouble"] = trouble
    for socket in device.sockets:
        endpoints = [f"bind {each}" for each in socket.binds] + [f"connect {each}" for each in socket.connects]
        facts[socket.role] = f"{socket.type:<6} {', '.join(endpoints)}"
    facts |= _direction("in to out", device.in_)
    if device.two_ways:
        facts |= _direction("out to in", device.out)
    facts |= {"in flight": str(device.in_flight), "lost": str(device.lost), "restarts": str(device.restarts)}
    for name, text in facts.items():
        click.echo(f"{name:<19}  {text}")


def _row(device: DeviceView) -> list[str]:
    out = device.out if device.two_ways else None
    return [
        device.name,
        device.type,
        device.state,
        number_text(device.in_.messages_per_second),
        number_text(out.messages_per_second) if out else "-",
        str(device.in_.messages_sent),
        str(out.messages_sent) if out else "-",
        str(device.in_flight),
        str(device.in_.dropped.total + device.out.dropped.total),
        str(device.lost),
        str(device.restarts),
        "-" if device.uptime is None else duration_text(device.uptime),
    ]


def _show_table(rows: Sequence[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown = [
        heading not in _MOSTLY_0 or any(row[position] != "0" for row in rows) for position, heading in enumerate(_HEADINGS)
    ]
    for position, heading in enumerate(compress(_HEADINGS, shown)):
        table.add_column(heading, justify="left" if position < 3 else "right", no_wrap=True)
    for row in rows:
        cells = [
            Text(cell, style=_COLOURS.get(cell, "") if heading == "STATE" else "")
            for heading, cell in zip(_HEADINGS, row, strict=True)
        ]
        table.add_row(*compress(cells, shown))
    Console().print(table)


def _show_columns(rows: Sequence[Sequence[str]]) -> None:
    headings = [heading.replace(" ", "_") for heading in _HEADINGS]  # so that columns are words
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _trouble(device: DeviceView) -> str:
    if not device.error:
        return ""
    return device.error + (f"; it is started again in {device.retry_in:g} s" if device.retry_in is not None else "")


def _direction(name: str, way: DirectionView) -> dict[str, str]:
    dropped = way.dropped
    return {
        name: f"{number_text(way.messages_per_second)} messages/s, {bytes_text(way.bytes_per_second)}/s",
        f"{name}, in all": f"{way.messages_sent} messages, {bytes_text(way.bytes_sent)}",
        f"{name}, held": f"{way.backpressure:.0%} of the last second, {way.backpressure_seconds:.1f} s in all",
        f"{name}, dropped": f"{dropped.malformed} malformed, {dropped.unroutable} unroutable, {dropped.overflowed} overflowed",
        f"{name}, monitor": f"{way.monitor_sent} sent, {way.monitor_dropped} dropped",
    }
