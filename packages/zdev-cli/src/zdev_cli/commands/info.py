"""`zdev info`: summarise recordings."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from ..traffic.summary import Spread, Summary

EXAMPLES = """\b
Example:
  zdev info traffic.mcap
  zdev info --json orders-1.mcap | jq .messages
"""


@click.command(epilog=EXAMPLES)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file.")
def info(files: tuple[Path, ...], as_json: bool) -> None:
    """Summarise recordings.

    FILE was written by `zdev record`. Messages, bytes and duration; per direction the rates, and minimum, median and maximum of
    frames and bytes per message; and whether the file is complete. Of a truncated file, the readable part is counted.
    """
    from ..traffic.summary import Summary

    for number, path in enumerate(files):
        account = Summary(path)
        if as_json:
            click.echo(json.dumps(account.as_json()))
            continue
        if number:
            click.echo()
        _print(account)


def _print(account: Summary) -> None:
    from rich.console import Console

    from .._units import bytes_text
    from ..traffic.line import printable

    name, state = click.format_filename(account.path), account.fault or "complete"
    click.echo(printable(f"{name}  {bytes_text(account.file_bytes)}, {state}"))
    if account.source:
        click.echo(printable(f"recorded from {account.source}"))
    if account.first is None:
        click.echo("no messages")
        return
    start = datetime.fromtimestamp(account.first / 1e9).astimezone()
    total = f"{account.messages:,} messages, {bytes_text(account.content)}"
    click.echo(f"{total}, in {_duration(account.seconds)} from {start:%Y-%m-%d %H:%M:%S %Z}\n")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160  # a pipe has room
    console.print(_table(account))
    if any(len(counts) > 1 for way in account.ways.values() for counts in (way.frames, way.sizes)):
        console.print("\n(minimum / median / maximum)", style="dim")


def _table(account: Summary) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from .._units import bytes_text
    from ..traffic.line import direction
    from ..traffic.summary import spread

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for name in ("direction", "messages", "bytes", "messages/s", "bytes/s", "frames", "bytes per message"):
        table.add_column(name, justify="left" if name == "direction" else "right")
    for prefix, way in account.ways.items():
        rate, flow = account.rate(way.messages), account.rate(way.content)
        table.add_row(
            Text(direction(prefix)),  # a prefix is a peer's: no markup in it
            f"{way.messages:,}",
            bytes_text(way.content),
            "-" if rate is None else f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}",
            "-" if flow is None else bytes_text(flow),
            _spread_text(spread(way.frames)),
            _spread_text(spread(way.sizes)),
        )
    return table


def _spread_text(spread: Spread) -> str:
    """min / median / max, or the one number that all are."""
    return f"{spread.min:,}" if spread.min == spread.max else " / ".join(f"{each:,}" for each in spread)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
