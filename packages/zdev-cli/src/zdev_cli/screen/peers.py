"""The peers of the selected device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from ..snapshot.peer_table import TABLE, failure_lines
from ..snapshot.peers import PeerView
from .dialogs import Question
from .items import ItemsScreen


class PeersScreen(ItemsScreen):
    """The peers of one device, of which `k` ends the connection of one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", key_display="Esc"),
        Binding("k", "kick", "Kick"),
    ]
    listed = "peers"
    kind = TABLE

    def failures(self, items: Sequence[PeerView]) -> list[str]:
        """Return one line for each endpoint without a connection that failed."""
        return failure_lines(items)

    def action_kick(self) -> None:
        peer: PeerView | None = self._chosen
        if peer is None or peer.number == 0:
            return

        def answer(yes: bool | None) -> None:
            if yes:
                self._feed.command("kick", self.device, peer=peer.number)

        who = f"{peer.routing_id or 'peer'} at {peer.address}"
        self.app.push_screen(Question(f"Kick {who}? Its connection ends; most peers connect again."), answer)
