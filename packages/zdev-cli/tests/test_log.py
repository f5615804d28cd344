"""The log on stderr never blocks zdev, even when nobody reads it."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq
from exchange import queue
from patience import PATIENCE
from raw_control import say

F_SETPIPE_SZ = 1031
Connected = Callable[..., "zmq.Socket[bytes]"]


class Unread:
    """A `zdev run` whose stderr is a pipe that is small and that nobody reads."""

    def __init__(self, zdev_path: str, folder: Path) -> None:
        file, control = folder / "zdev.toml", folder / "control.sock"
        self._control = control
        file.write_text(queue("orders", "drain_timeout = 20"))
        command = [zdev_path, "run", "-c", str(file), "--control", str(control)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
        assert self.process.stdout
        assert self.process.stderr
        fcntl.fcntl(self.process.stderr.fileno(), F_SETPIPE_SZ, 4096)
        self.said: list[str] = []
        while not self.said or not self.said[-1].startswith("started:"):
            self.said.append(self.process.stdout.readline())

    def have_refused(self, count: int) -> None:
        """Send commands that can't be done: each is logged."""
        for number in range(count):
            request = json.dumps({"verb": "pause", "device": f"{number} {'x' * 200}"}).encode()
            assert json.loads(say(self._control, request))["status"] == 64

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def unread(zdev_path: str, folder: Path) -> Iterator[Unread]:
    program = Unread(zdev_path, folder)
    with program.process:
        yield program
        program.process.kill()


def test_commands_and_signals_are_obeyed_when_nobody_reads_stderr(unread: Unread) -> None:
    unread.have_refused(50)
    assert unread.end(signal.SIGTERM) == 0


def test_a_second_signal_ends_at_once_when_nobody_reads_stderr(unread: Unread, connected: Connected) -> None:
    unread.have_refused(50)
    front, back = (line.split()[-1] for line in unread.said if " bind " in line)
    client, worker = connected(zmq.REQ, front), connected(zmq.REP, back)
    client.send(b"never answered")
    assert worker.recv() == b"never answered"
    unread.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        unread.process.wait(0.5)
    assert unread.end(signal.SIGTERM) == 75


def test_lines_that_found_no_room_are_counted_and_the_others_keep_their_order(unread: Unread) -> None:
    unread.have_refused(1200)
    unread.process.send_signal(signal.SIGTERM)
    assert unread.process.stderr
    logged = unread.process.stderr.read().splitlines()
    missing = [int(line.split()[2]) for line in logged if line.endswith("log lines dropped: stderr was not read in time")]
    numbers = [int(line.split()[10]) for line in logged if "pause" in line]
    assert numbers == sorted(numbers)
    assert missing
    assert len(logged) - len(missing) + sum(missing) == 1200 + 3  # with its start, the signal and its end
    assert unread.process.wait(PATIENCE) == 0
