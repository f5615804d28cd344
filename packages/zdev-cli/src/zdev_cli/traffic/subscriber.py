"""A subscriber of a mon socket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .receiver import Receiver

if TYPE_CHECKING:
    from zdev_background import Security


class Subscriber(Receiver):
    """While entered, subscribed to the mon socket at `endpoint`. A message is [prefix, frame, ...].

    directions: prefixes to subscribe to; none for all. The device copies only what is subscribed to.
    capacity: messages that may wait here; beyond them the device's libzmq drops, as PUB sockets do.
    """

    def __init__(self, endpoint: str, directions: Sequence[bytes], capacity: int, security: Security | None = None) -> None:
        refused = "is not a mon endpoint: no PUB or XPUB accepted the connection"
        super().__init__("SUB", [endpoint], topics=directions, capacity=capacity, security=security, refused=refused)
