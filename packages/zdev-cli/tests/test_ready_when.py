"""`ready_when`: whether zdev is ready while an endpoint that a device connects to is not connected."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from devices_text import BIND, at, device
from patience import PATIENCE
from test_service_notify import Manager

if TYPE_CHECKING:
    from conftest import Service

Start = Callable[..., "Service"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
CONNECTED = 'ready_when = "connected"\n'
pytestmark = [pytest.mark.engine("wire"), pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")]


def tasks(endpoint: str, more: str = "") -> str:
    return device("tasks", "streamer", in_=BIND, out=f'connect = "{endpoint}"') + more


@pytest.fixture
def away(bound: Bound) -> str:
    """An endpoint that nobody has bound."""
    receiver, endpoint = bound(zmq.PULL)
    receiver.close()
    return endpoint


def readiness(program: Service) -> tuple[int, list[str]]:
    try:
        with urllib.request.urlopen(f"{program.http}/readyz", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)["reasons"]
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["reasons"]


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_with_connected_zdev_is_ready_while_every_endpoint_is_connected(
    service: Start, bound: Bound, away: str, isolation: str
) -> None:
    text = f'[http]\nlisten = "127.0.0.1:0"\n[defaults]\nisolation = "{isolation}"\n'
    program = service(text + tasks(away, CONNECTED))
    program.until_ready()
    program.until("tasks", lambda device: device["sockets"][1]["connect_states"][0]["failure"])
    status, [reason] = readiness(program)
    assert status == 503
    assert reason.startswith(f"tasks: active: out: 0 of 1 connected; {away} connection refused")
    assert program.snapshot()["ready"] is False
    assert program.do("status")[-1] == "not ready: 1 of 1 device active, 1 not connected (tasks)"
    receiver, _ = bound(zmq.PULL, away)
    program.until("tasks", lambda device: device["sockets"][1]["connect_states"][0]["connected"])
    assert readiness(program) == (200, [])
    receiver.close()
    program.until("tasks", lambda device: not device["sockets"][1]["connect_states"][0]["connected"])
    assert readiness(program)[0] == 503
    program.do("stop", "tasks")
    assert readiness(program) == (200, [])


def test_by_default_a_device_is_ready_when_it_is_bound_and_a_reload_changes_that_without_a_restart(
    service: Start, away: str
) -> None:
    program = service(tasks(away))
    program.until_ready()
    program.until("tasks", lambda device: device["sockets"][1]["connect_states"][0]["failure"])
    assert program.snapshot()["ready"] is True
    program.write(tasks(away, CONNECTED))
    assert program.do("reload") == ["tasks: changed live: ready_when bound -> connected"]
    assert program.snapshot()["ready"] is False


def test_the_service_manager_is_notified_once_every_endpoint_is_connected(
    service: Start, bound: Bound, away: str, folder: Path
) -> None:
    manager = Manager(f"{folder}/notify")
    program = service(tasks(away, CONNECTED), NOTIFY_SOCKET=manager.address)
    assert manager.next() == "STATUS=1 of 1 device active"
    program.until_ready()
    program.until("tasks", lambda device: device["sockets"][1]["connect_states"][0]["failure"])
    assert manager.is_quiet("READY=1", 0.5)
    bound(zmq.PULL, away)
    manager.until("READY=1")
    manager.close()


def test_connected_needs_the_engine_that_shows_its_connects(
    faults_of: Callable[[dict[str, str]], dict[str, list[str]]],
) -> None:
    text = device("tasks", "streamer", in_=BIND, out=at("connect", 1)) + 'engine = "libzmq"\n' + CONNECTED
    [line] = faults_of({"libzmq": text})["libzmq"]
    assert line.endswith('"connected" needs the wire engine, as libzmq does not show its connects: as set')
