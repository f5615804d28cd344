"""One measurement: a device in a process of its own, the load generator in another, both ended whatever happens."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devices import DIRECT

START_LIMIT = 20.0  # seconds for a device to import its modules and bind
DRAIN_LIMIT = 30.0  # seconds of a load run beyond those measured


class Failed(Exception):
    """A device or the load generator did not do its part; the text says which, and what it said."""


@dataclass(frozen=True)
class Case:
    """A load. `unit` is what it counts; of a latency case the median time is what matters, and less is better."""

    pattern: str
    size: int
    window: int = 1
    unit: str = "messages"
    latency: bool = False


@dataclass(frozen=True)
class Sample:
    """What one measurement found. Times are microseconds; CPU and wake-ups are per message or round trip, None if unknown."""

    peer: str
    case: str
    round: int
    per_second: float
    messages: int
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None
    cpu_ns: float | None = None  # of the device's whole process
    cpu_main_ns: float | None = None  # of the thread that relays
    wakeups: float | None = None  # times that a thread of the device slept and was woken
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Usage:
    total_ns: int
    main_ns: int
    wakeups: int


def _usage(pid: int) -> _Usage | None:
    """What the process used so far, from /proc (Linux); None elsewhere."""
    times, wakeups = {}, 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            times[int(task.name)] = int((task / "schedstat").read_text().split()[0])
            status = (task / "status").read_text()
            wakeups += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    except OSError:
        return None
    return _Usage(sum(times.values()), times[pid], wakeups)


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@contextmanager
def _device(peer: str, pattern: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """A running device: its process id and what it said of itself."""
    command = [sys.executable, str(Path(__file__).with_name("devices.py")), peer, pattern]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        ready = select.select([process.stdout], [], [], START_LIMIT)[0]
        line = process.stdout.readline() if ready else ""
        if not line:
            process.kill()
            raise Failed(f"{peer} did not start: {process.communicate()[1].strip() or 'it said nothing'}")
        try:
            yield process.pid, json.loads(line)
        finally:
            if process.poll() is not None:
                raise Failed(f"{peer} ended by itself: {process.communicate()[1].strip()}")
    finally:
        _kill(process)


def _load(program: Path, case: Case, seconds: float, endpoints: list[str]) -> dict[str, Any]:
    command = [str(program), "--pattern", case.pattern, "--size", str(case.size), "--window", str(case.window)]
    command += ["--seconds", str(seconds), *endpoints]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    try:
        output, error = process.communicate(timeout=seconds + DRAIN_LIMIT)
    except subprocess.TimeoutExpired:
        raise Failed(f"the load did not end within {seconds + DRAIN_LIMIT:.0f} s") from None
    finally:
        _kill(process)
    if process.returncode:
        raise Failed(error.strip() or f"the load ended with status {process.returncode}")
    found: dict[str, Any] = json.loads(output)
    return found


def measure(program: Path, peer: str, name: str, case: Case, round_: int, seconds: float) -> Sample:
    """Run `case` through `peer` once. Raises Failed, also when a message was lost, changed or out of order."""
    try:
        if peer == DIRECT:
            found = _load(program, case, seconds, [])
            usage: dict[str, Any] = {}
            versions: dict[str, str] = {}
        else:
            with _device(peer, case.pattern) as (pid, device):
                before = _usage(pid)
                found = _load(program, case, seconds, ["--in", device["in"], "--out", device["out"]])
                usage = _spent(before, _usage(pid), found["messages"])
                versions = device["versions"]
    except Failed as failure:
        raise Failed(f"{name}, {peer}, round {round_}: {failure}") from None
    versions = versions | {"libzmq of the load": found.pop("libzmq"), "g++": found.pop("compiler")}
    return Sample(peer, name, round_, **found, **usage, versions=versions)


def _spent(before: _Usage | None, after: _Usage | None, messages: int) -> dict[str, Any]:
    if before is None or after is None or not messages:
        return {}
    return {
        "cpu_ns": (after.total_ns - before.total_ns) / messages,
        "cpu_main_ns": (after.main_ns - before.main_ns) / messages,
        "wakeups": (after.wakeups - before.wakeups) / messages,
    }
