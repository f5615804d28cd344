"""The options that zdev sets on its sockets bound what a stranger, and a host that vanished, can take; options of the user take precedence."""

from __future__ import annotations

import os
import socket as sockets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, get_args

import pytest
import zmq
from helpers import both, bound

from zdev_background import (
    DEFAULT_OPTIONS_BY_TYPE,
    DEFAULT_SOCKET_OPTIONS,
    Device,
    ProcessDevice,
    ProcessMonitoredQueue,
    ProcessProxySteerable,
    Role,
    SocketSpec,
    ThreadDevice,
    ThreadMonitoredQueue,
    ThreadProxySteerable,
)

from .victim import Connect, Victim
from .zmtp import HELLO, LONG, connection, frame, is_closed, say, say_after_handshake

KINDS = [ThreadDevice, ThreadMonitoredQueue, ThreadProxySteerable, ProcessDevice, ProcessMonitoredQueue, ProcessProxySteerable]
TOO_LARGE = frame(b"little", LONG, 2**30 + 1)
TYPES: dict[Role, int] = {"in": zmq.ROUTER, "out": zmq.DEALER, "mon": zmq.PUB, "ctrl": zmq.REP}


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    with zmq.Context() as context:
        yield context


def device_of(kind: type[Device], **options: int) -> Device:
    """options: of the in socket, by name."""
    device = bound(kind(in_type=zmq.ROUTER, out_type=zmq.DEALER))
    for name, value in options.items():
        device.setsockopt_in(getattr(zmq, name), value)
    return device


def connection_at(endpoint: str) -> sockets.socket:
    """A copy of this process's own socket that somebody is connected to there."""
    for fd in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        with suppress(OSError, IndexError), sockets.socket(fileno=os.dup(fd)) as found:
            if f"tcp://127.0.0.1:{found.getsockname()[1]}" == endpoint and found.getpeername():
                return found.dup()
    raise AssertionError("nobody is connected")


def test_the_limits_are_pinned() -> None:
    assert {option.name: value for option, value in DEFAULT_SOCKET_OPTIONS.items()} == {
        "MAXMSGSIZE": 1024**3,
        "HANDSHAKE_IVL": 10_000,
        "TCP_KEEPALIVE": 1,
        "TCP_KEEPALIVE_IDLE": 60,
        "TCP_KEEPALIVE_INTVL": 10,
        "TCP_KEEPALIVE_CNT": 6,
    }


@pytest.mark.parametrize("role", get_args(Role))
def test_every_socket_that_is_made_has_them(context: zmq.Context[Any], role: Role) -> None:
    wanted = {**DEFAULT_SOCKET_OPTIONS, **DEFAULT_OPTIONS_BY_TYPE.get(TYPES[role], {})}
    wanted.pop(zmq.ROUTER_MANDATORY, None)  # which cannot be read
    with SocketSpec(role, TYPES[role]).open(context).socket as made:
        assert {option: made.get(option) for option in wanted} == wanted


def test_heartbeats_and_tcp_maxrt_are_not_among_them(context: zmq.Context[Any]) -> None:
    with SocketSpec("in", zmq.ROUTER).open(context).socket as made:
        assert made.get(zmq.HEARTBEAT_IVL) == made.get(zmq.TCP_MAXRT) == 0


@pytest.mark.parametrize("option", DEFAULT_SOCKET_OPTIONS, ids=lambda option: option.name)
def test_what_the_user_or_the_context_sets_goes_first(context: zmq.Context[Any], option: zmq.SocketOption) -> None:
    other = 0 if option == zmq.TCP_KEEPALIVE else 77
    with SocketSpec("in", zmq.ROUTER, [(option, other)]).open(context).socket as made:
        assert made.get(option) == other
    context.setsockopt(option, other)
    with SocketSpec("in", zmq.ROUTER).open(context).socket as made:
        assert made.get(option) == other
        assert all(made.get(each) == value for each, value in DEFAULT_SOCKET_OPTIONS.items() if each != option)


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_has_them_wherever_it_runs(kind: type[Device]) -> None:
    with device_of(kind) as device:
        for role in ("in", "out"):
            with say_after_handshake(device.endpoints[role][0], TOO_LARGE) as sender:
                assert is_closed(sender)


