"""Parts that the tests of foreign peers share: messages, the types of devices and their peers, and a check that messages flow."""

from __future__ import annotations

import socket as sockets
import sys
from itertools import count

import pytest
import zmq
from helpers import libzmq_only, wire_only

from zdev_background import Device

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


def ends(device: Device) -> tuple[str, str]:
    return device.endpoints["in"][0], device.endpoints["out"][0]


def free_endpoint() -> str:
    """Return an endpoint that nobody uses, on Linux at an address that no other test uses."""
    with sockets.create_server(("127.0.1.1" if sys.platform == "linux" else "127.0.0.1", 0)) as server:
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
