"""Constants, types and devices that the tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
import zmq

from zdev_background import Device, ProcessDevice, ThreadDevice

ANY_PORT = "tcp://127.0.0.1:*"
DEADLINE = 10.0  # seconds; only a failing test waits that long

Connect = Callable[..., "zmq.Socket[bytes]"]  # the type of the fixture `connect`
Eventually = Callable[[Callable[[], Any]], None]  # the type of the fixture `eventually`
Kinds = type[ThreadDevice] | type[ProcessDevice]
libzmq_only = pytest.mark.engine("libzmq")  # for what only libzmq does, or hides
wire_only = pytest.mark.engine("wire")
both = pytest.mark.parametrize("kind", [ThreadDevice, ProcessDevice])
AnyDevice = TypeVar("AnyDevice", bound=Device)


def bound(device: AnyDevice) -> AnyDevice:
    """Bind the in and the out socket of a device to free ports."""
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    return device


def queue(kind: Callable[..., AnyDevice]) -> AnyDevice:
    """Create a bound ROUTER/DEALER queue."""
    return bound(kind(zmq.QUEUE, zmq.ROUTER, zmq.DEALER))


def streamer(kind: Callable[..., AnyDevice]) -> AnyDevice:
    """Create a bound PULL/PUSH streamer."""
    return bound(kind(zmq.STREAMER, zmq.PULL, zmq.PUSH))


def pid_of(device: Device) -> int:
    """Return the process ID of a started process device."""
    assert isinstance(device, ProcessDevice)
    assert device.pid is not None
    return device.pid
