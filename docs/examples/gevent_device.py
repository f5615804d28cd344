"""Run a queue in a gevent program whose greenlets talk through it with zmq.green; it prints:

0 and 1 are 1
1 and 1 are 2
2 and 1 are 3
"""

from __future__ import annotations

from gevent import monkey  # type: ignore[import-untyped]

monkey.patch_all()  # the device still runs in a real thread

import gevent
import zmq.green as zmq

from zdev_background import ThreadDevice


def work(context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> None:
    with context.socket(zmq.REP) as socket:
        socket.connect(endpoint)
        while True:
            socket.send_string(str(int(socket.recv_string()) + 1))


def ask(context: zmq.Context[zmq.Socket[bytes]], endpoint: str, number: int) -> str:
    with context.socket(zmq.REQ) as socket:
        socket.connect(endpoint)
        socket.send_string(str(number))
        return f"{number} and 1 are {socket.recv_string()}"


def main() -> None:
    queue = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    queue.bind_in("tcp://127.0.0.1:*")
    queue.bind_out("tcp://127.0.0.1:*")
    with queue, zmq.Context() as context:
        front, back = (queue.endpoints[role][0] for role in ("in", "out"))
        worker = gevent.spawn(work, context, back)
        clients = [gevent.spawn(ask, context, front, number) for number in range(3)]
        gevent.joinall(clients, timeout=10, raise_error=True)
        print(*(client.get() for client in clients), sep="\n")
        worker.kill()


if __name__ == "__main__":
    main()
