"""A process device is at home in a program whose children are reaped by somebody else, or by nobody."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

METHODS = ["fork", "spawn", "forkserver"]
REAPERS = {
    "ignored": "signal.signal(signal.SIGCHLD, signal.SIG_IGN)",
    "handler": "signal.signal(signal.SIGCHLD, reap)",
    "nobody": "pass",
}
PROGRAM = """
import logging, multiprocessing.forkserver, os, signal, sys, time, zmq
from zdev_background import ProcessDevice

def reap(*_):
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass

def eventually(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)

if __name__ == "__main__":
    logging.getLogger("zdev").addHandler(logging.NullHandler())
    {reaper}
    device = ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.start_method = "{method}"
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    device.start()
    server = multiprocessing.forkserver._forkserver._forkserver_pid
    {then}
    assert not multiprocessing.active_children()
"""


def run(method: str, reaper: str, *then: str) -> None:
    program = PROGRAM.format(method=method, reaper=REAPERS[reaper], then="\n    ".join(then))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("reaper", REAPERS)
@pytest.mark.parametrize("method", METHODS)
def test_a_killed_process_is_noticed_whoever_reaps_it(method: str, reaper: str) -> None:
    run(
        method,
        reaper,
        "os.kill(device.launcher.pid, signal.SIGKILL)",
        "eventually(lambda: not device.is_alive())",
        "assert isinstance(device.exception, ChildProcessError), device.exception",
        "assert not device.launcher.is_alive()",
        "device.stop()",
    )


@pytest.mark.parametrize("reaper", REAPERS)
@pytest.mark.parametrize("method", METHODS)
def test_a_device_starts_and_stops_cleanly_whoever_reaps_it(method: str, reaper: str) -> None:
    run(method, reaper, "device.stop()", "assert device.exception is None", "device.start()", "assert device.drain()")


@pytest.mark.parametrize("reaper", REAPERS)
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="its pipe to the fork server is the only evidence there")
def test_a_device_outlives_its_fork_server_and_starts_again_without_it(reaper: str) -> None:
    run(
        "forkserver",
        reaper,
        "os.kill(server, signal.SIGKILL)",
        "eventually(lambda: not os.path.exists(f'/proc/{server}') or ') Z ' in open(f'/proc/{server}/stat').read())",
        "device.pause()",
        "assert device.is_alive() and device.state.name == 'PAUSED'",
        "device.stop()",
        "assert device.exception is None, device.exception",
        "device.start()",
        "device.stop()",
        "assert device.exception is None, device.exception",
    )


def test_a_daemonic_process_is_refused_children_with_the_remedy() -> None:
    program = """
import multiprocessing, zmq
from zdev_background import ProcessDevice

def work(_):
    device = ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    try:
        device.start()
    except zmq.ZMQError as error:
        return str(error)

if __name__ == "__main__":
    with multiprocessing.Pool(1) as pool:
        print(pool.map(work, [0])[0])
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True).stdout
    assert said.startswith("ProcessDevice: cannot start a process: this one is daemonic")
    assert "use a device in a thread" in said
