"""The engine of a device: chosen in the file or on the command line, and shown with what it knows of the connections."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from devices_text import BIND, at, device
from exchange import queue
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
ANY = ("--bind-in", "tcp://127.0.0.1:*", "--bind-out", "tcp://127.0.0.1:*")
CTRL = ("--bind-ctrl", "tcp://127.0.0.1:*")
pytestmark = pytest.mark.engine("auto")


def engines(program: Service) -> dict[str, tuple[str, str]]:
    """Return the engine of each device, and why."""
    return {each["name"]: (each["engine"], each["engine_reason"]) for each in program.snapshot()["devices"]}


def socket_of(device: dict[str, Any], role: str) -> dict[str, Any]:
    return next(each for each in device["sockets"] if each["role"] == role)


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_device_has_the_engine_of_its_table_then_of_the_defaults_then_the_one_that_suits_it(
    service: Start, isolation: str
) -> None:
    ctrl = 'ctrl.bind = "tcp://127.0.0.1:*"'
    devices = (
        queue("own", 'engine = "wire"')
        + queue("shared")
        + queue("free", 'engine = "auto"')
        + queue("ctrl", f'engine = "auto"\n{ctrl}')
    )
    program = service(f'[defaults]\nengine = "libzmq"\nisolation = "{isolation}"\n{devices}')
    program.until_ready()
    assert engines(program) == {
        "own": ("wire", "as set"),
        "shared": ("libzmq", "as set"),
        "free": ("wire", "it supports all that the device asks for"),
        "ctrl": ("libzmq", "it has a ctrl socket"),
    }
    assert [line for line in program.do("status", "ctrl") if line.startswith("engine")] == [
        "engine               libzmq: it has a ctrl socket"
    ]
    rows = [line.split() for line in program.do("status")[:-1]]
    assert [(row[0], row[-1]) for row in rows] == [
        *(("DEVICE", "ENGINE"), ("own", "wire"), ("shared", "libzmq"), ("free", "wire"), ("ctrl", "libzmq"))
    ]
    said = sorted(program.err.next_with("started").split(" ", 2)[2] for _ in range(4))
    assert said == [
        "ctrl: started, engine: libzmq (it has a ctrl socket)",
        "free: started, engine: wire",
        "own: started, engine: wire",
        "shared: started, engine: libzmq",
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "engine wire"),
        (("--engine", "wire"), "engine wire"),
        (("--engine", "libzmq"), "engine libzmq"),
        (CTRL, "engine libzmq (it has a ctrl socket)"),
    ],
)
def test_run_prints_the_engine_after_the_endpoints(zdev: Callable[..., Program], options: tuple[str, ...], line: str) -> None:
    program = zdev("run", "queue", *ANY, *options)
    program.endpoints(3 if options == CTRL else 2)
    assert program.out.next() == line
    assert program.statistics()["in_received"] == 0


def test_run_refuses_a_device_that_cannot_have_the_engine_asked_for(refused: Callable[..., tuple[int, str]]) -> None:
    status, said = refused("run", "queue", *ANY, *CTRL, "--engine", "wire")
    assert status != 0
    assert said == (
        'zdev: queue: the wire engine cannot run this device: it has a ctrl socket (set engine to "auto" or "libzmq")'
    )


def test_a_reload_that_changes_the_engine_restarts_that_device_alone(service: Start) -> None:
    program = service(queue("orders") + queue("billing"))
    program.until_ready()
    program.write(queue("orders") + queue("billing", 'engine = "libzmq"'))
    said = program.do("reload")
    assert said[0] == "orders: unchanged"
    assert said[1].startswith("billing: restarted (its engine changes to libzmq: as set), drained in")
    assert engines(program)["billing"] == ("libzmq", "as set")


def test_a_stopped_device_shows_the_engine_of_its_last_run(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    program.do("stop", "orders")
    assert engines(program)["orders"][0] == "wire"


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_connect_that_is_down_is_visible_at_once_and_logged_at_its_first_failure_and_its_recovery(
    service: Start, bound: Callable[..., tuple[zmq.Socket[bytes], str]], isolation: str
) -> None:
    _, up = bound(zmq.DEALER)
    late, down = bound(zmq.DEALER)
    late.close()
    out = f'connect = ["{up}", "{down}"]'
    program = service(f'[defaults]\nisolation = "{isolation}"\n' + device("orders", "queue", in_=BIND, out=out))
    program.until_ready()
    program.until("orders", lambda seen: socket_of(seen, "out")["connections"]["connect_failures"] > 1)
    failed = re.escape(down) + r" connection refused"
    state = r"1 of 2 connected; " + failed + r"(, retrying in \d\.\d s)?"
    assert re.fullmatch(f"orders: out: {state}", program.do("status")[-2])
    [line] = [each for each in program.do("status", "orders") if each.startswith("out, connects")]
    assert re.fullmatch(f"out, connects        {state}", line)
    assert re.search(f"orders: out: {failed}, retrying$", program.err.next_with("retrying"))
    late, _ = bound(zmq.DEALER, down)
    assert program.err.next_with("orders: out:").endswith(
        f"orders: out: connected to {down}"
    )  # no line for an attempt between them
    seen = program.until("orders", lambda seen: socket_of(seen, "out")["connections"]["connections"] == 2)
    assert [(each["endpoint"], each["connected"], each["failure"]) for each in socket_of(seen, "out")["connect_states"]] == [
        (up, True, ""),
        (down, True, ""),
    ]
    assert program.do("status")[-2].startswith("orders ")


def test_connections_are_counted_by_role_and_the_counters_continue_over_a_restart(service: Start, connected: Connected) -> None:
    program = service(f'[http]\nlisten = "127.0.0.1:0"\n{device("orders", "queue", in_=BIND, out=BIND)}')
    endpoints = program.until_ready()
    connected(zmq.DEALER, endpoints["orders in"])
    connected(zmq.PULL, endpoints["orders in"], reconnect_ivl=-1)  # cannot talk to a ROUTER
    connected(zmq.DEALER, endpoints["orders out"])

    def counters(device: dict[str, Any], role: str) -> dict[str, int]:
        found: dict[str, int] = socket_of(device, role)["connections"]
        return found

    program.until("orders", lambda device: counters(device, "in")["refused_socket_type"] == 1)
    program.until("orders", lambda device: counters(device, "in")["connections"] == 1)
    seen = program.until("orders", lambda device: counters(device, "out")["connections"] == 1)
    assert counters(seen, "in")["accepted"] == 2
    [line] = [each for each in program.do("status", "orders") if each.startswith("in, connections")]
    assert line == "in, connections      1 now, 2 accepted, 1 refused socket type"
    program.do("restart", "orders")
    [endpoint] = socket_of(program.device("orders"), "in")["binds"]
    connected(zmq.DEALER, endpoint)
    seen = program.until("orders", lambda device: counters(device, "in")["connections"] == 1)
    assert (counters(seen, "in")["accepted"], counters(seen, "in")["refused_socket_type"]) == (3, 1)
    with urllib.request.urlopen(f"{program.http}/metrics", timeout=PATIENCE) as answer:
        scraped = answer.read().decode().splitlines()
    assert 'zdev_connections{device="orders",role="in"} 1.0' in scraped
    assert 'zdev_connections_accepted_total{device="orders",role="in"} 3.0' in scraped
    assert 'zdev_connections_refused_total{device="orders",reason="socket_type",role="in"} 1.0' in scraped
    assert 'zdev_device_info{device="orders",engine="wire"} 1.0' in scraped


def test_messages_lost_because_their_receiver_left_are_counted_while_the_device_runs(
    service: Start, connected: Connected
) -> None:
    program = service(device("tasks", "streamer", in_=BIND, out=BIND))
    endpoints = program.until_ready()
    receiver = connected(zmq.PULL, endpoints["tasks out"], rcvhwm=1, rcvbuf=4096)  # and never reads
    sender = connected(zmq.PUSH, endpoints["tasks in"])
    for _ in range(500):
        sender.send(bytes(10_000))
    program.until("tasks", lambda device: device["in"]["messages_received"] >= 500)
    receiver.close()
    seen = program.until("tasks", lambda device: device["lost"] > 0)
    assert seen["lost"] == socket_of(seen, "out")["connections"]["messages_lost"]
    program.do("stop", "tasks")
    seen = program.device("tasks")
    assert seen["lost"] == socket_of(seen, "out")["connections"]["messages_lost"]


def test_the_libzmq_engine_shows_no_connections_also_after_a_run_of_wire(service: Start) -> None:
    program = service(device("orders", "queue", in_=BIND, out=at("connect", 1)))
    program.until_ready()
    program.until("orders", lambda device: socket_of(device, "out")["connections"]["connect_failures"])
    program.write('[defaults]\nengine = "libzmq"\n' + device("orders", "queue", in_=BIND, out=at("connect", 1)))
    program.do("reload")
    shown = [(each["connections"], each["connect_states"]) for each in program.device("orders")["sockets"]]
    assert shown == [(None, []), (None, [])]


def test_with_the_wire_engine_out_sends_to_connected_receivers_only_whatever_immediate_says(service: Start) -> None:
    out = at("connect", 1) + ", options = { IMMEDIATE = 0 }"
    program = service(device("chain", "streamer", in_=BIND, out=out))
    program.until_ready()
    deadline = time.monotonic() + PATIENCE
    while "out, sends to        connected receivers only" not in program.do("status", "chain"):
        assert time.monotonic() < deadline
