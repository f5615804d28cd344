"""Which engine a device takes, and what differs between the engines, as the guide and the relay contract say."""

from __future__ import annotations

import resource
import socket as sockets
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, Connect, Eventually, both, bound, pid_of, queue, streamer, wire_only
from hostile.zmtp import MORE, command, frame, is_closed, say_after_handshake

from zdev_background import Device, ProcessDevice, RoleStatistics, ThreadDevice, ThreadProxySteerable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")


OBSTACLES: dict[str, Callable[[Device, Path], object]] = {
    "inproc://here": lambda device, _: device.bind_in("inproc://here"),
    "context_factory": lambda device, _: setattr(device, "context_factory", lambda: zmq.Context.instance()),
    "io_threads": lambda device, _: setattr(device, "io_threads", 2),
    "TCP_MAXRT": lambda device, _: device.setsockopt_out(zmq.TCP_MAXRT, 2000),
}


@pytest.mark.engine("auto")
@both
def test_auto_takes_wire_for_tcp_and_ipc(kind: type[Device], tmp_path: Path) -> None:
    device = kind(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.bind_in(ANY_PORT)
    device.bind_out(f"ipc://{tmp_path}/out")
    assert device.engine == "auto"
    with device:
        assert device.engine == "wire"
        assert device.engine.reason
    assert device.engine == "wire"  # of the last run
    device.engine = "libzmq"
    assert device.engine == "libzmq"
    assert not device.engine.reason


@pytest.mark.engine("auto")
@pytest.mark.parametrize("named", OBSTACLES)
def test_auto_takes_libzmq_for_all_that_wire_does_not_support_and_says_why(named: str, tmp_path: Path) -> None:
    device = streamer(ThreadDevice)
    OBSTACLES[named](device, tmp_path)
    with device:
        assert device.engine == "libzmq"
        assert named in device.engine.reason


@pytest.mark.engine("auto")
@pytest.mark.parametrize(
    "device",
    [
        bound(ThreadDevice(zmq.QUEUE, zmq.PAIR, zmq.PAIR)),
        bound(ThreadDevice(zmq.QUEUE, zmq.REP, zmq.REQ)),
        bound(ThreadProxySteerable(zmq.PULL, zmq.PUSH, zmq.PUB, zmq.PAIR)),
    ],
    ids=["PAIR", "REQ and REP", "ctrl"],
)
def test_auto_takes_libzmq_for_types_that_wire_does_not_have(device: Device) -> None:
    with device:
        assert device.engine == "libzmq"


@pytest.mark.engine("wire")
def test_wire_for_a_device_that_it_does_not_support_is_refused_with_the_reason() -> None:
    device = streamer(ThreadDevice)
    device.bind_in("inproc://here")
    with pytest.raises(
        zmq.ZMQError, match=r"cannot run this device: in \(PULL\) uses inproc://here.*\(set engine to"
    ) as raised:
        device.start()
    assert raised.value.errno == zmq.ENOTSUP


@wire_only
def test_a_terminated_context_does_not_end_a_device_on_wire(connect: Connect) -> None:
    device = streamer(ThreadDevice)
    with device:
        zmq.Context.instance().term()
        sink = connect(zmq.PULL, *device.endpoints["out"])
        connect(zmq.PUSH, *device.endpoints["in"]).send(b"still there?")
        assert sink.recv() == b"still there?"


@wire_only
def test_wire_applies_the_options_of_the_shared_context(connect: Connect, eventually: Eventually) -> None:
    context: zmq.Context[Any] = zmq.Context.instance()
    context.maxmsgsize = 100
    try:
        with streamer(ThreadDevice) as device:
            connect(zmq.PUSH, *device.endpoints["in"]).send(bytes(101))
            eventually(lambda: device.connections()["in"].counters.limits_exceeded > 0)
    finally:
        context.sockopts.clear()


@wire_only
def test_wire_receives_no_message_before_it_can_send_it(connect: Connect, eventually: Eventually) -> None:
    with streamer(ThreadDevice) as device:
        source = connect(zmq.PUSH, *device.endpoints["in"])
        for number in range(100):
            source.send(b"%d" % number)
        eventually(lambda: device.connections()["in"].counters.connections == 1)
        loops = device.statistics().loop_iterations
        eventually(lambda: device.statistics().loop_iterations > loops + 1)
        now = device.statistics().in_
        assert now.messages_received == now.pending == 0
        sink = connect(zmq.PULL, *device.endpoints["out"])
        assert [sink.recv() for _ in range(100)] == [b"%d" % number for number in range(100)]


@wire_only
@both
def test_connections_show_why_a_connect_fails(kind: type[Device], taken: Any, eventually: Eventually) -> None:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.connect_out(taken.endpoint)
    taken.release()
    with device:
        eventually(lambda: device.connections()["out"].connects[0].failure == "connection refused")
        (connect,) = device.connections()["out"].connects
        assert connect.endpoint == taken.endpoint
        assert not connect.connected
    assert device.connections()["out"].counters.connect_failures > 0


@pytest.mark.engine("libzmq")
def test_connections_are_empty_with_libzmq() -> None:
    with streamer(ThreadDevice) as device:
        assert device.connections() == {}


@wire_only
def test_what_waited_for_a_client_that_left_counts_as_lost(connect: Connect, eventually: Eventually) -> None:
    device = queue(ThreadDevice)
    device.setsockopt_in(zmq.SNDBUF, 4096)
    with device:
        client = connect(zmq.DEALER, *device.endpoints["in"], routing_id=b"anna", rcvhwm=1, rcvbuf=4096)
        worker = connect(zmq.DEALER, *device.endpoints["out"])
        client.send(b"question")
        worker.recv_multipart()
        for _ in range(200):
            worker.send_multipart([b"anna", bytes(10_000)])
        eventually(lambda: device.statistics().out.messages_sent == 200)
        client.close()
        eventually(lambda: device.connections()["in"].counters.messages_lost > 0)
    assert device.lost == device.connections()["in"].lost


@wire_only
def test_requests_of_clients_that_left_wait_for_a_worker_without_a_descriptor(connect: Connect, eventually: Eventually) -> None:
    with queue(ThreadDevice) as device:
        for _ in range(20):
            client = connect(zmq.DEALER, *device.endpoints["in"])
            client.send(b"question")
            client.close(linger=1000)

        def counters() -> RoleStatistics:
            return device.connections()["in"].counters

        eventually(lambda: counters().accepted == 20)
        eventually(lambda: counters().connections == 0)
        assert device.statistics().in_.messages_received == 0
        worker = connect(zmq.DEALER, *device.endpoints["out"])
        for _ in range(20):
            assert worker.recv_multipart()[1:] == [b"question"]


@wire_only
def test_a_message_has_at_most_100000_frames_on_wire(connect: Connect, eventually: Eventually) -> None:
    with streamer(ThreadDevice) as device:
        source, sink = connect(zmq.PUSH, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["out"])
        source.send_multipart([b""] * 100_000)
        assert len(sink.recv_multipart()) == 100_000
        source.send_multipart([b""] * 100_001)
        eventually(lambda: device.connections()["in"].counters.limits_exceeded == 1)
        assert device.statistics().in_.messages_received == 1


@wire_only
def test_wire_limits_whole_messages_to_1_gib_unless_maxmsgsize_is_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    from zdev_background import _wire_relay

    assert _wire_relay.LARGEST_MESSAGE == 2**30
    monkeypatch.setattr(_wire_relay, "LARGEST_MESSAGE", 2000)
    device = streamer(ThreadDevice)
    for largest_frame, has_limit in ((1000, True), (4000, False), (-1, False)):
        device.setsockopt_in(zmq.MAXMSGSIZE, largest_frame)
        with device, say_after_handshake(device.endpoints["in"][0], frame(bytes(900), MORE) * 3, socket_type=b"PUSH") as sender:
            assert is_closed(sender, timeout=10 if has_limit else 0.1) == has_limit


@wire_only
def test_a_subscription_command_within_a_message_leaves_it_whole_on_wire(connect: Connect) -> None:
    with streamer(ThreadDevice) as device:
        sink = connect(zmq.PULL, *device.endpoints["out"])
        bytes_sent = frame(b"first", MORE) + command(b"SUBSCRIBE", b"topic") + frame(b"last")
        with say_after_handshake(device.endpoints["in"][0], bytes_sent, socket_type=b"PUSH"):
            assert sink.recv_multipart() == [b"first", b"last"]
            assert device.statistics().in_.malformed == 0


@wire_only
def test_where_no_descriptor_is_left_an_ipc_listener_waits_on_wire(
    tmp_path: Path, connect: Connect, eventually: Eventually
) -> None:
    device = ProcessDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(f"ipc://{tmp_path}/in")
    device.bind_out(ANY_PORT)
    with device, ExitStack() as stack:
        source, sink = connect(zmq.PUSH, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["out"])
        source.send(b"before")
        assert sink.recv() == b"before"
        pid = pid_of(device)
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        limit = max(int(each.name) for each in Path(f"/proc/{pid}/fd").iterdir()) + 1
        strangers = limit - len(list(Path(f"/proc/{pid}/fd").iterdir())) + 10  # the first ones take the free numbers below it
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))
        for _ in range(strangers):
            stranger = stack.enter_context(sockets.socket(sockets.AF_UNIX))
            stranger.connect(f"{tmp_path}/in")
        eventually(lambda: device.connections()["in"].counters.accept_pauses > 0)
        source.send(b"during")
        assert sink.recv() == b"during"
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        eventually(lambda: device.connections()["in"].counters.accepted == strangers + 1)
