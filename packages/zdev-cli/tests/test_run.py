"""`zdev run` relays, prints its endpoints and statistics, and ends at a signal."""

from __future__ import annotations

import signal
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import zmq
from exchange import ANY, exchange

if TYPE_CHECKING:
    from conftest import Program

Start = Callable[..., "Program"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Bound = Callable[..., tuple["zmq.Socket[bytes]", str]]
has_ctrl = pytest.mark.engine("libzmq")  # the wire engine has no socket for commands


def test_one_line_per_endpoint_shows_role_type_verb_and_the_resolved_address(zdev: Start) -> None:
    program = zdev("run", "queue", "--bind-in", ANY, "--bind-in", ANY, "--connect-out", "tcp://127.0.0.1:1")
    lines = [program.out.next().split() for _ in range(3)]
    assert [line[:3] for line in lines] == [["in", "ROUTER", "bind"]] * 2 + [["out", "DEALER", "connect"]]
    ports = [line[3].removeprefix("tcp://127.0.0.1:") for line in lines]
    assert ports[0] != ports[1]
    assert ports[0].isdigit()
    assert ports[2] == "1"


def test_a_monitored_queue_relays_and_copies_each_message_after_its_prefix(zdev: Start, connected: Connected) -> None:
    at = zdev("run", "monitored-queue", "--bind-in", ANY, "--bind-out", ANY, "--bind-mon", ANY, "--mon-type", "PUSH").endpoints(
        3
    )
    client = connected(zmq.REQ, at["in"], routing_id=b"anna")
    worker, watcher = connected(zmq.REP, at["out"]), connected(zmq.PULL, at["mon"])
    exchange(client, worker, b"hello")
    assert watcher.recv_multipart() == [b"in", b"anna", b"", b"hello"]
    assert watcher.recv_multipart() == [b"out", b"anna", b"", b"HELLO"]


def test_the_prefixes_may_be_others(zdev: Start, connected: Connected) -> None:
    prefixes = ("--in-prefix", "ask", "--out-prefix", "")
    sockets = ("--bind-in", ANY, "--bind-out", ANY, "--bind-mon", ANY, "--mon-type", "push")
    at = zdev("run", "monitored-queue", *sockets, *prefixes).endpoints(3)
    client, worker = connected(zmq.REQ, at["in"]), connected(zmq.REP, at["out"])
    watcher = connected(zmq.PULL, at["mon"])
    exchange(client, worker, b"hello")
    assert [watcher.recv_multipart()[0], watcher.recv_multipart()[0]] == [b"ask", b""]


def test_a_dropped_prefix_starts_the_copies_of_undelivered_messages(zdev: Start, connected: Connected) -> None:
    types = ("--in-type", "DEALER", "--out-type", "ROUTER", "--mon-type", "PUSH")
    sockets = ("--bind-in", ANY, "--bind-out", ANY, "--bind-mon", ANY)
    at = zdev("run", "monitored-queue", *sockets, *types, "--dropped-prefix", "dropped").endpoints(3)
    client, watcher = connected(zmq.DEALER, at["in"]), connected(zmq.PULL, at["mon"])
    client.send_multipart([b"gone", b"request"])
    assert watcher.recv_multipart() == [b"dropped", b"gone", b"request"]


def test_a_queue_may_connect_on_both_sides(zdev: Start, bound: Bound) -> None:
    (client, front), (worker, back) = bound(zmq.REQ), bound(zmq.REP)
    zdev("run", "queue", "--connect-in", front, "--connect-out", back)
    exchange(client, worker, b"hello")


def test_a_forwarder_takes_subscriptions_upstream(zdev: Start, connected: Connected) -> None:
    at = zdev("run", "forwarder", "--bind-in", ANY, "--bind-out", ANY).endpoints(2)
    publisher, subscriber = connected(zmq.XPUB, at["in"]), connected(zmq.SUB, at["out"])
    subscriber.subscribe(b"news")
    assert publisher.recv() == b"\1news"
    publisher.send(b"weather: not wanted")
    publisher.send(b"news: wanted")
    assert subscriber.recv() == b"news: wanted"


def test_a_sub_socket_subscribes_to_everything_by_default(zdev: Start, bound: Bound) -> None:
    publisher, at = bound(zmq.XPUB)
    zdev("run", "forwarder", "--in-type", "SUB", "--out-type", "PUB", "--connect-in", at, "--bind-out", ANY)
    assert publisher.recv() == b"\1"
    subscriptions = ("--setsockopt-in", "subscribe=news", "--setsockopt-in", "SUBSCRIBE=more")
    zdev("run", "forwarder", "--in-type", "SUB", "--out-type", "PUB", "--connect-in", at, "--bind-out", ANY, *subscriptions)
    assert {publisher.recv(), publisher.recv()} == {b"\1news", b"\1more"}


def test_a_streamer_keeps_the_order(zdev: Start, connected: Connected) -> None:
    at = zdev("run", "streamer", "--bind-in", ANY, "--bind-out", ANY).endpoints(2)
    source, sink = connected(zmq.PUSH, at["in"]), connected(zmq.PULL, at["out"])
    for i in range(500):
        source.send(b"%d" % i)
    assert [sink.recv() for _ in range(500)] == [b"%d" % i for i in range(500)]


def test_socket_options_are_set_whatever_the_case_of_their_names(zdev: Start, bound: Bound) -> None:
    backend, at = bound(zmq.ROUTER)
    options = ("--setsockopt-out", "Identity=zdev", "--setsockopt-out", "probe_router=1", "--setsockopt-out", "HWM=0x10")
    zdev("run", "queue", "--bind-in", ANY, "--connect-out", at, *options)
    assert backend.recv_multipart() == [b"zdev", b""]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_status_0_and_the_statistics(zdev: Start, connected: Connected, number: int) -> None:
    program = zdev("run", "monitored-queue", "--bind-in", ANY, "--bind-out", ANY, "--bind-mon", ANY, "--mon-type", "PUSH")
    at = program.endpoints(3)
    client, worker, watcher = connected(zmq.REQ, at["in"]), connected(zmq.REP, at["out"]), connected(zmq.PULL, at["mon"])
    for _ in range(3):
        exchange(client, worker, b"hello")
    assert [watcher.recv_multipart()[0] for _ in range(6)] == [b"in", b"out"] * 3
    statistics = program.statistics(number)
    assert statistics == {
        "in_received": 3,
        "in_bytes": 30,  # a routing id of 5 bytes before each
        "out_received": 3,
        "out_bytes": 30,
        "sent": 6,
        "malformed": 0,
        "unroutable": 0,
        "overflowed": 0,
        "monitor_sent": 6,
        "monitor_dropped": 0,
        "lost": 0,
    }
    assert program.err.rest() == []


def test_a_signal_ends_it_when_it_is_blocked_too(zdev: Start, connected: Connected) -> None:
    program = zdev("run", "streamer", "--bind-in", ANY, "--bind-out", ANY)
    at = program.endpoints(2)
    source, sink = connected(zmq.PUSH, at["in"]), connected(zmq.PULL, at["out"])
    source.send(b"x" * 4096)
    assert sink.recv() == b"x" * 4096
    while source.poll(500, zmq.POLLOUT):  # until all is full: the sink reads no more
        source.send(b"x" * 4096)
    assert program.statistics()["in_received"] > 1000


@has_ctrl
def test_the_control_socket_is_obeyed(zdev: Start, connected: Connected) -> None:
    program = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY, "--bind-ctrl", ANY)
    at = program.endpoints(3)
    client, worker = connected(zmq.REQ, at["in"]), connected(zmq.REP, at["out"])
    operator = connected(zmq.REQ, at["ctrl"])
    exchange(client, worker, b"hello")
    operator.send(b"STATISTICS")
    assert [struct.unpack("=Q", frame)[0] for frame in operator.recv_multipart()] == [3, 10, 3, 10, 3, 10, 3, 10]
    operator.send(b"Terminate")
    assert b"TERMINATE" in operator.recv()  # which is how it is written
    exchange(client, worker, b"hello")
    operator.send(b"TERMINATE")
    assert operator.recv() == b""
    assert program.status() == 0
    assert program.out.rest()[-1].startswith("statistics in_received=2 ")


