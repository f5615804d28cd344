"""A table of many items of a kind, such as peers, which leaves out columns that do not fit the terminal or show nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

from .._terminal import TableColumn, print_columns, print_table
from .._units import number_text

NONE = "-"
GAP = 2  # characters between columns
_WORDS = ("DEVICE", "ROLE", "STATE", "ADDRESS", "USER", "ROUTING ID", "TYPE", "PROTOCOL", "SERVICE")
SHORTENED = ("DEVICE", "ADDRESS", "USER", "ROUTING ID", "SERVICE")
"""Columns whose cells a narrow terminal shortens if leaving out others is not enough."""


class HasState(Protocol):
    """An item of a table."""

    @property
    def state(self) -> str: ...


Item = TypeVar("Item", bound=HasState)


class ItemColumn(NamedTuple, Generic[Item]):
    """One column.

    Attributes:
        title: Its heading.
        value: What to sort by; where all are "" or 0, a terminal does not show the column.
        text: How a value that is not "" or 0 is shown.
        is_kept: Whether a terminal shows it even if nothing is in it.
    """

    title: str
    value: Callable[[Item], str | float]
    text: Callable[[Item], str] | None = None
    is_kept: bool = False

    @property
    def is_word(self) -> bool:
        """Words are aligned left and sort upwards, numbers are aligned right and sort downwards."""
        return self.title in _WORDS

    @property
    def key(self) -> str:
        """Its name for --sort."""
        return self.title.lower().replace(" ", "-")

    def shown(self, item: Item) -> str:
        value = self.value(item)
        if value in ("", -1) or (value == 0 and self.title == "ID"):
            return NONE
        return self.text(item) if self.text else str(value)


def count_column(title: str, value: Callable[[Item], int], *, is_kept: bool = False) -> ItemColumn[Item]:
    """Return a column of whole numbers."""

    def text(item: Item) -> str:
        count = value(item)
        return f"{count:,}" if count < 1e6 else number_text(count)

    return ItemColumn(title, value, text, is_kept)


class ItemTable(NamedTuple, Generic[Item]):
    """The columns of items of a kind.

    Attributes:
        columns: All of them.
        dispensable: Headings of those that a narrow terminal leaves out, in this order.
        styles: The style of each state.
    """

    columns: Sequence[ItemColumn[Item]]
    dispensable: Sequence[str]
    styles: Mapping[str, str]

    def show(self, items: Sequence[Item], *, one_device: bool) -> None:
        """Print the items. Without a terminal, all columns are printed, and every heading and cell is one word."""
        columns = [column for column in self.columns if not (column.title == "DEVICE" and one_device)]
        if sys.stdout.isatty():
            shown = self.fitting(columns, items, sys.maxsize)
            print_table([_table_column(each, items, self.styles) for each in shown], self.dispensable)
        else:
            print_columns([_table_column(each, items, self.styles) for each in columns])

    def fitting(self, columns: Sequence[ItemColumn[Item]], items: Sequence[Item], width: int) -> list[ItemColumn[Item]]:
        """Return the columns that have something to show, and fit the width together if those that matter least are left out."""
        shown = [each for each in columns if each.is_kept or any(each.value(item) not in ("", 0) for item in items)]
        for title in self.dispensable:
            if sum(width_of(each, items) + GAP for each in shown) > width:
                shown = [each for each in shown if each.title != title]
        return shown


def _table_column(column: ItemColumn[Item], items: Sequence[Item], styles: Mapping[str, str]) -> TableColumn:
    cells = [column.shown(each) for each in items]
    of_cells = [styles[each.state] for each in items] if column.title == "STATE" else ()
    return TableColumn(column.title, cells, column.is_word, of_cells, is_cut=column.title in SHORTENED)


def width_of(column: ItemColumn[Item], items: Sequence[Item]) -> int:
    """Return the width of the widest cell of a column, or of its heading."""
    return max(len(column.title), *(len(column.shown(item)) for item in items)) if items else len(column.title)


def short(address: str) -> str:
    """Return an address without the transport that most have."""
    return address.removeprefix("tcp://")
