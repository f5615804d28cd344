"""A signal handler may use devices, between any two steps of the code that it interrupts. Here each step is interrupted."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, queue

from zdev_background import ProcessDevice, _process
from zdev_background._threads import Latch


@pytest.fixture
def device() -> ProcessDevice:
    return queue(ProcessDevice)


def interrupted(call: Callable[[], object], handler: Callable[[], object]) -> int:
    """How many times `handler` ran: before each line of Python that `call` takes, in the same thread, as a signal handler does."""
    times = 0

    def trace(_frame: FrameType, _event: str, _argument: Any) -> Any:
        nonlocal times
        times += 1
        handler()
        return trace

    def run() -> None:
        before = sys.gettrace()
        sys.settrace(trace)
        try:
            call()
        finally:
            sys.settrace(before)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), f"a handler hangs in what it interrupted, at step {times}"
    return times


def test_a_handler_may_wait_for_what_it_interrupted_a_wait_for() -> None:
    latch = Latch()
    assert interrupted(lambda: latch.wait(0.01), lambda: latch.wait(0))


def test_a_handler_may_ask_a_process_that_is_being_asked(device: ProcessDevice) -> None:
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            device.statistics()
        except TimeoutError as error:
            failures.append(error)

    with device:
        assert interrupted(ask, ask)
        assert device.is_alive()
    assert device.exception is None
    assert not failures


@pytest.mark.slow
def test_a_handler_may_start_a_process_while_another_is_started(device: ProcessDevice) -> None:
    other = ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.start_method = other.start_method = "spawn"  # a fork would be interrupted at each step too
    other.bind_in(ANY_PORT)
    other.bind_out(ANY_PORT)

    def start_once() -> None:
        if _process._starting._is_owned() and not other.is_alive():  # type: ignore[attr-defined]
            other.start()

    assert interrupted(device.start, start_once)
    assert other.is_alive()
    device.stop()
    other.stop()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_fork_starts_devices_whatever_another_thread_of_its_parent_was_starting() -> None:
    program = """
import os, signal, threading, zmq, zdev_background
from zdev_background import _process

def hold():
    with _process._starting:
        held.set()
        over.wait(30)

held, over = threading.Event(), threading.Event()
threading.Thread(target=hold, daemon=True).start()
held.wait(30)
child = os.fork()
if child == 0:
    signal.alarm(20)
    device = zdev_background.ProcessDevice(zmq.QUEUE, zmq.REP, -1)
    device.start_method = "fork"
    device.bind_in("tcp://127.0.0.1:*")
    device.start()
    device.stop()
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], timeout=30, check=False).returncode == 0
