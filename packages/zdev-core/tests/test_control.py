"""Control sockets of every supported type: they pause, resume, drain and stop a device."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
import zmq

from zdev_core import Device, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Call, Net

# The type of the control socket, and of the operator's socket.
TYPES = {
    "REP": (zmq.REP, zmq.REQ),
    "PAIR": (zmq.PAIR, zmq.PAIR),
    "DEALER": (zmq.DEALER, zmq.DEALER),
    "SUB": (zmq.SUB, zmq.XPUB),
    "PULL": (zmq.PULL, zmq.PUSH),
    "XSUB": (zmq.XSUB, zmq.XPUB),
}


class Controlled:
    """A streamer with a control socket, and a peer for each of its three sockets."""

    def __init__(self, net: Net, control_kind: int, operator_kind: int) -> None:
        ins, outs, self.source, self.sink = net.streamer()
        self.operator, endpoint = net.bound(operator_kind)
        control = net.connected(control_kind, endpoint)
        if control_kind == zmq.SUB:
            control.subscribe(b"")
        elif control_kind == zmq.XSUB:
            control.send(b"\x01")
        if operator_kind == zmq.XPUB:
            assert self.operator.recv() == b"\x01"  # from here on, no published command is lost
        self.device: Device
        self.done: Call
        self.device, self.done = net.run(ins, outs, ctrl_socket=control)

    def send(self, command: bytes) -> None:
        """Send a command, and receive the empty reply if the operator's socket is a REQ."""
        self.operator.send(command)
        if self.operator.type == zmq.REQ:
            assert self.operator.recv() == b""


@pytest.fixture(params=list(TYPES.values()), ids=list(TYPES))
def controlled(request: pytest.FixtureRequest, net: Net) -> Controlled:
    return Controlled(net, *request.param)


@pytest.fixture
def controlled_by_rep(net: Net) -> Controlled:
    return Controlled(net, *TYPES["REP"])


def test_pause_holds_messages_and_resume_lets_them_go(controlled: Controlled, eventually: Callable[..., None]) -> None:
    controlled.send(b"PAUSE")
    eventually(lambda: controlled.device.statistics().state is State.PAUSED)
    controlled.source.send(b"held")
    assert not controlled.sink.poll(50)
    controlled.send(b"RESUME")
    assert controlled.sink.recv() == b"held"


def test_terminate_ends_the_run(controlled: Controlled) -> None:
    controlled.send(b"TERMINATE")
    assert controlled.done.result() is Outcome.STOPPED


def test_drain_ends_the_run_if_no_reply_is_pending(controlled: Controlled) -> None:
    controlled.send(b"DRAIN 5000")
    assert controlled.done.result() is Outcome.DRAINED


@pytest.mark.parametrize(
    "controlled", [TYPES["REP"], TYPES["PAIR"], TYPES["DEALER"]], ids=["REP", "PAIR", "DEALER"], indirect=True
)
def test_statistics_are_eight_numbers(controlled: Controlled, eventually: Callable[..., None]) -> None:
    controlled.source.send_multipart([b"four", b"seven77"])
    controlled.sink.recv_multipart()
    eventually(lambda: controlled.device.statistics().in_.frames_sent == 2)
    controlled.operator.send(b"STATISTICS")
    numbers = [struct.unpack("=Q", frame)[0] for frame in controlled.operator.recv_multipart()]
    #                 in: received, sent   out: received, sent
    assert numbers == [2, 11, 0, 0, 0, 0, 2, 11]


@pytest.mark.parametrize("command", [b"STOP", b"", b"pause", b" PAUSE", b"PAUSE\0", b"DRAIN x"])
def test_an_unknown_command_gets_an_error_text_and_the_device_continues(controlled_by_rep: Controlled, command: bytes) -> None:
    controlled_by_rep.operator.send(command)
    assert b"unknown command" in controlled_by_rep.operator.recv()
    controlled_by_rep.source.send(b"goes on")
    assert controlled_by_rep.sink.recv() == b"goes on"


def test_commands_and_method_calls_control_the_same_device(
    controlled_by_rep: Controlled, eventually: Callable[..., None]
) -> None:
    controlled_by_rep.device.pause()
    eventually(lambda: controlled_by_rep.device.statistics().state is State.PAUSED)
    controlled_by_rep.send(b"RESUME")
    eventually(lambda: controlled_by_rep.device.statistics().state is State.ACTIVE)
    controlled_by_rep.send(b"PAUSE")
    controlled_by_rep.device.stop()
    assert controlled_by_rep.done.result() is Outcome.STOPPED
