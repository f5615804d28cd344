"""Take one measurement: run a device in one process and the load generator in another, and always end both."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases import Case
from devices import DIRECT, PEERS, socket_types

__all__ = [
    "Case",
    "MeasurementError",
    "Programs",
    "Sample",
    "Usage",
    "device",
    "endpoint_options",
    "load",
    "measure",
    "memory",
    "usage",
]

START_LIMIT = 20.0  # seconds for a device to import its modules and bind
DRAIN_LIMIT = 60.0  # seconds that a load may take beyond the measured ones
DEVICES = Path(__file__).with_name("devices.py")


class MeasurementError(Exception):
    """A device or the load generator failed; the text names it and quotes its output."""


@dataclass(frozen=True)
class Programs:
    """The programs of a measurement.

    Attributes:
        load: The load generator.
        native: The C++ devices.
        libzmq: The libzmq that the C++ devices use; None for the one they are linked to.
        drafts: A libzmq built with drafts, for the peer that needs it.
        trial: Another relay; see --trial.
    """

    load: Path
    native: Path
    libzmq: Path | None
    drafts: Path | None = None
    trial: Path | None = None


@dataclass(frozen=True)
class Sample:
    """The result of one measurement.

    Times are in microseconds, CPU time and wake-ups per message or round trip. None means unknown or not measured.
    """

    peer: str
    case: str
    round: int
    per_second: float = 0
    messages: int = 0
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None
    quantiles_us: list[tuple[float, float]] | None = None
    watched: int | None = None  # copies that a subscriber of the monitor received
    cpu_ns: float | None = None  # of the device's whole process
    cpu_own_ns: float | None = None  # of its threads, without libzmq's
    wakeups: float | None = None  # how often a thread of the device slept and was woken
    cpu_share: float | None = None  # of a core, in a state
    rest_mb: float | None = None  # resident memory before the first message
    peak_mb: float | None = None
    growth_kb: float | None = None  # memory added by the second and third load
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Usage:
    """The resources that a process has used: CPU time, CPU time without libzmq's threads, and voluntary context switches."""

    total_ns: int
    own_ns: int
    wakeups: int


def usage(pid: int) -> Usage | None:
    """Read what the process has used so far from /proc; None if this is not Linux."""
    total = own = wakeups = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            spent = int((task / "schedstat").read_text().split()[0])
            total += spent
            own += 0 if (task / "comm").read_text().startswith("ZMQbg") else spent
            status = (task / "status").read_text()
            wakeups += int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    except OSError:
        return None
    return Usage(total, own, wakeups)


def memory(pid: int, field: str) -> float | None:
    """Read VmRSS (resident memory) or VmHWM (its peak), in MB of 10^6 bytes."""
    try:
        return int(Path(f"/proc/{pid}/status").read_text().partition(f"\n{field}:")[2].split()[0]) * 1024 / 1e6
    except OSError:
        return None


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _command(programs: Programs, devices: Path, peer: str, case: Case, endpoints: str) -> tuple[list[str], dict[str, str]]:
    """Return the command that starts the device, and the variables to add to its environment."""
    watched = bool(case.monitor)
    found = PEERS.get(peer)
    if found and found.kind == "trial":
        return [str(programs.trial), peer, case.pattern], {"JSON": "1"}
    if found is None or found.kind != "native":
        return [sys.executable, str(devices), peer, case.pattern, endpoints, *_words(case)], {}
    roles = ["in", "out", *(["mon"] if found.has_monitor(watched) else [])]
    command = [str(programs.native), found.call, *socket_types(case.pattern), *(endpoints.format(role=r) for r in roles)]
    libzmq = programs.drafts if found.drafts else programs.libzmq
    return command, {"LD_PRELOAD": str(libzmq)} if libzmq else {}


def _words(case: Case) -> list[str]:
    return [*(["watched"] if case.monitor else []), *(["curve"] if case.curve else [])]


