"""Peers of other implementations of ZMTP exchange messages through a device of each engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from helpers import Eventually, wire_only

from zdev_background import ThreadDevice

from .flows import ENGINES, MESSAGES, RECEIVER, assert_flow, each_sender, ends, free_endpoint, on_linux, start_device
from .implementations import IMPLEMENTATIONS, Implementation
from .program import Peer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

MakePeer = Callable[..., Peer]
MakeDevice = Callable[..., ThreadDevice]


@pytest.fixture
def peer(implementation: Implementation, command: list[str], engine: str) -> Iterator[MakePeer]:
    """Starts peers: `peer("REQ", endpoint)`."""
    if engine == "wire" and implementation.zmtp == "2.0":
        pytest.skip("the wire engine refuses ZMTP 2.0")
    with ExitStack() as peers:
        yield lambda *words, **options: peers.enter_context(Peer(command, *words, **options))


@pytest.fixture(params=ENGINES)
def device(engine: str) -> Iterator[MakeDevice]:
    """Starts devices for peers that send with a type: `device("PUSH", endpoint_of_in, endpoint_of_out)`."""
    with ExitStack() as devices:
        yield partial(start_device, devices, engine)


def test_a_rep_receives_the_requests_of_a_req_and_its_replies_return(device: MakeDevice, peer: MakePeer) -> None:
    into, out = ends(device("DEALER"))
    client, worker = peer("REQ", into), peer("REP", out)
    for name, message in MESSAGES.items():
        client.send(*message)
        assert worker.receive() == message, name
        worker.send(b"", *message, b"done")
        assert client.receive() == [b"", *message, b"done"], name


def test_replies_go_to_the_dealer_with_the_routing_id_that_it_set(device: MakeDevice, peer: MakePeer) -> None:
    into, out = ends(device("DEALER"))
    clients = {name: peer("DEALER", into, name) for name in ("first", "second" * 20)}
    worker = peer("DEALER", out)
    for message in MESSAGES.values():
        for client in clients.values():
            client.send(b"", *message)
        requests = [worker.receive(), worker.receive()]
        assert sorted(requests, key=str) == sorted(([name.encode(), b"", *message] for name in clients), key=str)
        for routing_id, *_ in filter(None, reversed(requests)):
            worker.send(routing_id, b"", b"for " + routing_id)
        assert {name: client.receive() for name, client in clients.items()} == {
            name: [b"", b"for " + name.encode()] for name in clients
        }


def test_a_pull_receives_all_messages_of_a_push_in_order(device: MakeDevice, peer: MakePeer) -> None:
    into, out = ends(device("PUSH"))
    push, pull = peer("PUSH", into), peer("PULL", out)
    for message in MESSAGES.values():
        push.send(*message)
    assert [pull.receive() for _ in MESSAGES] == [*MESSAGES.values()]


def test_an_xpub_receives_subscriptions_and_a_sub_the_topics_to_which_it_is_subscribed(
    device: MakeDevice, peer: MakePeer
) -> None:
    into, out = ends(device("PUB"))
    xpub, sub = peer("XPUB", into), peer("SUB", out)
    sub.subscribe(b"a")
    assert xpub.receive() == [b"\1a"]
    for message in MESSAGES.values():
        xpub.send(b"other", *message)
        xpub.send(b"a1", *message)
        assert sub.receive() == [b"a1", *message]
    sub.unsubscribe(b"a")
    assert xpub.receive() == [b"\0a"]
    sub.subscribe(b"")
    assert xpub.receive() == [b"\1"]


def test_a_sub_receives_nothing_of_a_topic_from_which_it_unsubscribed(device: MakeDevice, peer: MakePeer) -> None:
    into, out = ends(device("PUB"))
    pub, sub = peer("PUB", into), peer("SUB", out)
    sub.subscribe(b"old")
    assert_flow(pub, sub, b"old")
    sub.unsubscribe(b"old")
    sub.subscribe(b"new")
    assert_flow(pub, sub, b"new")
    for topic in (b"old", b"new", b"old", b"new last"):
        pub.send(topic)
    received: list[list[bytes]] = []
    while received[-1:] != [[b"new last"]]:
        message = sub.receive()
        assert message
        received.append(message)
    assert [topic for topic, *_ in received if topic == b"old"] == []


@each_sender
def test_peers_reconnect_to_a_device_that_was_restarted(device: MakeDevice, peer: MakePeer, sender: str) -> None:
    first = device(sender)
    into, out = ends(first)
    one, other = peer(sender, into), peer(RECEIVER[sender], out)
    if sender == "PUB":
        other.subscribe(b"topic")
    assert_flow(one, other)
    first.stop()
    device(sender, into, out)
    assert_flow(one, other)


@each_sender
def test_a_device_connects_to_peers_that_bind_and_connects_again_when_they_restart(
    device: MakeDevice, peer: MakePeer, sender: str
) -> None:
    into, out = free_endpoint(), free_endpoint()
    device(sender, into, out, how="connect")
    for _ in range(2):
        one, other = peer(sender, into, how="bind"), peer(RECEIVER[sender], out, how="bind")
        if sender == "PUB":
            other.subscribe(b"topic")
        assert_flow(one, other)
        one.kill()
        other.kill()


@wire_only
@on_linux
@pytest.mark.parametrize("implementation", [each for each in IMPLEMENTATIONS if each.zmtp == "2.0"], indirect=True)
@pytest.mark.parametrize("device", ["wire"], indirect=True)
def test_a_peer_of_zmtp_2_never_gets_past_the_handshake_of_wire(
    device: MakeDevice, command: list[str], eventually: Eventually
) -> None:
    started = device("PUSH")
    with Peer(command, "PUSH", ends(started)[0]):
        eventually(lambda: started.connections()["in"].counters.accepted >= 3)  # it is closed, and connects again
        assert started.connections()["in"].counters.connections == 0
