"""`zdev info`: summarise recordings."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from .._terminal import TableColumn
    from ..traffic.summary import Contents, Spread, Summary, Total

EXAMPLES = """\b
Example:
  zdev info traffic.mcap
  zdev info orders-0001.mcap orders-0002.mcap    each file, then the total
  zdev info --json orders-1.mcap | jq .messages
"""


@click.command(epilog=EXAMPLES)
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per file, and one for their total.")
def info(files: tuple[Path, ...], as_json: bool) -> None:
    """Summarise recordings.

    FILE was written by `zdev record`. Messages, bytes and duration; per direction the rates, and minimum, median and maximum of
    frames and bytes per message; and whether the file is complete. Of a truncated file, the readable part is counted. After
    several files follows their total.
    """
    from ..traffic.summary import Summary, Total

    parts: list[Summary] = []
    for path in files:
        parts.append(Summary(path))
        _show(parts[-1], as_json, is_first=len(parts) == 1)
    if len(parts) > 1:
        _show(Total(parts), as_json)


def _show(contents: Summary | Total, as_json: bool, *, is_first: bool = False) -> None:
    if as_json:
        click.echo(json.dumps(contents.as_json()))
        return
    if not is_first:
        click.echo()
    _print(contents)


def _print(account: Summary | Total) -> None:
    from .._terminal import console, print_table
    from .._units import amount_text
    from ..traffic.line import printable
    from ..traffic.summary import Total

    click.echo(printable(_heading(account)))
    if not isinstance(account, Total) and account.source:
        click.echo(printable(f"recorded from {account.source}"))
    if account.first is None:
        click.echo("no messages")
        return
    start = datetime.fromtimestamp(account.first / 1e9).astimezone()
    total = amount_text(account.messages, "message", account.content)
    click.echo(f"{total}, in {_duration(account.seconds)} from {start:%Y-%m-%d %H:%M:%S %Z}\n")
    print_table(_columns(account), ("bytes/s", "frames", "bytes per message", "messages/s"))
    if any(len(counts) > 1 for way in account.ways.values() for counts in (way.frames, way.sizes)):
        console().print("\n(minimum / median / maximum)", style="dim")


def _heading(account: Summary | Total) -> str:
    from .._units import bytes_text
    from ..traffic.summary import Total

    if isinstance(account, Total):
        name = f"total of {account.files} files"
        state = f"{account.incomplete} incomplete" if account.incomplete else "complete"
    else:
        name, state = click.format_filename(account.path), account.fault or "complete"
    return f"{name}  {bytes_text(account.file_bytes)}, {state}"


def _columns(account: Contents) -> list[TableColumn]:
    from .._terminal import TableColumn
    from .._units import bytes_text
    from ..traffic.line import direction
    from ..traffic.summary import spread

    ways = account.ways.values()
    return [
        TableColumn("direction", [direction(prefix) for prefix in account.ways], is_word=True, is_cut=True),
        TableColumn("messages", [f"{way.messages:,}" for way in ways]),
        TableColumn("bytes", [bytes_text(way.content) for way in ways]),
        TableColumn("messages/s", [_rate_text(account.rate(way.messages)) for way in ways]),
        TableColumn("bytes/s", [_flow_text(account.rate(way.content)) for way in ways]),
        TableColumn("frames", [_spread_text(spread(way.frames)) for way in ways]),
        TableColumn("bytes per message", [_spread_text(spread(way.sizes)) for way in ways]),
    ]


def _rate_text(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:,.0f}" if rate >= 10 else f"{rate:.2f}"


def _flow_text(flow: float | None) -> str:
    from .._units import bytes_text

    return "-" if flow is None else bytes_text(flow)


def _spread_text(spread: Spread) -> str:
    """min / median / max, or the one number that all are."""
    return f"{spread.min:,}" if spread.min == spread.max else " / ".join(f"{each:,}" for each in spread)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
