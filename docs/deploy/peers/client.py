"""A client that uses every replica, and loses nothing: what has no answer in time it asks again.

A request has a number of its own, and keeps it when it is asked again. So a second answer is known as such and ignored; a worker
may do one request twice, and must not mind.

python client.py orders-each.zdev.svc:5559 --key keys/anna.key_secret --server-key orders.key

It prints a line of JSON a second, and one at its end: upon SIGTERM it asks nothing new and waits for all answers.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from types import FrameType

import zmq
from following import Following, arguments, new_socket

PATIENCE = 1.0  # seconds until a request is asked again
LAST = 30.0  # seconds for the last answers

ended_at: float | None = None


def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    global ended_at
    ended_at = ended_at or time.monotonic()


class Client:
    """Keeps `window` requests under way."""

    def __init__(self, socket: zmq.Socket[bytes], window: int, body: bytes) -> None:
        self._socket, self._window, self._body = socket, window, body
        self.under_way: dict[int, tuple[float, float]] = {}  # when each was asked first, and last
        self.asked = self.answered = self.again = self.ignored = 0
        self.slowest = 0.0

    def ask(self, *, new: bool) -> None:
        """What is overdue, then what is new, as long as somebody takes it."""
        now = time.monotonic()
        for number, (first, last) in list(self.under_way.items()):
            if now - last > PATIENCE:
                if not self._send(number):
                    return
                self.under_way[number] = (first, now)
                self.again += 1
        while new and len(self.under_way) < self._window and self._send(self.asked):
            self.under_way[self.asked] = (now, now)
            self.asked += 1

    def take(self) -> None:
        """The answers that are there."""
        try:
            while True:
                _, name, _ = self._socket.recv_multipart(zmq.NOBLOCK)
                asked = self.under_way.pop(int.from_bytes(name, "big"), None)
                if asked is None:
                    self.ignored += 1
                    continue
                self.answered += 1
                self.slowest = max(self.slowest, time.monotonic() - asked[0])
        except zmq.Again:
            pass

    def tell(self) -> None:
        told = {name: getattr(self, name) for name in ("asked", "answered", "again", "ignored")}
        print(json.dumps({**told, "slowest": round(self.slowest, 3), "at": time.monotonic()}), flush=True)

    def _send(self, number: int) -> bool:
        try:
            self._socket.send_multipart([b"", number.to_bytes(8, "big"), self._body], zmq.NOBLOCK)
        except zmq.Again:  # no replica is there, or none has room
            return False
        return True


def main() -> int:
    parser = arguments("Asks zdev devices, and asks again what nobody answered.")
    parser.add_argument("--window", type=int, default=16, help="requests under way")
    parser.add_argument("--size", type=int, default=100, help="bytes of a request")
    told = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    with zmq.Context() as context, new_socket(context, zmq.DEALER, told) as requests:
        following, client = Following(requests, told.name), Client(requests, told.window, bytes(told.size))
        next_line = 0.0
        while ended_at is None or (client.under_way and time.monotonic() < ended_at + LAST):
            following.follow()
            client.ask(new=ended_at is None)
            requests.poll(50)
            client.take()
            if time.monotonic() > next_line:
                client.tell()
                next_line = time.monotonic() + 1
        client.tell()
        return 1 if client.under_way else 0


if __name__ == "__main__":
    sys.exit(main())
