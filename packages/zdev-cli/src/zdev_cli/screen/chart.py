"""A chart of characters."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▁▂▃▄▅▆▇█"


def chart(values: Sequence[float], width: int, height: int) -> list[str]:
    """`height` lines of `width` characters, one a value, the last at the right end. It stands on 0, so that a steady rate looks so."""
    shown = [0.0] * (width - len(values)) + [float(value) for value in values[-width:]]
    most = max(shown, default=0)
    eighths = [_eighths(value, most, height) for value in shown]
    return ["".join(_EIGHTHS[min(max(each - 8 * row, 0), 8)] for each in eighths) for row in reversed(range(height))]


def _eighths(value: float, most: float, height: int) -> int:
    """What is more than nothing is seen."""
    return max(1, round(value / most * height * 8)) if value > 0 else 0
