"""The device functions, which relay until the context is terminated."""

from __future__ import annotations

from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING, Any

import pytest
import zmq

import zdev_core
from zdev_core import monitored_queue, proxy, proxy_steerable, queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Net

TRANSPORTS = pytest.mark.parametrize("transport", ["inproc", "tcp"])

# The types of in and out and of their peers, for every pair that relays both ways.
TWO_WAYS = {
    "ROUTER to DEALER": (zmq.ROUTER, zmq.DEALER, zmq.REQ, zmq.REP),
    "DEALER to DEALER": (zmq.DEALER, zmq.DEALER, zmq.DEALER, zmq.DEALER),
    "PAIR to PAIR": (zmq.PAIR, zmq.PAIR, zmq.PAIR, zmq.PAIR),
    "REP to REQ": (zmq.REP, zmq.REQ, zmq.REQ, zmq.REP),
}


@TRANSPORTS
@pytest.mark.parametrize("kinds", TWO_WAYS.values(), ids=TWO_WAYS.keys())
def test_a_queue_relays_requests_and_replies(net: Net, kinds: tuple[int, ...], transport: str) -> None:
    in_kind, out_kind, client_kind, worker_kind = kinds
    (ins, front), (outs, back) = net.bound(in_kind, transport), net.bound(out_kind, transport)
    client, worker = net.connected(client_kind, front), net.connected(worker_kind, back)
    net.call(queue, ins, outs)

    for i in range(3):
        request, reply = [b"request", b"", b"%d" % i], [b"reply", b"%d" % i]
        client.send_multipart(request)
        assert worker.recv_multipart() == request
        worker.send_multipart(reply)
        assert client.recv_multipart() == reply


@TRANSPORTS
def test_a_queue_swaps_the_identities_between_routers(net: Net, transport: str) -> None:
    (ins, front), (outs, back) = net.bound(zmq.ROUTER, transport), net.bound(zmq.ROUTER, transport)
    client = net.connected(zmq.DEALER, front, routing_id=b"client")
    worker = net.connected(zmq.DEALER, back, routing_id=b"worker")
    for peer, router in (client, ins), (worker, outs):
        peer.send(b"hello")  # a ROUTER drops messages to a peer that it does not know yet
        assert router.recv_multipart() == [peer.routing_id, b"hello"]
    net.call(queue, ins, outs)

    client.send_multipart([b"worker", b"question"])
    assert worker.recv_multipart() == [b"client", b"question"]
    worker.send_multipart([b"client", b"answer"])
    assert client.recv_multipart() == [b"worker", b"answer"]


@TRANSPORTS
def test_a_queue_streams_from_pull_to_push(net: Net, transport: str) -> None:
    ins, outs, source, sink = net.streamer(transport)
    net.call(queue, ins, outs)

    messages = [[b"%d" % i, b"payload"] for i in range(500)]
    for each in messages:
        source.send_multipart(each)
    assert [sink.recv_multipart() for _ in messages] == messages


@TRANSPORTS
def test_a_queue_forwards_from_sub_to_pub(net: Net, transport: str, eventually: Callable[..., None]) -> None:
    (ins, front), (outs, back) = net.bound(zmq.SUB, transport), net.bound(zmq.PUB, transport)
    ins.subscribe(b"")
    publisher, subscriber = net.connected(zmq.PUB, front), net.connected(zmq.SUB, back)
    subscriber.subscribe(b"news")
    net.call(queue, ins, outs)

    def published() -> int:
        publisher.send_multipart([b"weather", b"dropped by the subscription"])
        publisher.send_multipart([b"news", b"text"])
        return subscriber.poll(10)

    eventually(published)
    assert subscriber.recv_multipart() == [b"news", b"text"]


@TRANSPORTS
def test_subscriptions_travel_upstream_from_xpub_to_xsub(net: Net, transport: str) -> None:
    (ins, front), (outs, back) = net.bound(zmq.XSUB, transport), net.bound(zmq.XPUB, transport)
    publisher, subscriber = net.connected(zmq.XPUB, front), net.connected(zmq.SUB, back)
    net.call(queue, ins, outs)

    subscriber.subscribe(b"news")
    assert publisher.recv() == b"\x01news"
    publisher.send_multipart([b"weather", b"nobody asked"])
    publisher.send_multipart([b"news", b"text"])
    assert subscriber.recv_multipart() == [b"news", b"text"]


def test_one_socket_as_both_ends_answers_itself(net: Net) -> None:
    echo, endpoint = net.bound(zmq.REP)
    client = net.connected(zmq.REQ, endpoint)
    net.call(queue, echo, echo)

    client.send_multipart([b"again", b"and again"])
    assert client.recv_multipart() == [b"again", b"and again"]


@TRANSPORTS
def test_the_call_in_the_pyzmq_documentation_works(net: Net, transport: str) -> None:
    (ins, front), (outs, back) = net.bound(zmq.ROUTER, transport), net.bound(zmq.DEALER, transport)
    mons, side = net.bound(zmq.PAIR, transport)
    client, worker = net.connected(zmq.REQ, front, routing_id=b"me"), net.connected(zmq.REP, back)
    watcher = net.connected(zmq.PAIR, side)
    net.call(monitored_queue, ins, outs, mons, in_prefix='in', out_prefix='out')  # fmt: skip

    client.send(b"request")
    assert worker.recv() == b"request"
    worker.send(b"reply")
    assert client.recv() == b"reply"
    assert watcher.recv_multipart() == [b"in", b"me", b"", b"request"]
    assert watcher.recv_multipart() == [b"out", b"me", b"", b"reply"]


