"""A device counts the messages that it can't deliver, and one peer that takes nothing harms no other."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import zmq
from helpers import Eventually, both, libzmq_only, queue, streamer, wire_only

from zdev_background import Device, ProcessDevice, ThreadDevice

BLOCK = b"x" * 65536


def router_dealer() -> ThreadDevice:
    device = queue(ThreadDevice)
    device.setsockopt_in(zmq.SNDHWM, 1)
    return device


def kept_in_hand(device: Device) -> int:
    """Return how many messages a device that waits for a full receiver has received and not sent."""
    return 1 if device.engine == "libzmq" else 0  # wire leaves it in the network


def flood(device: ThreadDevice, connect: Any, eventually: Eventually, enough: Callable[[], bool]) -> Any:
    """Answer one request of a client that reads no reply, over and over until it is `enough`. Returns the worker."""
    stuck = connect(zmq.DEALER, *device.endpoints["in"], rcvhwm=1, rcvbuf=4096)
    worker = connect(zmq.DEALER, *device.endpoints["out"], sndhwm=1)
    stuck.send_multipart([b"", b"question"])
    client, *_ = worker.recv_multipart()

    def more() -> bool:
        if worker.poll(0, zmq.POLLOUT):
            worker.send_multipart([client, b"", BLOCK])
        return enough()

    eventually(more)
    return worker


def test_a_reply_to_a_client_that_is_gone_is_counted(connect: Callable[..., Any], eventually: Eventually) -> None:
    with router_dealer() as device:
        worker = connect(zmq.DEALER, *device.endpoints["out"])
        worker.send_multipart([b"nobody", b"", b"answer"])
        eventually(lambda: device.statistics().out.unroutable == 1)


@libzmq_only
def test_router_mandatory_can_be_turned_off(connect: Callable[..., Any], eventually: Eventually) -> None:
    device = router_dealer()
    device.setsockopt_in(zmq.ROUTER_MANDATORY, 0)
    with device:
        worker = connect(zmq.DEALER, *device.endpoints["out"])
        worker.send_multipart([b"nobody", b"", b"answer"])
        eventually(lambda: device.statistics().out.messages_sent == 1)  # so libzmq says


def test_a_client_that_reads_nothing_does_not_hold_up_the_others(connect: Callable[..., Any], eventually: Eventually) -> None:
    with router_dealer() as device:
        worker = flood(device, connect, eventually, lambda: device.statistics().out.overflowed > 3)
        client = connect(zmq.REQ, *device.endpoints["in"])
        client.send(b"question")
        *envelope, question = worker.recv_multipart()
        assert question == b"question"
        worker.send_multipart([*envelope, b"answer"])
        assert client.recv() == b"answer"


@pytest.mark.parametrize("how", ["policy", "option"])
def test_replies_to_a_full_client_wait_if_the_user_says_so(how: str, connect: Any, eventually: Eventually) -> None:
    device = router_dealer()
    if how == "policy":
        device.on_full = "block"
    else:
        device.setsockopt_in(zmq.ROUTER_MANDATORY, 1)
    with device:

        def in_hand() -> bool:
            out = device.statistics().out
            is_full = out.messages_sent > 2 and out.messages_received == out.messages_sent + kept_in_hand(device)
            return is_full and not waited.wait(0.1) and device.statistics().out.messages_sent == out.messages_sent

        waited = threading.Event()
        flood(device, connect, eventually, in_hand)
        assert device.statistics().out.overflowed == 0


def send_a_hundred(device: Device, connect: Any, eventually: Eventually) -> None:
    """Send 100 messages of 10 kB through a device that has just started, and wait until it has sent them on."""
    sender = connect(zmq.PUSH, *device.endpoints["in"])
    for _ in range(100):
        sender.send(bytes(10_000))
    eventually(lambda: device.statistics().in_.messages_sent == 100)


@both
def test_a_message_in_hand_at_the_end_is_counted_and_logged(
    kind: type[ThreadDevice], connect: Callable[..., Any], eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    device = streamer(kind)
    device.setsockopt_out(zmq.SNDHWM, 1)
    device.setsockopt_out(zmq.LINGER, 0)
    device.setsockopt_in(zmq.RCVHWM, 1)
    device.setsockopt_in(zmq.RCVBUF, 4096)
    device.start()
    source = connect(zmq.PUSH, *device.endpoints["in"], sndhwm=1, sndbuf=4096)
    connect(zmq.PULL, *device.endpoints["out"], rcvhwm=1, rcvbuf=4096)  # reads nothing

    def in_hand() -> bool:
        if source.poll(100, zmq.POLLOUT):
            source.send(BLOCK)
            return False
        flow = device.statistics().in_  # all is full now, up to the source
        return flow.messages_received == flow.messages_sent + kept_in_hand(device)

    eventually(in_hand)
    with caplog.at_level(logging.WARNING, "zdev"):
        device.stop()
    # libzmq: that one, and the next if it had come into the inbound queue. Wire knows what waited for the receiver, too.
    assert device.lost in (1, 2) if device.engine == "libzmq" else device.lost > 1
    record = caplog.records[0]
    assert record.name == "zdev"
    assert f"lost {device.lost} message" in record.getMessage()


@libzmq_only
@pytest.mark.parametrize(("kind", "factory"), [(ThreadDevice, zmq.Context), (ProcessDevice, None), (ThreadDevice, None)])
def test_a_stop_says_when_libzmq_dropped_what_waited_for_a_slow_receiver(
    kind: type[Device], factory: Any, connect: Any, eventually: Any, caplog: pytest.LogCaptureFixture
) -> None:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    if factory:
        device.context_factory = factory
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    device.setsockopt_out(zmq.LINGER, 100)
    device.setsockopt_out(zmq.SNDBUF, 4096)
    for reads in (True, False):
        device.start()
        receiver = connect(zmq.PULL, *device.endpoints["out"], rcvhwm=1, rcvbuf=4096)
        send_a_hundred(device, connect, eventually)
        for _ in range(100 if reads else 0):
            receiver.recv()
        with caplog.at_level(logging.WARNING, "zdev"):
            device.stop()
        assert device.lost == 0
        assert device.linger_expired is not reads
        assert ("LINGER ended while messages waited" in caplog.text) == (not reads)


def test_a_stop_with_a_timeout_limits_a_linger_of_minus_1(connect: Any, eventually: Any) -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as stuck:  # reads nothing
        stuck.rcvhwm = 1
        stuck.rcvbuf = 4096
        stuck.bind("tcp://127.0.0.1:*")
        device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
        device.context_factory = zmq.Context
        device.bind_in("tcp://127.0.0.1:*")
        device.connect_out(stuck.last_endpoint.decode())
        device.setsockopt_out(zmq.LINGER, -1)
        device.setsockopt_out(zmq.SNDBUF, 4096)
        device.start()
        send_a_hundred(device, connect, eventually)
        device.stop(timeout=2)
        assert not device.is_alive()
        assert device.linger_expired or device.lost


@wire_only
def test_messages_that_wait_for_a_receiver_that_leaves_go_to_the_others_once(connect: Any, eventually: Eventually) -> None:
    with streamer(ThreadDevice) as device:
        stuck = connect(zmq.PULL, *device.endpoints["out"], rcvhwm=1, rcvbuf=4096)  # reads nothing
        reader = connect(zmq.PULL, *device.endpoints["out"], rcvtimeo=500)
        eventually(lambda: device.connections()["out"].counters.connections == 2)
        source = connect(zmq.PUSH, *device.endpoints["in"])
        for number in range(1500):
            source.send(number.to_bytes(4, "big") + bytes(10_000))
        eventually(lambda: device.statistics().in_.messages_sent == 1500)
        numbers = [int.from_bytes(reader.recv()[:4], "big") for _ in range(300)]
        stuck.close(linger=0)
        with pytest.raises(zmq.Again):
            while True:
                numbers.append(int.from_bytes(reader.recv()[:4], "big"))
    given_back = sum(later < earlier for earlier, later in itertools.pairwise(numbers))
    assert given_back == 1  # one series, which is in order, after the reader's own
    assert len(set(numbers)) == len(numbers) > 750


@wire_only
@both
def test_wire_counts_exactly_what_a_slow_receiver_did_not_get(kind: type[Device], connect: Any, eventually: Any) -> None:
    device = streamer(kind)
    device.setsockopt_out(zmq.LINGER, 100)
    device.setsockopt_out(zmq.SNDBUF, 4096)
    device.start()
    receiver = connect(zmq.PULL, *device.endpoints["out"], rcvhwm=1, rcvbuf=4096)
    send_a_hundred(device, connect, eventually)
    device.stop()
    got = 0
    while receiver.poll(500):
        receiver.recv()
        got += 1
    assert 0 < got < 100
    assert device.lost == 100 - got
    assert device.linger_expired is False


@wire_only
def test_wire_counts_what_cannot_be_routed_whatever_router_mandatory_says(connect: Any, eventually: Eventually) -> None:
    device = router_dealer()
    device.setsockopt_in(zmq.ROUTER_MANDATORY, 0)
    with device:
        worker = connect(zmq.DEALER, *device.endpoints["out"])
        worker.send_multipart([b"nobody", b"", b"answer"])
        eventually(lambda: device.statistics().out.unroutable == 1)


@pytest.mark.parametrize("end", ["stop", "drain"])
def test_what_waits_in_libzmq_for_a_slow_client_has_linger_to_arrive(end: str, connect: Any, eventually: Any) -> None:
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    device.setsockopt_in(zmq.SNDBUF, 4096)
    device.setsockopt_in(zmq.LINGER, 10_000)
    device.start()
    client = connect(zmq.DEALER, *device.endpoints["in"], rcvhwm=1, rcvbuf=4096)
    worker = connect(zmq.DEALER, *device.endpoints["out"])
    for _ in range(100):
        client.send_multipart([b"", b"question"])
        envelope = worker.recv_multipart()[:-1]
        worker.send_multipart([*envelope, bytes(10_000)])
    eventually(lambda: device.statistics().out.messages_sent == 100)
    ending = threading.Thread(target=getattr(device, end))
    ending.start()
    for _ in range(100):
        assert len(client.recv_multipart()) == 2
    ending.join(20)
    assert not device.is_alive()
    assert device.linger_expired is False
