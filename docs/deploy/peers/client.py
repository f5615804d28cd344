"""A client that uses every replica and loses no request: it sends requests again that are not answered in time.

Each request has a number, and keeps it when it is sent again, so that the client can ignore a second answer. A worker may process a
request twice, which must do no harm.

python client.py orders-each.zdev.svc:5559 --key keys/anna.key_secret --server-key orders.key

It prints one line of JSON per second, and one when it ends. On SIGTERM it sends no new requests and waits for all answers.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from types import FrameType

import zmq
from following import Following, argument_parser, new_socket

RETRY_AFTER = 1.0  # seconds until an unanswered request is sent again
FINAL_WAIT = 30.0  # seconds to wait for the last answers

ended_at: float | None = None


def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    global ended_at
    ended_at = ended_at or time.monotonic()


class Client:
    """Keeps `window` requests under way."""

    def __init__(self, socket: zmq.Socket[bytes], window: int, body: bytes) -> None:
        self._socket, self._window, self._body = socket, window, body
        self.under_way: dict[int, tuple[float, float]] = {}  # by number: times of the first and the latest attempt
        self.asked = self.answered = self.again = self.ignored = 0
        self.slowest = 0.0

    def ask(self, *, new: bool) -> None:
        """Send overdue requests again, then new ones, while a replica has room."""
        now = time.monotonic()
        for number, (first, last) in list(self.under_way.items()):
            if now - last > RETRY_AFTER:
                if not self._send(number):
                    return
                self.under_way[number] = (first, now)
                self.again += 1
        while new and len(self.under_way) < self._window and self._send(self.asked):
            self.under_way[self.asked] = (now, now)
            self.asked += 1

    def receive(self) -> None:
        """Receive all answers that have arrived."""
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

    def report(self) -> None:
        """Print the counters as one line of JSON."""
        counters = {name: getattr(self, name) for name in ("asked", "answered", "again", "ignored")}
        print(json.dumps({**counters, "slowest": round(self.slowest, 3), "at": time.monotonic()}), flush=True)

    def _send(self, number: int) -> bool:
        try:
            self._socket.send_multipart([b"", number.to_bytes(8, "big"), self._body], zmq.NOBLOCK)
        except zmq.Again:  # no replica is connected, or none has room
            return False
        return True


def main() -> int:
    parser = argument_parser("Send requests to zdev devices, and send unanswered ones again.")
    parser.add_argument("--window", type=int, default=16, help="requests under way")
    parser.add_argument("--size", type=int, default=100, help="size of a request in bytes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    with zmq.Context() as context, new_socket(context, zmq.DEALER, options) as requests:
        following, client = Following(requests, options.name), Client(requests, options.window, bytes(options.size))
        next_report = 0.0
        while ended_at is None or (client.under_way and time.monotonic() < ended_at + FINAL_WAIT):
            following.follow()
            client.ask(new=ended_at is None)
            requests.poll(50)
            client.receive()
            if time.monotonic() > next_report:
                client.report()
                next_report = time.monotonic() + 1
        client.report()
        return 1 if client.under_way else 0


if __name__ == "__main__":
    sys.exit(main())
