"""The layout of a screen of any size: which columns fit, how wide they are, and how a text that is too long is shortened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from .._terminal import fitted
from ..snapshot.display import COLUMNS, WIDE, Column

ROOMY = 90  # characters of a screen with room for wide gaps between columns
DISPENSABLE = (
    "RESTARTS",
    "RST",
    "OUT B/S",
    "IN B/S",
    "UPTIME",
    "TYPE",
    "LOST",
    "HELD",
    "MALFORMED",
    "UNROUTABLE",
    "OVERFLOWED",
    "FLIGHT",
    "OUT/S",
    "DROPPED",
    "IN/S",
)
"""Columns that a terminal without room for all leaves out, in this order."""


def shortened(text: str, width: int) -> str:
    """Return a text that fits the width: of a longer one, both ends, because names often differ at the end only."""
    if len(text) <= width:
        return text
    tail = max(0, width - 1) // 2
    return f"{text[: max(0, width - 1 - tail)]}…{text[len(text) - tail :]}"[:width]


def aligned(text: str, width: int, *, left: bool) -> str:
    """Return a text of exactly this width."""
    return f"{shortened(text, width):{'<' if left else '>'}{width}}"


def gap(width: int) -> int:
    """Return how many characters are between two columns."""
    return 2 if width >= ROOMY else 1


def columns_for(width: int) -> list[Column]:
    """Return the columns for a screen of this width, if all of them fit."""
    return [each for each in COLUMNS if each.live and not (each.narrow if width >= WIDE else each.wide)]


def column_widths(width: int, cells: Mapping[Column, Sequence[str]]) -> dict[Column, int]:
    """Return those of the columns that fit `width` characters, with a gap after each, and their widths.

    Each is as wide as its longest cell. The names get at least a quarter of the screen if they need it, then all that the
    others leave.
    """
    wanted = {column: max(column.width, len(column.short) + 1, *map(len, texts), 0) for column, texts in cells.items()}
    out = [column for title in DISPENSABLE for column in cells if column.short == title]
    return fitted(wanted, {COLUMNS[0]: width // 4}, width - gap(width), gap(width), out)


def folded(text: Text, console: Console, width: int, height: int) -> Text:
    """Return a text of at most `height` lines of `width` characters, of which the last shows how many more there are."""
    lines = list(text.wrap(console, max(1, width), overflow="fold"))
    if len(lines) > height:
        more = len(lines) - height + 1
        lines[max(0, height - 1) :] = [Text(shortened(f"… {more} more lines", width), style="dim")]
    return Text("\n").join(lines)
