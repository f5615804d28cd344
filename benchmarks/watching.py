"""Measure what watching costs a device of ``zdev run -c``: ``python benchmarks/watching.py --help``."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import NamedTuple

ZDEV = str(Path(sysconfig.get_path("scripts"), "zdev"))
SCRAPES = 10  # of /metrics per second; Prometheus scrapes once in 15 seconds by default
TIMEOUT = 30.0  # seconds, for operations that normally take a moment
MODES = ("unwatched", "unwatched again", "watched")  # the second shows how much is noise
CONFIGURATION = """
[http]
listen = "127.0.0.1:0"

[[device]]
name = "stream"
type = "streamer"
in.bind = "tcp://127.0.0.1:*"
out.bind = "tcp://127.0.0.1:*"
"""


class Running(NamedTuple):
    """The addresses of a running zdev."""

    http: str
    in_: str
    out: str


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what watching costs a device of zdev run -c.")
    parser.add_argument(
        "--rounds",
        type=int,
        metavar="N",
        default=15,
        help="number of rounds, each unwatched, unwatched again, and watched. Default: 15",
    )
    parser.add_argument("--seconds", type=float, metavar="S", default=1.0, help="length of each measurement. Default: 1")
    parser.add_argument("--build-dir", type=Path, help=argparse.SUPPRESS)  # the other programs of this folder take it
    parser.add_argument("--watch", metavar="HOST:PORT", help=argparse.SUPPRESS)  # run as the watcher
    return parser.parse_args()


@contextmanager
def _zdev() -> Iterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "zdev.toml")
        file.write_text(CONFIGURATION)
        command = [ZDEV, "run", "-c", str(file), "--control", str(Path(folder, "control", "socket"))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout
            address = re.compile(r"http +http://(\S+)/|stream +(in|out) .* (\S+)$")
            found: dict[str, str] = {}
            for line in process.stdout:
                if line.startswith("started:"):
                    break
                if match := address.match(line):
                    found[match[2] or "http"] = match[1] or match[3]
            try:
                yield Running(found["http"], found["in"], found["out"])
            finally:
                process.terminate()
                process.wait(TIMEOUT)


def watch(address: str) -> None:
    """Request /metrics and, as often as the page does, /status, until killed; one connection for each."""
    requests, pace = 0, threading.Event()
    scraper, page = (HTTPConnection(address, timeout=TIMEOUT) for _ in range(2))
    while True:
        _get(scraper, "/metrics")
        if requests % SCRAPES == 0:
            _get(page, "/status")
        requests += 1
        pace.wait(1 / SCRAPES)


def _get(connection: HTTPConnection, path: str) -> str:
    connection.request("GET", path, headers={"Accept": "application/openmetrics-text"})
    return connection.getresponse().read().decode()


@contextmanager
def _watched(address: str, on: bool) -> Iterator[None]:
    """If `on`, watch from another process."""
    if not on:
        yield
        return
    with subprocess.Popen([sys.executable, __file__, "--watch", address]) as watcher:
        try:
            yield
        finally:
            watcher.kill()


def _counted(running: Running) -> tuple[float, float]:
    """Return zdev's CPU time in seconds, and the number of messages that it has relayed."""
    connection = HTTPConnection(running.http, timeout=TIMEOUT)
    metrics = _get(connection, "/metrics")
    connection.close()
    names = ("process_cpu_seconds_total", r'zdev_messages_sent_total\{device="stream",direction="in"\}')
    seconds, messages = (re.search(rf"^{name} (\S+)", metrics, re.MULTILINE) for name in names)
    return float(seconds[1]) if seconds else float("nan"), float(messages[1]) if messages else float("nan")


def _loaded(running: Running, seconds: float, on: bool) -> tuple[float, float]:
    """Return the rate of 64 B messages per second, each checked, and zdev's CPU time in nanoseconds per message."""
    command = [ZDEV, "bench", "streamer", "--in", running.in_, "--out", running.out, "--seconds", str(seconds), "--json"]
    with _watched(running.http, on):
        before = _counted(running)
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=TIMEOUT + 2 * seconds)
        after = _counted(running)
    spent = (after[0] - before[0]) / (after[1] - before[1])
    return float(json.loads(done.stdout)["figures"][0]["per_second"]), spent * 1e9


def _idle_share(running: Running, seconds: float, on: bool) -> float:
    """Return the share of one core that zdev uses without traffic."""
    with _watched(running.http, on):
        before = _counted(running)[0]
        threading.Event().wait(seconds)
        return (_counted(running)[0] - before) / seconds


def _run(arguments: argparse.Namespace) -> None:
    samples: dict[str, list[tuple[float, float]]] = {mode: [] for mode in MODES}
    with _zdev() as running:
        _loaded(running, 0.2, False)  # warms up
        for number in range(arguments.rounds):
            print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr)
            first = number % len(MODES)
            for mode in (*MODES[first:], *MODES[:first]):
                samples[mode].append(_loaded(running, arguments.seconds, mode == "watched"))
        shares = [_idle_share(running, 5 * arguments.seconds, mode == "watched") for mode in MODES]
    print(f"medians of {arguments.rounds} rounds of {arguments.seconds:g} s; in brackets: median ratio to unwatched")
    print(f"{'':<28}" + "".join(f"{mode:>22}" for mode in MODES))
    for which, name in enumerate(("messages/s (64 B)", "zdev's CPU ns per message")):
        columns = [[sample[which] for sample in samples[mode]] for mode in MODES]
        ratios = [median(one / other for one, other in zip(column, columns[0], strict=True)) for column in columns]
        cells = [f"{median(column):,.0f} ({ratio:.3f})" for column, ratio in zip(columns, ratios, strict=True)]
        print(f"{name:<28}" + "".join(f"{cell:>22}" for cell in cells))
    print(f"{'share of a core when idle':<28}" + "".join(f"{share:>22.1%}" for share in shares))


if __name__ == "__main__":
    chosen = _arguments()
    if chosen.watch:
        watch(chosen.watch)
    else:
        _run(chosen)
