"""Whether a device listens where a load is to connect."""

from __future__ import annotations

from time import monotonic

import zmq
from zmq import Event
from zmq.utils.monitor import recv_monitor_message

from .._failure import Failure, Status, status_of
from .._words import Role

_REFUSED = (
    Event.DISCONNECTED  # a peer that minds our type just hangs up
    | Event.HANDSHAKE_FAILED_PROTOCOL
    | Event.HANDSHAKE_FAILED_NO_DETAIL
    | Event.HANDSHAKE_FAILED_AUTH
)


def reach(role: Role, endpoint: str, type_name: str, timeout: float) -> None:
    """Connect once, as a peer of this type. Raises Failure when none answers within `timeout` seconds, or lets it not in."""
    with zmq.Context() as context, context.socket(zmq.SocketType[type_name]) as socket:
        socket.linger = 0
        events = socket.get_monitor_socket(Event.CONNECTED | Event.HANDSHAKE_SUCCEEDED | _REFUSED)
        try:
            socket.connect(endpoint)
            _shake_hands(events, f"--{role} {endpoint}", type_name, monotonic() + timeout)
        except zmq.ZMQError as error:
            text = f"--{role}: cannot connect to {endpoint}: {zmq.strerror(error.errno or 0)}"
            raise Failure(text, status_of(error.errno)) from error
        finally:
            socket.disable_monitor()


def _shake_hands(events: zmq.Socket[bytes], where: str, type_name: str, deadline: float) -> None:
    while events.poll(max(0, int((deadline - monotonic()) * 1000))):
        event = recv_monitor_message(events)["event"]
        if event == Event.HANDSHAKE_SUCCEEDED:
            return
        if event & _REFUSED:
            text = f"{where}: what listens there takes no {type_name}: name the device's TYPE, and in and out as they are"
            raise Failure(text, Status.UNAVAILABLE)
    raise Failure(f"{where}: nobody answers: is the device running, and is this its endpoint?", Status.UNAVAILABLE)
