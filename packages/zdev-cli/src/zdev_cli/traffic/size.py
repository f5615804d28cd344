"""Numbers of bytes, as people write and read them."""

from __future__ import annotations

import re

import click

_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


def size_of(text: str) -> int:
    """Bytes from a text like 500k, 64MiB or 1G. Raises ValueError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(|[kmg]i?)b?", text.strip().lower())
    size = int(float(found[1]) * _FACTORS[found[2]]) if found else 0
    if size < 1:
        raise ValueError(f"{text!r} is no size: write bytes, like 500k, 64MiB or 1G")
    return size


def size_text(size: float) -> str:
    """Bytes in the unit that keeps the number short: 999 B, 1.5 kB, 12 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if unit == "B" or size >= 9.95 else f"{size:.1f} {unit}"


def size_callback(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """`size_of` for a click option that may be left out."""
    try:
        return None if value is None else size_of(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
