"""A reload changes a running device without a stop wherever it can, and says what it did."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from exchange import ANY, exchange, queue

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]

KINDS = ("thread", "process")


def ports(program: Service, name: str = "orders") -> list[list[str]]:
    return [each["binds"] for each in program.device(name)["sockets"]]


@pytest.mark.parametrize("isolation", KINDS)
def test_what_a_running_device_can_change_changes_without_a_stop(
    service: Start, connected: Connected, isolation: str, folder: Path
) -> None:
    isolated = f'isolation = "{isolation}"\n'
    program = service(queue("orders", isolated))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    before = program.device("orders")
    more = "drain_timeout = 5\nin.max_connections = 20\nin.idle_timeout = 60\nout.options = { SNDHWM = 10 }\n"
    extra = f"ipc://{folder}/extra"
    program.write(queue("orders", isolated + more).replace(f'in.bind = "{ANY}"', f'in.bind = ["{ANY}", "{extra}"]'))
    (said,) = program.do("reload")
    assert said.startswith("orders: changed live: drain_timeout 30.0 -> 5.0; ")
    assert set(said.removeprefix("orders: changed live: ").split("; ")) == {
        "drain_timeout 30.0 -> 5.0",
        f"in: bound to {extra}",
        "in: max_connections 0 -> 20",
        "in: idle_timeout 0 -> 60000 ms",
        "out: sndhwm 1000 -> 10",
    }
    worker.send(b"HELLO")
    assert client.recv() == b"HELLO"
    exchange(connected(zmq.REQ, extra), worker, b"by the new endpoint")
    after = program.device("orders")
    assert after["uptime"] >= before["uptime"]
    assert ports(program)[0] == [*before["sockets"][0]["binds"], extra]
    assert program.do("reload") == ["orders: unchanged"]


def test_a_bind_that_fails_leaves_the_device_as_it_was_until_it_succeeds(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    before = ports(program)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        program.write(queue("orders", "in.max_connections = 20").replace(f'in.bind = "{ANY}"', f'in.bind = ["{ANY}", "{at}"]'))
        (said,) = program.do("reload")
        assert said.startswith(f"orders: unchanged: cannot bind in (ROUTER) to {at}: address already in use")
        assert ports(program) == before
    assert program.do("reload") == [f"orders: changed live: in: bound to {at}; in: max_connections 0 -> 20"]


@pytest.mark.parametrize("isolation", KINDS)
def test_the_reason_of_a_restart_is_given(service: Start, isolation: str) -> None:
    isolated = f'isolation = "{isolation}"\n'
    other = KINDS[isolation == "thread"]
    program = service(queue("orders", isolated))
    program.until_ready()
    program.write(queue("orders", isolated + "in.options = { BACKLOG = 7 }"))
    (said,) = program.do("reload")
    assert said.startswith("orders: restarted (in: backlog ")
    program.write(queue("orders", f'isolation = "{other}"\n'))
    (said,) = program.do("reload")
    assert said.startswith(f"orders: restarted (isolation {isolation} -> {other}), drained in ")
    program.write(queue("orders", f'isolation = "{other}"\nengine = "libzmq"'))
    (said,) = program.do("reload")
    assert said.startswith("orders: restarted (its engine changes to libzmq: as set), drained in ")
    program.write(queue("orders", f'isolation = "{other}"\nengine = "libzmq"\nin.options = {{ SNDHWM = 7 }}'))
    (said,) = program.do("reload")
    assert said.startswith("orders: restarted (only the wire engine can, and this device runs on libzmq (as set)), drained in ")


def test_an_endpoint_that_another_device_releases_live_is_taken_in_the_same_reload(service: Start, folder: Path) -> None:
    shared = f"ipc://{folder}/shared"
    two = queue("orders").replace(f'in.bind = "{ANY}"', f'in.bind = ["{ANY}", "{shared}"]')
    program = service(two + queue("billing"))
    program.until_ready()
    program.write(queue("orders") + queue("billing", front=shared))
    said = program.do("reload")
    assert said[0] == f"orders: changed live: in: no longer bound to {shared}"
    assert said[1].startswith(f"billing: restarted ({shared} was in use), drained in ")
    assert ports(program, "billing")[0] == [shared]


def test_a_wildcard_may_be_replaced_by_the_port_that_it_stands_for(service: Start) -> None:
    program = service(queue("orders"))
    at = program.until_ready()["orders in"]
    program.write(queue("orders", front=at))
    (said,) = program.do("reload")
    assert said.startswith(f"orders: restarted ({at} was in use), drained in ")
    assert ports(program)[0] == [at]


def test_the_sockets_of_a_device_may_exchange_their_endpoints(service: Start, folder: Path) -> None:
    here, there = f"ipc://{folder}/here", f"ipc://{folder}/there"
    program = service(queue("orders", front=here, back=there))
    program.until_ready()
    program.write(queue("orders", front=there, back=here))
    (said,) = program.do("reload")
    assert said.startswith(f"orders: restarted ({there} was in use), drained in ")
    assert ports(program) == [[there], [here]]


def test_the_log_has_what_changed(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.write(queue("orders", "in.max_connections = 20"))
    program.do("reload")
    while "reload: orders: changed live: in: max_connections 0 -> 20" not in program.err.next():
        pass
