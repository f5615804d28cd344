"""A client of the demo: it sends requests for some seconds, checks each reply, and prints its counts as JSON.

python demo_client.py NAME ENDPOINT SECONDS

It ends early when its standard input ends. In both cases it waits up to 5 seconds for pending replies.
"""

import json
import sys
from time import monotonic

import zmq

WINDOW = 20  # requests under way at a time
PATIENCE = 5  # seconds to wait for the last replies


class Client:
    def __init__(self, name: str, socket: zmq.Socket[bytes]) -> None:
        self.name = name
        self.requests = self.replies = self.wrong = 0
        self.pending: set[bytes] = set()  # the expected replies
        self._socket = socket

    def ask(self) -> None:
        self.requests += 1
        question = f"{self.name} asks: how much is {self.requests} and one?".encode()
        self.pending.add(question.upper())
        self._socket.send_multipart([b"", question])

    def receive(self) -> None:
        _delimiter, _worker, answer = self._socket.recv_multipart()
        if answer in self.pending:
            self.pending.remove(answer)
            self.replies += 1
        else:  # corrupt, another client's, or a duplicate
            self.wrong += 1


def main(name: str, endpoint: str, seconds: str) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.routing_id = name.encode()
        socket.connect(endpoint)
        client = Client(name, socket)
        start = monotonic()
        _converse(client, socket, start + float(seconds))
        counts = {"requests": client.requests, "replies": client.replies, "wrong": client.wrong}
        print(json.dumps(counts | {"seconds": monotonic() - start}))


def _converse(client: Client, socket: zmq.Socket[bytes], end: float) -> None:
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    while (now := monotonic()) < end or (client.pending and now < end + PATIENCE):
        while now < end and len(client.pending) < WINDOW:
            client.ask()
        ready = dict(poller.poll(100))
        if sys.stdin.fileno() in ready:  # closed when the demo asks for an early end, or ends: send no more requests
            end = min(end, monotonic())
            poller.unregister(sys.stdin.fileno())
        if socket in ready:
            client.receive()


if __name__ == "__main__":
    main(*sys.argv[1:])
