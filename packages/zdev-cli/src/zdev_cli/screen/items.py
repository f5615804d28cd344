"""Many items of the selected device, such as its peers, over the table of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from ..snapshot.item_table import GAP, ItemColumn, ItemTable, width_of
from .feed import Feed, Listed


class ItemsScreen(ModalScreen[None]):
    """The items of one device, as long as it is open."""

    DEFAULT_CSS = """
    ItemsScreen { background: $surface; }
    ItemsScreen > #title { height: 1; padding: 0 1; background: $primary-darken-2; color: $text; }
    ItemsScreen > DataTable { height: 1fr; padding: 0 1; background: $surface; }
    ItemsScreen > #failures { height: auto; max-height: 8; padding: 0 1; color: $error; }
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
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._feed.watch(self.listed, self.device)

    def on_unmount(self) -> None:
        self._feed.watch(self.listed, None)

    def show(self, items: Sequence[Any], problem: str) -> None:
        """Show these items. The same row stays selected."""
        self._items = list(items)
        chosen, row = self._chosen, self.table.cursor_row
        title = f"{self.device}: {problem or f'{len(items)} {self.listed}'}"
        self._title.update(Text(title, no_wrap=True, overflow="ellipsis"))
        self._failures.update("\n".join(self.failures(items)))
        columns = self.kind.fitting(self.kind.columns[1:], items, self.size.width - 2)
        self.table.clear(columns=True)
        for column in columns:
            self.table.add_column(Text(_cell(column, column.title, items)), key=column.key)
        for index, item in enumerate(items):
            cells = (_cell(each, each.shown(item), items) for each in columns)
            styles = (self.kind.styles[item.state] if each.title == "STATE" else "" for each in columns)
            self.table.add_row(*map(Text, cells, styles), key=str(index))
        same = next((index for index, item in enumerate(items) if chosen and item.number == chosen.number), row)
        self.table.move_cursor(row=same)

    def failures(self, _items: Sequence[Any]) -> list[str]:
        """Return lines for below the table."""
        return []

    @property
    def _chosen(self) -> Any:
        return self._items[self.table.cursor_row] if 0 <= self.table.cursor_row < len(self._items) else None


def _cell(column: ItemColumn[Any], text: str, items: Sequence[Any]) -> str:
    """Return a text as wide as its column, words at the left and numbers at the right, with a gap behind it."""
    width = width_of(column, items)
    return (f"{text:<{width}}" if column.is_word else f"{text:>{width}}") + " " * GAP
