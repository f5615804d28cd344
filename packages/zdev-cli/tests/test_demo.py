"""The demo of docs/examples: a short run, one that is ended early, and one in which something is really lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from patience import PATIENCE

DEMO = Path(__file__).parents[3] / "docs" / "examples" / "demo.py"
SAMPLE = re.compile(r'\d\d:\d\d:\d\d\.\d\d\d  in   3 frames  4\+0\+\d+ B  "(anna|bert|cleo)" "" ".*"')

Demo = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def demo() -> Iterator[Demo]:
    """Starts the demo for so many seconds."""
    started: list[subprocess.Popen[str]] = []

    def start(seconds: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        started.append(subprocess.Popen([sys.executable, str(DEMO), seconds], stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=2 * PATIENCE)


def first_sample(process: subprocess.Popen[str]) -> str:
    """Read on until the traffic flows."""
    assert process.stdout
    return next(line for line in process.stdout if SAMPLE.match(line))


def has_unread(pid: str) -> bool:
    """Whether something waits in a TCP connection of that process."""
    files = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(not fields[4].endswith(":00000000") and f"socket:[{fields[9]}]" in files for fields in table)


def rows(output: str) -> dict[str, list[int]]:
    """The numbers of the table by the name of their row."""
    found = re.findall(r"^(\w[\w ]*?) +(\d+) +(\d+) +(-?\d+)$", output, re.MULTILINE)
    return {name: [int(number) for number in numbers] for name, *numbers in found}


@pytest.mark.slow
def test_nothing_is_lost_and_everybody_counted_the_same(demo: Demo) -> None:
    process = demo("1")
    output, errors = process.communicate(timeout=2 * PATIENCE)
    table = rows(output)
    assert (errors, process.returncode) == ("", 0)
    assert list(table) == ["anna", "bert", "cleo", "all clients", "device", "monitored"]
    requests, replies, lost = table["all clients"]
    assert requests == replies == sum(table[name][0] for name in ("anna", "bert", "cleo")) > 0
    assert lost == 0
    assert table["device"] == table["monitored"] == table["all clients"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_early_with_its_table(demo: Demo, number: int) -> None:
    process = demo("600")
    first_sample(process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=2 * PATIENCE)
    assert (errors, process.returncode) == ("", 0)
    assert "ending early\n" in output
    assert rows(output)["all clients"][2] == 0


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker through Linux's /proc")
def test_a_lost_request_fails_it(demo: Demo) -> None:
    process = demo("1")
    first_sample(process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    worker = next(pid for pid in children if b"worker-1" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(worker), signal.SIGSTOP)
    deadline = time.monotonic() + 2 * PATIENCE
    while not has_unread(worker):  # a request that it will never answer
        assert time.monotonic() < deadline
    os.kill(int(worker), signal.SIGKILL)
    output, errors = process.communicate(timeout=2 * PATIENCE)
    lost = rows(output)["all clients"][2]
    assert lost > 0
    assert f"FAILED: {lost} requests got no reply" in output
    assert (errors, process.returncode) == ("", 1)
