"""`zdev peers` shows the connections of devices, and `zdev kick` ends one."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, at, device
from exchange import exchange, queue
from patience import PATIENCE

from zdev_cli.commands.peers import KEYS
from zdev_cli.snapshot.peer_table import COLUMNS, SORT_KEYS, TABLE
from zdev_cli.snapshot.peers import PeerView, id_text

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
pytestmark = [pytest.mark.engine("wire"), pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")]


def peers(program: Service, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads("\n".join(program.do("peers", "--json", *arguments)))
    return found


def until_peers(program: Service, count: int, *arguments: str) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE
    while len(found := peers(program, *arguments)) != count:
        assert time.monotonic() < deadline, found
    return found


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_the_peers_of_a_device_are_shown_with_what_has_passed(service: Start, connected: Connected, isolation: str) -> None:
    program = service(queue("orders", f'isolation = "{isolation}"') + queue("billing"))
    at = program.until_ready()
    client = connected(zmq.REQ, at["orders in"], routing_id=b"anna")
    exchange(client, connected(zmq.REP, at["orders out"]), b"hello")
    anna, worker = peers(program, "orders")
    assert (anna["device"], anna["role"], anna["state"], anna["routing_id"]) == ("orders", "in", "up", "anna")
    assert (anna["messages_received"], anna["messages_sent"], anna["in_flight"]) == (1, 1, 0)
    assert (worker["role"], worker["socket_type"], worker["protocol"]) == ("out", "REP", "ZMTP 3.1")
    heading, *rows = program.do("peers", "orders")
    assert heading.split() == [column.title.replace(" ", "_") for column in COLUMNS[1:]]
    assert dict(zip(heading.split(), rows[0].split(), strict=True))["ROUTING_ID"] == "anna"
    assert program.do("peers")[0].split()[0] == "DEVICE"
    program.until("orders", lambda device: [each["peers"]["up"] for each in device["sockets"]] == [1, 1])


def test_a_kick_ends_one_connection_and_is_in_the_audit_log(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    at = program.until_ready()
    for name in (b"anna", b"bert"):
        connected(zmq.DEALER, at["orders in"], routing_id=name, reconnect_ivl=60_000)
    anna = next(each for each in until_peers(program, 2, "orders") if each["routing_id"] == "anna")
    number = str(anna["number"])
    said = f"orders: kicked peer {number} of in, anna at {anna['address']}"
    assert program.do("kick", "orders", number) == [said]
    assert re.search(rf"control: uid \d+, .*: kick orders {number}: done: {re.escape(said)}", program.err.next_with("done"))
    assert [each["routing_id"] for each in until_peers(program, 1, "orders")] == ["bert"]
    again = program.ask("kick", "orders", number)
    assert (again.returncode, again.stderr) == (
        69,
        f"zdev: orders: no connection has the ID {number} (zdev peers orders shows them)\n",
    )
    assert program.device("orders")["sockets"][0]["connections"]["kicked"] == 1


def test_an_endpoint_without_a_connection_is_a_peer_with_the_reason(service: Start) -> None:
    program = service(device("tasks", "streamer", in_=BIND, out=at("connect", 1)))
    program.until_ready()
    program.until("tasks", lambda device: device["sockets"][1]["peers"]["retrying"] == 1)
    (peer,) = peers(program)
    assert (peer["number"], peer["address"], peer["failure"]) == (0, "tcp://127.0.0.1:1", "connection refused")
    lines = program.do("peers", "tasks")
    assert lines[1].split()[0] == "-"
    assert lines[2].startswith("tasks: out: tcp://127.0.0.1:1 connection refused")


def test_a_connect_that_fails_is_reported_by_zdev_run_once_and_so_is_its_recovery(
    zdev: Callable[..., Program], bound: Callable[..., tuple[zmq.Socket[bytes], str]]
) -> None:
    receiver, endpoint = bound(zmq.PULL)
    receiver.close()
    program = zdev("run", "streamer", "--bind-in", "tcp://127.0.0.1:*", "--connect-out", endpoint)
    assert program.err.next() == f"zdev: streamer: out: {endpoint} connection refused, retrying"
    bound(zmq.PULL, endpoint)
    assert program.err.next() == f"zdev: streamer: out: connected to {endpoint}"


def test_only_wire_shows_its_peers_and_the_others_are_named(service: Start) -> None:
    program = service(queue("free", 'engine = "libzmq"') + queue("own"))
    program.until_ready()
    named = program.ask("peers", "free")
    assert (named.returncode, named.stdout) == (69, "")
    assert "free: only the wire engine knows its peers, and this device runs on libzmq (as set)" in named.stderr
    every = program.ask("peers")
    assert (every.returncode, every.stderr) == (0, "not shown, because the libzmq engine does not know its peers: free\n")


def test_a_device_that_waits_for_its_port_is_not_said_to_run_on_libzmq(service: Start, bound: Bound) -> None:
    _, taken = bound(zmq.PULL)
    program = service(queue("orders") + queue("billing", front=taken))
    program.until_ready()
    every = program.ask("peers")
    assert (every.returncode, every.stderr) == (0, "")


def test_a_stopped_device_has_no_peers(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.do("stop", "orders")
    assert peers(program, "orders") == []


def test_peers_are_sorted_by_a_column(service: Start, connected: Connected) -> None:
    program = service(device("tasks", "streamer", in_=BIND, out=BIND))
    at = program.until_ready()
    sink = connected(zmq.PULL, at["tasks out"])
    sources = [connected(zmq.PUSH, at["tasks in"]) for _ in range(3)]
    for count, source in enumerate(sources):
        for _ in range(count):
            source.send(b"x")
            sink.recv()
    until_peers(program, 4)
    by_count = [each["messages_received"] for each in peers(program, "--sort", "received")]
    assert by_count == [2, 1, 0, 0]
    assert [each["role"] for each in peers(program, "--sort", "role")] == ["in", "in", "in", "out"]
    assert KEYS == SORT_KEYS


def test_a_narrow_terminal_shows_the_columns_that_matter_most() -> None:
    peer = PeerView(
        device="orders", number=17, role="in", state="up", address="tcp://10.20.30.40:40312", endpoint="tcp://10.20.30.1:5559",
        routing_id="warehouse-7", socket_type="DEALER", protocol="ZMTP 3.1", since=1e9, age=90000, messages_received=12_345_678,
        bytes_received=10**9, messages_sent=12_345_678, bytes_sent=10**9, waiting=1000, in_flight=12,
    )  # fmt: skip
    wide, narrow = TABLE.fitting(COLUMNS[1:], [peer], 200), TABLE.fitting(COLUMNS[1:], [peer], 80)
    assert {"USER", "DROPPED", "SUBS"}.isdisjoint(column.title for column in wide)
    assert sum(max(len(each.title), len(each.shown(peer))) + 2 for each in narrow) <= 80
    assert {"ID", "STATE", "ADDRESS", "ROUTING ID", "WAITING"} <= {each.title for each in narrow}


def test_a_routing_id_that_is_not_text_is_shown_in_hexadecimal() -> None:
    assert [id_text(each) for each in (b"anna", b"\0\1\2\3\4", b"two words", b"0x61", b"")] == [
        *("anna", "0x0001020304", "0x74776f20776f726473", "0x30783631", ""),
    ]
