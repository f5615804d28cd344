"""Numbers as people read them."""

from __future__ import annotations


def number_text(number: float) -> str:
    """Like 0, 0.3, 12, 4,600 or 1.2M."""
    if 0 < number < 10:
        return f"{number:.1f}"
    return f"{number:,.0f}" if number < 1e6 else f"{number / 1e6:.1f}M"


def bytes_text(number: float) -> str:
    """Like 12 B, 4.6 kB or 1.2 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def duration_text(seconds: float) -> str:
    """Like 4s, 12m3s, 3h20m or 5d3h."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days}d{hours % 24}h"
    if hours:
        return f"{hours}h{minutes % 60}m"
    return f"{minutes}m{int(seconds % 60)}s" if minutes else f"{seconds:.0f}s"
