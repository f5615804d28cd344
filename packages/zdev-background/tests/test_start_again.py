"""Starts that meet another run: one that is about to end is waited for, and what came of a former start marks no later run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, Eventually, both, libzmq_only, queue, streamer

from zdev_background import ProcessDevice, State, ThreadDevice, _registry


class Gate:
    """Makes contexts, each only when it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self) -> zmq.Context[Any]:
        self.entered.release()
        assert self.go_on.acquire(timeout=DEADLINE)
        return zmq.Context.instance()


@pytest.fixture
def gate() -> Gate:
    return Gate()


def idle(kind: type[ThreadDevice | ProcessDevice] = ThreadDevice) -> Any:
    return streamer(kind)


def in_thread(call: Callable[..., object], *args: object) -> threading.Thread:
    thread = threading.Thread(target=call, args=args, daemon=True)
    thread.start()
    return thread


def refused(error: type[Exception], device: Any, timeout: float) -> None:
    with pytest.raises(error):
        device.start(timeout)


def test_a_start_after_one_that_was_given_up_starts_again_once_that_has_ended(gate: Gate) -> None:
    device = idle()
    device.context_factory = gate
    refused(TimeoutError, device, 0.01)
    given_up = device.launcher
    with pytest.raises(TimeoutError, match=r"not started within 0\.01 s: the run before has not ended"):
        device.start(0.01)
    assert device.launcher is given_up
    starting = in_thread(device.start)
    gate.go_on.release(2)
    starting.join(DEADLINE)
    assert device.launcher is not given_up
    assert device.state is State.ACTIVE
    assert device.exception is None
    device.stop()


def test_a_start_that_was_given_up_still_reports_why_after_its_end(gate: Gate) -> None:
    device = idle()
    device.context_factory = gate
    refused(TimeoutError, device, 0.01)
    gate.go_on.release()
    device.join(DEADLINE)
    assert isinstance(device.exception, TimeoutError)
    assert device.done


@libzmq_only
@both
def test_a_start_during_a_stop_starts_again_once_that_is_done(kind: Any, connect: Any, eventually: Eventually) -> None:
    device = idle(kind)
    device.context_factory = zmq.Context
    device.connect_out("tcp://127.0.0.1:1")
    device.setsockopt_out(zmq.LINGER, 700)
    device.setsockopt_out(zmq.IMMEDIATE, 0)  # what nobody takes then keeps the stop for LINGER
    device.start()
    connect(zmq.PUSH, *device.endpoints["in"]).send(b"")
    eventually(lambda: device.statistics().in_.messages_received)
    before = device.launcher
    stopping = in_thread(device.stop)
    eventually(lambda: device._launcher.is_ending)
    device.start()
    stopping.join(DEADLINE)
    assert device.launcher is not before
    assert device.state is State.ACTIVE
    device.stop()


def test_a_start_during_a_drain_starts_again_once_that_is_done(connect: Any, eventually: Eventually) -> None:
    device = queue(ThreadDevice)
    device.start()
    client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
    client.send(b"")
    worker.recv()
    before = device.launcher
    draining = in_thread(device.drain)
    eventually(lambda: device.state is State.DRAINING)
    starting = in_thread(device.start)
    worker.send(b"")
    assert client.recv() == b""
    draining.join(DEADLINE)
    starting.join(DEADLINE)
    assert device.launcher is not before
    assert device.state is State.ACTIVE
    device.stop()


def test_a_start_beside_one_that_is_given_up_starts_again(gate: Gate) -> None:
    device = idle()
    device.context_factory = gate
    first = in_thread(refused, TimeoutError, device, 0.2)
    assert gate.entered.acquire(timeout=DEADLINE)
    second = in_thread(device.start)
    first.join(DEADLINE)
    gate.go_on.release(2)
    second.join(DEADLINE)
    assert device.state is State.ACTIVE
    assert device.exception is None
    device.stop()


def test_a_start_that_failed_does_not_mark_the_next_one_as_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    device = idle()
    failed, go_on = threading.Event(), threading.Event()
    give_up = device._give_up

    def slow(*args: Any) -> None:
        failed.set()
        assert go_on.wait(DEADLINE)
        give_up(*args)

    def faulty() -> zmq.Context[Any]:
        raise LookupError

    monkeypatch.setattr(device, "_give_up", slow)
    device.context_factory = faulty
    first = in_thread(refused, LookupError, device, 10)
    assert failed.wait(DEADLINE)
    device.context_factory = zmq.Context.instance
    device.start()
    go_on.set()
    first.join(DEADLINE)
    assert device.is_alive()
    assert not device.done
    assert device.exception is None
    assert device in _registry._running
    device.stop()
