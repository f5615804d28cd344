"""Metrics and health of a zdev that runs, as its watchers get them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import zmq
from devices_text import BIND, device
from patience import PATIENCE
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families

DEVICES = device("tasks", "streamer", in_=BIND, out=BIND) + device("orders", "queue", in_=BIND, out=BIND)

Connected = Callable[..., "zmq.Socket[bytes]"]


def configuration(port: int | str) -> str:
    return f'[http]\nlisten = "127.0.0.1:{port}"\n{DEVICES}isolation = "process"\n'


class Watched:
    """A zdev that runs, and is ready."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.endpoints: dict[tuple[str, str], str] = {}
        for words in self._lines():
            if words[0] == "http":
                self.address = words[1].removeprefix("http://").rstrip("/")
            elif len(words) == 5:
                self.endpoints[words[0], words[1]] = words[4]

    def ask(self, path: str) -> tuple[int, str]:
        connection = HTTPConnection(self.address, timeout=PATIENCE)
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def metric(self, name: str, **labels: str) -> float:
        families = text_string_to_metric_families(self.ask("/metrics")[1])
        [value] = [each.value for family in families for each in family.samples if (each.name, each.labels) == (name, labels)]
        return value

    def await_metric(self, wanted: float, name: str, **labels: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while (value := self.metric(name, **labels)) != wanted:
            assert time.monotonic() < deadline, f"{name} is {value} and not {wanted}"

    def _lines(self) -> Iterator[list[str]]:
        while (words := self.program.out.next().split())[0] != "started:":
            yield words


@pytest.fixture
def control(tmp_path: Path) -> tuple[str, str]:
    return "--control", str(tmp_path / "control" / "socket")


@pytest.fixture
def watched(zdev: Callable[..., Any], tmp_path: Path, control: tuple[str, str]) -> Watched:
    (tmp_path / "zdev.toml").write_text(configuration(0))
    return Watched(zdev("run", "-c", str(tmp_path / "zdev.toml"), *control))


def test_what_passes_is_counted_of_devices_in_threads_and_in_processes(watched: Watched, connected: Connected) -> None:
    push, pull = connected(zmq.PUSH, watched.endpoints["tasks", "in"]), connected(zmq.PULL, watched.endpoints["tasks", "out"])
    client, worker = (
        connected(zmq.REQ, watched.endpoints["orders", "in"]),
        connected(zmq.REP, watched.endpoints["orders", "out"]),
    )
    for _ in range(10):
        push.send(b"12345")
        assert pull.recv() == b"12345"
    client.send(b"question")
    worker.recv()
    watched.await_metric(10, "zdev_messages_sent_total", device="tasks", direction="in")
    watched.await_metric(50, "zdev_sent_bytes_total", device="tasks", direction="in")
    watched.await_metric(1, "zdev_messages_sent_total", device="orders", direction="in")
    watched.await_metric(1, "zdev_inflight_messages", device="orders")
    worker.send(b"answer")
    client.recv()
    watched.await_metric(1, "zdev_messages_sent_total", device="orders", direction="out")
    watched.await_metric(0, "zdev_inflight_messages", device="orders")


def test_a_scrape_that_accepts_openmetrics_gets_it(watched: Watched) -> None:
    connection = HTTPConnection(watched.address, timeout=PATIENCE)
    connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    answer = connection.getresponse()
    assert str(answer.headers["Content-Type"]).startswith("application/openmetrics-text; version=1.0.0")
    found = {family.name: family.type for family in parse_openmetrics(answer.read().decode())}
    connection.close()
    assert found.items() >= {"zdev_messages_sent": "counter", "zdev_config": "info", "zdev_peers": "gauge"}.items()


def test_the_file_in_use_and_the_outcome_of_the_last_reload_are_metrics(
    watched: Watched, zdev: Callable[..., Any], control: tuple[str, str], tmp_path: Path
) -> None:
    file, stamp = tmp_path / "zdev.toml", "zdev_config_last_reload_success_timestamp_seconds"
    first, applied = sha256(file.read_bytes()).hexdigest(), watched.metric(stamp)
    assert watched.metric("zdev_config_info", hash=first) == 1
    assert watched.metric("zdev_config_last_reload_successful") == 1
    assert abs(time.time() - applied) < PATIENCE

    right = file.read_text() + "# the same devices\n"
    file.write_text(right + "device = 1\n")
    assert zdev("reload", *control).status() == 78
    assert watched.metric("zdev_config_last_reload_successful") == 0
    assert watched.metric("zdev_config_info", hash=first) == 1  # which is still in use
    assert watched.metric(stamp) == applied

    file.write_text(right)
    assert zdev("reload", *control).status() == 0
    assert watched.metric("zdev_config_last_reload_successful") == 1
    assert watched.metric("zdev_config_info", hash=sha256(right.encode()).hexdigest()) == 1
    assert watched.metric(stamp) > applied


@pytest.mark.slow
def test_it_is_ready_while_paused_by_an_operator_and_not_while_it_ends(
    watched: Watched, zdev: Callable[..., Any], control: tuple[str, str], connected: Connected
) -> None:
    assert watched.ask("/readyz") == (200, '{"ready":true,"reasons":[]}')
    assert zdev("pause", "tasks", *control).status() == 0
    watched.await_metric(1, "zdev_device_state", device="tasks", state="paused")
    assert watched.ask("/readyz")[0] == 200

    client, worker = (
        connected(zmq.REQ, watched.endpoints["orders", "in"]),
        connected(zmq.REP, watched.endpoints["orders", "out"]),
    )
    client.send(b"question")
    worker.recv()
    watched.await_metric(1, "zdev_inflight_messages", device="orders")
    watched.program.send(signal.SIGTERM)  # the drain awaits the answer
    watched.await_metric(0, "zdev_ready")
    assert watched.ask("/readyz")[0] == 503
    assert watched.ask("/livez")[0] == 200
    worker.send(b"answer")
    assert client.recv() == b"answer"
    assert watched.program.status() == 0


@pytest.mark.slow
def test_a_port_in_use_ends_it_with_69_and_says_what_to_do(watched: Watched, zdev: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text(configuration(watched.address.rpartition(":")[2]))
    program = zdev("run", "-c", str(file), "--control", str(tmp_path / "other" / "socket"))
    assert program.status() == 69
    assert f"cannot listen on {watched.address}: Address already in use" in program.err.rest()[-1]
