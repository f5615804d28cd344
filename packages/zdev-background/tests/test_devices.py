"""The additions of each class to a plain device, in a thread and in a process."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, DEADLINE

from zdev_background import (
    Device,
    MonitoredQueue,
    ProcessMonitoredQueue,
    ProcessProxy,
    ProcessProxySteerable,
    Proxy,
    ProxySteerable,
    State,
    ThreadDevice,
    ThreadMonitoredQueue,
    ThreadProxy,
    ThreadProxySteerable,
)


def bind_all(device: Device) -> None:
    for role in device._specs:
        device.bind(role, ANY_PORT)


@pytest.mark.parametrize("kind", [ThreadProxy, ProcessProxy])
def test_a_proxy_copies_messages_as_they_are(kind: type[Proxy], connect: Callable[..., Any]) -> None:
    device = kind(zmq.PULL, zmq.PUSH, zmq.PUSH)
    bind_all(device)
    with device:
        source = connect(zmq.PUSH, *device.endpoints["in"])
        sink = connect(zmq.PULL, *device.endpoints["out"])
        watcher = connect(zmq.PULL, *device.endpoints["mon"])
        source.send_multipart([b"one", b"two"])
        assert sink.recv_multipart() == [b"one", b"two"]
        assert watcher.recv_multipart() == [b"one", b"two"]


@pytest.mark.parametrize("kind", [ThreadMonitoredQueue, ProcessMonitoredQueue])
@pytest.mark.parametrize("prefixes", [(), (b"to", b"fro"), ("hin", "zurück")])
def test_a_monitored_queue_shows_the_direction(
    kind: type[MonitoredQueue], prefixes: tuple[Any, ...], connect: Callable[..., Any]
) -> None:
    device = kind(zmq.PAIR, zmq.PAIR, zmq.PUSH, *prefixes)
    bind_all(device)
    with device:
        here = connect(zmq.PAIR, *device.endpoints["in"])
        there = connect(zmq.PAIR, *device.endpoints["out"])
        watcher = connect(zmq.PULL, *device.endpoints["mon"])
        here.send(b"question")
        assert there.recv() == b"question"
        there.send(b"answer")
        assert here.recv() == b"answer"
        to, fro = (each if isinstance(each, bytes) else each.encode() for each in prefixes or ("in", "out"))
        assert watcher.recv_multipart() == [to, b"question"]
        assert watcher.recv_multipart() == [fro, b"answer"]


def test_routers_on_both_sides_reach_the_peer_that_the_sender_named(connect: Callable[..., Any]) -> None:
    device = ThreadMonitoredQueue(zmq.ROUTER, zmq.ROUTER)
    bind_all(device)
    with device:
        alice = connect(zmq.DEALER, *device.endpoints["in"], identity=b"alice")
        bob = connect(zmq.DEALER, *device.endpoints["out"], identity=b"bob")
        for _ in range(1000):  # until bob is known
            alice.send_multipart([b"bob", b"hello"])
            if bob.poll(10):
                break
        assert bob.recv_multipart() == [b"alice", b"hello"]
        bob.send_multipart([b"alice", b"hello too"])
        assert alice.recv_multipart() == [b"bob", b"hello too"]


@pytest.mark.parametrize("kind", [ThreadProxySteerable, ProcessProxySteerable])
@pytest.mark.parametrize(("ctrl_type", "peer_type"), [(zmq.REP, zmq.REQ), (zmq.PAIR, zmq.PAIR)])
def test_a_steerable_proxy_obeys_its_control_socket(
    kind: type[ProxySteerable], ctrl_type: int, peer_type: int, connect: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    device = kind(zmq.PULL, zmq.PUSH, zmq.PUB, ctrl_type)
    bind_all(device)
    device.start()
    control = connect(peer_type, *device.endpoints["ctrl"])

    def say(command: bytes) -> None:
        control.send(command)
        if peer_type == zmq.REQ:
            assert control.recv() == b""

    say(b"PAUSE")
    eventually(lambda: device.state is State.PAUSED)
    say(b"RESUME")
    eventually(lambda: device.state is State.ACTIVE)
    source, sink = connect(zmq.PUSH, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["out"])
    source.send(b"12345")
    assert sink.recv() == b"12345"
    eventually(lambda: device.statistics().in_.messages_sent == 1)
    control.send(b"STATISTICS")
    numbers = [struct.unpack("=Q", frame)[0] for frame in control.recv_multipart()]
    assert numbers == [1, 5, 0, 0, 0, 0, 1, 5]
    say(b"TERMINATE")
    device.join(DEADLINE)
    assert not device.is_alive()
    assert device.exception is None


def test_a_steerable_proxy_without_a_control_socket_is_a_proxy() -> None:
    device = ThreadProxySteerable(zmq.PULL, zmq.PUSH)
    bind_all(device)
    with device:
        assert set(device.endpoints) == {"in", "out", "mon"}


def test_a_reversed_one_way_device_relays_from_out_to_in_and_sends_on_what_has_come_when_it_stops(
    connect: Callable[..., zmq.Socket[bytes]],
) -> None:
    device = ThreadDevice(zmq.STREAMER, zmq.PUSH, zmq.PULL)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    device.start()
    source, sink = connect(zmq.PUSH, *device.endpoints["out"]), connect(zmq.PULL, *device.endpoints["in"])
    source.send(b"first")
    assert sink.recv() == b"first"
    for number in range(100):
        source.send(b"%d" % number)
    device.stop()
    assert [sink.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]
    assert device.statistics().out.messages_sent == 101
    assert device.lost == 0
