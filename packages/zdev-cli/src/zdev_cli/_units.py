"""Numbers as people read and write them."""

from __future__ import annotations

import re

import click

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def number_text(number: float) -> str:
    """Format a number like 0, 0.3, 12, 4,600 or 1.2M."""
    if 0 < number < 10:
        return f"{number:.1f}"
    return f"{number:,.0f}" if number < 1e6 else f"{number / 1e6:.1f}M"


def bytes_text(number: float) -> str:
    """Format a number of bytes like 12 B, 4.6 kB or 120 GB."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if number < 999.5 or unit == "TB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 99.95 else f"{number:.1f} {unit}"


def amount_text(count: int, noun: str, size: int) -> str:
    """Format a number of messages or replies and their bytes, like 10 messages, 52 B."""
    plural = noun.removesuffix("y") + "ies" if noun.endswith("y") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}, {bytes_text(size)}"


def duration_text(seconds: float) -> str:
    """Format a duration like 4s, 12m3s, 3h20m or 5d3h."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days}d{hours % 24}h"
    if hours:
        return f"{hours}h{minutes % 60}m"
    return f"{minutes}m{int(seconds % 60)}s" if minutes else f"{seconds:.0f}s"


def size_of(text: str) -> int:
    """Parse a number of bytes like 500k, 64MiB or 1G. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[kmg]i?)b?", text.strip().lower())
    size = int(float(found[1]) * _FACTORS[found[2]]) if found else 0
    if size < 1:
        raise ValueError(f"invalid size {text!r}: write bytes, like 500k, 64MiB or 1G")
    return size


def size_callback(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """`size_of` for a click option that may be left out."""
    try:
        return None if value is None else size_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
