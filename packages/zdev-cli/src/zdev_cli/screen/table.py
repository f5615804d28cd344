"""The table of devices: sorted, filtered, one selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from ..snapshot import DeviceView
from ..snapshot.display import COLUMNS, Column, columns_for, widths_for


class DeviceTable(DataTable[Text]):
    """The rows are devices by name."""

    DEFAULT_CSS = """
    DeviceTable { height: 1fr; padding: 0 1; background: $surface; }
    DeviceTable > .datatable--header { background: $surface; color: $text-muted; text-style: none; }
    DeviceTable:focus { background-tint: $surface 0%; }
    DeviceTable.lost { opacity: 50%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "sort(-1)", show=False),
        Binding("right", "sort(1)", "Sort", key_display="←→"),
        Binding("i", "invert", "Invert"),
        Binding("enter", "select_cursor", "Peers", key_display="Enter"),
    ]

    def __init__(self) -> None:
        super().__init__(cursor_type="row", cell_padding=0)
        self._devices: list[DeviceView] = []
        self._by = COLUMNS[0]
        self._inverted = False
        self._drawn: object = None

    @property
    def chosen(self) -> DeviceView | None:
        """The selected device."""
        shown = self._sorted()
        return shown[self.cursor_row] if 0 <= self.cursor_row < min(len(shown), self.row_count) else None

    def show(self, devices: Sequence[DeviceView]) -> None:
        """Show these devices. The same device stays selected."""
        chosen = self._name_at_cursor()
        self._devices = list(devices)
        self._draw(chosen)

    def action_sort(self, step: int) -> None:
        """Sort by the next column to the right, or to the left."""
        columns = columns_for(self.app.size.width)
        here = columns.index(self._by) if self._by in columns else 0
        self.sort_by(columns[(here + step) % len(columns)])

    def action_invert(self) -> None:
        self._inverted = not self._inverted
        self._draw(self._name_at_cursor())

    def sort_by(self, column: Column) -> None:
        """Sort by a column, or invert the order if it is sorted by it already."""
        self._inverted = column is self._by and not self._inverted
        self._by = column
        self._draw(self._name_at_cursor())

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        self.sort_by(next(each for each in COLUMNS if each.live and each.short == event.column_key.value))

    def on_resize(self) -> None:
        self._draw(self._name_at_cursor())

    def _name_at_cursor(self) -> str | None:
        return str(self.ordered_rows[self.cursor_row].key.value) if 0 <= self.cursor_row < self.row_count else None

    def _sorted(self) -> list[DeviceView]:
        """Return the devices in the order shown; equal ones by name."""
        by_name = sorted(self._devices, key=lambda device: device.name)
        return sorted(by_name, key=self._by.value, reverse=self._by.is_word == self._inverted)

    def _draw(self, chosen: str | None) -> None:
        devices = self._sorted()
        names = [device.name for device in devices]
        columns = columns_for(self.app.size.width)
        widths = widths_for(columns, self.app.size.width, names)
        layout = (names, widths, self._by, self._inverted)
        if layout == self._drawn:
            for row, device in enumerate(devices):
                for column in columns:
                    self.update_cell(names[row], column.short, _cell(column, device))
            return
        self._drawn = layout
        self.clear(columns=True)
        for column, width in zip(columns, widths, strict=True):
            self.add_column(self._label(column), key=column.short, width=width)
        for device in devices:
            self.add_row(*(_cell(column, device) for column in columns), key=device.name)
        self.move_cursor(row=names.index(chosen) if chosen in names else 0)

    def _label(self, column: Column) -> Text:
        sorted_by = column is self._by
        arrow = ("▴" if column.is_word != self._inverted else "▾") if sorted_by else ""
        return Text(column.short + arrow, style="bold" if sorted_by else "", justify=_side(column))


def _cell(column: Column, device: DeviceView) -> Text:
    return Text(column.text(device), style=column.style(device), justify=_side(column), no_wrap=True, overflow="ellipsis")


def _side(column: Column) -> Literal["left", "right"]:
    return "left" if column.is_word else "right"
