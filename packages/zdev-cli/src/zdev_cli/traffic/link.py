"""The connection to a peer: each change is a line on stderr."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .._failure import Failure, Status
from .._progress import say

if TYPE_CHECKING:
    import zmq


NEEDED = (
    "if it requires a password, add --password FILE; "
    "if it requires a key, add --secret-key FILE (yours) and --server-key FILE (its public key)"
)


class Link:
    """The connections of a socket that connects to `endpoints`.

    refused: the error, after the endpoint, when the peer there rejects the socket; libzmq doesn't try again then. None: the
    socket is bound, others may come and go, and nothing is printed. mechanism: CURVE, PLAIN or empty. quiet: print nothing.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        endpoints: Sequence[str],
        refused: str | None,
        *,
        mechanism: str = "",
        quiet: bool = False,
    ) -> None:
        from zmq import Event

        self.lost = 0  # connections that ended after the two had understood each other
        self.said = ""  # the last line
        self._endpoints = endpoints
        self._refused = refused
        self._mechanism = mechanism
        self._quiet = quiet
        self._shaking_hands: set[str] = set()
        self._socket = socket
        watched = Event.CONNECT_RETRIED | Event.CONNECTED | Event.HANDSHAKE_SUCCEEDED | Event.DISCONNECTED
        self.events = socket.get_monitor_socket(watched | handshake_failed())

    def report(self) -> None:
        """Read and report one event. Raises Failure when the socket there cannot be the wanted peer."""
        from zmq import Event
        from zmq.utils.monitor import recv_monitor_message

        message = recv_monitor_message(self.events)
        event = message["event"]
        endpoint = self._endpoints[0] if len(self._endpoints) == 1 else message["endpoint"].decode()
        shook_hands = endpoint in self._shaking_hands
        self._shaking_hands.discard(endpoint)
        self.lost += event == Event.DISCONNECTED and not shook_hands
        if self._refused is None:
            return
        if event == Event.HANDSHAKE_SUCCEEDED:
            self._say(f"connected to {endpoint}")
        elif event == Event.CONNECT_RETRIED:
            self._say(f"not connected to {endpoint}: retrying")
        elif event & handshake_failed() or (event == Event.DISCONNECTED and shook_hands):
            raise Failure(f"{endpoint} {self._why(event)}", Status.UNAVAILABLE)
        elif event == Event.CONNECTED:
            self._shaking_hands.add(endpoint)

    def _why(self, event: int) -> str:
        """A peer that rejects the socket type only disconnects, and usually so does one that requires a key."""
        from zmq import Event

        if event == Event.HANDSHAKE_FAILED_AUTH:
            if self._mechanism == "PLAIN":
                return "rejected this name and password: add them to the passwords there"
            return "rejected this key: add its public key to the clients there"
        if not self._mechanism:
            return f"{self._refused}; {NEEDED}"
        if self._mechanism == "PLAIN":
            return f"{self._refused}; or it rejected the name and password, or does not use PLAIN"
        return f"{self._refused}; it may not use CURVE, or --server-key may belong to another socket"

    def _say(self, text: str) -> None:
        if text != self.said and not self._quiet:  # libzmq retries ten times a second
            self.said = text
            say(text)

    def close(self) -> None:
        self._socket.disable_monitor()
        self.events.close()


def handshake_failed() -> zmq.Event:
    """Return the events of a handshake that failed."""
    from zmq import Event

    return Event.HANDSHAKE_FAILED_PROTOCOL | Event.HANDSHAKE_FAILED_NO_DETAIL | Event.HANDSHAKE_FAILED_AUTH
