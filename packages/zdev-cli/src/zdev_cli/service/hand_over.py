"""The listening sockets of a running zdev, for the one that takes over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from socket import socket
from typing import TYPE_CHECKING

from zdev_background._listening import endpoint_of

from ..config.given_sockets import HTTP
from ..control.protocol import CONTROL, HandOver, Reply
from ..control.server import ControlServer
from .managed import Managed

if TYPE_CHECKING:
    from ..web import WebServer


def offer_of(devices: Iterable[Managed], web: WebServer | None, control: ControlServer) -> tuple[Reply, list[socket]]:
    """Return duplicates of all listening sockets, and the endpoints of devices that cannot be handed over."""
    sockets: list[tuple[str, str, socket]] = []
    others: list[str] = []
    for device in devices:
        listening = device.listening_sockets()
        for view in device.view().sockets:
            found = {endpoint_of(each): each for each in listening.get(view.role, ())}
            sockets += [(f"{device.name}.{view.role}", endpoint, each) for endpoint, each in found.items()]
            others += [each for each in view.binds if each not in found]
    if web and (listener := web.listening_socket()):
        sockets.append((HTTP, endpoint_of(listener), listener))
    sockets.append((CONTROL, "", control.listening_socket()))
    offer = HandOver(pid=os.getpid(), sockets=[(name, at) for name, at, _ in sockets], others=others)
    return Reply(hand_over=offer), [each for _, _, each in sockets]
