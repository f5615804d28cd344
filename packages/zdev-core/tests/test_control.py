"""Steering through a control socket, of every type that can be one."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
import zmq

from zdev_core import Device, Outcome, State

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from conftest import Net

# control socket, the pilot's socket that talks to it
PILOTS = {
    "REP": (zmq.REP, zmq.REQ),
    "PAIR": (zmq.PAIR, zmq.PAIR),
    "DEALER": (zmq.DEALER, zmq.DEALER),
    "SUB": (zmq.SUB, zmq.XPUB),
    "PULL": (zmq.PULL, zmq.PUSH),
    "XSUB": (zmq.XSUB, zmq.XPUB),
}


class Plane:
    """A streamer with a control socket, and the peers of all three."""

    def __init__(self, net: Net, control_kind: int, pilot_kind: int) -> None:
        (ins, front), (outs, back) = net.bound(zmq.PULL), net.bound(zmq.PUSH)
        self.pilot, steering = net.bound(pilot_kind)
        control = net.connected(control_kind, steering)
        if control_kind == zmq.SUB:
            control.subscribe(b"")
        elif control_kind == zmq.XSUB:
            control.send(b"\x01")
        if pilot_kind == zmq.XPUB:
            assert self.pilot.recv() == b"\x01"  # from here on nothing it publishes is lost
        self.source, self.sink = net.connected(zmq.PUSH, front), net.connected(zmq.PULL, back)
        self.device: Device
        self.done: Future[Outcome]
        self.device, self.done = net.run(ins, outs, ctrl_socket=control)

    def tell(self, command: bytes) -> None:
        """Sends a command, and takes the empty reply that a REQ waits for."""
        self.pilot.send(command)
        if self.pilot.type == zmq.REQ:
            assert self.pilot.recv() == b""


@pytest.fixture(params=list(PILOTS.values()), ids=list(PILOTS))
def plane(request: pytest.FixtureRequest, net: Net) -> Plane:
    return Plane(net, *request.param)


@pytest.fixture
def answering(net: Net) -> Plane:
    return Plane(net, *PILOTS["REP"])


def test_pause_holds_messages_and_resume_lets_them_go(plane: Plane, eventually: Callable[..., None]) -> None:
    plane.tell(b"PAUSE")
    eventually(lambda: plane.device.statistics().state is State.PAUSED)
    plane.source.send(b"held")
    assert not plane.sink.poll(50)
    plane.tell(b"RESUME")
    assert plane.sink.recv() == b"held"


def test_terminate_ends_the_run(plane: Plane) -> None:
    plane.tell(b"TERMINATE")
    assert plane.done.result(10) is Outcome.STOPPED


def test_drain_ends_the_run_when_nothing_is_owed(plane: Plane) -> None:
    plane.tell(b"DRAIN 5000")
    assert plane.done.result(10) is Outcome.DRAINED


@pytest.mark.parametrize(
    "plane", [PILOTS["REP"], PILOTS["PAIR"], PILOTS["DEALER"]], ids=["REP", "PAIR", "DEALER"], indirect=True
)
def test_statistics_are_eight_numbers(plane: Plane, eventually: Callable[..., None]) -> None:
    plane.source.send_multipart([b"four", b"seven77"])
    plane.sink.recv_multipart()
    eventually(lambda: plane.device.statistics().in_.frames_sent == 2)
    plane.pilot.send(b"STATISTICS")
    numbers = [struct.unpack("=Q", frame)[0] for frame in plane.pilot.recv_multipart()]
    #                 in: received, sent   out: received, sent
    assert numbers == [2, 11, 0, 0, 0, 0, 2, 11]


@pytest.mark.parametrize("command", [b"STOP", b"", b"pause", b" PAUSE", b"PAUSE\0", b"DRAIN x"])
def test_an_unknown_command_gets_a_text_and_the_device_runs_on(answering: Plane, command: bytes) -> None:
    answering.pilot.send(command)
    assert b"unknown command" in answering.pilot.recv()
    answering.source.send(b"goes on")
    assert answering.sink.recv() == b"goes on"


def test_commands_and_calls_steer_the_same_device(answering: Plane, eventually: Callable[..., None]) -> None:
    answering.device.pause()
    eventually(lambda: answering.device.statistics().state is State.PAUSED)
    answering.tell(b"RESUME")
    eventually(lambda: answering.device.statistics().state is State.ACTIVE)
    answering.tell(b"PAUSE")
    answering.device.stop()
    assert answering.done.result(10) is Outcome.STOPPED
