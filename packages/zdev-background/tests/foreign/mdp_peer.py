"""A peer of another implementation of Majordomo: `mdp_peer.py MODULE worker|client SERVICE ENDPOINT`.

A worker answers every request with its frames in upper case, and majortomo's one with two parts if there are two frames. A
client prints the reply to the request that its standard input contains, as one frame a line.
"""

from __future__ import annotations

import sys
from typing import Any

import zmq


def majortomo_worker(service: str, endpoint: str) -> None:
    from majortomo import Worker

    with Worker(endpoint, service, heartbeat_interval=0.3, heartbeat_timeout=3) as worker:
        while True:
            client, (*parts, last) = worker.wait_for_request()
            worker.send_reply_from_iterable(client, [[part.upper()] for part in parts], [last.upper()])


def majortomo_client(service: str, endpoint: str) -> None:
    from majortomo import Client

    with Client(endpoint) as client:
        client.send(service, *frames())
        show(client.recv_all_as_list(timeout=5))


def mdp_worker(service: str, endpoint: str) -> None:
    adapt_pyzmq()
    from mdp.worker import MDPWorker
    from zmq.eventloop.ioloop import IOLoop

    class Worker(MDPWorker):  # type: ignore[misc]
        HB_INTERVAL = 300

        def on_request(self, frames: list[bytes]) -> None:
            self.reply([frame.upper() for frame in frames])

    Worker(zmq.Context(), endpoint, service.encode())
    IOLoop.instance().start()


def mdp_client(service: str, endpoint: str) -> None:
    adapt_pyzmq()
    from mdp.client import mdp_request

    socket = zmq.Context().socket(zmq.REQ)
    socket.connect(endpoint)
    show(mdp_request(socket, service.encode(), frames(), 5)[1:])  # after the service


def adapt_pyzmq() -> None:
    """Add to pyzmq what its versions of 2013 had, and pyzmq-mdp needs."""
    from zmq.eventloop import ioloop, zmqstream

    class DelayedCallback:
        def __init__(self, callback: Any, delay: float) -> None:
            self._start = lambda: ioloop.IOLoop.current().call_later(delay / 1000, callback)

        def start(self) -> None:
            self._start()

    ioloop.DelayedCallback = DelayedCallback
    zmqstream.ZMQStream.connect = lambda self, endpoint: self.socket.connect(endpoint)


def frames() -> list[bytes]:
    return [line.encode() for line in sys.stdin.read().split()]


def show(reply: list[bytes]) -> None:
    print("\n".join(frame.decode() for frame in reply))


module, kind, *rest = sys.argv[1:]
globals()[f"{module}_{kind}"](*rest)
