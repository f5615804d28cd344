"""ipc endpoints: nobody's path is taken over, and no file stays behind."""

from __future__ import annotations

import errno
import os
import signal
import socket as sockets
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, Kinds, both, pid_of

from zdev_background import ProcessDevice, ThreadDevice
from zdev_background._ipc import remove_file


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("i", numbered=True) / "s"


def echo(kind: Kinds, endpoint: str) -> Any:
    device = kind(zmq.QUEUE, zmq.REP, -1)
    device.bind_in(endpoint)
    return device


@both
def test_a_path_at_which_somebody_listens_is_refused_and_goes_on_working(kind: Kinds, path: Path, connect: Any) -> None:
    with echo(ThreadDevice, f"ipc://{path}"):
        second = echo(kind, f"ipc://{path}")
        with pytest.raises(
            zmq.ZMQError, match=rf"Device: cannot bind in \(REP\) to ipc://{path}: address already in use \(end"
        ) as e:
            second.start()
        assert e.value.errno == errno.EADDRINUSE
        client = connect(zmq.REQ, f"ipc://{path}")
        client.send(b"still the first?")
        assert client.recv() == b"still the first?"


@both
def test_a_file_that_a_dead_program_left_is_not_an_obstacle_and_goes_at_the_end(kind: Kinds, path: Path, connect: Any) -> None:
    with sockets.socket(sockets.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    for _ in range(3):
        with echo(kind, f"ipc://{path}"):
            client = connect(zmq.REQ, f"ipc://{path}")
            client.send(b"hello")
            assert client.recv() == b"hello"
        assert not path.exists()


@pytest.mark.parametrize("wildcard", [False, True])
def test_a_killed_process_leaves_no_file(wildcard: bool, path: Path) -> None:
    device = echo(ProcessDevice, "ipc://*" if wildcard else f"ipc://{path}")
    device.start()
    file = Path(device.endpoints["in"][0].removeprefix("ipc://"))
    assert file.is_socket()
    os.kill(pid_of(device), signal.SIGKILL)
    device.join(DEADLINE)
    assert not file.exists()
    assert file.parent.exists() is not wildcard


def test_a_killed_parent_leaves_no_file(path: Path, eventually: Callable[..., None]) -> None:
    text = f"""
import zmq, zdev_background
device = zdev_background.ProcessDevice(zmq.QUEUE, zmq.REP, -1)
device.start_method = "fork"
device.bind_in("ipc://{path}")
device.start()
print("started", flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        timer = threading.Timer(20, program.kill)
        timer.start()
        assert program.stdout.readline() == "started\n"
        timer.cancel()
        timer.join()
        program.kill()
    eventually(lambda: not path.exists())


@both
@pytest.mark.parametrize("length", [108, 256])
def test_a_path_that_is_too_long_is_refused_by_name(kind: Kinds, path: Path, length: int) -> None:
    endpoint = f"ipc://{path.parent / ('a' * length)}"
    device = echo(kind, endpoint)
    with pytest.raises(zmq.ZMQError, match=r"cannot bind in \(REP\) to ipc://.*: path too long: .* bytes") as caught:
        device.start(timeout=3)
    assert caught.value.errno == errno.ENAMETOOLONG
    assert device.exception is caught.value


def test_a_file_in_a_directory_that_must_not_be_entered_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_socket(_path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")  # root may enter everything

    monkeypatch.setattr(Path, "is_socket", is_socket)
    remove_file(f"ipc://{path}")
