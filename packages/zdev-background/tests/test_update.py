"""A running device takes over other settings without a stop, all of them or none."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, Connect, Eventually, Kinds, both, libzmq_only, streamer, wire_only

from zdev_background import CurveClient, CurveServer, Device, Limits, ProcessDevice, ThreadDevice, create_key
from zdev_background._option_table import OPTIONS

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux"),
    pytest.mark.filterwarnings("ignore:.*takes effect at the next start, or with update:RuntimeWarning"),
]


def refusal(device: Device, number: int, like: Device | None = None) -> str:
    with pytest.raises(zmq.ZMQError) as caught:
        device.update(like)
    assert caught.value.errno == number
    return str(caught.value)


@wire_only
@both
def test_what_was_set_since_the_start_is_taken_over(kind: Kinds, connect: Connect) -> None:
    with streamer(kind) as device:
        source, sink = connect(zmq.PUSH, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["out"])
        source.send(b"before")
        assert sink.recv() == b"before"
        (first,) = device.endpoints["in"]
        device.limit_in(Limits(max_connections=7, idle_timeout=60))
        device.setsockopt_out(zmq.SNDHWM, 5)
        device.bind_in("tcp://127.0.0.2:*")
        assert sorted(device.update()) == [
            "in: bound to tcp://127.0.0.2:*",
            "in: idle_timeout 0 -> 60000 ms",
            "in: max_connections 0 -> 7",
            "out: sndhwm 1000 -> 5",
        ]
        assert device.update() == []
        same, second = device.endpoints["in"]
        assert same == first
        connect(zmq.PUSH, second).send(b"after")
        assert sink.recv() == b"after"
        assert device.statistics().in_.messages_sent == 2


@wire_only
@both
def test_a_connect_is_added_and_removed(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as sink, streamer(kind) as device:
        sink.bind("tcp://127.0.0.1:*")
        sink.rcvtimeo = 10_000
        at = sink.getsockopt_string(zmq.LAST_ENDPOINT)
        like = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
        like.use_specs(spec.snapshot() for spec in device.specs.values())
        like.connect_out(at)
        source = connect(zmq.PUSH, *device.endpoints["in"])
        assert device.update(like) == [f"out: connected to {at}"]
        source.send(b"x")
        assert sink.recv() == b"x"
        assert device.specs["out"].connects == [at]
        like.specs["out"].connects.clear()
        assert device.update(like) == [f"out: no longer connected to {at}"]
        eventually(lambda: [peer for peer in device.peers() if peer.role == "out"] == [])
        assert device.connections()["out"].connects == ()


@wire_only
@both
def test_a_bind_that_fails_changes_nothing(kind: Kinds, taken: Any) -> None:
    with streamer(kind) as device:
        before = device.endpoints
        device.limit_in(Limits(max_connections=7))
        device.bind_out(taken.endpoint)
        text = refusal(device, errno.EADDRINUSE)
        assert text.startswith(f"{device.name}: cannot bind out (PUSH) to {taken.endpoint}: address already in use")
        assert device.endpoints == before
        taken.release()
        assert device.update() == ["in: max_connections 0 -> 7", f"out: bound to {taken.endpoint}"]


@wire_only
@both
def test_what_needs_a_restart_is_named_and_nothing_changes(kind: Kinds) -> None:
    with streamer(kind) as device:
        like = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
        like.use_specs(spec.snapshot() for spec in device.specs.values())
        like.limit_in(Limits(max_connections=7))
        like.setsockopt_in(zmq.BACKLOG, 7)
        text = refusal(device, errno.ENOTSUP, like)
        assert text.startswith(f"{device.name}: cannot be changed while it runs: in: backlog ")
        assert text.endswith(" -> 7")
        like.specs["in"].options.clear()
        like.setsockopt_in(zmq.TCP_MAXRT, 1)
        assert "option TCP_MAXRT of in (PULL) is supported by libzmq only" in refusal(device, errno.ENOTSUP, like)
        like.specs["in"].options.clear()
        assert device.update(like) == ["in: max_connections 0 -> 7"]


@libzmq_only
def test_a_device_on_libzmq_says_that_it_cannot() -> None:
    with streamer(ThreadDevice) as device:
        device.bind_in(ANY_PORT)
        text = refusal(device, errno.ENOTSUP)
        assert "cannot be changed while it runs: only the wire engine can, and this device runs on libzmq" in text


@both
def test_a_device_that_does_not_run_cannot_be_updated(kind: Kinds) -> None:
    with pytest.raises(RuntimeError, match="is not running: start it first"):
        streamer(kind).update()


@wire_only
def test_a_restart_after_a_failure_has_what_was_taken_over(eventually: Eventually) -> None:
    device: Any = streamer(ProcessDevice)
    device.restart = "on-failure"
    device.bind_in(ANY_PORT)
    with device:
        device.limit_in(Limits(max_connections=7))
        device.bind_in("tcp://127.0.0.2:*")
        device.update()
        endpoints = device.endpoints
        assert device.pid
        os.kill(device.pid, signal.SIGKILL)
        eventually(lambda: device.restarts == 1)
        assert device.endpoints == endpoints
        assert device.update() == []


@wire_only
@both
def test_another_directory_of_clients_withdraws_and_admits(kind: Kinds, tmp_path: Path, eventually: Eventually) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    server_key, server = create_key(tmp_path, "server")
    anna_key, anna = create_key(tmp_path, "anna")
    for each in (old, new):
        each.mkdir()
    (old / "anna.key").write_bytes(Path(anna_key).read_bytes())
    device = streamer(kind)
    device.secure_in(CurveServer(server, old))
    with device, zmq.Context() as context, context.socket(zmq.PUSH) as source:
        source.linger = 0
        CurveClient(anna, server_key).protect(source, "")
        source.connect(*device.endpoints["in"])
        eventually(lambda: device.connections()["in"].counters.connections == 1)
        device.secure_in(CurveServer(server, new))
        assert device.update() == ["in: clients changed"]
        eventually(lambda: device.connections()["in"].counters.credentials_withdrawn == 1)
        device.secure_in(CurveServer(anna, old))
        assert "in: its security or keys changed" in refusal(device, errno.ENOTSUP)
        device.secure_in(CurveServer(server, old))
        device.update()
        eventually(lambda: device.connections()["in"].counters.connections == 1)


SUPPORTED = {name for name, row in OPTIONS.items() if row.wire.kind == "supported"}
NEEDS_MORE = {"BINDTODEVICE", "CONNECT_ROUTING_ID", "UNSUBSCRIBE"}  # privileges, a connect, another option
VALUES: dict[str, Any] = {"METADATA": b"X-key:value", "MAXMSGSIZE": 100_000, "ROUTER_MANDATORY": 0, "TCP_KEEPALIVE": 0}
BOOLEAN = {"IPV6", "INVERT_MATCHING", "PROBE_ROUTER", "ROUTER_HANDOVER", "XPUB_NODROP", "XPUB_VERBOSER"}


def types_of(option: str) -> tuple[int, int]:
    """Return types of in and out, such that in has the option."""
    if "ROUTER" in option:
        return zmq.ROUTER, zmq.DEALER
    if option.startswith("XPUB"):
        return zmq.XPUB, zmq.XSUB
    return (zmq.SUB, zmq.PUB) if option == "SUBSCRIBE" else (zmq.PULL, zmq.PUSH)


@wire_only
@pytest.mark.parametrize("name", sorted(SUPPORTED - NEEDS_MORE))
def test_the_engine_keeps_the_verdict_of_the_table(name: str) -> None:
    device = ThreadDevice(zmq.QUEUE, *types_of(name))
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    kind: Any = zmq.SocketOption[name]._opt_type.name
    with device:
        value = VALUES.get(name, b"x" if kind == "bytes" else 1 if name in BOOLEAN else 7)
        device.setsockopt_in(zmq.SocketOption[name], value)
        if OPTIONS[name].wire.live:
            assert device.update() != []
        else:
            assert f"cannot be changed while it runs: in: {name.lower()}" in refusal(device, errno.ENOTSUP)