@pytest.mark.parametrize(
    ("prefixes", "first"),
    [((), b"in"), ((b"up", b"down"), b"up"), (("hinüber", "zurück"), "hinüber".encode()), ((b"", b""), b"")],
    ids=["the default", "bytes", "str as UTF-8", "empty"],
)
def test_a_monitor_message_starts_with_the_prefix(net: Net, prefixes: tuple[Any, ...], first: bytes) -> None:
    (ins, front), (outs, back), (mons, side) = net.bound(zmq.PULL), net.bound(zmq.PUSH), net.bound(zmq.PUSH)
    source, sink, watcher = net.connected(zmq.PUSH, front), net.connected(zmq.PULL, back), net.connected(zmq.PULL, side)
    net.call(monitored_queue, ins, outs, mons, *prefixes)

    source.send_multipart([b"a", b"b"])
    assert sink.recv_multipart() == [b"a", b"b"]
    assert watcher.recv_multipart() == [first, b"a", b"b"]


def test_a_subscriber_can_choose_one_direction_of_a_pub_monitor(net: Net, eventually: Callable[..., None]) -> None:
    (ins, front), (outs, back), (mons, side) = net.bound(zmq.PAIR), net.bound(zmq.PAIR), net.bound(zmq.PUB)
    client, worker, watcher = net.connected(zmq.PAIR, front), net.connected(zmq.PAIR, back), net.connected(zmq.SUB, side)
    watcher.subscribe(b"out")
    net.call(monitored_queue, ins, outs, mons)

    def exchanged() -> int:
        client.send(b"request")
        worker.recv()
        worker.send(b"reply")
        client.recv()
        return watcher.poll(10)

    eventually(exchanged)
    assert watcher.recv_multipart() == [b"out", b"reply"]


@pytest.mark.parametrize("function", [proxy, proxy_steerable])
def test_a_proxy_captures_without_a_prefix(net: Net, function: Callable[..., Any]) -> None:
    (ins, front), (outs, back), (mons, side) = net.bound(zmq.PULL), net.bound(zmq.PUSH), net.bound(zmq.PUSH)
    source, sink, watcher = net.connected(zmq.PUSH, front), net.connected(zmq.PULL, back), net.connected(zmq.PULL, side)
    net.call(function, ins, outs, mons)

    source.send_multipart([b"a", b"b"])
    assert sink.recv_multipart() == [b"a", b"b"]
    assert watcher.recv_multipart() == [b"a", b"b"]


def test_a_proxy_works_without_a_capture_socket(net: Net) -> None:
    ins, outs, source, sink = net.streamer()
    net.call(proxy, ins, outs)

    source.send(b"message")
    assert sink.recv() == b"message"


def test_proxy_steerable_returns_upon_terminate(net: Net) -> None:
    (ins, _), (outs, _), (control, endpoint) = net.bound(zmq.PULL), net.bound(zmq.PUSH), net.bound(zmq.REP)
    operator = net.connected(zmq.REQ, endpoint)
    done = net.call(proxy_steerable, ins, outs, None, control)

    operator.send(b"TERMINATE")
    assert operator.recv() == b""
    assert done.result() is zdev_core.Outcome.STOPPED


@pytest.mark.parametrize(
    ("function", "sockets"),
    [(queue, 2), (monitored_queue, 3), (proxy, 2), (proxy_steerable, 2)],
    ids=["queue", "monitored_queue", "proxy", "proxy_steerable"],
)
def test_a_terminated_context_ends_each_function(net: Net, function: Callable[..., Any], sockets: int) -> None:
    kinds = [zmq.PULL, zmq.PUSH, zmq.PUB][:sockets]
    done = net.call(function, *(net.bound(kind)[0] for kind in kinds))
    net.terminate()
    with pytest.raises(zmq.ContextTerminated) as raised:
        done.result()
    assert raised.value.errno == zmq.ETERM


def test_calls_in_several_threads_may_drop_the_same_interrupted_devices(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both calls drop the entries of closed sockets at the same time."""
    stale = [(net.bound(zmq.PULL)[0], net.bound(zmq.PUSH)[0]) for _ in range(4)]
    entries = [
        (zdev_core._functions._with_weak_sockets((*pair, None, None, None, None)), zdev_core.Device(*pair)) for pair in stale
    ]
    arguments = (net.bound(zmq.PULL)[0], net.bound(zmq.PUSH)[0], None, None, None, None)
    for pair in stale:
        for socket in pair:
            socket.close()

    class Slow(list[Any]):
        def remove(self, entry: Any) -> None:
            with suppress(BrokenBarrierError):  # both at once, unless only one gets here
                both_here.wait(0.1)
            super().remove(entry)

    both_here = Barrier(2)
    interrupted = Slow(entries)
    monkeypatch.setattr(zdev_core._functions, "_interrupted", interrupted)
    calls = [net.call(zdev_core._functions._device_for, arguments) for _ in range(2)]
    assert [type(call.result()) for call in calls] == [zdev_core.Device] * 2
    assert interrupted == []
