"""`max_connections`, `max_connections_per_address` and `idle_timeout` of a socket in the file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import zmq
from devices_text import BIND, device

if TYPE_CHECKING:
    from conftest import Service

pytestmark = [pytest.mark.engine("wire"), pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")]


def test_a_connection_beyond_a_limit_is_refused_and_counted_by_reason(
    service: Callable[..., Service], connected: Callable[..., zmq.Socket[bytes]]
) -> None:
    in_, out = f"{BIND}, max_connections = 1", f"{BIND}, max_connections_per_address = 1, idle_timeout = 0.05"
    program = service(device("tasks", "streamer", in_=in_, out=out))
    at = program.until_ready()
    for role, kind in (("in", zmq.PUSH), ("out", zmq.PULL)):
        for _ in range(2):
            connected(kind, at[f"tasks {role}"], reconnect_ivl=60_000)
    program.until("tasks", lambda device: device["sockets"][0]["connections"]["refused_max_connections"] == 1)
    program.until("tasks", lambda device: device["sockets"][1]["connections"]["refused_max_connections_per_address"] == 1)
    program.until("tasks", lambda device: device["sockets"][1]["connections"]["idle_timeouts"] == 1)
    (line,) = [each for each in program.do("status", "tasks") if each.startswith("in, connections")]
    assert line.endswith("1 now, 2 accepted, 1 refused max connections")


def test_a_limit_that_libzmq_cannot_keep_is_an_error_of_the_file(
    faults_of: Callable[[dict[str, str]], dict[str, list[str]]],
) -> None:
    limited = device("tasks", "streamer", in_=f"{BIND}, max_connections = 1", out=BIND)
    texts = {"libzmq": limited + 'engine = "libzmq"\n', "zero": limited.replace("connections = 1", "connections = 0")}
    found = faults_of(texts)
    [line] = found["libzmq"]
    assert "in (PULL) limits its connections, which only the wire engine can, and libzmq is the engine: as set" in line
    [line] = found["zero"]
    assert line.endswith("invalid value 0: must be 1 to 10000000 connections")
