"""Which engine a device would have is known without a start."""

from __future__ import annotations

import errno
import sys

import pytest
import zmq
from helpers import ANY_PORT, queue

import zdev_core
from zdev_background import CurveServer, PlainServer, ThreadDevice

pytestmark = [
    pytest.mark.engine("auto"),
    pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux only"),
]


def test_it_is_the_one_that_a_start_takes_and_nothing_is_opened() -> None:
    device = queue(ThreadDevice)
    chosen = device.choose_engine()
    assert (chosen, device.endpoints, device.is_alive()) == ("wire", {}, False)
    with device:
        assert (device.engine, device.engine.reason) == (chosen, chosen.reason)


def test_it_names_what_the_wire_engine_does_not_support() -> None:
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.bind_in(ANY_PORT)
    device.bind_out("inproc://workers")
    chosen = device.choose_engine()
    assert (chosen, chosen.reason) == ("libzmq", "out (DEALER) uses inproc://workers, and wire has tcp and ipc only")
    device.engine = "libzmq"
    assert device.choose_engine().reason == "as set"


def test_a_device_that_insists_on_wire_and_cannot_have_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    device = queue(ThreadDevice)
    device.secure_in(CurveServer("key", "any"))
    device.engine = "wire"
    monkeypatch.setattr(zdev_core, "wire_has_curve", lambda: False)
    text = r"the wire engine cannot run this device: in \(ROUTER\) is protected by CurveServer, and zdev-core was built without"
    with pytest.raises(zmq.ZMQError, match=text) as refusal:
        device.choose_engine()
    assert refusal.value.errno == errno.ENOTSUP
    device.engine = "auto"
    assert device.choose_engine() == "libzmq"
    device.secure_in(PlainServer("passwords"))
    assert device.choose_engine() == "wire"
