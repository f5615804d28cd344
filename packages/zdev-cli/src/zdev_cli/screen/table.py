"""The table of devices: sorted, filtered, one selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.widgets import DataTable

from ..snapshot import DeviceView
from ..snapshot.display import COLUMNS, Column
from .layout import aligned, column_widths, columns_for, gap

Row = tuple[tuple[str, str], ...]
"""The text and the style of each cell."""


class DeviceTable(DataTable[Text]):
    """Each row shows the device that is next in the order: an update changes cells, and moves the selection, but no rows."""

    DEFAULT_CSS = """
    DeviceTable { height: 1fr; padding: 0 1; background: $surface; overflow-x: hidden; scrollbar-size-vertical: 1; }
    DeviceTable > .datatable--header { background: $surface; color: $text-muted; text-style: none; }
    DeviceTable:focus { background-tint: $surface 0%; }
    DeviceTable.lost { opacity: 50%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Peers", key_display="Enter"),
        Binding("right", "sort(1)", "Sort", key_display="←→"),
        Binding("left", "sort(-1)", show=False),
        Binding("i", "invert", "Invert"),
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(cursor_type="row", cell_padding=0)
        self.devices: list[DeviceView] = []
        """Those shown, in the order of the rows."""
        self._by = COLUMNS[0]
        self._inverted = False
        self._widths: dict[Column, int] = {}
        self._layout: object = None
        self._drawn: list[Row] = []

    @property
    def chosen(self) -> DeviceView | None:
        """The selected device."""
        return self.devices[self.cursor_row] if 0 <= self.cursor_row < len(self.devices) else None

    def show(self, devices: Sequence[DeviceView]) -> None:
        """Show these devices. The same device stays selected."""
        chosen = self.chosen
        by_name = sorted(devices, key=lambda device: device.name)
        self.devices = sorted(by_name, key=self._by.value, reverse=self._by.is_word == self._inverted)
        self._draw()
        names = [device.name for device in self.devices]
        row = names.index(chosen.name) if chosen and chosen.name in names else 0
        if row != self.cursor_row:
            self.move_cursor(row=row)

    def action_sort(self, step: int) -> None:
        """Sort by the next column to the right, or to the left."""
        columns = list(self._widths)
        here = columns.index(self._by) if self._by in columns else 0
        self.sort_by(columns[(here + step) % len(columns)])

    def action_invert(self) -> None:
        self._inverted = not self._inverted
        self.show(self.devices)

    def sort_by(self, column: Column) -> None:
        """Sort by a column, or invert the order if it is sorted by it already."""
        self._inverted = column is self._by and not self._inverted
        self._by = column
        self.show(self.devices)

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        self.sort_by(next(each for each in COLUMNS if each.live and each.short == event.column_key.value))

    def on_resize(self) -> None:
        row = self.cursor_row
        self._draw()
        self.move_cursor(row=row)  # scrolls to it

    def _draw(self) -> None:
        room = self.app.size.width - 3  # without padding and scrollbar
        texts = {each: [each.text(device) for device in self.devices] for each in columns_for(room)}
        self._widths = column_widths(room, texts)
        rows = [
            tuple(
                (aligned(texts[each][row], width, left=each.is_word), each.style(device))
                for each, width in self._widths.items()
            )
            for row, device in enumerate(self.devices)
        ]
        layout = (room, list(self._widths.items()), self._by, self._inverted)
        if layout != self._layout:
            self._layout = layout
            self._draw_all(rows, gap(room))
        else:
            self._draw_changes(rows)
        self._drawn = rows

    def _draw_all(self, rows: Sequence[Row], gap: int) -> None:
        row = self.cursor_row
        self.clear(columns=True)
        for column, width in self._widths.items():
            self.add_column(self._label(column, width), key=column.short, width=width + gap)
        self.add_rows([Text(*cell) for cell in cells] for cells in rows)
        self.move_cursor(row=row)

    def _draw_changes(self, rows: Sequence[Row]) -> None:
        for _ in range(len(rows), self.row_count):
            self.remove_row(self.ordered_rows[len(rows)].key)
        for row, (cells, before) in enumerate(zip(rows, self._drawn, strict=False)):
            for place, cell in enumerate(cells):
                if cell != before[place]:
                    self.update_cell_at(Coordinate(row, place), Text(*cell))
        self.add_rows([Text(*cell) for cell in cells] for cells in rows[self.row_count :])

    def _label(self, column: Column, width: int) -> Text:
        sorted_by = column is self._by
        arrow = ("▴" if column.is_word != self._inverted else "▾") if sorted_by else ""
        return Text(aligned(column.short + arrow, width, left=column.is_word), style="bold" if sorted_by else "")
