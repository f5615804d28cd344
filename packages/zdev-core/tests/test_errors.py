"""Invalid arguments are refused before anything runs, with pyzmq's exceptions and a text that names the role."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
import zmq

from zdev_core import Device, Outcome, State, monitored_queue, queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Net

ROLES = {"in": zmq.PULL, "out": zmq.PUSH, "mon": zmq.PUB, "ctrl": zmq.PAIR}
each_role = pytest.mark.parametrize("role", ROLES)


@pytest.fixture
def sockets(net: Net) -> dict[str, Any]:
    return {f"{role}_socket": net.socket(kind) for role, kind in ROLES.items()}


@each_role
@pytest.mark.parametrize("thing", [7, "tcp://127.0.0.1:5555", object(), zmq.Socket])
def test_an_object_that_is_not_a_socket_is_a_type_error(sockets: dict[str, Any], role: str, thing: object) -> None:
    sockets[f"{role}_socket"] = thing
    with pytest.raises(TypeError, match=rf"^the {role} socket must be a zmq\.Socket, not {type(thing).__name__}$"):
        Device(**sockets)


@pytest.mark.parametrize("thing", [7, [], {}])
def test_the_functions_check_their_arguments_like_device(net: Net, thing: Any) -> None:
    pull, push = net.socket(zmq.PULL), net.socket(zmq.PUSH)
    with pytest.raises(TypeError, match=f"^the in socket must be a zmq.Socket, not {type(thing).__name__}$"):
        queue(thing, push)
    with pytest.raises(TypeError, match="^in_prefix must be bytes, str or None, not bytearray$"):
        monitored_queue(pull, push, net.socket(zmq.PUB), in_prefix=bytearray(b"in"))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["in", "out"])
def test_in_and_out_are_required(sockets: dict[str, Any], role: str) -> None:
    sockets[f"{role}_socket"] = None
    with pytest.raises(TypeError, match=f"^the {role} socket must be a zmq.Socket, not NoneType$"):
        Device(**sockets)


@each_role
def test_a_closed_socket_is_enotsock(sockets: dict[str, Any], role: str) -> None:
    sockets[f"{role}_socket"].close()
    with pytest.raises(zmq.ZMQError, match=f"^the {role} socket is closed$") as raised:
        Device(**sockets)
    assert raised.value.errno == errno.ENOTSOCK


@each_role
def test_a_socket_closed_before_the_run_is_enotsock(sockets: dict[str, Any], role: str) -> None:
    device = Device(**sockets)
    sockets[f"{role}_socket"].close()
    with pytest.raises(zmq.ZMQError, match=f"^the {role} socket is closed$") as raised:
        device.run()
    assert raised.value.errno == errno.ENOTSOCK


@pytest.mark.parametrize(
    ("kinds", "names"),
    [
        ((zmq.PUSH, zmq.PUB), ("PUSH", "PUB")),
        ((zmq.PULL, zmq.SUB), ("PULL", "SUB")),
        ((zmq.PUB, zmq.PUSH), ("PUB", "PUSH")),
        ((zmq.REP, zmq.PUSH), ("REP", "PUSH")),
    ],
    ids=lambda value: "/".join(str(each) for each in value),
)
def test_types_that_cannot_work_together_are_einval(net: Net, kinds: tuple[int, int], names: tuple[str, str]) -> None:
    with pytest.raises(zmq.ZMQError) as raised:
        queue(net.socket(kinds[0]), net.socket(kinds[1]))
    assert raised.value.errno == errno.EINVAL
    for name in names:
        assert name in str(raised.value)


@pytest.mark.parametrize(("role", "kind"), [("mon", zmq.SUB), ("ctrl", zmq.PUB)])
def test_a_socket_type_that_does_not_fit_its_role_is_einval(sockets: dict[str, Any], net: Net, role: str, kind: int) -> None:
    sockets[f"{role}_socket"] = net.socket(kind)
    with pytest.raises(zmq.ZMQError, match=rf"\b{role}\b.*\b{zmq.SocketType(kind).name}\b") as raised:
        Device(**sockets)
    assert raised.value.errno == errno.EINVAL


@pytest.mark.parametrize("prefix", [7, bytearray(b"in"), ["in"]])
@pytest.mark.parametrize("name", ["in_prefix", "out_prefix", "dropped_prefix"])
def test_a_prefix_must_be_bytes_or_str(sockets: dict[str, Any], name: str, prefix: object) -> None:
    with pytest.raises(TypeError, match=f"^{name} must be bytes, str or None, not {type(prefix).__name__}$"):
        Device(**sockets | {name: prefix})


def test_a_prefix_that_cannot_be_encoded_is_refused(sockets: dict[str, Any]) -> None:
    with pytest.raises(UnicodeEncodeError):
        monitored_queue(sockets["in_socket"], sockets["out_socket"], sockets["mon_socket"], "\udc80")


@pytest.mark.parametrize("name", ["on_full", "mon_on_full"])
def test_an_unknown_policy_is_a_value_error(sockets: dict[str, Any], name: str) -> None:
    with pytest.raises(ValueError, match=f'^{name} must be "block" or "drop", not \'wait\'$'):
        Device(**sockets | {name: "wait"})


def test_a_second_run_at_the_same_time_is_ebusy(net: Net, eventually: Callable[..., None]) -> None:
    device, done = net.run(net.socket(zmq.PULL), net.socket(zmq.PUSH))
    eventually(lambda: device.statistics().state is State.ACTIVE)
    with pytest.raises(zmq.ZMQError) as raised:
        device.run()
    assert raised.value.errno == errno.EBUSY
    device.stop()
    assert done.result() is Outcome.STOPPED


@pytest.mark.parametrize("load", [False, True], ids=["idle", "under load"])
def test_terminating_the_context_ends_the_run(net: Net, load: bool, eventually: Callable[..., None]) -> None:
    (ins, front), outs = net.bound(zmq.PULL), net.socket(zmq.PUSH)
    if load:  # a ring, in which messages circulate for ever
        outs.connect(front)
        outs.send(b"round and round")
    device, done = net.run(ins, outs)
    eventually(lambda: device.statistics().state is State.ACTIVE)
    net.terminate()
    with pytest.raises(zmq.ContextTerminated):
        done.result()
    assert device.statistics().state is State.IDLE


def test_a_context_terminated_before_the_run_is_reported_at_once(net: Net) -> None:
    ins, outs = net.socket(zmq.PULL), net.socket(zmq.PUSH)
    device = net.device(ins, outs)
    ending = net.terminate()
    with pytest.raises(zmq.ContextTerminated):
        while True:
            ins.recv(zmq.DONTWAIT) if ins.poll(10) else None
    with pytest.raises(zmq.ContextTerminated):
        device.run()
    with pytest.raises(zmq.ContextTerminated):
        Device(ins, outs)
    ins.close()
    outs.close()
    ending.join(10)
    assert not ending.is_alive()
