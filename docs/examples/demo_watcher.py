"""The watcher of the demo: it reads from the mon socket, counts every message, and prints a sample."""

from __future__ import annotations

from datetime import datetime
from math import inf
from time import monotonic

import zmq

from zdev_cli import message_line

SAMPLE_EVERY = 0.4  # seconds; nobody can read thousands of lines


class Watcher:
    def __init__(self, socket: zmq.Socket[bytes]) -> None:
        self.counts = {b"in": 0, b"out": 0}
        self.last: list[bytes] = []
        self._socket = socket
        self._next_sample = inf
        self._reply_to_show: bytes | None = None

    def begin(self) -> None:
        """Count from zero, and start printing a request and its reply now and then."""
        self.counts = {b"in": 0, b"out": 0}
        self._next_sample = monotonic()

    def watch(self, seconds: float) -> bool:
        """Receive messages, waiting up to so many seconds for the first. Return whether any arrived."""
        if not self._socket.poll(int(seconds * 1000)):
            return False
        for _ in range(1000):  # then let the caller check its processes
            try:
                self.last = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                break
            self.counts[self.last[0]] += 1
            if self._is_sample():
                print(message_line(self.last, datetime.now()), flush=True)
        return True

    def _is_sample(self) -> bool:
        direction, body = self.last[0], self.last[-1]
        if direction == b"out" and body == self._reply_to_show:
            self._reply_to_show = None
            self._next_sample = monotonic() + SAMPLE_EVERY
            return True
        if direction == b"in" and self._reply_to_show is None and monotonic() >= self._next_sample:
            self._reply_to_show = body.upper()
            return True
        return False