@contextmanager
def device(
    programs: Programs, peer: str, case: Case, devices: Path = DEVICES
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a device, and yield its process and the endpoints and versions that it reported."""
    pipe = subprocess.PIPE
    with tempfile.TemporaryDirectory(prefix="zdev") as folder:
        endpoints = f"ipc://{folder}/{{role}}" if case.transport == "ipc" else "tcp://127.0.0.1:*"
        command, extra_env = _command(programs, devices, peer, case, endpoints)
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True, env=os.environ | extra_env
        )
        try:
            assert process.stdout is not None
            ready = select.select([process.stdout], [], [], START_LIMIT)[0]
            line = process.stdout.readline() if ready else ""
            if not line:
                process.kill()
                raise MeasurementError(f"{peer} did not start: {process.communicate()[1].strip() or 'no output'}")
            yield process, json.loads(line)
            if process.poll() is not None:
                raise MeasurementError(f"{peer} exited: {process.communicate()[1].strip()}")
        finally:
            _kill(process)


def load(programs: Programs, case: Case, seconds: float, target: list[str]) -> dict[str, Any]:
    """Run the load generator and return its results."""
    numbers = ("size", "frames", "window", "clients", "workers", "subscribers", "topics")
    command = [str(programs.load), "--pattern", case.pattern, "--seconds", str(seconds), *target]
    command += [word for name in numbers for word in (f"--{name}", str(getattr(case, name)))]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    try:
        output, error = process.communicate(timeout=seconds + DRAIN_LIMIT)
    except subprocess.TimeoutExpired:
        raise MeasurementError(f"the load did not end within {seconds + DRAIN_LIMIT:.0f} s") from None
    finally:
        _kill(process)
    if process.returncode:
        raise MeasurementError(error.strip() or f"the load ended with status {process.returncode}")
    found: dict[str, Any] = json.loads(output)
    return found


def endpoint_options(case: Case, endpoints: dict[str, Any]) -> list[str]:
    """Return the options of the load generator that name a device's endpoints."""
    words = ["--in", endpoints["in"], "--out", endpoints["out"]]
    if case.monitor and endpoints.get("mon"):
        words += ["--mon", endpoints["mon"], "--monitor", case.monitor]
    if case.curve:
        words += ["--curve", endpoints["curve"]]
    return words


def measure(
    programs: Programs, peer: str, name: str, case: Case, round_: int, seconds: float, devices: Path = DEVICES
) -> Sample:
    """Run `case` once through `peer`, which the program `devices` starts.

    Raises:
        MeasurementError: A process failed, or a message was lost, changed or out of order.
    """
    try:
        return _measure(programs, peer, name, case, round_, seconds, devices)
    except MeasurementError as failure:
        raise MeasurementError(f"{name}, {peer}, round {round_}: {failure}") from None


def _measure(programs: Programs, peer: str, name: str, case: Case, round_: int, seconds: float, devices: Path) -> Sample:
    spent: dict[str, Any] = {}
    versions: dict[str, str] = {}
    if peer == DIRECT:
        found = load(programs, case, seconds, ["--curve", DIRECT] if case.curve else [])
    elif case.transport == "inproc":
        found = load(programs, case, seconds, ["--device", PEERS[peer].call])
    else:
        with device(programs, peer, case, devices) as (process, ready):
            before, rest = usage(process.pid), memory(process.pid, "VmRSS")
            found = load(programs, case, seconds, endpoint_options(case, ready))
            spent = _spent(before, usage(process.pid), found["messages"])
            spent |= {"rest_mb": rest, "peak_mb": memory(process.pid, "VmHWM")}
            versions = ready["versions"]
    versions = versions | {"libzmq of the load": found.pop("libzmq"), "g++": found.pop("compiler")}
    return Sample(peer, name, round_, **found, **spent, versions=versions)


def _spent(before: Usage | None, after: Usage | None, messages: int) -> dict[str, Any]:
    if before is None or after is None or not messages:
        return {}
    return {
        "cpu_ns": (after.total_ns - before.total_ns) / messages,
        "cpu_own_ns": (after.own_ns - before.own_ns) / messages,
        "wakeups": (after.wakeups - before.wakeups) / messages,
    }
