"""Measure how long requests wait for a worker behind four queues, and how many are lost with workers that are killed.

``python benchmarks/waiting.py [--rounds N] [--seconds S] [--json FILE] [--svg FILE]``

Eight REP workers answer requests after a millisecond, and 3 % of them after 250. One client asks at random times, at half the rate
that the workers can serve. The wait of a request is the time from its sending to its reply, without the time at its worker. Then
workers are killed with SIGKILL one after the other while requests are under way, and each is replaced by another.

The queues are `zmq.proxy`, zdev's queue, zdev's queue with `workers`, and a broker in Python that gives each request to the worker
that has been idle longest, as it is usually written by hand, with REQ workers that register. Each round measures all of them, with
the same requests at the same times.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import zmq

from charts import draw_waits, missing
from programs import positive, progress
from waiting_queues import QUEUES, WORKERS, running, start_worker, workforce

FAST, SLOW, SLOW_SHARE = 0.001, 0.25, 0.03  # seconds, and of the requests
LOAD = 0.5  # of what the workers can serve
KILLS, REQUESTS = 13, 1000
GAP, WORK = 0.002, 0.01  # seconds between two requests, and that each takes, while workers are killed
PATIENCE = 5000  # milliseconds without a reply, after which none is expected
SHARES = (0.5, 0.95, 0.99)


class Client:
    """Asks without waiting for replies."""

    def __init__(self, frontend: str) -> None:
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(frontend)
        self.sent: list[tuple[float, float]] = []  # when, and how long its worker takes
        self.waits: dict[int, float] = {}  # by number
        self.workers: set[bytes] = set()  # that have answered

    def ask(self, seconds: float) -> None:
        self.sent.append((time.monotonic(), seconds))
        self._socket.send_multipart([b"", str(len(self.sent) - 1).encode(), str(seconds).encode()])

    def receive(self, until: float) -> None:
        """Receive replies until a time."""
        while (left := until - time.monotonic()) > 0:
            if self._socket.poll(int(left * 1000)):
                self._receive_one()
            elif left < 0.001:
                time.sleep(left)

    def receive_rest(self) -> None:
        """Receive replies until there is one for each request, or none comes for a while."""
        while len(self.waits) < len(self.sent) and self._socket.poll(PATIENCE):
            self._receive_one()

    def _receive_one(self) -> None:
        _, number, worker = self._socket.recv_multipart()
        begin, seconds = self.sent[int(number)]
        self.waits[int(number)] = time.monotonic() - begin - seconds
        self.workers.add(worker)

    def warm_up(self) -> None:
        """Ask until every worker has answered, then forget these requests."""
        while len(self.workers) < WORKERS:
            for _ in range(WORKERS):
                self.ask(0.02)
            self.receive_rest()
        self.sent.clear()
        self.waits.clear()

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
            client.receive(next_)
            client.ask(SLOW if chance.random() < SLOW_SHARE else FAST)
            next_ += chance.expovariate(rate)
        client.receive_rest()
        client.close()
    assert len(client.waits) == len(client.sent), "a reply is missing, and no worker was killed"
    return {f"p{share * 100:g}": quantile(list(client.waits.values()), share) * 1000 for share in SHARES}


def count_unanswered(queue: str, seed: int) -> dict[str, float]:
    """Kill workers one after the other, and return how many requests have no reply."""
    chance = random.Random(seed)
    every = REQUESTS // KILLS
    with running(queue, retries=2) as (frontend, backend), workforce(queue, backend) as workers:
        client = Client(frontend)
        client.warm_up()
        for number in range(REQUESTS):
            client.ask(WORK)
            client.receive(time.monotonic() + GAP)
            if number % every == every // 2 and number // every < KILLS:
                victim = chance.randrange(WORKERS)
                workers[victim].kill()
                workers[victim].join()
                workers[victim] = start_worker(queue, backend)
        client.receive_rest()
        client.close()
    return {"unanswered": len(client.sent) - len(client.waits)}


def show(title: str, found: dict[str, list[dict[str, float]]]) -> None:
    """Print the medians of the rounds, and the least and most of the last column."""
    names = list(next(iter(found.values()))[0])
    print(f"\n{title:30}" + "".join(f"{name:>12}" for name in names) + f"{'of ' + names[-1]:>20}")
    for queue, rounds in found.items():
        medians = "".join(f"{statistics.median(each[name] for each in rounds):12.1f}" for name in names)
        last = [each[names[-1]] for each in rounds]
        print(f"{queue:30}{medians}{f'{min(last):.1f} to {max(last):.1f}':>20}")


def main() -> int:
    """Run the measurements, and print the medians of the rounds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=positive(int), default=3, help="Default: 3")
    parser.add_argument("--seconds", type=positive(float), default=10.0, help="of each measurement of the wait. Default: 10")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round to FILE")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the waits as a chart")
    parser.add_argument("--build-dir", type=Path, help="not used: this benchmark builds nothing")
    options = parser.parse_args()
    if options.svg and missing():
        parser.error("--svg needs matplotlib")
    waits: dict[str, list[dict[str, float]]] = {queue: [] for queue in QUEUES}
    unanswered: dict[str, list[dict[str, float]]] = {queue: [] for queue in QUEUES}
    for round_ in range(options.rounds):
        for queue in QUEUES:
            progress(f"round {round_ + 1} of {options.rounds}: {queue}")
            waits[queue].append(measure_waits(queue, options.seconds, round_))
            unanswered[queue].append(count_unanswered(queue, round_))
    versions = f"Python {platform.python_version()}, pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}"
    load = f"load average {os.getloadavg()[0]:.1f}"
    print(f"{options.rounds} rounds; {versions}; {os.cpu_count()} processors, {load}")
    show("wait for a worker, ms", waits)
    show(f"{KILLS} workers killed, of {REQUESTS}", unanswered)
    if options.json:
        found: dict[str, Any] = {"versions": versions, "load": load, "waits_ms": waits, "unanswered": unanswered}
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    if options.svg:
        medians = {q: {p: statistics.median(each[p] for each in rounds) for p in rounds[0]} for q, rounds in waits.items()}
        draw_waits(options.svg, medians)
    return 0


if __name__ == "__main__":
    sys.exit(main())
