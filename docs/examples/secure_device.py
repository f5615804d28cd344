"""Run a monitored queue that admits only peers with authorised keys; it prints:

anna got HELLO
mallory: refused
"""

import logging
from pathlib import Path
from tempfile import TemporaryDirectory

import zmq
from zmq.auth import load_certificate

from zdev_background import CurveServer, Role, ThreadMonitoredQueue, create_key


def peer(context: zmq.Context[zmq.Socket[bytes]], kind: int, secret_key: Path, server_key: Path) -> zmq.Socket[bytes]:
    socket = context.socket(kind)
    socket.curve_publickey, socket.curve_secretkey = load_certificate(secret_key)
    socket.curve_serverkey, _ = load_certificate(server_key)
    socket.linger, socket.rcvtimeo = 0, 10_000
    return socket


def main(keys: Path) -> None:
    server_key, server_secret = create_key(keys, "queue")
    _, anna = create_key(keys / "clients", "anna")
    _, worker_key = create_key(keys / "workers", "worker")
    _, mallory = create_key(keys / "others", "mallory")

    queue = ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER, zmq.PUB)
    authorised: dict[Role, str] = {"in": "clients", "out": "workers", "mon": "workers"}
    for role, clients in authorised.items():
        queue.bind(role, "tcp://127.0.0.1:*")
        queue.secure(role, CurveServer(server_secret, keys / clients))

    with queue, zmq.Context() as context:
        client = peer(context, zmq.REQ, anna, server_key)
        client.connect(queue.endpoints["in"][0])
        worker = peer(context, zmq.REP, worker_key, server_key)
        worker.connect(queue.endpoints["out"][0])
        client.send(b"hello")
        worker.send(worker.recv().upper())
        print("anna got", client.recv_string())

        stranger = peer(context, zmq.REQ, mallory, server_key)
        events = stranger.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH)
        stranger.connect(queue.endpoints["in"][0])
        event = int.from_bytes(events.recv_multipart()[0][:2], "little")
        print("mallory:", "refused" if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH else "admitted")
        stranger.disable_monitor()
        context.destroy()


if __name__ == "__main__":
    logging.getLogger("zdev.security").addHandler(logging.NullHandler())  # do not print the log line about mallory
    with TemporaryDirectory() as directory:
        main(Path(directory))
