"""`zdev shutdown` ends a running zdev as SIGTERM does, and waits for its end."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import zmq
from exchange import exchange, queue
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Pair = tuple["zmq.Socket[bytes]", "zmq.Socket[bytes]"]


def asked(program: Service, connected: Connected) -> Pair:
    """Return a client whose request a worker has, and that worker."""
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    return client, worker


def shutting_down(program: Service, *arguments: str) -> subprocess.Popen[str]:
    command = [*program.command, "shutdown", *arguments, "--control", str(program.control)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_it_drains_all_devices_and_returns_once_the_process_has_ended(service: Start, connected: Connected) -> None:
    program = service(queue("orders") + queue("billing", 'isolation = "process"'))
    client, worker = asked(program, connected)
    with shutting_down(program) as shutdown:
        program.until("orders", lambda device: device["state"] == "draining")
        assert program.snapshot()["ready"] is False
        worker.send(b"HELLO")
        assert client.recv() == b"HELLO"
        lines = shutdown.communicate(timeout=PATIENCE)[0].splitlines()
    assert program.status() == shutdown.returncode == 0
    assert [re.sub(r"\d\.\d", "0.0", line) for line in lines] == [
        "orders: drained in 0.0 s",
        "billing: drained in 0.0 s",
        "shut down",
    ]
    assert not program.control.exists()


def test_another_zdev_can_take_its_places_right_after(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    at = program.until_ready()
    assert program.do("shutdown")[-1] == "shut down"
    again = service(queue("orders", front=at["orders in"], back=at["orders out"]))
    at = again.until_ready()
    assert again.said[-1] == "started: 1 of 1 device active"
    exchange(connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"]), b"hello")


def test_a_drain_that_times_out_has_status_75(service: Start, connected: Connected) -> None:
    program = service(queue("orders", "drain_timeout = 0.1"))
    asked(program, connected)
    done = program.ask("shutdown")
    assert re.fullmatch(r"zdev: orders: drain timed out after \d\.\d s: 1 reply outstanding\n", done.stderr)
    assert done.returncode == program.status() == 75


@pytest.mark.parametrize("during_drain", [False, True])
def test_now_stops_the_devices_and_has_status_75_if_replies_were_outstanding(
    service: Start, connected: Connected, during_drain: bool
) -> None:
    program = service(queue("orders"))
    asked(program, connected)
    if during_drain:
        program.send(signal.SIGTERM)
        program.until("orders", lambda device: device["state"] == "draining")
    done = program.ask("shutdown", "--now")
    assert "1 reply outstanding" in done.stderr
    assert done.returncode == program.status() == 75


def test_now_has_status_0_if_no_reply_was_outstanding(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    assert program.do("shutdown", "--now") == ["orders: stopped", "shut down"]
    assert program.status() == 0


def test_a_second_signal_still_ends_it_immediately(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    asked(program, connected)
    with shutting_down(program) as shutdown:
        program.until("orders", lambda device: device["state"] == "draining")
        program.send(signal.SIGTERM)
        said = shutdown.communicate(timeout=PATIENCE)[1]
    assert said.startswith(f"zdev: the zdev at {program.control} ended before all devices were drained")
    assert shutdown.returncode == program.status() == 75


def test_it_ends_a_zdev_whose_devices_are_still_being_started(service: Start) -> None:
    program = service("".join(queue(f"device-{number}", 'isolation = "process"') for number in range(3)))
    assert program.out.next().startswith("control")
    assert program.ask("shutdown").returncode == 0
    assert program.status() == 0
