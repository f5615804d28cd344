"""`zdev bench`: a load through a device that is made for it, or through one that runs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import zmq
from patience import PATIENCE

from zdev_background import create_key

ANY = "tcp://127.0.0.1:*"
BRIEF = ("--seconds", "0.05")
Start = Callable[..., Any]
Refused = Callable[..., tuple[int, str]]
Connected = Callable[..., zmq.Socket[bytes]]
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


def test_keys_are_refused_without_a_running_device(refused: Refused, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("anna:1")
    password.chmod(0o600)
    status, line = refused("bench", "--password", str(password))
    assert status == 64
    assert "keys and passwords are for a running device: add --in and --out" in line


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


DEVICE = """
[[device]]
name = "orders"
type = "%(type)s"
in = { bind = "tcp://127.0.0.1:*" %(access)s }
out = { bind = "tcp://127.0.0.1:*" }
"""


def at_both(at: dict[str, str]) -> tuple[str, ...]:
    return ("--in", at["orders in"], "--out", at["orders out"])


def test_keys_are_used_at_the_sockets_that_require_them(
    service: Callable[..., Any], bench: Callable[..., str], refused: Refused, folder: Path
) -> None:
    create_key(folder, "server")
    create_key(folder / "clients", "anna")
    create_key(folder, "mallory")
    access = ', curve = { secret_key = "server.key_secret", clients = "clients" }'
    at = service(DEVICE % {"type": "queue", "access": access}).until_ready()
    server = ("--server-key", str(folder / "server.key"))
    printed = bench("queue", *at_both(at), "--secret-key", str(folder / "clients" / "anna.key_secret"), *server)
    assert f"queue at {at['orders in']} and {at['orders out']}, CURVE at in" in printed.splitlines()
    assert "round trips, one at a time  " in printed

    status, line = refused("bench", "queue", *at_both(at), "--secret-key", str(folder / "mallory.key_secret"), *server)
    assert status == 69
    assert line.endswith("it may have rejected the CURVE credentials")
    status, line = refused("bench", "queue", *at_both(at))
    assert status == 69
    assert "if it requires a key, add --secret-key FILE" in line


def test_a_password_is_used_at_the_sockets_that_require_it(
    service: Callable[..., Any], bench: Callable[..., str], folder: Path
) -> None:
    password = folder / "passwords"
    password.write_text("anna:open sesame")
    password.chmod(0o600)
    at = service(DEVICE % {"type": "streamer", "access": ', plain = { passwords = "passwords" }'}).until_ready()
    printed = bench("streamer", *at_both(at), "--password", str(password))
    assert f"streamer at {at['orders in']} and {at['orders out']}, PLAIN at in" in printed.splitlines()
    assert "one way  " in printed


@pytest.mark.engine("wire")
def test_a_device_with_other_peers_is_refused_with_their_addresses(
    service: Callable[..., Any], connected: Connected, refused: Refused
) -> None:
    running = service(DEVICE % {"type": "queue", "access": ""})
    at = running.until_ready()
    worker = connected(zmq.REP, at["orders out"])
    running.until("orders", lambda device: device["sockets"][1]["connections"]["connections"] == 1)
    status, line = refused("bench", "queue", *at_both(at), "--control", str(running.control))
    assert status == 69
    assert line.startswith('zdev: device "orders" is in use: out has 1 other peer (tcp://127.0.0.1:')
    assert line.endswith("disconnect its peers for the measurement, or measure a new device: zdev bench queue")
    worker.close()


@pytest.mark.engine("wire")
def test_a_peer_that_connects_during_the_measurement_ends_it(
    service: Callable[..., Any], zdev: Start, connected: Connected
) -> None:
    running = service(DEVICE % {"type": "queue", "access": ""})
    at = running.until_ready()
    program = zdev("bench", "queue", "--seconds", "1", *at_both(at), "--control", str(running.control))
    program.out.next_with("messages of")
    connected(zmq.DEALER, at["orders in"])
    assert program.status() == 69
    assert program.err.rest()[-1].startswith('zdev: device "orders" is in use: in has 1 other peer: disconnect')


@pytest.mark.slow
def test_on_the_libzmq_engine_a_device_through_which_messages_pass_is_refused(
    service: Callable[..., Any], zdev: Start, refused: Refused
) -> None:
    running = service(DEVICE % {"type": "streamer", "access": ""} + 'engine = "libzmq"\n')
    at = running.until_ready()
    zdev("pull", at["orders out"])
    zdev("push", at["orders in"], "x", "--count", "1000", "--rate", "50")
    running.until("orders", lambda device: device["in"]["messages_per_second"] > 0)
    status, line = refused("bench", "streamer", *at_both(at), "--control", str(running.control))
    assert status == 69
    assert re.search(r'device "orders" is in use: \d+ messages per second pass through it: disconnect', line)


def test_without_the_control_socket_messages_of_other_peers_are_noticed(
    zdev: Start, connected: Connected, refused: Refused
) -> None:
    at = zdev("run", "streamer", "--bind-in", ANY, "--bind-out", ANY).endpoints(2)
    connected(zmq.PUSH, at["in"]).send(b"x")
    status, line = refused("bench", "streamer", "--in", at["in"], "--out", at["out"], "--control", "/no/such")
    assert status == 69
    assert line.startswith(f"zdev: --out {at['out']}: a message of another peer arrived (and is lost): disconnect its peers")


def answer_all_but_the_first(worker: zmq.Socket[bytes], is_over: threading.Event) -> None:
    has_first = False
    while not is_over.is_set():
        if worker.poll(10):
            request = worker.recv_multipart()
            if has_first:
                worker.send_multipart(request)
            has_first = True


def test_without_the_control_socket_a_changed_message_is_reported_with_advice(
    zdev: Start, connected: Connected, refused: Refused
) -> None:
    at = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY).endpoints(2)
    worker = connected(zmq.DEALER, at["out"])  # answers all that it gets but the first
    is_over = threading.Event()
    answering = threading.Thread(target=answer_all_but_the_first, args=(worker, is_over))
    answering.start()
    try:
        status, line = refused("bench", "queue", "--json", "--in", at["in"], "--out", at["out"], "--control", "/no/such")
    finally:
        is_over.set()
        answering.join()
    assert status == 70
    assert line.endswith(
        "came in place of 0 (does the device have other peers? if so, disconnect its peers for the measurement, or measure a new "
        "device: zdev bench queue)"
    )
    worker.close()


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
