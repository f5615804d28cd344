"""The connection to a peer: each change is a line on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._failure import Failure, Status
from .._progress import say

if TYPE_CHECKING:
    import zmq


NEEDED = "add --secret-key FILE (yours) and --server-key FILE (its public key)"


class Link:
    """The connections of a socket that connects to `endpoint`.

    refused: the error when the peer there rejects the socket; libzmq doesn't try again then. None: the socket is bound,
    others may come and go, and nothing is printed.
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
        """Read and report one event. Raises Failure when the socket there cannot be the wanted peer."""
        from zmq import Event
        from zmq.utils.monitor import recv_monitor_message

        event = recv_monitor_message(self.events)["event"]
        self.lost += event == Event.DISCONNECTED and not self._shaking_hands
        if self._refused is None:
            return
        if event == Event.HANDSHAKE_SUCCEEDED:
            self._say(f"connected to {self.endpoint}")
        elif event == Event.CONNECT_RETRIED:
            self._say(f"not connected to {self.endpoint}: retrying")
        elif event & _handshake_failed() or (event == Event.DISCONNECTED and self._shaking_hands):
            raise Failure(self._why(event), Status.UNAVAILABLE)
        self._shaking_hands = event == Event.CONNECTED

    def _why(self, event: int) -> str:
        """A peer that rejects the socket type only disconnects, and usually so does one that requires a key."""
        from zmq import Event

        if event == Event.HANDSHAKE_FAILED_AUTH:
            return f"{self.endpoint} rejected this key: add its public key to the clients there"
        if not self._has_keys:
            return f"{self._refused}; if it requires a key, {NEEDED}"
        return f"{self._refused}; it may not use CURVE, or --server-key may belong to another socket"

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
