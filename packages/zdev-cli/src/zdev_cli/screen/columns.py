"""The columns of the table: what each shows of a device, and sorts by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .._units import bytes_text, duration_text, number_text
from ..service.snapshot import DEVICE_STATES, DeviceView

NONE = "-"
STATE_STYLES = {
    "starting": "blue",
    "active": "green",
    "paused": "yellow",
    "draining": "cyan",
    "waiting": "bold magenta",
    "stopped": "dim",
    "failed": "bold red",
}
TROUBLE = "bold red"


@dataclass(frozen=True)
class Column:
    """One column.

    width: characters that its cells take. trouble: whether anything but 0 is worth a second look. wide: only where there is room.
    """

    title: str
    width: int
    value: Callable[[DeviceView], float | str]
    text: Callable[[DeviceView], str]
    trouble: bool = False
    wide: bool = False
    narrow: bool = False

    @property
    def is_word(self) -> bool:
        """Words stand left and sort upwards, numbers stand right and sort downwards."""
        return self.title in ("DEVICE", "TYPE", "STATE")

    def style(self, device: DeviceView) -> str:
        if self.title == "STATE":
            return STATE_STYLES[device.state]
        value = self.value(device)
        if self.trouble and value:
            return "bold yellow"
        return "dim" if not self.is_word and value in (0, -1) else ""


def _count(title: str, width: int, value: Callable[[DeviceView], int], *, wide: bool = False, narrow: bool = False) -> Column:
    return Column(title, width, value, lambda device: f"{value(device):,}", trouble=True, wide=wide, narrow=narrow)


def _back(value: float, device: DeviceView) -> float:
    """A number of the way from out to in; -1 where there is no such way."""
    return value if device.two_ways else -1


def _unless_negative(number: float, text: Callable[[float], str]) -> str:
    return NONE if number < 0 else text(number)


def _rate(title: str, width: int, value: Callable[[DeviceView], float], text: Callable[[float], str]) -> Column:
    return Column(title, width, value, lambda device: _unless_negative(value(device), text))


def _held(device: DeviceView) -> float:
    return max(device.in_.backpressure, device.out.backpressure)


def _uptime(device: DeviceView) -> float:
    return -1 if device.uptime is None else device.uptime


COLUMNS = (
    Column("DEVICE", 0, lambda device: device.name, lambda device: device.name),
    Column("TYPE", 15, lambda device: device.type, lambda device: device.type, wide=True),
    Column("STATE", 8, lambda device: DEVICE_STATES.index(device.state), lambda device: device.state),
    _rate("IN/S", 7, lambda device: device.in_.messages_per_second, number_text),
    _rate("OUT/S", 7, lambda device: _back(device.out.messages_per_second, device), number_text),
    _rate("IN B/S", 8, lambda device: device.in_.bytes_per_second, bytes_text),
    _rate("OUT B/S", 8, lambda device: _back(device.out.bytes_per_second, device), bytes_text),
    Column("FLIGHT", 6, lambda device: device.in_flight, lambda device: f"{device.in_flight:,}"),
    _count("DROPPED", 7, lambda device: device.in_.dropped.total + device.out.dropped.total, narrow=True),
    _count("MALFORMED", 9, lambda device: device.in_.dropped.malformed + device.out.dropped.malformed, wide=True),
    _count("UNROUTABLE", 10, lambda device: device.in_.dropped.unroutable + device.out.dropped.unroutable, wide=True),
    _count("OVERFLOWED", 10, lambda device: device.in_.dropped.overflowed + device.out.dropped.overflowed, wide=True),
    Column("HELD", 4, _held, lambda device: f"{_held(device):.0%}", trouble=True),
    _count("LOST", 7, lambda device: device.lost, wide=True),
    _count("RESTARTS", 8, lambda device: device.restarts, wide=True),
    _count("RST", 3, lambda device: device.restarts, narrow=True),
    Column("UPTIME", 7, _uptime, lambda device: _unless_negative(_uptime(device), duration_text), wide=True),
)
"""IN: received on in and sent on out; OUT: the way back. HELD: the share of the last second that messages were held back."""

WIDE = 140  # characters of a terminal with room for all
LONGEST_NAME = 32


def columns_for(width: int) -> list[Column]:
    """Those that a terminal of this width has room for."""
    return [each for each in COLUMNS if not (each.narrow if width >= WIDE else each.wide)]


def widths_for(columns: Sequence[Column], width: int, names: Sequence[str]) -> list[int]:
    """How wide they are, a gap included; names take what they need of the room that the others leave."""
    room = width - sum(each.width + 1 for each in columns) - 2
    name = min(max(map(len, ["DEVICE", *names])), LONGEST_NAME, max(room, len("DEVICE")))
    return [(each.width or name) + 1 for each in columns]
