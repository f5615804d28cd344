"""Measure a device without load: its CPU time in a state such as idle or paused, and whether its memory grows."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

from cases import Case
from measure import MeasurementError, Programs, Sample, device, endpoint_options, load, memory, usage

SETTLE = 0.5  # seconds between the last message and the measurement
WAITING = 100  # messages that the device leaves waiting


def measure_state(programs: Programs, peer: str, name: str, case: Case, round_: int, seconds: float) -> Sample:
    """Measure a peer in one state; see measure.measure for the arguments."""
    if case.pattern == "growth":
        return _growth(programs, peer, name, round_, seconds)
    with device(programs, peer, case) as (process, ready), _sockets(ready, backend=case.pattern != "no-backend") as client:
        if case.pattern == "paused":
            assert process.stdin is not None
            process.stdin.write("pause\n")
            process.stdin.flush()
            time.sleep(SETTLE)
        if case.pattern != "idle":
            for _ in range(WAITING):
                client.send(b"x", zmq.DONTWAIT)
        time.sleep(SETTLE)
        return Sample(peer, name, round_, cpu_share=_share(process, seconds), versions=ready["versions"])


@contextmanager
def _sockets(endpoints: dict[str, Any], backend: bool) -> Iterator[zmq.Socket[bytes]]:
    """Yield a connected client; with `backend`, also connect a worker that never answers."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as client, context.socket(zmq.DEALER) as worker:
        client.linger = worker.linger = 0
        client.connect(endpoints["in"])
        if backend:
            worker.connect(endpoints["out"])
        yield client


def _share(process: subprocess.Popen[str], seconds: float) -> float | None:
    begin, before = time.monotonic(), usage(process.pid)
    time.sleep(seconds)
    after, passed = usage(process.pid), time.monotonic() - begin
    return None if before is None or after is None else (after.total_ns - before.total_ns) / 1e9 / passed


def _growth(programs: Programs, peer: str, name: str, round_: int, seconds: float) -> Sample:
    """Run three loads through one device, and measure the memory that the second and third add."""
    stream = Case("stream")
    with device(programs, peer, stream) as (process, ready):
        messages = load(programs, stream, seconds, endpoint_options(stream, ready))["messages"]
        first = memory(process.pid, "VmRSS")
        for _ in range(2):
            messages += load(programs, stream, seconds, endpoint_options(stream, ready))["messages"]
        last = memory(process.pid, "VmRSS")
    if first is None or last is None:
        raise MeasurementError("cannot read the memory of a process on this system")
    return Sample(peer, name, round_, messages=messages, growth_kb=(last - first) * 1000, versions=ready["versions"])
