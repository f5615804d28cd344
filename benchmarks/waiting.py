"""Measure how long requests wait for a worker behind four queues, and how many are lost with workers that are killed.

``python benchmarks/waiting.py [--rounds N] [--seconds S] [--json FILE]``

Eight REP workers answer requests after a millisecond, and 3 % of them after 250. One client asks without waiting for replies, at
random times, at half the rate that the workers can serve. The wait of a request is the time from its sending to its reply without
the time at its worker. Then workers are killed with SIGKILL while requests are under way, and replaced by others.

The queues are `zmq.proxy`, zdev's queue, zdev's queue with `workers`, and a broker in Python that gives each request to the worker
that has been idle longest, as it is usually written by hand, with REQ workers that register. Their measurements are interleaved.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import statistics
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import zmq

from zdev_background import ProcessDevice, Workers

QUEUES = ("zmq.proxy", "broker in Python", "zdev", "zdev with workers")
WORKERS = 8
FAST, SLOW, SLOW_SHARE = 0.001, 0.25, 0.03  # seconds, and of the requests
LOAD = 0.5  # of what the workers can serve
KILLS, REQUESTS = 13, 1000
PATIENCE = 5.0  # seconds for the last replies
SPAWN = multiprocessing.get_context("spawn")


def broker(frontend: str, backend: str) -> None:
    """Give each request to the worker that has been idle longest."""
    context = zmq.Context()
    clients, workers = context.socket(zmq.ROUTER), context.socket(zmq.ROUTER)
    clients.bind(frontend)
    workers.bind(backend)
    idle: deque[bytes] = deque()
    both, only_workers = zmq.Poller(), zmq.Poller()
    both.register(clients, zmq.POLLIN)
    for poller in (both, only_workers):
        poller.register(workers, zmq.POLLIN)
    while True:
        ready = dict((both if idle else only_workers).poll())
        if workers in ready:
            worker, _, *reply = workers.recv_multipart()
            idle.append(worker)
            if reply != [b"READY"]:
                clients.send_multipart(reply)
        if clients in ready and idle:
            workers.send_multipart([idle.popleft(), b"", *clients.recv_multipart()])


def proxy(frontend: str, backend: str) -> None:
    """Relay with zmq.proxy."""
    context = zmq.Context()
    clients, workers = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    clients.bind(frontend)
    workers.bind(backend)
    zmq.proxy(clients, workers)


@contextmanager
def running(queue: str, *, retries: int = 0) -> Iterator[tuple[str, str]]:
    """Run a queue in a process, and yield its endpoints for clients and for workers."""
    ends = [f"ipc://@zdev-waiting-{os.getpid()}-{time.monotonic_ns()}-{end}" for end in ("in", "out")]
    if queue.startswith("zdev"):
        device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
        device.bind_in(ends[0])
        device.bind_out(ends[1])
        if queue == "zdev with workers":
            device.workers = Workers(retries=retries)
        device.start()
        try:
            yield ends[0], ends[1]
        finally:
            device.stop()
            device.join()
        return
    process = SPAWN.Process(target=proxy if queue == "zmq.proxy" else broker, args=ends, daemon=True)
    process.start()
    try:
        yield ends[0], ends[1]
    finally:
        process.kill()
        process.join()


def work(backend: str, registers: bool) -> None:
    """Answer requests, each of which says how long that takes."""
    socket = zmq.Context().socket(zmq.REQ if registers else zmq.REP)
    socket.connect(backend)
    if registers:
        socket.send(b"READY")
    while True:
        *address, number, seconds = socket.recv_multipart()
        time.sleep(float(seconds))
        socket.send_multipart([*address, number])


def start_worker(queue: str, backend: str) -> BaseProcess:
    process = SPAWN.Process(target=work, args=(backend, queue == "broker in Python"), daemon=True)
    process.start()
    return process


@contextmanager
def workforce(queue: str, backend: str) -> Iterator[list[BaseProcess]]:
    """Run the workers until the end of the block."""
    workers = [start_worker(queue, backend) for _ in range(WORKERS)]
    try:
        yield workers
    finally:
        for each in workers:
            each.kill()
            each.join()


class Client:
    """Asks without waiting for replies, which a thread receives."""

    def __init__(self, frontend: str) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(frontend)
        self.sent: dict[bytes, tuple[float, float]] = {}  # when, and how long its worker takes
        self.took: dict[bytes, float] = {}  # without the time of its worker

    def ask(self, seconds: float) -> None:
        number = str(len(self.sent)).encode()
        self.sent[number] = (time.monotonic(), seconds)
        self._socket.send_multipart([b"", number, str(seconds).encode()])

    def receive(self, until: float) -> None:
        """Receive replies until a time, or until there is one for each request."""
        while len(self.took) < len(self.sent) and (left := until - time.monotonic()) > 0:
            if self._socket.poll(max(1, int(left * 1000))):
                number = self._socket.recv_multipart()[1]
                begin, seconds = self.sent[number]
                self.took[number] = time.monotonic() - begin - seconds

    def receive_while_waiting(self, until: float) -> None:
        """Receive replies until a time."""
        self.receive(until)
        time.sleep(max(0.0, until - time.monotonic()))

    def warm_up(self) -> None:
        """Wait until every worker answers."""
        for _ in range(WORKERS * 4):
            self.ask(0.02)
        self.receive(time.monotonic() + 30)
        self.sent.clear()
        self.took.clear()

    def close(self) -> None:
        self._socket.close()


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure_waits(queue: str, seconds: float, seed: int) -> dict[str, float]:
    """Return quantiles of the wait in milliseconds."""
    chance = random.Random(seed)
    rate = LOAD * WORKERS / (FAST * (1 - SLOW_SHARE) + SLOW * SLOW_SHARE)
    with running(queue) as (frontend, backend), workforce(queue, backend):
        client = Client(frontend)
        client.warm_up()
        next_ = time.monotonic()
        end = next_ + seconds
        while next_ < end:
            client.receive_while_waiting(next_)
            client.ask(SLOW if chance.random() < SLOW_SHARE else FAST)
            next_ += chance.expovariate(rate)
        client.receive(time.monotonic() + 60)
        client.close()
    waits = list(client.took.values())
    return {f"p{share * 100:g}": quantile(waits, share) * 1000 for share in (0.5, 0.95, 0.99)}


def count_unanswered(queue: str, seed: int) -> dict[str, float]:
    """Kill workers one after the other, and return how many requests have no reply."""
    chance = random.Random(seed)
    with running(queue, retries=2) as (frontend, backend), workforce(queue, backend) as workers:
        client = Client(frontend)
        client.warm_up()
        for number in range(REQUESTS):
            client.ask(0.005)
            client.receive_while_waiting(time.monotonic() + 0.002)
            if number % (REQUESTS // KILLS) == REQUESTS // KILLS // 2:
                victim = chance.randrange(WORKERS)
                os.kill(workers[victim].pid or 0, signal.SIGKILL)
                workers[victim] = start_worker(queue, backend)
        client.receive(time.monotonic() + PATIENCE)
        client.close()
    return {"unanswered": len(client.sent) - len(client.took)}


def show(title: str, found: dict[str, list[dict[str, float]]]) -> None:
    names = list(next(iter(found.values()))[0])
    print(f"\n{title:30}" + "".join(f"{name:>12}" for name in names))
    for queue, rounds in found.items():
        print(f"{queue:30}" + "".join(f"{statistics.median(each[name] for each in rounds):12.1f}" for name in names))


def main() -> int:
    """Run the measurements, and print the medians of the rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement of the wait")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round to FILE")
    options = parser.parse_args()
    waits: dict[str, list[dict[str, float]]] = {queue: [] for queue in QUEUES}
    unanswered: dict[str, list[dict[str, float]]] = {queue: [] for queue in QUEUES}
    for round_ in range(options.rounds):
        for queue in QUEUES:
            print(f"round {round_ + 1} of {options.rounds}: {queue}", file=sys.stderr, flush=True)
            waits[queue].append(measure_waits(queue, options.seconds, round_))
            unanswered[queue].append(count_unanswered(queue, round_))
    show("wait for a worker, ms", waits)
    show(f"{KILLS} workers killed, of {REQUESTS}", unanswered)
    if options.json:
        found: dict[str, Any] = {"waits_ms": waits, "unanswered": unanswered, "libzmq": zmq.zmq_version()}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    threading.current_thread().name = "client"
    sys.exit(main())
