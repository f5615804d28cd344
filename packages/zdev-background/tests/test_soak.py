"""Starts, pauses, resumes, drains, stops and kills at random: each message is delivered once and in order, or still with its
sender, or counted."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, both, pid_of

from zdev_background import ProcessDevice, State, ThreadDevice

pytest.importorskip("hypothesis")
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

WAIT = 10_000  # ms; generous, for nothing waits so long unless it fails


class Streamer(RuleBasedStateMachine):
    """Numbers from one sender through a PULL/PUSH device to one sink, both of which stay connected."""

    kind: type[ThreadDevice | ProcessDevice] = ThreadDevice

    def __init__(self) -> None:
        super().__init__()
        self.context: zmq.Context[Any] = zmq.Context()
        self.sink, self.source = self.context.socket(zmq.PULL), self.context.socket(zmq.PUSH)
        self.sink.bind("tcp://127.0.0.1:*")
        self.sink.rcvtimeo = self.source.sndtimeo = WAIT
        self.source.sndhwm = 0
        self.sink.linger = self.source.linger = 0
        self.device = self.kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
        port = self.device.bind_in_to_random_port("tcp://127.0.0.1")
        self.device.connect_out(self.sink.last_endpoint.decode())
        self.source.connect(f"tcp://127.0.0.1:{port}")
        self.sent = self.got = 0
        self.may_be_gone = 0  # messages sent until the sender had surely noticed the last kill

    @rule(count=st.integers(1, 300))
    def send(self, count: int) -> None:
        for number in range(self.sent, self.sent + count):
            self.source.send(b"%d" % number)
        self.sent += count
        if self.may_be_gone:  # the sender may not have noticed the kill, and have sent them to nobody
            self.may_be_gone = self.sent

    @rule()
    def start(self) -> None:
        self.device.start()

    @rule()
    def stop(self) -> None:
        was_alive = self.device.is_alive()
        self.device.stop()
        if was_alive:
            assert self.device.exception is None
            assert self.device.lost == 0

    @rule()
    def drain(self) -> None:
        assert self.device.drain(10) is True
        assert self.device.lost == 0

    @precondition(lambda self: self.device.is_alive())
    @rule()
    def pause(self) -> None:
        self.device.pause()
        assert self.device.state is State.PAUSED

    @precondition(lambda self: self.device.is_alive())
    @rule()
    def resume(self) -> None:
        self.device.resume()

    @precondition(lambda self: self.device.is_alive() and isinstance(self.device, ProcessDevice))
    @rule()
    def kill(self) -> None:
        os.kill(pid_of(self.device), signal.SIGKILL)
        self.device.join(DEADLINE)
        assert isinstance(self.device.exception, ChildProcessError)
        self.may_be_gone = self.sent

    @precondition(lambda self: self.device.state is State.ACTIVE)
    @rule()
    def everything_arrives(self) -> None:
        while self.got < self.sent and (self.may_be_gone <= self.got or self.sink.poll(300)):
            self.take()
        self.got = self.sent  # what a killed process held is gone, and nothing else
        self.may_be_gone = 0

    @invariant()
    def what_arrives_is_in_order_and_came_once(self) -> None:
        while self.sink.poll(0):
            self.take()

    def take(self) -> None:
        number = int(self.sink.recv())
        assert self.got <= number < self.sent
        assert number == self.got or number <= self.may_be_gone
        self.got = number + 1

    def teardown(self) -> None:
        self.device.start()
        self.device.resume()
        self.everything_arrives()
        self.device.stop()
        assert not self.device.is_alive()
        self.context.destroy(linger=0)


@pytest.mark.slow
@both
def test_no_message_goes_silently_whatever_is_done(kind: type[ThreadDevice]) -> None:
    machine = type("Machine", (Streamer,), {"kind": kind})
    phases = [Phase.generate]  # to make a failure smaller would take minutes
    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=15, deadline=None, database=None, phases=phases, suppress_health_check=health
        ),
    )
