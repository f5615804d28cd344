"""Dialogs over the table: a question, and the help."""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = {
    "↑ ↓": "select a device; Home: the first, End: the last",
    "← →": "sort by another column (or click its head)",
    "i": "invert the order",
    "/": "show only what matches; Esc shows all",
    "Enter": "show the peers of the device; there, k ends the connection of one",
    "w": "show the workers of a queue that knows them; there, d drains one, and r resumes it",
    "p": "pause the device: it holds its messages; none is lost",
    "r": "resume it",
    "d": "drain it: it stops once all pending replies have been returned",
    "s": "start a stopped, failed or waiting device",
    "x": "stop the device without waiting for replies",
    "R": "restart it: drain, then start",
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
    """A text that scrolls if the screen is too small for it; its keys are in the border, and stay visible."""

    DEFAULT_CSS = """
    _Dialog { align: center middle; }
    _Dialog > VerticalScroll { width: auto; max-width: 90%; height: auto; max-height: 100%; padding: 0 1; border: round $accent;
      border-subtitle-color: $text; background: $surface; scrollbar-size-vertical: 1; }
    _Dialog > VerticalScroll > Static { width: auto; max-width: 100%; height: auto; }
    """
    keys: ClassVar[str]

    def __init__(self, content: RenderableType) -> None:
        super().__init__()
        self.content = content

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_subtitle = self.keys
            yield Static(self.content)


class Question(_Dialog):
    """Yes or no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("y", "dismiss(True)", "Yes"),
        ("enter", "dismiss(True)", "Yes"),
        ("n,escape,q", "dismiss(False)", "No"),
    ]
    keys = "[b]y[/b] yes  [b]n[/b] no"

    def __init__(self, text: str) -> None:
        super().__init__(Text(text, overflow="fold"))


class Help(_Dialog):
    """The keys, and the columns that need an explanation."""

    DEFAULT_CSS = """
    Help > VerticalScroll { width: 90%; max-width: 96; }
    Help > VerticalScroll > Static { width: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,question_mark,enter,space", "dismiss(False)", "Close")]
    keys = "[b]↑↓[/b] scroll  [b]Esc[/b] close"

    def __init__(self) -> None:
        grid = Table.grid(padding=(0, 2, 0, 0))
        for left, right in (*KEYS.items(), ("", ""), *COLUMNS.items()):
            grid.add_row(f"[bold]{left}[/bold]", right)
        super().__init__(grid)
