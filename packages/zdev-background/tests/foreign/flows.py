"""Parts that the tests of foreign peers share: messages, the types of devices and their peers, and a check that messages flow."""

from __future__ import annotations

import random
import socket as sockets
import sys
from contextlib import ExitStack
from itertools import count

import pytest
import zmq
from helpers import ANY_PORT, libzmq_only, wire_only

from zdev_background import CurveClient, CurveServer, Device, PlainClient, PlainServer, ThreadDevice

from .program import SHORT, Peer

MESSAGES = {
    "one empty frame": [b""],
    "empty frames": [b"", b"a", b"", b"b", b""],
    "lengths of one byte and of eight": [bytes(255), bytes(256)],
    "300 frames": [b"%d" % number for number in range(300)],
    "1 MB frames": [bytes(range(250)) * 4000, bytes(1_000_000)],
}
DEVICE = {"DEALER": (zmq.ROUTER, zmq.DEALER), "PUSH": (zmq.PULL, zmq.PUSH), "PUB": (zmq.XSUB, zmq.XPUB)}
RECEIVER = {"DEALER": "DEALER", "PUSH": "PULL", "PUB": "SUB"}
each_sender = pytest.mark.parametrize("sender", DEVICE)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux only")
ENGINES = [pytest.param("wire", marks=[wire_only, on_linux]), pytest.param("libzmq", marks=libzmq_only)]
NUMBERS = count()
Security = CurveServer | CurveClient | PlainServer | PlainClient


def ends(device: Device) -> tuple[str, str]:
    return device.endpoints["in"][0], device.endpoints["out"][0]


def start_device(
    devices: ExitStack,
    engine: str,
    sender: str,
    into: str = ANY_PORT,
    out: str = ANY_PORT,
    *,
    how: str = "bind",
    security: Security | None = None,
) -> ThreadDevice:
    """Start a device for peers that send with a type, on this engine. It stops with `devices`."""
    started = ThreadDevice(zmq.QUEUE, *DEVICE[sender])
    for endpoint, role in ((into, "in"), (out, "out")):
        getattr(started, f"{how}_{role}")(endpoint)
        if security:
            getattr(started, f"secure_{role}")(security)
    devices.callback(started.stop)
    started.start()
    assert started.engine == engine
    return started


def free_endpoint() -> str:
    """Return an endpoint that nobody uses; on Linux at a random address, so that no test beside this one is given its port."""
    address = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))]) if sys.platform == "linux" else "127.0.0.1"
    with sockets.create_server((address, 0)) as server:
        return "tcp://{}:{}".format(*server.getsockname())


def assert_flow(sender: Peer, receiver: Peer, topic: bytes = b"topic") -> None:
    """Send until a message of this call arrives: those sent while there is no connection may be lost."""
    first = next(NUMBERS)
    for number in NUMBERS:
        sender.send(topic, b"%d" % number)
        while received := receiver.receive(SHORT):
            if int(received[-1]) > first:
                return
        assert number < first + 100, "no message arrived"
