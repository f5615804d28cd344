"""One method for all roles, and for each role a method of its own that looks as if it were written out."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
import zmq

from zdev_background import Device, MonitoredQueue, ProxySteerable, ThreadDevice, ThreadProxySteerable

if TYPE_CHECKING:  # mypy --strict finds an ignore that isn't needed: it must know each signature
    _device = ThreadProxySteerable(zmq.ROUTER, zmq.DEALER)
    _device.bind_in(5559)  # type: ignore[arg-type]
    _device.connect_out()  # type: ignore[call-arg]
    _device.setsockopt_mon(zmq.LINGER, 1.5)  # type: ignore[arg-type]
    _port: str = _device.bind_ctrl_to_random_port("tcp://127.0.0.1", min_port=5000)  # type: ignore[assignment]

VERBS = ["bind_{}", "connect_{}", "setsockopt_{}", "bind_{}_to_random_port"]


@pytest.mark.parametrize("role", ["in", "out", "mon", "ctrl"])
def test_every_role_has_its_methods_with_signature_and_docstring(role: str) -> None:
    device = ThreadProxySteerable(zmq.ROUTER, zmq.DEALER, zmq.PUB, zmq.REP)
    signatures = {}
    for verb in VERBS:
        method = getattr(device, verb.format(role))
        assert method.__name__ == verb.format(role)
        assert "this role's socket" in (inspect.getdoc(method) or "")
        signatures[verb] = list(inspect.signature(method).parameters)
    assert signatures == {
        "bind_{}": ["addr"],
        "connect_{}": ["addr"],
        "setsockopt_{}": ["opt", "value"],
        "bind_{}_to_random_port": ["addr", "min_port", "max_port", "max_tries"],
    }


def test_a_device_has_only_the_roles_that_it_needs() -> None:
    assert not hasattr(Device, "bind_mon")
    assert not hasattr(MonitoredQueue, "bind_ctrl")
    with pytest.raises(ValueError, match="ThreadDevice has no mon socket; it has in, out"):
        ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER).bind("mon", "tcp://127.0.0.1:*")
    with pytest.raises(ValueError, match="ProxySteerable has no ctrl socket; it has in, out, mon"):
        ProxySteerable(zmq.ROUTER, zmq.DEALER).bind_ctrl("tcp://127.0.0.1:*")


def test_settings_go_to_the_role_in_the_order_of_the_calls() -> None:
    device = MonitoredQueue(zmq.ROUTER, zmq.DEALER)
    device.setsockopt_mon(zmq.SNDHWM, 5)
    device.setsockopt_mon(zmq.SNDHWM, 6)
    device.bind_mon("tcp://127.0.0.1:1")
    device.connect("mon", "tcp://127.0.0.1:2")
    assert device._specs["mon"].options == [(zmq.SNDHWM, 5), (zmq.SNDHWM, 6)]
    assert device._specs["mon"].binds == ["tcp://127.0.0.1:1"]
    assert device._specs["mon"].connects == ["tcp://127.0.0.1:2"]
    assert not device._specs["in"].options


def test_the_types_can_be_read_as_they_were_given() -> None:
    device = ProxySteerable(zmq.ROUTER, -1, zmq.XPUB, zmq.PAIR)
    assert (device.in_type, device.out_type, device.mon_type, device.ctrl_type) == (zmq.ROUTER, -1, zmq.XPUB, zmq.PAIR)
    assert ProxySteerable(zmq.SUB, zmq.PUB).ctrl_type is None
    assert ProxySteerable(zmq.SUB, zmq.PUB).mon_type == zmq.PUB
    assert device.device_type == zmq.QUEUE
    assert device.daemon is True
    assert device.done is False


def test_types_are_needed() -> None:
    with pytest.raises(TypeError, match="in_type and out_type are needed"):
        Device(zmq.QUEUE, zmq.ROUTER)
