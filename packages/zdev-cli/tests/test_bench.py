"""`zdev bench`: a load through a device that is made for it, or through one that runs."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import monotonic
from typing import Any

import pytest
import zmq
from patience import PATIENCE

BRIEF = ("--seconds", "0.05")
Start = Callable[..., Any]
Refused = Callable[..., tuple[int, str]]
Bound = Callable[..., tuple[zmq.Socket[bytes], str]]


@pytest.fixture
def bench(zdev_path: str) -> Callable[..., str]:
    """Runs `zdev bench` with these arguments, briefly; what it printed."""

    def run(*arguments: str) -> str:
        command = [zdev_path, "bench", *BRIEF, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture
def figures(bench: Callable[..., str]) -> Callable[..., dict[str, dict[str, Any]]]:
    """The same with --json: what was measured, by the name of the case."""

    def run(*arguments: str) -> dict[str, dict[str, Any]]:
        return {each["case"]["name"]: each for each in json.loads(bench("--json", *arguments))["figures"]}

    return run


@pytest.fixture
def queue(zdev: Start) -> Iterator[dict[str, str]]:
    """The endpoints of a monitored queue that runs."""
    at = "tcp://127.0.0.1:*"
    program = zdev("run", "monitored-queue", "--bind-in", at, "--bind-out", at, "--bind-mon", at)
    yield program.endpoints(3)
    statistics = program.statistics()
    assert statistics["in_received"] == statistics["out_received"]
    assert statistics["lost"] == 0


def test_without_arguments_it_measures_a_monitored_queue_and_shows_what_it_loads(bench: Callable[..., str]) -> None:
    lines = bench().splitlines()
    assert "monitored-queue in a separate process, on loopback, no subscriber at mon" in lines
    assert "messages of 64 B, each checked; 0.05 s per row" in lines
    heads = next(line for line in lines if line.startswith("case"))
    assert heads.split() == ["case", "per", "second", "MB/s", "p50", "µs", "p99", "µs", "p99.9", "µs"]
    rows = ["one way, no device", "one way", "round trips, 256 outstanding", "round trips, one at a time"]
    assert all(any(line.startswith(f"{row}  ") for line in lines) for row in rows)
    bars = lines[lines.index("round trips, one at a time, latency in µs") + 1 :]
    assert all(" to " in line for line in bars)
    assert any("█" in line for line in bars)


def test_json_has_all_that_the_table_shows_and_the_histogram(figures: Callable[..., Any]) -> None:
    found = figures("queue", "--size", "100", "--frames", "2", "--window", "8")
    assert list(found) == ["one way, no device", "one way", "round trips, 8 outstanding"]
    for each in found.values():
        assert each["bytes_per_second"] == pytest.approx(each["per_second"] * 200)
    trips = found["round trips, 8 outstanding"]
    assert 0 < trips["p50_us"] <= trips["p99_us"] <= trips["p999_us"] <= trips["max_us"]
    buckets = trips["histogram"]
    assert all(low["below_us"] == high["from_us"] for low, high in pairwise(buckets))
    assert buckets[0]["from_us"] <= trips["p50_us"] < buckets[-1]["below_us"]
    assert buckets[0]["trips"] > 0
    assert buckets[-1]["trips"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        (("streamer",), ["one way, no device", "one way"]),
        (("forwarder", "--clients", "3"), ["publish to 3 subscribers"]),
        (("queue", "--clients", "5"), ["one way, no device", "one way", "round trips, 5 clients, 1 each"]),
    ],
)
def test_each_type_of_device_has_its_rows(figures: Callable[..., Any], arguments: tuple[str, ...], rows: list[str]) -> None:
    assert list(figures(*arguments)) == rows


def test_a_fast_subscriber_of_the_monitor_receives_copies(figures: Callable[..., Any]) -> None:
    found = figures("monitored-queue", "--monitor", "fast", "--window", "4")
    assert found["round trips, 4 outstanding"]["watched"] > 0
    assert "watched" not in found["one way, no device"]


def test_a_device_that_runs_is_measured_by_round_trips(figures: Callable[..., Any], queue: dict[str, str]) -> None:
    words = [word for role in ("in", "out", "mon") for word in (f"--{role}", queue[role])]
    found = figures(*words)
    assert list(found) == ["round trips, 256 outstanding", "round trips, one at a time"]
    assert all(each["watched"] > 0 for each in found.values())


def test_an_endpoint_where_nobody_listens_is_reported_within_the_timeout(
    refused: Refused, queue: dict[str, str], free: str
) -> None:
    begin = monotonic()
    status, line = refused("bench", "--in", queue["in"], "--out", free, "--timeout", "0.2")
    assert (status, line) == (
        69,
        f"zdev: --out {free}: no answer: check that the device is running and that this is its endpoint",
    )
    assert monotonic() - begin < PATIENCE


def test_a_device_of_other_socket_types_is_reported(refused: Refused, queue: dict[str, str]) -> None:
    status, line = refused("bench", "streamer", "--in", queue["in"], "--out", queue["out"])
    assert status == 69
    assert line.startswith(f"zdev: --in {queue['in']}: the socket there does not accept a PUSH")


@pytest.mark.slow
def test_a_device_that_passes_nothing_on_is_reported(refused: Refused, bound: Bound) -> None:
    (_, at), (_, out) = bound(zmq.ROUTER), bound(zmq.DEALER)  # and nobody relays between them
    status, line = refused("bench", "--json", "--in", at, "--out", out)
    assert status == 69
    assert "nothing arrived for 5 s" in line
    assert "round trips, 256 outstanding" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_what_was_measured(zdev: Start, number: int) -> None:
    program = zdev("bench", "streamer", "--seconds", "3600")
    while not program.out.next().startswith("messages of"):
        pass
    program.send(number)
    assert program.status() == 0
    assert program.err.rest() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("relay",), "'relay' is not one of 'monitored-queue'"),
        (("--in", "tcp://127.0.0.1:1"), "--in and --out must be given together"),
        (("--mon", "tcp://127.0.0.1:1"), "--in and --out must be given together"),
        (("--size", "7"), "'--size'"),
        (("--monitor", "none"), "zdev bench queue"),
        (("streamer", "--window", "2"), "returns no replies"),
        (("streamer", "--clients", "2"), "one sender"),
        (("--in", "tcp://127.0.0.1:1", "--out", "tcp://127.0.0.1:1", "--monitor", "fast"), "--mon ENDPOINT"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused(refused: Refused, arguments: tuple[str, ...], words: str) -> None:
    status, line = refused("bench", *arguments)
    assert status == 64
    assert words in line
