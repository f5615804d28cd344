"""The methods that describe sockets: one for all roles, and one for each role, with signature and docstring."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import jedi  # type: ignore[import-untyped]
import pytest
import zmq

from zdev_background import Device, MonitoredQueue, ProxySteerable, ThreadDevice, ThreadProxySteerable

if TYPE_CHECKING:  # mypy --strict finds an ignore that isn't needed: it must know each signature
    _device = ThreadProxySteerable(zmq.ROUTER, zmq.DEALER)
    _device.bind_in(5559)  # type: ignore[arg-type]
    _device.connect_out()  # type: ignore[call-arg]
    _device.setsockopt_mon(zmq.LINGER, 1.5)  # type: ignore[arg-type]
    _port: str = _device.bind_ctrl_to_random_port("tcp://127.0.0.1", min_port=5000)  # type: ignore[assignment]

VERBS = ["bind_{}", "connect_{}", "setsockopt_{}", "secure_{}", "limit_{}", "bind_{}_to_random_port"]
ROLES = ["in", "out", "mon", "ctrl"]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", VERBS)
def test_the_methods_of_a_role_differ_from_those_of_in_by_the_role_alone(verb: str, role: str) -> None:
    method, of_in = (getattr(ThreadProxySteerable, verb.format(each)) for each in (role, "in"))
    assert inspect.getsource(method).replace(f"_{role}", "_in").replace(f"the {role} socket", "the in socket").replace(
        f'"{role}"', '"in"'
    ) == inspect.getsource(of_in)
    summary, _, sections = (inspect.getdoc(method) or "").partition("\n\n")
    assert f"the {role} socket" in summary
    assert "\n" not in summary
    assert sections.startswith("Args:\n")


@pytest.mark.parametrize("role", ROLES)
def test_an_editor_completes_the_methods_of_a_role_with_signature_and_docstring(role: str) -> None:
    code = "import zmq\nimport zdev_background\ndevice = zdev_background.ThreadProxySteerable(zmq.ROUTER, zmq.DEALER)\ndevice."
    in_this_process = jedi.InterpreterEnvironment()
    completed = {each.name: each for each in jedi.Script(code, environment=in_this_process).complete(4, len("device."))}
    for verb in VERBS:
        method = completed[verb.format(role)]
        assert method.type == "function"
        signature, _, text = method.docstring().partition("\n\n")
        assert signature.startswith(f"{verb.format(role)}(")
        assert f"the {role} socket" in text
    assert completed[f"bind_{role}"].docstring().startswith(f"bind_{role}(addr: str | bytes | socket.socket) -> None\n")


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
