"""The workers of the selected device."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from ..control.protocol import Verb
from ..snapshot.requests import WorkerView
from ..snapshot.worker_table import TABLE
from .items import ItemsScreen


class WorkersScreen(ItemsScreen):
    """The workers of one device; `d` gives no more requests to one, `r` gives it some again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back", key_display="Esc"),
        Binding("d", "steer('drain')", "Drain"),
        Binding("r", "steer('resume')", "Resume"),
    ]
    listed = "workers"
    kind = TABLE

    def action_steer(self, verb: Verb) -> None:
        worker: WorkerView | None = self._chosen
        if worker:
            self._feed.command(verb, self.device, worker=worker.number)
