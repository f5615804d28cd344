"""A subscriber cannot take anything from the others, nor crash the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq
from helpers import libzmq_only

from zdev_background import ThreadDevice

from .zmtp import MORE, frame, say_after_handshake

Connect = Callable[..., "zmq.Socket[bytes]"]
Eventually = Callable[[Callable[[], Any]], None]


@pytest.fixture
def forwarder() -> Iterator[ThreadDevice]:
    device = ThreadDevice(zmq.FORWARDER, zmq.XSUB, zmq.XPUB)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    with device:
        yield device


@pytest.fixture
def publisher(forwarder: ThreadDevice, connect: Connect) -> zmq.Socket[bytes]:
    return connect(zmq.XPUB, forwarder.endpoints["in"][0])


@pytest.fixture
def subscriber(forwarder: ThreadDevice, publisher: zmq.Socket[bytes], connect: Connect) -> zmq.Socket[bytes]:
    """Return a subscriber to the topic T, of which the publisher knows."""
    subscriber = connect(zmq.XSUB, forwarder.endpoints["out"][0])
    subscriber.send(b"\x01T")
    assert publisher.recv() == b"\x01T"
    return subscriber


def test_a_topic_that_its_sender_does_not_hold_stays_with_those_who_do(
    forwarder: ThreadDevice, publisher: zmq.Socket[bytes], subscriber: zmq.Socket[bytes], eventually: Eventually
) -> None:
    endpoint = forwarder.endpoints["out"][0]
    with say_after_handshake(endpoint, frame(b"\x00T") + frame(b"\x01Z"), socket_type=b"SUB"):
        assert publisher.recv() == b"\x01Z"  # so what came before it has been taken
        if forwarder.engine == "libzmq":
            eventually(lambda: forwarder.statistics().out.malformed == 1)
        publisher.send(b"Tidings")
        assert subscriber.recv() == b"Tidings"


def test_an_unsubscription_within_a_message_ends_no_topic_of_others(
    forwarder: ThreadDevice, publisher: zmq.Socket[bytes], subscriber: zmq.Socket[bytes], eventually: Eventually
) -> None:
    endpoint = forwarder.endpoints["out"][0]
    # libzmq ends the sender's topic A at the third frame, but reports that as a part of the message.
    hidden_end = frame(b"\x01A") + frame(b"\x01B", MORE) + frame(b"x", MORE) + frame(b"\x00A")
    with say_after_handshake(endpoint, hidden_end, socket_type=b"SUB") as attacker:
        eventually(lambda: forwarder.statistics().out.malformed == 1)
        # Wire knows that the sender holds no topic T, and passes nothing on; libzmq's engine drops what it cannot tell apart.
        ends = 1 if forwarder.engine == "libzmq" else 0
        attacker.sendall(frame(b"\x00T"))
        eventually(lambda: forwarder.statistics().out.malformed == 1 + ends)
        attacker.sendall(hidden_end + frame(b"\x00T"))
        eventually(lambda: forwarder.statistics().out.malformed == 2 + 2 * ends)
        publisher.send(b"Tidings")
        assert subscriber.recv() == b"Tidings"


@pytest.mark.parametrize("kind", [b"\x00", b"\x01"], ids=["unsubscription", "subscription"])
def test_a_message_with_a_subscription_in_it_does_not_reach_the_publisher(
    forwarder: ThreadDevice, publisher: zmq.Socket[bytes], subscriber: zmq.Socket[bytes], eventually: Eventually, kind: bytes
) -> None:
    endpoint = forwarder.endpoints["out"][0]
    with say_after_handshake(endpoint, frame(b"x", MORE) + frame(kind + b"T"), socket_type=b"SUB") as attacker:
        eventually(lambda: forwarder.statistics().out.malformed == 1)
        attacker.sendall(frame(b"x", MORE) + frame(b"y"))
        assert publisher.recv_multipart() == [b"x", b"y"]
        publisher.send(b"Tidings")
        assert subscriber.recv() == b"Tidings"


@libzmq_only
def test_a_long_topic_that_ends_crashes_nothing(forwarder: ThreadDevice, eventually: Eventually) -> None:
    subscription = frame(b"\x01" + bytes(60_000))
    with say_after_handshake(forwarder.endpoints["out"][0], subscription, socket_type=b"SUB"):
        eventually(lambda: forwarder.statistics().out.malformed == 1)
    eventually(lambda: forwarder.statistics().out.malformed == 2)
    assert forwarder.is_alive()
