"""The selected device: charts of both directions, sockets, counters, errors."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from .._units import bytes_text, duration_text, number_text
from ..snapshot import DeviceView
from ..snapshot.display import IN_TO_OUT, OUT_TO_IN, TROUBLE
from .layout import folded, shortened

ROOM_FOR_CHARTS = 70  # characters


class Detail(Horizontal):
    """Charts at the left, facts at the right."""

    DEFAULT_CSS = """
    Detail { background: $surface; border: round $primary-darken-1; border-title-color: $text; border-title-style: bold; padding: 0 1; }
    Detail > #charts { width: 2fr; margin-right: 2; }
    Detail.narrow > #charts { display: none; }
    Detail > #facts { width: 3fr; }
    """

    def __init__(self) -> None:
        self._charts, self._facts = Static(id="charts"), Static(id="facts")
        self._device: DeviceView | None = None
        super().__init__(self._charts, self._facts)

    def on_resize(self) -> None:
        self.show(self._device)

    def show(self, device: DeviceView | None) -> None:
        """Show a device, or that none is selected."""
        self._device = device
        if device is None:
            self.border_title = "no device"
            self._charts.update("")
            self._facts.update("")
            return
        width, height = self.content_size
        self.set_class(width < ROOM_FOR_CHARTS, "narrow")
        self.border_title = Content(title_text(device, width))
        self._charts.update(charts_text(device, self._charts.content_size.width, height))
        self._facts.update(folded(facts_text(device), self.app.console, self._facts.content_size.width, height))


def title_text(device: DeviceView, width: int) -> str:
    """Return name, type and state; in a narrow place less of them, and the name shortened."""
    lasting = f", up {duration_text(device.uptime)}" if device.uptime is not None else ""
    name = device.name
    for about in (
        f"{device.type} in a {device.isolation}, {device.state}{lasting}",
        f"{device.type}, {device.state}",
        device.state,
    ):
        room = width - len(about) - 4
        if len(name) <= room:
            break
    return f"{shortened(name, max(room, width // 2))}: {about}"


def charts_text(device: DeviceView, width: int, height: int) -> Text:
    """A chart of the last minute for each direction."""
    lines = max(1, height // len(device.directions) - 1)
    text = Text(no_wrap=True, overflow="crop")
    for role, way in device.directions.items():
        name = IN_TO_OUT if role == "in" else OUT_TO_IN
        rate = f"{number_text(way.messages_per_second)}/s  {bytes_text(way.bytes_per_second)}/s"
        name = shortened(name, max(0, width - len(rate) - 1))
        text.append(name, style="bold").append(f"{rate:>{max(0, width - len(name))}}\n")
        for line in chart(way.history, max(1, width), lines):
            text.append(f"{line}\n", style="green")
    text.rstrip()
    return text


def facts_text(device: DeviceView) -> Text:
    """One fact per line, the worst first."""
    text = Text(overflow="fold")
    for line in device.troubles:
        text.append(f"{line}\n", style=TROUBLE)
    for socket in device.sockets:
        endpoints = [*socket.binds, *(f"→ {each}" for each in socket.connects)]
        text.append(f"{socket.role:<5}", style="bold").append(f"{socket.type:<7}").append(", ".join(endpoints))
        text.append(f"  {socket.protection}\n" if socket.protection else "\n", style="dim")
    if counts := [f"{each.role} {each.peers}" for each in device.sockets if each.peers]:
        text.append("peers ", style="dim").append(f"{'  '.join(counts)}\n")
    if requests := device.requests:
        text.append("requests ", style="dim").append(f"{requests.waiting:,} waiting  {requests.at_work:,} at work")
        text.append("  workers ", style="dim").append(f"{requests.workers}  {requests.served}\n")
        text.append(f"failed {requests.failures}\n" if requests.failures else "", style=TROUBLE)
    for name, number in device.dropped.by_reason.items():
        text.append(f"{name} ", style="dim").append(f"{number:,}  ", style=TROUBLE if number else "dim")
    seconds = device.in_.backpressure_seconds + device.out.backpressure_seconds
    text.append("\nheld back ", style="dim").append(duration_text(seconds) if seconds >= 1 else f"{seconds:.1f}s")
    text.append("  in flight ", style="dim").append(f"{device.in_flight:,}")
    text.append("  lost ", style="dim").append(f"{device.lost:,}", style=TROUBLE if device.lost else "")
    text.append("  restart ", style="dim").append(device.restart)
    if any(socket.role == "mon" for socket in device.sockets):
        dropped = device.in_.monitor_dropped + device.out.monitor_dropped
        text.append("\nmon copies ", style="dim").append(f"{device.in_.monitor_sent + device.out.monitor_sent:,}")
        text.append("  dropped ", style="dim").append(f"{dropped:,}", style=TROUBLE if dropped else "")
    text.append("\nengine ", style="dim").append(device.engine).append(f"  {device.engine_reason}", style="dim")
    return text


_EIGHTHS = " ▁▂▃▄▅▆▇█"


def chart(values: Sequence[float], width: int, height: int) -> list[str]:
    """`height` lines of `width` characters, one per value, the last at the right end. It stands on 0, so that a steady rate looks so."""
    shown = [0.0] * (width - len(values)) + [float(value) for value in values[-width:]]
    most = max(shown, default=0)
    eighths = [_eighths(value, most, height) for value in shown]
    return ["".join(_EIGHTHS[min(max(each - 8 * row, 0), 8)] for each in eighths) for row in reversed(range(height))]


def _eighths(value: float, most: float, height: int) -> int:
    """Scale a value to eighths of a row. Every value above zero stays visible."""
    return max(1, round(value / most * height * 8)) if value > 0 else 0
