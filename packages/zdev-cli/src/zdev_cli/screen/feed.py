"""Requests to the running zdev, outside the thread of the screen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Literal

from textual.message import Message

from .._failure import Failure
from ..control.client import ask
from ..control.protocol import Request, Verb
from ..snapshot import Snapshot
from ..snapshot.peers import PeerView
from ..snapshot.requests import WorkerView

Listed = Literal["peers", "workers"]
PATIENCE = 3.0  # seconds without an answer after which the connection counts as lost


class SnapshotReceived(Message):
    """The devices as they are now."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.snapshot = snapshot


class ItemsReceived(Message):
    """The peers or workers of a device as they are now, or why they are not known."""

    def __init__(self, listed: Listed, device: str, items: Sequence[PeerView | WorkerView], problem: str = "") -> None:
        super().__init__()
        self.listed = listed
        self.device = device
        self.items = items
        self.problem = problem


class ConnectionLost(Message):
    """No answer came."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class CommandDone(Message):
    """The outcome of a command."""

    def __init__(self, text: str, *, well: bool) -> None:
        super().__init__()
        self.text = text
        self.well = well


class Feed:
    """Asks periodically, and posts each answer as a message. Its threads are daemons, so that a late answer does not delay the exit."""

    def __init__(self, control: str | None, interval: float, post: Callable[[Message], object]) -> None:
        self._control = control
        self._interval = interval
        self._post = post
        self._ended = False
        self._watched: tuple[Listed, str] | None = None
        self._hurry = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._poll, name="zdev top", daemon=True).start()

    def stop(self) -> None:
        self._ended = True
        self._hurry.set()

    def watch(self, listed: Listed, device: str | None) -> None:
        """Ask for the peers or workers of this device too, from now on; None: of no device."""
        self._watched = None if device is None else (listed, device)
        self._hurry.set()

    def command(self, verb: Verb, device: str, *, peer: int | None = None, worker: int | None = None) -> None:
        """Send a command; its answer comes as `CommandDone`."""
        request = Request(verb=verb, device=device, peer=peer, worker=worker)
        threading.Thread(target=self._command, args=(request,), name=f"zdev top: {verb}", daemon=True).start()

    def _poll(self) -> None:
        while not self._ended:
            self._hurry.clear()
            try:
                snapshot = ask(Request(verb="status"), self._control, PATIENCE).snapshot
                assert snapshot
                self._post(SnapshotReceived(snapshot))
            except Failure as failure:
                self._post(ConnectionLost(str(failure)))
            if watched := self._watched:
                self._post(self._items_of(*watched))
            self._hurry.wait(self._interval)

    def _items_of(self, listed: Listed, device: str) -> ItemsReceived:
        try:
            reply = ask(Request(verb=listed, device=device), self._control, PATIENCE)
        except Failure as failure:
            return ItemsReceived(listed, device, [], str(failure))
        return ItemsReceived(listed, device, (reply.workers if listed == "workers" else reply.peers) or [])

    def _command(self, request: Request) -> None:
        """Without a time limit: a drain has its own."""
        try:
            reply = ask(request, self._control, timeout=None)
            self._post(CommandDone("\n".join(reply.lines), well=True))
        except Failure as failure:
            self._post(CommandDone(str(failure), well=False))
        self._hurry.set()
