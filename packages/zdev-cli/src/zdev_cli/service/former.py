"""The zdev that runs already, as the one that replaces it (`zdev run --take-over`) sees it."""

from __future__ import annotations

import os
import select
import socket
from contextlib import ExitStack
from time import monotonic, sleep

from .._failure import Failure, Status
from ..config import DeviceConfig
from ..config.endpoints import address_of
from ..config.given_sockets import GivenSocket
from ..control.client import Dialog, Ended, NotRunning, Refusal
from ..control.protocol import CONTROL, HandOver, Request

HAND_OVER_TIMEOUT = 60.0  # seconds; each of its devices has a few to close its listening sockets
ENDING_INTERVAL = 0.02  # seconds between attempts to reach a zdev that is ending


class Former:
    """A zdev whose listening sockets this process has.

    Attributes:
        pid: Its process.
        sockets: For devices and HTTP.
        control: Its control socket.
    """

    def __init__(self, dialog: Dialog, offer: HandOver, descriptors: list[int]) -> None:
        self.pid = offer.pid
        self._dialog = dialog
        self._others = [address for each in offer.others if (address := address_of(each))]
        named = zip(offer.sockets, descriptors, strict=True)
        given = [GivenSocket(*each, socket.socket(fileno=fd), keep=False) for each, fd in named]
        self.sockets = [each for each in given if each.name != CONTROL]
        (self.control,) = [each.socket for each in given if each.name == CONTROL]

    @classmethod
    def find(cls, control: str) -> Former | None:
        """Get the sockets of the zdev whose control socket is at the path `control`, which goes on as before.

        Returns None where no zdev runs, or none any more: waits for the end of one that is ending. Raises Failure if it does not
        hand them over.
        """
        deadline = monotonic() + HAND_OVER_TIMEOUT
        while True:
            try:
                return cls._find(control)
            except Ended:
                if monotonic() > deadline:
                    raise
                sleep(ENDING_INTERVAL)
            except NotRunning:
                return None

    @classmethod
    def _find(cls, control: str) -> Former:
        descriptors: list[int] = []
        dialog = Dialog(control)
        with ExitStack() as undo:
            undo.enter_context(dialog.socket)
            undo.callback(_close, descriptors)  # one that died may have sent a part of its answer
            try:
                offer = dialog.ask(Request(verb="listeners"), descriptors=descriptors).hand_over
            except Refusal as refusal:
                if refusal.status != Status.USAGE:
                    raise
                text = f"cannot take over from the zdev at {control}: its version has no hand-over (stop it first)"
                raise Failure(text, Status.UNAVAILABLE) from refusal
            if offer is None or len(offer.sockets) != len(descriptors):
                raise Failure(f"cannot take over from the zdev at {control}: not all its sockets arrived", Status.UNAVAILABLE)
            undo.pop_all()
        return cls(dialog, offer, descriptors)

    def hand_over(self) -> bool:
        """Have it leave new connections to this process, drain its devices and end. Returns whether it still runs.

        Raises Failure if it does not hand over, and goes on as before.
        """
        try:
            self._dialog.limit(HAND_OVER_TIMEOUT)
            self._dialog.ask(Request(verb="hand-over", successor=os.getpid()))
        except Failure:
            if not self.wait(0.0):
                raise
            return False
        return True

    def wait(self, seconds: float | None = None) -> bool:
        """Return whether it ends within this time."""
        poll = select.poll()
        poll.register(self._dialog.socket, select.POLLIN)
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def close(self) -> None:
        """Close its sockets, and the connection to it."""
        for each in (*(given.socket for given in self.sockets), self.control, self._dialog.socket):
            each.close()

    def keeps(self, config: DeviceConfig) -> bool:
        """Return whether it has, until it ends, an endpoint of this device that it could not hand over."""
        binds = [address_of(bind) for each in config.sockets.values() for bind in each.binds]
        return any(address and address.clashes(other) for address in binds for other in self._others)


def _close(descriptors: list[int]) -> None:
    for each in descriptors:
        os.close(each)
