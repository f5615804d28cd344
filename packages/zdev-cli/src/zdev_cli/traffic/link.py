"""The connection to a peer: each change of it is a line on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._failure import Failure, Status
from .._progress import say

if TYPE_CHECKING:
    import zmq


NEEDED = "add --secret-key FILE, your own, and --server-key FILE, its public one"


class Link:
    """What becomes of the connections of a socket that connects to `endpoint`.

    refused: what to say when the peer there doesn't let the socket in; libzmq doesn't try again then. None: the socket is bound,
    others may come and go, and nothing is told.
    """

    def __init__(self, socket: zmq.Socket[bytes], endpoint: str, refused: str | None, *, has_keys: bool = False) -> None:
        from zmq import Event

        self.endpoint = endpoint
        self.lost = 0  # connections that ended after the two had understood each other
        self._refused = refused
        self._has_keys = has_keys
        self._said = ""
        self._shaking_hands = False
        self._socket = socket
        watched = Event.CONNECT_RETRIED | Event.CONNECTED | Event.HANDSHAKE_SUCCEEDED | Event.DISCONNECTED
        self.events = socket.get_monitor_socket(watched | _handshake_failed())

    def report(self) -> None:
        """Read one event and tell it. Raises Failure when what listens there can't be the peer wanted."""
        from zmq import Event
        from zmq.utils.monitor import recv_monitor_message

        event = recv_monitor_message(self.events)["event"]
        self.lost += event == Event.DISCONNECTED and not self._shaking_hands
        if self._refused is None:
            return
        if event == Event.HANDSHAKE_SUCCEEDED:
            self._say(f"connected to {self.endpoint}")
        elif event == Event.CONNECT_RETRIED:
            self._say(f"nobody answers at {self.endpoint}: waiting for it")
        elif event & _handshake_failed() or (event == Event.DISCONNECTED and self._shaking_hands):
            raise Failure(self._why(event), Status.UNAVAILABLE)
        self._shaking_hands = event == Event.CONNECTED

    def _why(self, event: int) -> str:
        """A peer that minds our type just hangs up, and so does mostly one that wants a key."""
        from zmq import Event

        if event == Event.HANDSHAKE_FAILED_AUTH:
            return f"{self.endpoint} does not let this key in: put the public one among its clients"
        if not self._has_keys:
            return f"{self._refused}; if it lets in only who has a key: {NEEDED}"
        return f"{self._refused}; or it asks for no key, or for others than these: is --server-key its own?"

    def _say(self, text: str) -> None:
        if text != self._said:  # libzmq retries ten times a second
            self._said = text
            say(text)

    def close(self) -> None:
        self._socket.disable_monitor()
        self.events.close()


def _handshake_failed() -> zmq.Event:
    from zmq import Event

    return Event.HANDSHAKE_FAILED_PROTOCOL | Event.HANDSHAKE_FAILED_NO_DETAIL | Event.HANDSHAKE_FAILED_AUTH
