"""Limits of a role on the connections that it accepts."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import zmq
from helpers import Connect, Eventually, Kinds, both, streamer, wire_only

from zdev_background import Limits, SocketSpec, ThreadDevice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")


@wire_only
@both
def test_a_connection_beyond_a_limit_is_refused_and_counted(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    device = streamer(kind)
    device.limit_in(Limits(max_connections=1))
    device.limit_out(Limits(max_connections_per_address=1))
    with device:
        for role, type_ in (("in", zmq.PUSH), ("out", zmq.PULL)):
            for _ in range(2):
                connect(type_, *device.endpoints[role], reconnect_ivl=60_000)
        eventually(lambda: device.connections()["in"].counters.refused_max_connections == 1)
        eventually(lambda: device.connections()["out"].counters.refused_max_connections_per_address == 1)
        eventually(lambda: [each.role for each in device.peers()] == ["in", "out"])


@wire_only
def test_an_idle_connection_is_ended_and_counted(connect: Connect, eventually: Eventually) -> None:
    device = streamer(ThreadDevice)
    device.limit_in(Limits(idle_timeout=0.05))
    with device:
        connect(zmq.PULL, *device.endpoints["out"])
        connect(zmq.PUSH, *device.endpoints["in"], reconnect_ivl=60_000)
        eventually(lambda: device.connections()["in"].counters.idle_timeouts == 1)
        assert device.connections()["out"].counters.idle_timeouts == 0


def limited() -> ThreadDevice:
    device = streamer(ThreadDevice)
    device.limit_in(Limits(max_connections=10))
    return device


@pytest.mark.engine("libzmq")
def test_limits_are_refused_with_libzmq() -> None:
    with pytest.raises(zmq.ZMQError, match=r"in \(PULL\) limits its connections, which only the wire engine can") as raised:
        limited().start()
    assert raised.value.errno == zmq.ENOTSUP


@pytest.mark.engine("auto")
def test_limits_are_refused_where_auto_would_take_libzmq_and_the_error_says_why() -> None:
    device = limited()
    device.setsockopt_out(zmq.TCP_MAXRT, 2000)
    with pytest.raises(zmq.ZMQError, match="TCP_MAXRT"):
        device.start()


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_connections": 0}, "max_connections must be above 0"),
        ({"idle_timeout": float("inf")}, "idle_timeout must be above 0"),
        ({"idle_timeout": -1.0}, "idle_timeout must be above 0"),
        ({"max_connections_per_address": 1.5}, "max_connections_per_address must be a number or None"),
        ({"max_connections": True}, "max_connections must be a number or None"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(limits: dict[str, Any], error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        Limits(**limits)


def test_only_a_value_of_limits_can_be_given() -> None:
    given: Any = 10
    with pytest.raises(TypeError, match=r"limits must be a value like Limits\(max_connections=100\)"):
        streamer(ThreadDevice).limit_in(given)


def test_a_spec_with_limits_can_be_compared_and_copied() -> None:
    spec = SocketSpec("in", zmq.PULL, limits=Limits(max_connections=10))
    assert spec.snapshot() == spec
    assert spec != SocketSpec("in", zmq.PULL)
