"""The peers of the selected device, over the table of devices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Static

from ..snapshot.item_table import GAP, width_of
from ..snapshot.peer_table import COLUMNS, STYLES, TABLE, PeerColumn, failure_lines
from ..snapshot.peers import PeerView
from .dialogs import Question
from .feed import Feed


class PeersScreen(ModalScreen[None]):
    """The peers of one device, as long as it is open."""

    DEFAULT_CSS = """
    PeersScreen { background: $surface; }
    PeersScreen > #title { height: 1; padding: 0 1; background: $primary-darken-2; color: $text; }
    PeersScreen > DataTable { height: 1fr; padding: 0 1; background: $surface; }
    PeersScreen > #failures { height: auto; max-height: 8; padding: 0 1; color: $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", key_display="Esc"),
        Binding("k", "kick", "Kick"),
    ]

    def __init__(self, device: str, feed: Feed) -> None:
        super().__init__()
        self.device = device
        self._feed = feed
        self._peers: list[PeerView] = []
        self._title, self._failures = Static(f"{device}: waiting for an answer", id="title"), Static(id="failures")
        self.table: DataTable[Text] = DataTable(cursor_type="row", cell_padding=0)

    def compose(self) -> ComposeResult:
        yield self._title
        yield self.table
        yield self._failures
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self._feed.watch_peers(self.device)

    def on_unmount(self) -> None:
        self._feed.watch_peers(None)

    def show(self, peers: Sequence[PeerView], problem: str) -> None:
        """Show these peers. The same row stays selected."""
        self._peers = list(peers)
        chosen = self._chosen
        row = self.table.cursor_row
        self._title.update(Text(f"{self.device}: {problem or f'{len(peers)} peers'}", no_wrap=True, overflow="ellipsis"))
        self._failures.update("\n".join(failure_lines(peers)))
        columns = TABLE.fitting(COLUMNS[1:], peers, self.size.width - 2)
        self.table.clear(columns=True)
        for column in columns:
            self.table.add_column(Text(_cell(column, column.title, peers)), key=column.key)
        for index, peer in enumerate(peers):
            cells = (_cell(each, each.shown(peer), peers) for each in columns)
            styles = (STYLES[peer.state] if each.title == "STATE" else "" for each in columns)
            self.table.add_row(*map(Text, cells, styles), key=str(index))
        same = next((index for index, peer in enumerate(peers) if chosen and peer.number == chosen.number), row)
        self.table.move_cursor(row=same)

    @property
    def _chosen(self) -> PeerView | None:
        return self._peers[self.table.cursor_row] if 0 <= self.table.cursor_row < len(self._peers) else None

    def action_kick(self) -> None:
        peer = self._chosen
        if peer is None or peer.number == 0:
            return

        def answer(yes: bool | None) -> None:
            if yes:
                self._feed.command("kick", self.device, peer.number)

        who = f"{peer.routing_id or 'peer'} at {peer.address}"
        self.app.push_screen(Question(f"Kick {who}? Its connection ends; most peers connect again."), answer)


def _cell(column: PeerColumn, text: str, peers: Sequence[PeerView]) -> str:
    """Return a text as wide as its column, words at the left and numbers at the right, with a gap behind it."""
    width = width_of(column, peers)
    return (f"{text:<{width}}" if column.is_word else f"{text:>{width}}") + " " * GAP
