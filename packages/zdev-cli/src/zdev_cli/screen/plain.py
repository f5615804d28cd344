"""The table once, as text."""

from __future__ import annotations

import click

from ..service.snapshot import Snapshot
from .columns import COLUMNS


def show(snapshot: Snapshot) -> None:
    """A line a device, all columns, aligned."""
    columns = [each for each in COLUMNS if not each.narrow]
    rows = [[column.title.replace(" ", "_") for column in columns]]
    rows += [[column.text(device).replace(" ", "") for column in columns] for device in snapshot.devices]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            f"{cell:<{width}}" if column.is_word else f"{cell:>{width}}"
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
