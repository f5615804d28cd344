"""The main job: clients and workers in separate processes, and a monitor."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from zdev_background import MonitoredQueue, ProcessMonitoredQueue, ThreadMonitoredQueue

CLIENTS, WORKERS, REQUESTS = 3, 2, 200


def peer(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(Path(__file__).with_name("peers.py")), *arguments])


@pytest.mark.slow
@pytest.mark.parametrize("kind", [ThreadMonitoredQueue, ProcessMonitoredQueue])
def test_every_request_is_answered_and_seen_by_the_monitor_in_both_directions(
    kind: type[MonitoredQueue], connect: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    device = kind(zmq.ROUTER, zmq.DEALER, zmq.PUB)
    for bind in (device.bind_in, device.bind_out, device.bind_mon):
        bind("tcp://127.0.0.1:*")
    device.setsockopt_mon(zmq.SNDHWM, 10_000)
    with device:
        (front,), (back,), (tap,) = (device.endpoints[role] for role in ("in", "out", "mon"))
        watcher = connect(zmq.SUB, tap, rcvhwm=10_000)
        first = connect(zmq.REQ, front, req_relaxed=1, req_correlate=1)
        workers = [peer("worker", back) for _ in range(WORKERS)]

        def the_watcher_hears() -> bool:
            first.send(b"hello?")
            first.recv_multipart()
            return bool(watcher.poll(10))

        eventually(the_watcher_hears)
        clients = [peer("client", front, str(REQUESTS)) for _ in range(CLIENTS)]
        assert [client.wait(30) for client in clients] == [0] * CLIENTS

        seen: dict[bytes, int] = {b"in": 0, b"out": 0}
        while sum(seen.values()) < 2 * CLIENTS * REQUESTS:
            prefix, *frames = watcher.recv_multipart()
            seen[prefix] += b"client" in frames
        assert seen == {b"in": CLIENTS * REQUESTS, b"out": CLIENTS * REQUESTS}
        statistics = device.statistics()
        assert statistics.in_.messages_sent == statistics.out.messages_sent >= CLIENTS * REQUESTS

        for _ in workers:  # each asks for no more once it has its END
            first.send(b"END")
            first.recv_multipart()
        assert [worker.wait(30) for worker in workers] == [0] * WORKERS
