"""`zdev run -c` runs the devices of a file, each independent of the others, and ends at a signal."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from devices_text import BIND, device
from exchange import ANY, exchange, queue
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]


def test_the_devices_of_a_file_relay_in_threads_and_in_processes(service: Start, connected: Connected) -> None:
    program = service(queue("orders") + queue("billing", 'isolation = "process"'))
    at = program.until_ready()
    for name in ("orders", "billing"):
        client, worker = connected(zmq.REQ, at[f"{name} in"]), connected(zmq.REP, at[f"{name} out"])
        exchange(client, worker, b"hello")
    assert program.said[0] == f"control  unix://{program.control}"
    assert program.said[-1] == "started: 2 of 2 devices active"


def test_the_control_socket_is_closed_to_others(service: Start) -> None:
    program = service(queue("orders"))
    program.until_ready()
    assert stat.S_IMODE(program.control.stat().st_mode) == 0o600
    assert stat.S_IMODE(program.control.parent.stat().st_mode) == 0o700


def test_a_port_that_is_taken_is_waited_for_while_the_others_run(service: Start, connected: Connected, bound: Bound) -> None:
    holder, taken = bound(zmq.PULL)
    program = service(queue("orders") + queue("billing", front=taken))
    at = program.until_ready()
    assert program.said[-1] == "started: 1 of 2 devices active, 1 waiting (billing)"
    exchange(connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"]), b"hello")
    seen = program.device("billing")
    assert seen["state"] == "waiting"
    assert "in use" in seen["error"]
    assert program.snapshot()["ready"] is False
    done = program.ask("start", "billing")
    assert (done.returncode, "in use" in done.stderr) == (69, True)
    holder.close()
    assert program.do("start", "billing")[0] in ("billing: started", "billing: already running")
    seen = program.until("billing", lambda device: device["state"] == "active")
    assert (seen["error"], seen["restarts"]) == (None, 1)
    ends = {each["role"]: each["binds"][0] for each in seen["sockets"]}
    exchange(connected(zmq.REQ, taken), connected(zmq.REP, ends["out"]), b"hello")
    assert program.snapshot()["ready"] is True


def test_a_killed_process_is_started_again_on_the_same_ports_and_counts_on(service: Start, connected: Connected) -> None:
    program = service(queue("orders", 'isolation = "process"'))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    exchange(client, worker, b"hello")
    program.until("orders", lambda device: device["out"]["messages_sent"] == 1)
    (process,) = program.device_processes()
    os.kill(process, signal.SIGKILL)
    seen = program.until("orders", lambda device: device["restarts"] == 1 and device["state"] == "active")
    assert seen["out"]["messages_sent"] == 1
    exchange(client, worker, b"again")
    program.until("orders", lambda device: device["out"]["messages_sent"] == 2)
    program.send(signal.SIGTERM)
    assert program.status() == 0
    assert any("killed by SIGKILL: retrying in 0.1 s" in line for line in program.err.rest())


def test_sigterm_drains_and_exits_with_status_0(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    program.send(signal.SIGTERM)
    program.until("orders", lambda device: device["state"] == "draining")
    assert program.snapshot()["ready"] is False
    worker.send(b"the pending reply")
    assert client.recv() == b"the pending reply"
    assert program.status() == 0
    assert not program.control.exists()


def test_a_drain_that_takes_too_long_exits_with_status_75(service: Start, connected: Connected) -> None:
    program = service(queue("orders", "drain_timeout = 0.2"))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    program.send(signal.SIGINT)
    assert program.status() == 75


def test_a_second_signal_ends_at_once_with_status_75(service: Start, connected: Connected) -> None:
    program = service(queue("orders"))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["orders in"]), connected(zmq.REP, at["orders out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    program.send(signal.SIGTERM)
    program.until("orders", lambda device: device["state"] == "draining")
    program.send(signal.SIGTERM)
    assert program.status() == 75
    assert not program.control.exists()


def test_a_second_zdev_at_the_same_control_socket_is_refused(service: Start, zdev: Callable[..., Program]) -> None:
    program = service(queue("orders"))
    program.until_ready()
    second = zdev("run", "-c", str(program.file), "--control", str(program.control))
    assert second.status() == 69
    assert f"another zdev listens at {program.control}" in second.err.rest()[-1]
    assert program.snapshot()["ready"] is True


def test_the_socket_of_a_killed_zdev_is_replaced(service: Start) -> None:
    first = service(queue("orders"))
    first.until_ready()
    first.send(signal.SIGKILL)
    first.status()
    assert first.control.exists()
    second = service(queue("orders"))
    second.until_ready()
    assert second.snapshot()["pid"] == second.process.pid


def test_a_file_with_faults_starts_nothing(service: Start) -> None:
    program = service(device("orders", "queu"))
    assert program.status() == 78
    assert "queu" in "\n".join(program.err.rest())
    assert program.out.rest() == []


def test_a_chain_of_devices_is_drained_from_its_beginning(service: Start, connected: Connected, folder: Path) -> None:
    middle = f"ipc://{folder}/middle"
    first = device("first", "queue", in_=BIND, out=f'connect = "{middle}"')
    program = service(queue("last", front=middle) + first)
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["first in"]), connected(zmq.REP, at["last out"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    program.send(signal.SIGTERM)
    program.until("first", lambda device: device["state"] == "draining")
    assert program.device("last")["state"] == "active"  # through which the first one's reply comes
    worker.send(b"HELLO")
    assert client.recv() == b"HELLO"
    assert program.status() == 0


def test_a_device_that_must_not_restart_is_left_failed(service: Start, bound: Bound) -> None:
    holder, taken = bound(zmq.PULL)
    program = service(queue("orders", 'restart = "never"', front=taken))
    program.until_ready()
    assert program.said[-1] == "not ready: 0 of 1 device active, 1 failed (orders)"
    assert program.snapshot()["ready"] is False
    assert program.do("status")[-1] == "not ready: 0 of 1 device active, 1 failed (orders)"
    assert program.ask("status", "--check").returncode == 69
    done = program.ask("start", "orders")
    assert done.returncode == 69
    assert "orders: failed: cannot bind" in done.stderr
    holder.close()
    assert program.do("start", "orders") == ["orders: started"]
    assert program.snapshot()["ready"] is True
    assert program.do("status", "--check")[-1] == "ready: 1 of 1 device active"


def test_the_exit_status_is_69_when_all_devices_had_failed_for_good(service: Start, bound: Bound) -> None:
    _, taken = bound(zmq.PULL)
    program = service(queue("orders", 'restart = "never"', front=taken))
    program.until_ready()
    program.send(signal.SIGTERM)
    assert program.status() == 69
    assert program.err.rest()[-1] == "zdev: no device was running: all had failed, and none restarts by itself"


def test_a_killed_zdev_leaves_no_process_behind(service: Start) -> None:
    program = service("".join(queue(f"device-{number}", 'isolation = "process"') for number in range(3)))
    program.until_ready()
    processes = program.device_processes()
    assert len(processes) == 3
    program.send(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while any(_is_running(each) for each in processes):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_fifty_devices_start_relay_and_end(service: Start, connected: Connected) -> None:
    program = service("".join(queue(f"device-{number}") for number in range(50)))
    at = program.until_ready()
    assert program.said[-1] == "started: 50 of 50 devices active"
    for name in ("device-0", "device-49"):
        exchange(connected(zmq.REQ, at[f"{name} in"]), connected(zmq.REP, at[f"{name} out"]), b"hello")
    program.send(signal.SIGTERM)
    assert program.status() == 0


def test_a_signal_while_devices_start_ends_it(service: Start) -> None:
    program = service("".join(queue(f"device-{number}", 'isolation = "process"') for number in range(4)))
    assert program.out.next().startswith("control")
    program.send(signal.SIGTERM)
    assert program.status() == 0
    assert not any(line.startswith("started:") for line in program.out.rest())
    assert not program.control.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name a type of device or a file of devices"),
        (("queue", "-c", "zdev.toml"), "-c FILE cannot be used with TYPE queue"),
        (("-c", "zdev.toml", "--bind-in", ANY), "-c FILE cannot be used with an option of one device"),
    ],
)
def test_a_command_line_that_names_neither_or_both_is_refused(
    refused: Callable[..., tuple[int, str]], arguments: tuple[str, ...], said: str
) -> None:
    status, line = refused("run", *arguments)
    assert status == 64
    assert said in line