@has_ctrl
def test_a_drain_ends_it(zdev: Start, connected: Connected) -> None:
    program = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY, "--bind-ctrl", ANY)
    at = program.endpoints(3)
    client, worker = connected(zmq.REQ, at["in"]), connected(zmq.REP, at["out"])
    operator = connected(zmq.REQ, at["ctrl"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    operator.send(b"DRAIN")
    assert operator.recv() == b""
    worker.send(b"the pending reply")
    assert client.recv() == b"the pending reply"
    assert program.status() == 0


@has_ctrl
def test_a_drain_that_takes_too_long_ends_it_with_status_75(zdev: Start, connected: Connected) -> None:
    program = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY, "--bind-ctrl", ANY)
    at = program.endpoints(3)
    client, worker = connected(zmq.REQ, at["in"]), connected(zmq.REP, at["out"])
    operator = connected(zmq.REQ, at["ctrl"])
    client.send(b"hello")
    assert worker.recv() == b"hello"
    operator.send(b"DRAIN 100")
    assert operator.recv() == b""
    assert program.status() == 75
    assert program.err.rest() == ["zdev: queue: drain timed out: 1 reply outstanding"]


def test_bad_messages_are_counted_and_no_other_is_affected(zdev: Start, connected: Connected) -> None:
    program = zdev("run", "queue", "--out-type", "ROUTER", "--bind-in", ANY, "--bind-out", ANY)
    at = program.endpoints(2)
    here: Any = connected(zmq.DEALER, at["in"], routing_id=b"here")
    there: Any = connected(zmq.DEALER, at["out"], routing_id=b"there")
    there.send_multipart([b"here", b"I am there"])
    while not here.poll(20):  # until both are known to the device
        there.send_multipart([b"here", b"I am there"])
    assert here.recv_multipart() == [b"there", b"I am there"]
    here.send(b"too short")
    here.send_multipart([b"nobody", b"unroutable"])
    here.send_multipart([b"there", b"good"])
    assert there.recv_multipart() == [b"here", b"good"]
    statistics = program.statistics()
    assert (statistics["malformed"], statistics["in_received"]) == (1, 3)
    assert statistics["unroutable"] >= 1


def test_a_full_client_is_waited_for_or_dropped_as_on_full_says(zdev: Start, connected: Connected) -> None:
    options = ("--on-full", "drop", "--setsockopt-in", "SNDHWM=2", "--setsockopt-in", "SNDBUF=4096")
    program = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY, *options)
    at = program.endpoints(2)
    lazy = connected(zmq.DEALER, at["in"], rcvhwm=1, rcvbuf=4096)
    worker = connected(zmq.DEALER, at["out"])
    lazy.send(b"flood me")
    envelope = worker.recv_multipart()[0]
    for _ in range(300):
        worker.send_multipart([envelope, b"x" * 65536])
    other = connected(zmq.DEALER, at["in"])
    other.send(b"and me?")
    worker.send_multipart(worker.recv_multipart())
    assert other.recv() == b"and me?"
    assert program.statistics()["overflowed"] > 0
