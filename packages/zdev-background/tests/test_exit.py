"""The interpreter exits, and the application forks, while devices run."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

KINDS = ["ThreadMonitoredQueue", "ProcessMonitoredQueue"]
FACTORIES = ["zmq.Context", "zmq.Context.instance"]

START = """
import os, sys, time, zmq, zdev_background
if __name__ == "__main__":
    device = zdev_background.{kind}(zmq.ROUTER, zmq.DEALER)
    type(device).context_factory = {factory}
    for role in ("in", "out", "mon"):
        device.bind(role, "tcp://127.0.0.1:*")
    device.start()
"""


def run(text: str, **names: str) -> subprocess.CompletedProcess[str]:
    """The program's end; a hang fails the test, and so does whatever is said on stderr."""
    program = [sys.executable, "-X", "dev", "-W", "error", "-c", text.format(**names)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=20, check=False)
    assert ended.stderr == ""
    return ended


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factory", FACTORIES)
def test_the_interpreter_exits_while_a_device_runs(kind: str, factory: str) -> None:
    ended = run(START + "    print(time.monotonic(), flush=True)", kind=kind, factory=factory)
    assert ended.returncode == 0
    assert time.monotonic() - float(ended.stdout) < 2  # from the program's last line to its end; it takes some 25 ms


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("end", ["", "    device.pause(); device.stop(); device.start()", "    device.join(0.1); sys.exit(0)"])
def test_the_interpreter_exits_under_gevents_patches(kind: str, factory: str, end: str) -> None:
    text = "from gevent import monkey\nmonkey.patch_all()\n" + START + end
    begin = time.monotonic()
    assert run(text, kind=kind, factory=factory).returncode == 0
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("kind", KINDS)
def test_under_gevents_patches_other_greenlets_go_on(kind: str) -> None:
    text = """
from gevent import monkey
monkey.patch_all()
import gevent, zmq.green
ticks = []

def tick():
    while True:
        gevent.sleep(0.001)
        ticks.append(1)
"""
    use = """
    gevent.spawn(tick)
    before = len(ticks)
    device.join(0.2)  # waits, and the others go on
    assert len(ticks) > before and device.is_alive()
    with zmq.green.Context() as context, context.socket(zmq.DEALER) as client, context.socket(zmq.DEALER) as worker:
        client.linger = worker.linger = 0
        device.stop()
        device.start()
        client.connect(device.endpoints["in"][0])
        worker.connect(device.endpoints["out"][0])
        client.send(b"question")
        with gevent.Timeout(10):
            worker.send_multipart(worker.recv_multipart())
            assert client.recv() == b"question"
    assert device.statistics().in_.messages_sent == 1
    device.drain(10)
    assert device.done and device.exception is None
"""
    assert run(text + START + use, kind=kind, factory="zmq.Context").returncode == 0


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("how", ["script", "-c", "-"])
def test_a_process_starts_from_a_script_from_the_command_line_and_from_input(method: str, how: str, tmp_path: Path) -> None:
    text = START.format(kind="ProcessMonitoredQueue", factory="zmq.Context")
    text = text.replace("    device.start()", f"    device.start_method = '{method}'; device.start(); print(device.is_alive())")
    script = tmp_path / "script.py"
    script.write_text(text)
    arguments = {"script": [str(script)], "-c": ["-c", text], "-": ["-i", "-q"]}[how]  # -i: as if a person were typing
    ended = subprocess.run(
        [sys.executable, *arguments],
        input=text.replace('if __name__ == "__main__":', "if True:") + "\n" if how == "-" else "",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.stdout == "True\n"
    assert ended.stderr.replace(">>> ", "").replace("... ", "").strip() == ""
    assert ended.returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_the_interpreter_exits_by_an_exit_status_of_the_program(kind: str) -> None:
    assert run(START + "    sys.exit(3)", kind=kind, factory="zmq.Context").returncode == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_fork_of_the_application_has_no_device_and_can_start_its_own(kind: str) -> None:
    text = (
        START
        + """
    assert device.is_alive()
    child = os.fork()
    if child == 0:
        assert not device.is_alive() and device.endpoints == {{}}
        device.stop()
        device.start()
        assert device.endpoints["in"]
        device.stop()
        device.start()
        sys.exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    assert device.is_alive() and device.statistics().in_.messages_sent == 0
    device.pause()
    device.stop()
    sys.exit(0 if device.exception is None else 1)
"""
    )
    assert run(text, kind=kind, factory="zmq.Context").returncode == 0


@pytest.mark.parametrize("start_method", ["fork", "forkserver", "spawn"])
def test_a_fork_of_the_application_starts_processes_whatever_the_start_method(start_method: str) -> None:
    text = (
        "import multiprocessing\nmultiprocessing.set_start_method({start_method!r})\n"
        + START
        + """
    child = os.fork()
    if child == 0:
        device.stop()
        device.start()
        device.stop()
        sys.exit(5)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
    device.stop()
"""
    )
    assert run(text, kind="ProcessMonitoredQueue", factory="zmq.Context", start_method=start_method).returncode == 0


def test_a_device_that_is_not_a_daemon_keeps_the_interpreter() -> None:
    text = """
import threading, zmq, zdev_background
device = zdev_background.ThreadDevice(zmq.QUEUE, zmq.REP, -1)
device.daemon = False
device.bind_in("tcp://127.0.0.1:*")
device.start()

def stop_when_main_is_over():
    threading.main_thread().join()
    assert device.is_alive()
    print("kept", flush=True)
    device.stop()

threading.Thread(target=stop_when_main_is_over).start()
"""
    assert run(text).stdout == "kept\n"
