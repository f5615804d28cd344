"""A command may steer several devices, or all."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import zmq
from exchange import queue

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
THREE = queue("orders") + queue("billing") + queue("audit")


def test_a_command_steers_the_devices_that_it_names_or_all(service: Start) -> None:
    program = service(THREE)
    program.until_ready()
    assert program.do("pause", "billing", "orders", "billing") == ["billing: paused", "orders: paused"]
    assert program.device("audit")["state"] == "active"
    assert program.do("resume", "--all") == ["orders: resumed", "billing: resumed", "audit: already resumed"]
    drained = r"(\w+): drained in \d\.\d s"
    assert [re.fullmatch(drained, line)[1] for line in program.do("drain", "--all")] == ["orders", "billing", "audit"]  # type: ignore[index]
    assert program.do("start", "orders", "audit") == ["orders: started", "audit: started"]
    assert program.do("stop", "orders", "billing") == ["orders: stopped", "billing: already stopped"]
    assert program.do("restart", "--all")[1:4:2] == ["orders: started", "billing: started"]
    assert program.do("status")[-1] == "ready: 3 of 3 devices active"


def test_devices_that_feed_others_are_drained_first_and_started_last(service: Start, bound: Bound) -> None:
    holder, middle = bound(zmq.PULL)
    holder.close()
    first = queue("first").replace('out.bind = "tcp://127.0.0.1:*"', f'out.connect = "{middle}"')
    program = service(queue("last", front=middle) + first)
    program.until_ready()
    assert [line.split(":")[0] for line in program.do("drain", "--all")] == ["first", "last"]
    assert [line.split(":")[0] for line in program.do("start", "--all")] == ["last", "first"]
    assert [line.split(":")[0] for line in program.do("stop", "last", "first")] == ["first", "last"]


def test_all_devices_are_steered_when_one_fails_and_the_exit_status_is_the_worst(
    service: Start, connected: Connected, bound: Bound
) -> None:
    _, taken = bound(zmq.PULL)
    program = service(THREE.replace("audit", "late") + "drain_timeout = 0.1\n" + queue("taken", front=taken))
    at = program.until_ready()
    client, worker = connected(zmq.REQ, at["late in"]), connected(zmq.REP, at["late out"])
    client.send(b"never answered")
    assert worker.recv() == b"never answered"
    done = program.ask("pause", "--all")
    assert done.returncode == 69
    assert done.stderr.splitlines()[:3] == ["orders: paused", "billing: paused", "late: paused"]
    assert re.fullmatch('cannot pause "taken": it is (waiting|starting)', done.stderr.splitlines()[3])
    done = program.ask("drain", "orders", "late")
    assert done.returncode == 75
    assert re.search(r"^late: drain timed out after \d\.\d s: 1 reply outstanding$", done.stderr, re.MULTILINE)
    assert program.device("orders")["state"] == "stopped"
    assert "drain orders late: drain cut short: orders: drained" in program.err.next_with("drain cut short: ")
    done = program.ask("start", "taken", "late")
    assert done.returncode == 69
    assert "late: started" in done.stderr


def test_a_name_that_is_unknown_steers_none(service: Start) -> None:
    program = service(THREE)
    program.until_ready()
    done = program.ask("stop", "orders", "bling")
    assert (done.returncode, done.stderr.split(" (")[0]) == (64, 'zdev: unknown device "bling"')
    assert program.device("orders")["state"] == "active"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "missing DEVICE: name one or more devices, or pass --all"),
        (("orders", "--all"), "--all cannot be used with DEVICE"),
        (("orders", "billing", "--worker", "1"), "--worker needs one DEVICE"),
        (("--all", "--worker", "1"), "--worker needs one DEVICE"),
    ],
)
def test_a_command_names_devices_or_all(refused: Callable[..., tuple[int, str]], arguments: tuple[str, ...], said: str) -> None:
    status, line = refused("drain", *arguments)
    assert (status, line.split(" (")[0]) == (64, f"zdev drain: {said}")


def test_other_commands_are_not_for_several_devices(service: Start) -> None:
    from zdev_cli.control.client import Refusal, ask
    from zdev_cli.control.protocol import Request

    program = service(THREE)
    program.until_ready()
    with pytest.raises(Refusal, match="kick is not for several devices"):
        ask(Request(verb="kick", all=True, peer=1), str(program.control))
