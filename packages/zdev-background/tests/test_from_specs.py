"""A device can be made of sockets as values, and reports how its run ended."""

from __future__ import annotations

from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, DEADLINE, both

from zdev_background import MonitoredQueue, Outcome, SocketSpec, ThreadDevice, ThreadMonitoredQueue


def spec(role: Any, kind: int) -> SocketSpec:
    return SocketSpec(role, kind, binds=[ANY_PORT])


@both
def test_any_device_can_have_all_four_sockets(kind: type[ThreadDevice], connect: Any, eventually: Any) -> None:
    specs = [spec("in", zmq.REP), spec("out", zmq.REQ), spec("mon", zmq.PUB), spec("ctrl", zmq.REP)]
    device = kind.from_specs(specs, name="the queue", in_prefix="i", out_prefix="o")
    assert list(device.specs.values()) == specs
    assert repr(device).startswith("<the queue not started: in (REP) ")
    with device:
        client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
        watcher = connect(zmq.SUB, *device.endpoints["mon"])

        def heard() -> bool:
            client.send(b"question")
            worker.send(worker.recv())
            client.recv()
            return bool(watcher.poll(20))

        eventually(heard)
        heard()
        assert {watcher.recv_multipart()[0] for _ in range(3)} == {b"i", b"o"}
        operator = connect(zmq.REQ, *device.endpoints["ctrl"])
        operator.send(b"TERMINATE")
        assert operator.recv() == b""
        device.join(DEADLINE)
    assert device.outcome is Outcome.STOPPED


def test_a_dropped_prefix_starts_the_copies_of_undelivered_messages(connect: Any) -> None:
    specs = [spec("in", zmq.DEALER), spec("out", zmq.ROUTER), spec("mon", zmq.PUSH)]
    with ThreadDevice.from_specs(specs, dropped_prefix="dropped") as device:
        client, watcher = connect(zmq.DEALER, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["mon"])
        client.send_multipart([b"gone", b"request"])
        assert watcher.recv_multipart() == [b"dropped", b"gone", b"request"]


def test_without_out_the_in_socket_is_both_ends(connect: Any) -> None:
    with ThreadDevice.from_specs([spec("in", zmq.REP)]) as device:
        assert device.out_type == -1
        client = connect(zmq.REQ, *device.endpoints["in"])
        client.send(b"hello")
        assert client.recv() == b"hello"


def test_without_in_there_is_no_device() -> None:
    with pytest.raises(ValueError, match="ThreadDevice needs a socket for in"):
        ThreadDevice.from_specs([spec("out", zmq.REP)])


def test_the_outcome_is_that_of_the_last_run(connect: Any) -> None:
    device: MonitoredQueue = ThreadMonitoredQueue.from_specs([spec("in", zmq.ROUTER), spec("out", zmq.DEALER)])
    assert device.outcome is None
    device.start()
    assert device.drain(10) is True
    assert device.outcome is Outcome.DRAINED
    device.start()
    assert device.outcome is None
    client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
    client.send(b"question")
    assert worker.recv() == b"question"
    assert device.drain(0.05) is False
    assert device.outcome is Outcome.DRAIN_TIMED_OUT
