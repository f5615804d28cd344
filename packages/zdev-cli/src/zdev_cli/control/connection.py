"""A client's connection to the control socket, which takes one request and gets one answer, each a line of JSON."""

from __future__ import annotations

import socket as sockets

REQUEST_BYTES = 65536  # of the longest request


class Connection:
    """A non-blocking socket, who is at its other end, and what is to be received or sent. For one thread."""

    def __init__(self, socket: sockets.socket, peer: str, deadline: float) -> None:
        self.socket = socket
        self.peer = peer
        self.deadline = deadline
        """Of time.monotonic(): for the request to come, or the answer to be read; infinite while its command runs."""
        self.reply = b""
        """What is still to be sent."""
        self._received = bytearray()

    def receive(self) -> bytes | None:
        """The request, once its line is complete, or ended by the client's shutdown; None: more is to come.

        Raises ValueError when it is too long, OSError when the connection is lost.
        """
        try:
            part = self.socket.recv(REQUEST_BYTES)
        except (BlockingIOError, InterruptedError):
            return None
        self._received += part
        line, end, _ = bytes(self._received).partition(b"\n")
        if len(line) > REQUEST_BYTES:
            raise ValueError(f"longer than {REQUEST_BYTES} bytes")
        return line if end or not part else None

    def send(self) -> None:
        """Send as much of `reply` as the connection takes. Raises OSError when it is lost."""
        try:
            sent = self.socket.send(self.reply)
        except (BlockingIOError, InterruptedError):
            return
        self.reply = self.reply[sent:]
