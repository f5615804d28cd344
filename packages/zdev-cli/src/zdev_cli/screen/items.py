"""Many items of the selected device, such as its peers, over the table of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import DataTable, Static

from .._terminal import fitted
from ..snapshot.item_table import GAP, SHORTENED, ItemColumn, ItemTable, width_of
from .feed import Feed, Listed
from .keys import Keys
from .layout import aligned, folded, shortened

LEAST = 12  # characters of a column that is shortened


class ItemsScreen(ModalScreen[None]):
    """The items of one device, as long as it is open."""

    DEFAULT_CSS = """
    ItemsScreen { background: $surface; }
    ItemsScreen > #title { height: 1; padding: 0 1; background: $primary-darken-2; color: $text; text-wrap: nowrap; text-overflow: ellipsis; }
    ItemsScreen > DataTable { height: 1fr; padding: 0 1; background: $surface; overflow-x: hidden; scrollbar-size-vertical: 1; }
    ItemsScreen > #failures { height: auto; padding: 0 1; color: $error; }
    """
    listed: ClassVar[Listed]
    """The name of the items."""
    kind: ClassVar[ItemTable[Any]]

    def __init__(self, device: str, feed: Feed) -> None:
        super().__init__()
        self.device = device
        self._feed = feed
        self._items: list[Any] = []
        self._title, self._failures = Static(f"{device}: waiting for an answer", id="title"), Static(id="failures")
        self.table: DataTable[Text] = DataTable(cursor_type="row", cell_padding=0)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self.table
        yield self._failures
        yield Keys()

    def on_mount(self) -> None:
        self._feed.watch(self.listed, self.device)

    def on_unmount(self) -> None:
        self._feed.watch(self.listed, None)

    def show(self, items: Sequence[Any], problem: str) -> None:
        """Show these items. The same row stays selected."""
        self._items = list(items)
        chosen, row = self._chosen, self.table.cursor_row
        about = problem or f"{len(items)} {self.listed}"
        self._title.update(
            Content(f"{shortened(self.device, max(self.size.width - len(about) - 4, self.size.width // 3))}: {about}")
        )
        failures = Text("\n".join(self.failures(items)), overflow="fold")
        self._failures.update(folded(failures, self.app.console, self.size.width - 2, self.size.height // 3))
        widths = self._widths(self.size.width - 3)  # without padding and scrollbar
        self.table.clear(columns=True)
        for column, width in widths.items():
            self.table.add_column(Text(_cell(column, column.title, width)), key=column.key)
        for item in items:
            cells = (_cell(each, each.shown(item), width) for each, width in widths.items())
            styles = (self.kind.styles[item.state] if each.title == "STATE" else "" for each in widths)
            self.table.add_row(*map(Text, cells, styles))
        same = next((index for index, item in enumerate(items) if chosen and item.number == chosen.number), row)
        self.table.move_cursor(row=same)

    def _widths(self, room: int) -> dict[ItemColumn[Any], int]:
        columns = {each.title: each for each in self.kind.fitting(self.kind.columns[1:], self._items, room)}
        widths = {title: width_of(each, self._items) for title, each in columns.items()}
        found = fitted(widths, dict.fromkeys(SHORTENED, LEAST), room - GAP, GAP)
        return {columns[title]: width for title, width in found.items()}

    def failures(self, _items: Sequence[Any]) -> list[str]:
        """Return lines for below the table."""
        return []

    @property
    def _chosen(self) -> Any:
        return self._items[self.table.cursor_row] if 0 <= self.table.cursor_row < len(self._items) else None


def _cell(column: ItemColumn[Any], text: str, width: int) -> str:
    """Return a text as wide as its column, words at the left and numbers at the right, with a gap behind it."""
    return aligned(text, width, left=column.is_word) + " " * GAP
