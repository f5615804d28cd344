"""`zdev status` shows the devices of a running zdev: a table, one in detail, or JSON."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import zmq
from devices_text import BIND, at, device

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
HEADINGS = [
    *("DEVICE", "TYPE", "STATE", "IN>OUT/S", "OUT>IN/S", "IN>OUT_B/S", "OUT>IN_B/S", "IN>OUT", "OUT>IN", "IN_FLIGHT"),
    *("DROPPED", "MALFORMED", "UNROUTABLE", "OVERFLOWED", "HELD", "LOST", "RESTARTS", "UPTIME", "ENGINE"),
]
FILE = device("orders", "monitored-queue", in_=BIND, out=BIND, mon=BIND) + device(
    "tasks", "streamer", in_=BIND, out=at("connect", 1)
)


def taken(endpoint: str) -> str:
    return device("billing", "queue", in_=f'bind = "{endpoint}"', out=BIND)


def facts_of(program: Service, name: str) -> dict[str, str]:
    """Return the facts that `zdev status NAME` prints."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in program.do("status", name))


def test_one_line_per_device_shows_state_and_counters_in_stable_columns(
    service: Start, connected: Connected, bound: Bound
) -> None:
    _, endpoint = bound(zmq.PULL)
    program = service(FILE + taken(endpoint))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    worker.send(worker.recv())
    assert client.recv() == b"hello"
    lines = program.do("status")
    assert program.do("top", "--once")[0].split() == lines[0].split()
    headings = lines[0].split()
    assert headings == HEADINGS
    rows = {line.split()[0]: dict(zip(headings, line.split(), strict=True)) for line in lines[1:4]}
    assert (rows["orders"]["STATE"], rows["orders"]["IN>OUT"], rows["orders"]["OUT>IN"]) == ("active", "1", "1")
    assert rows["tasks"]["OUT>IN"] == "-"  # nothing comes back through a streamer
    assert (rows["billing"]["STATE"], rows["billing"]["UPTIME"]) == ("waiting", "-")
    assert re.fullmatch(r"billing: cannot bind in .*in use.*; retrying in [0-9.]+ s", lines[-2])
    assert lines[-1] == "not ready: 2 of 3 devices active, 1 waiting (billing)"


def test_one_device_in_detail_shows_its_endpoints_and_what_was_dropped(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    connected(zmq.DEALER, at["orders in"]).send(b"hello")
    worker = connected(zmq.DEALER, at["orders out"])
    worker.recv()
    assert facts_of(program, "orders")["in flight"] == "1"
    worker.send(b"a reply without its envelope")
    program.until("orders", lambda device: device["out"]["dropped"]["malformed"] == 1)
    facts = facts_of(program, "orders")
    assert facts["device"] == "orders"
    assert facts["type"] == "monitored-queue, in a thread"
    assert facts["mon"] == f"PUB    bind {at['orders mon']}"
    assert facts["out to in, dropped"] == "1 malformed, 0 unroutable, 0 overflowed"


def test_the_restart_setting_is_shown_in_the_words_of_the_file(service: Start) -> None:
    program = service(FILE + device("fragile", "queue", in_=BIND, out=BIND) + 'restart = "never"\n')
    program.until_ready()
    assert [facts_of(program, name)["restart"] for name in ("orders", "fragile")] == ["on-failure", "never"]
    assert program.device("fragile")["restart"] == "never"


@pytest.mark.engine("libzmq")
def test_one_device_in_detail_says_whether_absent_receivers_count(service: Start) -> None:
    chain = device("chain", "streamer", in_=BIND, out=at("connect", 1) + ", options = { IMMEDIATE = 0 }")
    program = service(FILE + chain)
    program.until_ready()
    assert facts_of(program, "tasks")["out, sends to"] == "connected receivers only"
    assert facts_of(program, "chain")["out, sends to"] == "connected and absent receivers (IMMEDIATE = 0)"
    assert "out, sends to" not in facts_of(program, "orders")  # its out binds


def test_rates_and_their_history_follow_the_traffic(service: Start, connected: Connected) -> None:
    program = service(FILE)
    at = program.until_ready()
    client, worker = connected(zmq.DEALER, at["orders in"]), connected(zmq.DEALER, at["orders out"])

    def is_rated(device: dict[str, object]) -> bool:
        client.send(b"x" * 100)
        worker.recv()
        way: dict[str, float] = device["in"]  # type: ignore[assignment]
        return way["messages_per_second"] > 0

    seen = program.until("orders", is_rated)["in"]
    assert seen["bytes_per_second"] > 100 * seen["messages_per_second"]  # a routing id more each
    assert seen["history"][-1] == seen["messages_per_second"]
    idle = program.until("orders", lambda device: device["in"]["messages_per_second"] == 0)["in"]
    assert any(idle["history"])


def test_json_is_all_there_is(service: Start) -> None:
    program = service(FILE)
    program.until_ready()
    snapshot = json.loads("".join(program.do("status", "--json")))
    assert (snapshot["pid"], snapshot["ready"], snapshot["config"]) == (program.process.pid, True, str(program.file))
    assert [each["name"] for each in snapshot["devices"]] == ["orders", "tasks"]
    assert json.loads("".join(program.do("status", "tasks", "--json")))["two_ways"] is False


def test_on_a_terminal_it_is_a_table_with_colours(service: Start, zdev_path: str) -> None:
    program = service(FILE)
    program.until_ready()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    command = [zdev_path, "status", "--control", str(program.control)]
    subprocess.run(command, stdout=theirs, env=environment, timeout=20, check=True)
    os.close(theirs)
    shown = _read(ours)
    assert "\x1b[32mactive" in shown
    assert "UPTIME" in shown
    assert "RESTARTS" not in shown  # there were none


def _read(terminal: int) -> str:
    data = b""
    with suppress(OSError):  # EIO: nobody writes any longer
        while chunk := os.read(terminal, 4096):
            data += chunk
    os.close(terminal)
    return data.decode()
