"""Dialogs over the table: a question, and the help."""

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
    "Enter": "show the peers of the device; there, k ends the connection of one",
    "w": "show the workers of a queue that knows them; there, d drains one, and r resumes it",
    "p": "pause the device: it holds its messages; none is lost",
    "r": "resume it",
    "d": "drain it: it stops once all pending replies have been returned",
    "s": "start it again",
    "q": "quit",
}
COLUMNS = {
    "IN/S": "messages per second in to out (zdev status: IN>OUT/S); OUT/S: out to in",
    "FLIGHT": "requests awaiting their reply, and messages being forwarded",
    "DROPPED": "malformed, unroutable and overflowed messages",
    "HELD": "share of the last second in which messages were held back",
    "RST": "restarts after a failure",
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
    """The keys, and the columns that need an explanation."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,enter,space", "dismiss(False)", "Close")]

    def compose(self) -> ComposeResult:
        grid = Table.grid(padding=(0, 2))
        for left, right in (*KEYS.items(), ("", ""), *COLUMNS.items()):
            grid.add_row(f"[bold]{left}[/bold]", right)
        yield Static(grid)
