"""A queue that knows its workers under `zdev run`: its table in the file, its workers, and how one is drained."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from exchange import queue
from patience import PATIENCE

from zdev_background import Durations, Requests, ThreadDevice, Workers
from zdev_cli.service.requests import CumulativeRequests
from zdev_cli.snapshot.requests import PRESENT_REQUESTS, REQUEST_METRICS, RequestsView, WorkerView, seconds_text
from zdev_cli.snapshot.worker_table import COLUMNS, TABLE

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
pytestmark = [pytest.mark.engine("auto"), pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")]

WORKERS = "\n[device.workers]\n"


def workers(program: Service, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads("\n".join(program.do("workers", "--json", *arguments)))
    return found


def until_workers(program: Service, condition: Callable[[list[dict[str, Any]]], object]) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE
    while not condition(found := workers(program)):
        assert time.monotonic() < deadline, found
    return found


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_workers_and_requests_are_shown(service: Start, connected: Connected, isolation: str) -> None:
    program = service(queue("orders", f'isolation = "{isolation}"{WORKERS}') + queue("plain"))
    at = program.until_ready()
    client = connected(zmq.DEALER, at["orders in"])
    for i in range(3):
        client.send_multipart([b"", b"%d" % i])
    program.until("orders", lambda device: device["requests"]["waiting"] == 3)
    worker = connected(zmq.REP, at["orders out"])
    assert worker.recv() == b"0"
    (shown,) = workers(program, "orders")
    assert (shown["device"], shown["state"], shown["at_work"], shown["done"]) == ("orders", "busy", 1, 0)
    assert shown["address"].startswith("tcp://127.0.0.1:")
    worker.send(b"done")
    assert client.recv_multipart() == [b"", b"done"]
    found = program.until("orders", lambda device: device["requests"]["answered"] == 1)["requests"]
    assert (found["received"], found["waiting"], found["at_work"], found["workers"]["busy"]) == (3, 1, 1, 1)
    assert [found[name]["count"] for name in ("waited", "served", "latency")] == [2, 1, 1]
    assert program.device("plain")["requests"] is None
    heading, row = program.do("workers", "orders")
    assert heading.split() == [column.title.replace(" ", "_") for column in COLUMNS[1:]]
    assert dict(zip(heading.split(), row.split(), strict=True))["DONE"] == "1"
    assert program.do("workers")[0].split()[0] == "DEVICE"
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in program.do("status", "orders"))
    assert lines["requests"] == "1 waiting, 1 at work; 3 received, 1 answered"
    assert lines["requests, waiting"].startswith("p50 ")
    assert lines["requests, latency"].startswith("p50 ")
    assert lines["workers"].startswith("1 busy; p50 ")


def test_a_worker_is_drained_and_resumed_and_both_are_in_the_audit_log(service: Start, connected: Connected) -> None:
    program = service(queue("orders", WORKERS))
    at = program.until_ready()
    client, worker = connected(zmq.DEALER, at["orders in"]), connected(zmq.REP, at["orders out"])
    (shown,) = until_workers(program, lambda found: len(found) == 1)
    number = str(shown["number"])
    said = f"orders: worker {number} at {shown['address']} gets no more requests"
    assert program.do("drain", "orders", "--worker", number) == [said]
    assert re.search(
        rf"control: uid \d+, .*: drain orders worker {number}: done: {re.escape(said)}", program.err.next_with("done")
    )
    assert workers(program)[0]["state"] == "drained"
    client.send_multipart([b"", b"question"])
    program.until("orders", lambda device: device["requests"]["waiting"] == 1)
    assert program.do("resume", "orders", "--worker", number) == [said.replace("no more requests", "requests again")]
    assert worker.recv() == b"question"
    assert program.device("orders")["state"] == "active"
    again = program.ask("drain", "orders", "--worker", "1000000")
    text = "zdev: orders: no worker has the ID 1000000 (zdev workers orders shows them)\n"
    assert (again.returncode, again.stderr) == (69, text)


def test_counters_continue_when_the_device_starts_again(service: Start, connected: Connected) -> None:
    program = service(queue("orders", WORKERS, front="tcp://127.0.0.1:*"))
    at = program.until_ready()
    for count in (1, 2):
        client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
        client.send(b"question")
        worker.send(worker.recv())
        assert client.recv() == b"question"
        for each in (client, worker):
            each.close()
        if count == 1:
            program.do("restart", "orders")
            at = {f"orders {each['role']}": each["binds"][0] for each in program.device("orders")["sockets"]}
        program.until("orders", lambda device, count=count: device["requests"]["answered"] == count)
    found = program.device("orders")["requests"]
    assert (found["received"], found["served"]["count"]) == (2, 2)


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_reload_applies_other_settings_of_workers_live(service: Start, connected: Connected, isolation: str) -> None:
    before = queue("orders", f'isolation = "{isolation}"\ndrain_timeout = 0.1{WORKERS}')
    program = service(before)
    at = program.until_ready()
    client, worker = connected(zmq.DEALER, at["orders in"]), connected(zmq.DEALER, at["orders out"])
    for each in (b"1", b"2"):
        client.send_multipart([b"", each])
    worker.recv_multipart()
    program.until("orders", lambda device: device["requests"]["waiting"] == 1)
    program.write(before + "max_requests = 2\nretries = 3\n")
    assert program.do("reload", "--dry-run")[0] == (
        "orders: would change live: workers.max_requests 1 -> 2; workers.retries 0 -> 3"
    )
    assert program.do("reload") == ["orders: changed live: workers: max_requests 1 -> 2; workers: retries 0 -> 3"]
    assert worker.recv_multipart()[-1] == b"2"
    assert workers(program)[0]["at_work"] == 2

    program.write(before + "heartbeat = 0.5\n")
    done = program.ask("reload")
    assert re.search(
        r"orders: restarted \(workers: heartbeat 0 -> 500 ms\), drain timed out after \d\.\d s: 2 replies outstanding",
        done.stderr,
    )


def test_requests_of_a_killed_process_are_dead_and_counted_once(service: Start, connected: Connected) -> None:
    program = service(queue("orders", f'isolation = "process"{WORKERS}'))
    at = program.until_ready()
    client = connected(zmq.DEALER, at["orders in"])
    client.send_multipart([b"", b"question"])
    program.until("orders", lambda device: device["requests"]["waiting"] == 1)
    [pid] = program.device_processes()
    os.kill(pid, signal.SIGKILL)
    found = program.until("orders", lambda device: device["restarts"] == 1)["requests"]
    assert (found["received"], found["dead"], found["waiting"], found["at_work"]) == (1, 1, 0, 0)


def test_a_device_that_does_not_know_its_workers_says_how_it_would(service: Start) -> None:
    program = service(queue("plain"))
    program.until_ready()
    for command in (("workers", "plain"), ("drain", "plain", "--worker", "1")):
        done = program.ask(*command)
        assert (done.returncode, done.stdout) == (69, "")
        assert "plain: it does not know its workers (add [device.workers] to it, and run zdev reload)" in done.stderr
    assert program.do("workers", "--json") == ["[]"]


def test_one_device_of_the_command_line_takes_the_settings_that_matter_most(
    zdev: Callable[..., Program], connected: Connected
) -> None:
    any_port = "tcp://127.0.0.1:*"
    program = zdev("run", "queue", "--bind-in", any_port, "--bind-out", any_port, "--retries", "1")
    at = program.endpoints(2)
    client, gone = connected(zmq.DEALER, at["in"]), connected(zmq.REP, at["out"])
    client.send_multipart([b"", b"question"])
    assert gone.recv() == b"question"
    gone.close()
    worker = connected(zmq.REP, at["out"])
    worker.send(worker.recv())
    assert client.recv_multipart() == [b"", b"question"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("streamer", "--workers"), "a streamer has no workers: --workers and its settings are for a queue or monitored-queue"),
        (("queue", "--max-requests", "0"), "Invalid value for '--max-requests': 0 is not in the range"),
        (
            ("queue", "--workers", "--engine", "libzmq"),
            "only the wire engine knows its workers, and libzmq is the engine: as set",
        ),
    ],
)
def test_a_command_line_without_workers_is_refused(refused: Callable[..., tuple[int, str]], arguments: Any, text: str) -> None:
    status, said = refused("run", *arguments, "--bind-in", "tcp://127.0.0.1:*", "--bind-out", "tcp://127.0.0.1:*")
    assert status in (64, 69)
    assert text in said


def test_times_of_several_runs_add_up() -> None:
    found = CumulativeRequests()
    found.open(ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER, workers=Workers()))
    found.close(Requests(received=3, answered=3, served=Durations(count=3, sum=3e-6, below=(1, 2))))
    found.close(Requests(received=2, answered=2, served=Durations(count=2, sum=2e-6, p99=1e-6, below=(2,))))
    served = (found.view() or RequestsView()).served
    assert (served.count, served.sum, served.p99, served.below) == (5, 5e-6, 1e-6, [3, 4])
    assert CumulativeRequests().view() is None


def test_the_list_has_every_counter_of_requests_and_each_has_a_metric() -> None:
    others = {"waited", "served", "latency", "workers"}
    assert set(RequestsView.__struct_fields__) == set(Requests.__dataclass_fields__)
    assert set(REQUEST_METRICS) == set(RequestsView.__struct_fields__) - others - set(PRESENT_REQUESTS)


def test_a_narrow_terminal_shows_the_columns_of_workers_that_matter_most() -> None:
    worker = WorkerView(
        device="orders", number=17, state="set-aside", address="tcp://10.20.30.40:40312", routing_id="warehouse-7", user="anna",
        at_work=1, done=12_345_678, failed=12, late=3, mean=0.012, p50=0.011, p99=0.5, since=1e9, age=90000, set_aside_for=8.0,
    )  # fmt: skip
    narrow = TABLE.fitting(COLUMNS[1:], [worker], 80)
    assert {"ID", "STATE", "ADDRESS", "DONE", "FAILED", "P99", "BACK IN"} <= {each.title for each in narrow}
    assert next(each for each in COLUMNS if each.title == "BACK IN").shown(worker) == "8s"


def test_short_times_are_shown_with_their_unit() -> None:
    assert [seconds_text(each) for each in (0, 85e-5, 0.0123, 0.9999, 3.44, 1234)] == [
        *("0 µs", "850 µs", "12.3 ms", "1 s", "3.44 s", "1234 s"),
    ]
