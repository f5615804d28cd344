"""Compare PyZMQ's devices with zdev's in the same situations: print a table; exit with status 1 if zdev does not behave as expected."""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import zmq

HOST = "tcp://127.0.0.1"
PATIENCE = 2000  # ms, for events that take a few ms unless the machine is busy
Peer = Callable[..., "zmq.Socket[bytes]"]


def address_in_use(devices: Any, _peer: Peer) -> str:
    """Start a device whose address another program uses. Does start() report it?"""
    with socket.create_server(("127.0.0.1", 0)) as other:
        device = devices.ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
        device.bind_in(f"{HOST}:{other.getsockname()[1]}")
        device.bind_out(f"{HOST}:*")
        try:
            device.start()
        except zmq.ZMQError as error:
            return f"start() raises {zmq.Errno(error.errno or 0).name}"
        device.join(PATIENCE / 1000)
        return "start() returns"


def promised_port(devices: Any, _peer: Peer) -> str:
    """Choose a random port before the start. Can another program take it?"""
    device = devices.ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    port = device.bind_in_to_random_port(HOST)
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return "kept"
    return "free for others"


def short_message(devices: Any, peer: Peer) -> str:
    """Send a message without a destination between ROUTERs. Does the next message arrive?"""
    device = devices.ThreadMonitoredQueue(zmq.ROUTER, zmq.ROUTER)
    ports = device.bind_in_to_random_port(HOST), device.bind_out_to_random_port(HOST)
    device.start()
    anna, bert = (peer(zmq.DEALER, port, routing_id=name) for port, name in zip(ports, (b"anna", b"bert"), strict=True))
    bert.send_multipart([b"anna", b"I am here"])
    anna.poll(PATIENCE)
    anna.send(b"too short")
    anna.send_multipart([b"bert", b"good"])
    return "arrives" if bert.poll(PATIENCE) else "lost"


def client_gone(devices: Any, peer: Peer) -> str:
    """Reply to a client that has left, with ROUTER_MANDATORY. Does the device relay the next request?"""
    device = devices.ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER)
    device.setsockopt_in(zmq.ROUTER_MANDATORY, 1)
    ports = device.bind_in_to_random_port(HOST), device.bind_out_to_random_port(HOST)
    device.start()
    client, worker = peer(zmq.REQ, ports[0]), peer(zmq.DEALER, ports[1])
    worker.send_multipart([b"nobody", b"", b"reply"])
    device.join(0.3)
    client.send(b"request")
    return "goes on" if worker.poll(PATIENCE) else "ends"


def pause(devices: Any, peer: Peer) -> str:
    """Send PAUSE, then a message. Does the message pass?"""
    device = devices.ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.REP)
    binds = device.bind_in_to_random_port, device.bind_out_to_random_port, device.bind_ctrl_to_random_port
    ports = [bind(HOST) for bind in binds]
    device.start()
    push, pull, control = (peer(kind, port) for kind, port in zip((zmq.PUSH, zmq.PULL, zmq.REQ), ports, strict=True))
    control.send(b"PAUSE")
    control.poll(PATIENCE)
    push.send(b"message")
    return "passes" if pull.poll(PATIENCE) else "held"


def no_receiver(devices: Any, peer: Peer) -> str:
    """Let a message wait without a receiver. How much processor time does the device use?"""
    device = devices.ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    port = device.bind_in_to_random_port(HOST)
    device.bind_out_to_random_port(HOST)
    device.start()
    peer(zmq.PUSH, port).send(b"message")
    time.sleep(0.2)
    begin = time.process_time()
    time.sleep(1)
    share = time.process_time() - begin
    return "under 5 %" if share < 0.05 else f"{share:.0%}"


# Each question, the function that answers it, and the right answer.
QUESTIONS = [
    ("the address is in use", address_in_use, "start() raises EADDRINUSE"),
    ("a random port, before the start", promised_port, "kept"),
    ("between ROUTERs, after a short message", short_message, "arrives"),
    ("a reply to a client that left", client_gone, "goes on"),
    ("a message after PAUSE", pause, "held"),
    ("a core, while nobody receives", no_receiver, "under 5 %"),
]


def answer(question: Callable[[Any, Peer], str], name: str) -> str:
    made: list[zmq.Socket[bytes]] = []
    with zmq.Context() as context:

        def peer(kind: int, port: int, **options: Any) -> zmq.Socket[bytes]:
            made.append(context.socket(kind))
            for option, value in options.items():
                setattr(made[-1], option, value)
            made[-1].connect(f"{HOST}:{port}")
            return made[-1]

        try:
            return question(import_module(name), peer)
        finally:
            context.destroy(linger=0)
            zmq.Context.instance().term()  # ends PyZMQ's device; zdev's runs until this program ends


def main() -> int:
    threading.excepthook = lambda _: None  # do not print errors in PyZMQ's threads
    logging.disable()  # nor that zdev's device has lost the message that nobody received
    print(f"pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}\n{'':<40}{'zmq.devices':<26}zdev_background")
    wrong = 0
    for text, question, right in QUESTIONS:
        theirs, ours = (answer(question, name) for name in ("zmq.devices", "zdev_background"))
        print(f"{text:<40}{theirs:<26}{ours}", flush=True)
        wrong += ours != right
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
