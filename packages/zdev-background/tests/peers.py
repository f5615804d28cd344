"""Clients and workers as separate programs: `peers.py client ENDPOINT COUNT` and `peers.py worker ENDPOINT`."""

import os
import sys

import zmq


def client(endpoint: str, count: str) -> None:
    """Send requests one after the other; fail unless each gets the reply that is its own."""
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger, socket.rcvtimeo = 0, 20_000
        socket.connect(endpoint)
        for number in range(int(count)):
            request = [b"client", b"%d" % os.getpid(), b"%d" % number]
            socket.send_multipart(request)
            assert socket.recv_multipart() == [*request, b"done"]


def worker(endpoint: str) -> None:
    """Answer until a request says END, or none has come for long."""
    with zmq.Context() as context, context.socket(zmq.REP) as socket:
        socket.linger, socket.rcvtimeo = 1000, 20_000
        socket.connect(endpoint)
        request = [b""]
        while request != [b"END"]:
            request = socket.recv_multipart()
            socket.send_multipart([*request, b"done"])


if __name__ == "__main__":
    if sys.argv[1] == "client":
        client(*sys.argv[2:])
    else:
        worker(*sys.argv[2:])
