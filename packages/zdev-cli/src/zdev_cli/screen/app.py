"""The screen: head, table, detail, keys."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from contextlib import suppress
from typing import ClassVar

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from .._units import duration_text
from ..control.protocol import Verb
from ..snapshot import DeviceView, Snapshot
from .detail import Detail
from .dialogs import Help, Question
from .feed import CommandDone, ConnectionLost, Feed, ItemsReceived, SnapshotReceived
from .items import ItemsScreen
from .keys import Keys
from .peers import PeersScreen
from .table import DeviceTable
from .workers import WorkersScreen

SHORT = 15  # lines of a terminal with room for the detail
AROUND_TABLE = 3  # lines: the head, the headings and the keys
CONSEQUENCES: dict[Verb, str] = {
    "drain": "It accepts no more requests, and stays stopped.",
    "stop": "It does not wait for replies, and stays stopped.",
    "restart": "It drains, then starts again: its connections end.",
}


class Top(App[None]):
    """control, interval: of `Feed`."""

    TITLE = "zdev top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: $surface; }
    #head { height: 1; padding: 0 1; background: $primary-darken-2; color: $text; text-wrap: nowrap; text-overflow: ellipsis; }
    #head.lost { background: $error; }
    #filter { height: 1; border: none; padding: 0 1; background: $boost; display: none; }
    #filter.open { display: block; }
    Toast { max-width: 100%; margin-top: 0; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("p", "steer('pause')", "Pause"),
        Binding("r", "steer('resume')", "Resume"),
        Binding("d", "ask('drain')", "Drain"),
        Binding("s", "steer('start')", "Start"),
        Binding("x", "ask('stop')", "Stop"),
        Binding("R", "ask('restart')", "Restart"),
        Binding("w", "workers", "Workers"),
        Binding("escape", "show_all", show=False),
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, control: str | None, interval: float) -> None:
        super().__init__()
        self.feed = Feed(control, interval, self.post_message)
        self.snapshot: Snapshot | None = None
        self._lost: str | None = None
        self._wanted = ""
        # Not queried for: a dialog may be the screen at the moment.
        self._head = Static("waiting for an answer", id="head")
        self.table = DeviceTable()
        self._filter = Input(id="filter", placeholder="part of a name, a type or a state", compact=True)
        self.detail = Detail()

    def compose(self) -> ComposeResult:
        yield self._head
        yield self.table
        yield self._filter
        yield self.detail
        yield Keys()

    def on_mount(self) -> None:
        self.theme = "textual-dark"
        with suppress(NotImplementedError, RuntimeError):  # not on Windows, and in the main thread only
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self.table.focus()
        self.feed.start()
        if sys.stdin.isatty():
            self.set_interval(1.0, _end_without_terminal)

    def on_unmount(self) -> None:
        self.feed.stop()

    def on_resize(self, event: events.Resize) -> None:
        self._share_height(event.size.height)

    def _share_height(self, height: int) -> None:
        """Give the detail what many devices leave; none on a terminal with few lines."""
        free = height - AROUND_TABLE - len(self.snapshot.devices if self.snapshot else ())
        self.detail.styles.height = max(6, height * 2 // 5, min(18, free))
        self.detail.display = height >= SHORT

    def on_snapshot_received(self, message: SnapshotReceived) -> None:
        self.snapshot, self._lost = message.snapshot, None
        self._share_height(self.size.height)
        self._draw()

    def on_items_received(self, message: ItemsReceived) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, ItemsScreen) and (screen.listed, screen.device) == (message.listed, message.device):
                screen.show(message.items, message.problem)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if event.data_table is self.table:
            self.action_peers()

    def on_connection_lost(self, message: ConnectionLost) -> None:
        self._lost = message.why
        self._draw()

    def on_command_done(self, message: CommandDone) -> None:
        self.notify(message.text, severity="information" if message.well else "error", markup=False)

    def on_data_table_row_highlighted(self, _: DataTable.RowHighlighted) -> None:
        self._draw_detail()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value.lower()
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.input.set_class(bool(event.value), "open")
        self.table.focus()

    def _draw(self) -> None:
        if not self.table.is_attached:  # on its way out
            return
        for widget in (self._head, self.table):
            widget.set_class(self._lost is not None, "lost")
        if self.snapshot:
            self.table.show([each for each in self.snapshot.devices if self._matches(each)])
        head = self._lost or _head(self.snapshot, len(self.table.devices))
        self._head.update(Content(head))
        self._draw_detail()

    def _draw_detail(self) -> None:
        if self.snapshot and self.detail.is_attached:
            self.detail.show(self.table.chosen)

    def _matches(self, device: DeviceView) -> bool:
        return any(self._wanted in text for text in (device.name.lower(), device.type, device.state))

    def action_steer(self, verb: Verb) -> None:
        if device := self.table.chosen:
            self.feed.command(verb, device.name)

    def action_peers(self) -> None:
        if device := self.table.chosen:
            self.push_screen(PeersScreen(device.name, self.feed))

    def action_workers(self) -> None:
        if device := self.table.chosen:
            self.push_screen(WorkersScreen(device.name, self.feed))

    def action_ask(self, verb: Verb) -> None:
        """Send a command that ends connections, after a question."""
        device = self.table.chosen
        if device is None:
            return

        def answer(yes: bool | None) -> None:
            if yes:
                self.feed.command(verb, device.name)

        pending = f" {device.in_flight:,} messages are in flight." if device.in_flight else ""
        self.push_screen(Question(f"{verb.capitalize()} {device.name}?{pending} {CONSEQUENCES[verb]}"), answer)

    def action_filter(self) -> None:
        self._filter.add_class("open")
        self._filter.focus()

    def action_show_all(self) -> None:
        self._filter.value = ""
        self._filter.remove_class("open")
        self.table.focus()

    def action_help(self) -> None:
        self.push_screen(Help())


def _head(snapshot: Snapshot | None, shown: int) -> str:
    if snapshot is None:
        return "waiting for an answer"
    states = [device.state for device in snapshot.devices]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    up = duration_text(max(0, snapshot.time - snapshot.started))
    ready = "ready" if snapshot.ready else "NOT READY"
    devices = "1 device" if len(states) == 1 else f"{len(states)} devices"
    devices += "" if shown == len(states) else f", {shown} shown"
    return f"{ready}  {devices}: {counts}  up {up}  pid {snapshot.pid}  {snapshot.config}"


def _end_without_terminal() -> None:
    """End when the terminal is gone. SIGHUP, which would end the program, may be ignored (nohup); reading would never wait."""
    poll = select.poll()
    poll.register(sys.stdin.fileno(), 0)  # a hang-up is always reported
    if poll.poll(0):
        os._exit(0)  # there is no terminal to restore