@both
def test_a_user_may_lift_them(kind: type[Device], connect: Connect) -> None:
    with device_of(kind, MAXMSGSIZE=-1) as device, say_after_handshake(device.endpoints["in"][0], TOO_LARGE) as sender:
        asked, worker = connect(zmq.REQ, device.endpoints["in"][0]), connect(zmq.REP, device.endpoints["out"][0])
        asked.send(b"who speaks after the large frame is heard after it")
        worker.send(worker.recv())
        asked.recv()
        assert not is_closed(sender, timeout=0)


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are found in /proc")
@pytest.mark.parametrize("given", [{}, {"TCP_KEEPALIVE": 0}, {"TCP_KEEPALIVE_IDLE": 5, "TCP_KEEPALIVE_CNT": 2}])
def test_the_system_looks_after_connections_as_configured(given: dict[str, int]) -> None:
    expected = {option.name: value for option, value in DEFAULT_SOCKET_OPTIONS.items()} | given
    with ExitStack() as stack:
        endpoint = stack.enter_context(device_of(ThreadDevice, **given)).endpoints["in"][0]
        stack.enter_context(say_after_handshake(endpoint))
        found = stack.enter_context(connection_at(endpoint))
        assert found.getsockopt(sockets.SOL_SOCKET, sockets.SO_KEEPALIVE) == expected["TCP_KEEPALIVE"]
        for name in ("IDLE", "INTVL", "CNT") if expected["TCP_KEEPALIVE"] else ():
            value = found.getsockopt(sockets.IPPROTO_TCP, getattr(sockets, f"TCP_KEEP{name}"))
            assert value == expected[f"TCP_KEEPALIVE_{name}"]


def test_who_does_not_finish_the_handshake_in_time_is_cut_off(device: ProcessDevice, request: pytest.FixtureRequest) -> None:
    device.setsockopt_in(zmq.HANDSHAKE_IVL, 200)
    victim: Victim = request.getfixturevalue("victim")
    with connection(victim.endpoint) as silent, say(victim.endpoint, HELLO[:70]) as half:
        assert is_closed(silent)
        assert is_closed(half)


def test_a_message_beyond_maxmsgsize_costs_its_sender_the_connection(
    device: ProcessDevice, request: pytest.FixtureRequest
) -> None:
    device.setsockopt_in(zmq.MAXMSGSIZE, 1000)
    victim: Victim = request.getfixturevalue("victim")
    with say_after_handshake(victim.endpoint, frame(bytes(1001))) as sender:
        assert is_closed(sender)
    assert device.statistics().in_.malformed == 0


@pytest.mark.parametrize("kind", [zmq.XPUB, zmq.PUB], ids=lambda kind: kind.name)
def test_a_subscriber_with_a_topic_of_200_kb_is_disconnected_and_the_forwarder_lives(kind: int) -> None:
    device = ProcessDevice(zmq.FORWARDER, zmq.XSUB if kind == zmq.XPUB else zmq.SUB, kind)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    with device:
        endpoint = device.endpoints["out"][0]
        longest = 65_535 if device.engine == "libzmq" else 2048
        for length in (longest, 200_000):  # the longest that is taken, which is withdrawn at the end, and one beyond
            with say_after_handshake(endpoint, frame(b"\1" + bytes(length)), socket_type=b"SUB") as stranger:
                assert is_closed(stranger, timeout=0.1 if length == longest else 10) == (length > longest)
        with say_after_handshake(endpoint, socket_type=b"SUB"):
            assert device.is_alive()
