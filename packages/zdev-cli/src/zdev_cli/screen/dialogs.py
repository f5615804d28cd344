"""What is laid over the table: a question, and the keys."""

from __future__ import annotations

from typing import ClassVar

from rich.table import Table
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = {
    "↑ ↓": "select a device",
    "← →": "sort by another column (or click its head)",
    "i": "invert the order",
    "/": "show only what matches; Esc shows all",
    "p": "pause the device: it holds its messages, and loses none",
    "r": "resume it",
    "d": "drain it: it ends once all replies have come home",
    "s": "start it again",
    "q": "quit",
}
COLUMNS = {
    "IN/S": "messages a second, received on in and sent on out; OUT/S: the way back",
    "FLIGHT": "requests that wait for their reply, and messages in hand",
    "DROPPED": "malformed, unroutable and overflowed messages",
    "HELD": "share of the last second in which messages were held back",
    "RST": "how often it was started again after a failure",
}


class _Dialog(ModalScreen[bool]):
    DEFAULT_CSS = """
    _Dialog { align: center middle; }
    _Dialog > Static { width: auto; max-width: 90%; height: auto; max-height: 100%; padding: 1 2; border: round $accent; background: $surface; }
    """


class Question(_Dialog):
    """Yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "dismiss(True)", "Yes"),
        ("enter", "dismiss(True)", "Yes"),
        ("n,escape,q", "dismiss(False)", "No"),
    ]

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        yield Static(f"{self._text}\n\n[b]y[/b] yes   [b]n[/b] no")


class Help(_Dialog):
    """The keys, and the columns that need a word."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,enter,space", "dismiss(False)", "Close")]

    def compose(self) -> ComposeResult:
        grid = Table.grid(padding=(0, 2))
        for left, right in (*KEYS.items(), ("", ""), *COLUMNS.items()):
            grid.add_row(f"[bold]{left}[/bold]", right)
        yield Static(grid)
