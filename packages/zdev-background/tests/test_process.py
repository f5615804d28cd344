"""Rules for process devices alone."""

from __future__ import annotations

import errno
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, DEADLINE, Eventually, pid_of, queue

from zdev_background import ProcessDevice, RestartPolicy, ThreadDevice

METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture
def device() -> ProcessDevice:
    return queue(ProcessDevice)


@pytest.fixture
def parent() -> Any:
    """Starts a program that starts a process device, and tells its own pid, the device's pid and the endpoint of `in`."""
    programs: list[subprocess.Popen[str]] = []

    def start(method: str, then: str) -> tuple[subprocess.Popen[str], int, str]:
        text = f"""
import os, signal, zmq, zdev_background
if __name__ == "__main__":
    device = zdev_background.ProcessDevice(zmq.QUEUE, zmq.REP, -1)
    device.start_method = "{method}"
    device.bind_in("{ANY_PORT}")
    device.start()
    print(device.pid, device.endpoints["in"][0], flush=True)
    {then}
"""
        program = subprocess.Popen(
            [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        programs.append(program)
        assert program.stdout is not None
        pid, endpoint = program.stdout.readline().split()
        return program, int(pid), endpoint

    yield start
    for program in programs:
        program.kill()
        program.communicate(timeout=10)


def is_gone(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("method", METHODS)
def test_every_start_method_works(device: ProcessDevice, method: str, connect: Callable[..., Any]) -> None:
    device.start_method = method
    port = device.bind_in_to_random_port("tcp://127.0.0.1")
    early = connect(zmq.REQ, f"tcp://127.0.0.1:{port}")
    early.send(b"sent before the start")
    with device:
        worker = connect(zmq.REP, *device.endpoints["out"])
        assert worker.recv() == b"sent before the start"
        worker.send(b"answer")
        assert early.recv() == b"answer"


def test_the_pid_is_that_of_the_process_and_none_while_there_is_no_process(
    device: ProcessDevice, eventually: Eventually
) -> None:
    device.restart = "on-failure"
    device.restart_policy = RestartPolicy(first_delay=60)
    assert device.pid is None
    with device:
        first = pid_of(device)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: device.pid is None)
        assert device.is_alive()
        eventually(lambda: device.restart_now() or device.pid is not None)  # the delay may not have begun
        assert pid_of(device) != first
    assert device.pid is None


def test_a_killed_process_is_noticed_and_said(
    device: ProcessDevice, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    device.start()
    with caplog.at_level(logging.ERROR, "zdev"):
        os.kill(pid_of(device), signal.SIGKILL)
        eventually(lambda: not device.is_alive())
    assert isinstance(device.exception, ChildProcessError)
    assert "was killed by SIGKILL" in str(device.exception)
    assert "was killed by SIGKILL" in caplog.text
    assert device.done
    device.statistics()
    device.stop()
    with device:  # and starts again
        assert device.exception is None


def test_a_killed_process_is_noticed_while_later_children_live(device: ProcessDevice, eventually: Eventually) -> None:
    device.start()
    second = ProcessDevice(zmq.QUEUE, zmq.REP, -1)  # a fork, which has copies of what the first one's pipe needs
    second.bind_in(ANY_PORT)
    with second:
        os.kill(pid_of(device), signal.SIGKILL)
        eventually(lambda: not device.is_alive())
        assert second.is_alive()


def test_sigterm_is_a_clean_stop(device: ProcessDevice) -> None:
    device.start()
    os.kill(pid_of(device), signal.SIGTERM)
    device.join(DEADLINE)
    assert not device.is_alive()
    assert device.exception is None


def test_a_suspended_process_is_killed_by_stop(device: ProcessDevice) -> None:
    device.start()
    os.kill(pid_of(device), signal.SIGSTOP)
    device.stop(timeout=0.1)
    assert not device.is_alive()
    assert isinstance(device.exception, ChildProcessError)


def test_one_that_is_suspended_stops_however_often_it_was_asked(device: ProcessDevice) -> None:
    def ask() -> None:
        with suppress(TimeoutError):
            device.statistics()

    device.start()
    os.kill(pid_of(device), signal.SIGSTOP)
    asking = [threading.Thread(target=ask, daemon=True) for _ in range(400)]  # more than the pipe to it has room for
    for each in asking:
        each.start()
    stopping = threading.Thread(target=device.stop, args=(1,), daemon=True)
    stopping.start()
    stopping.join(20)
    is_stopped = not stopping.is_alive()
    if not is_stopped:
        os.kill(pid_of(device), signal.SIGKILL)
    for each in (stopping, *asking):
        each.join(20)
    assert is_stopped
    assert not device.is_alive()


@pytest.mark.parametrize("method", METHODS)
def test_the_child_dies_with_a_parent_that_was_killed(
    parent: Any, method: str, eventually: Eventually, is_free: Callable[[str], bool]
) -> None:
    program, pid, endpoint = parent(method, "input()")
    os.kill(program.pid, signal.SIGKILL)
    eventually(lambda: is_gone(pid))
    assert is_free(endpoint)


@pytest.mark.parametrize("method", METHODS)
def test_the_child_of_a_parent_that_exits_is_stopped(parent: Any, method: str) -> None:
    program, pid, _ = parent(method, "pass")
    assert program.wait(DEADLINE) == 0
    assert is_gone(pid)


def test_ctrl_c_in_the_terminal_is_the_parents_to_handle(parent: Any, connect: Callable[..., Any]) -> None:
    say = "os.write(1, b'interrupted\\n')"  # print would not be reentrant
    wait = f"signal.signal(signal.SIGINT, lambda *_: {say}); print('armed', flush=True); input()"
    program, pid, endpoint = parent("fork", wait)
    assert program.stdout.readline() == "armed\n"
    os.killpg(program.pid, signal.SIGINT)
    assert program.stdout.readline() == "interrupted\n"
    echo = connect(zmq.REQ, endpoint)
    echo.send(b"still there?")
    assert echo.recv() == b"still there?"
    assert not is_gone(pid)
    program.communicate("go\n", timeout=10)
    assert program.returncode == 0
    assert is_gone(pid)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("setting", ["context_factory", "option LINGER of out"])
def test_what_does_not_pickle_is_refused_by_name(device: ProcessDevice, method: str, setting: str) -> None:
    device.start_method = method
    if setting == "context_factory":
        device.context_factory = lambda: zmq.Context()
    else:
        device.setsockopt_out(zmq.LINGER, threading.Lock())  # type: ignore[arg-type]
    with pytest.raises(zmq.ZMQError, match=f"ProcessDevice: {setting} cannot be sent to another process: ") as caught:
        device.start()
    assert caught.value.errno == errno.EINVAL
    assert device.launcher is None


def test_what_does_not_pickle_does_not_matter_for_a_fork(device: ProcessDevice) -> None:
    device.start_method = "fork"
    device.context_factory = lambda: zmq.Context()
    with device:
        assert device.is_alive()


def test_an_error_in_the_process_comes_with_its_traceback(device: ProcessDevice) -> None:
    def faulty() -> zmq.Context[Any]:
        raise LookupError("no context today")

    device.start_method = "fork"
    device.context_factory = faulty
    with pytest.raises(LookupError, match="no context today") as caught:
        device.start()
    assert "in faulty" in "".join(caught.value.__notes__)


def test_a_process_does_not_hold_the_ports_of_devices_in_its_parent(
    device: ProcessDevice, is_free: Callable[[str], bool]
) -> None:
    thread_device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    port = thread_device.bind_in_to_random_port("tcp://127.0.0.1")
    thread_device.bind_out(ANY_PORT)
    promised = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    other = promised.bind_in_to_random_port("tcp://127.0.0.1")
    device.start_method = "fork"
    with thread_device:
        device.start()
    assert is_free(f"tcp://127.0.0.1:{port}")
    del promised
    assert is_free(f"tcp://127.0.0.1:{other}")
    device.stop()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_terminal_that_closes_during_a_start_does_not_kill_the_process(method: str) -> None:
    program = f"""
import os, signal, threading, zmq, zdev_background
if __name__ == "__main__":
    device = zdev_background.ProcessDevice(zmq.QUEUE, zmq.REP, -1)
    device.start_method = "{method}"
    device.bind_in("{ANY_PORT}")
    signal.signal(signal.SIGHUP, lambda *_: None)
    over = threading.Event()
    def hang_up():
        while not over.is_set():
            os.killpg(0, signal.SIGHUP)
            over.wait(0.001)
    thread = threading.Thread(target=hang_up)
    thread.start()
    try:
        for _ in range(3):
            device.start()
            device.stop()
    finally:
        over.set()
        thread.join()
    assert device.exception is None
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
