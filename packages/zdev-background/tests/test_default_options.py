"""The options that zdev sets by itself: they bound what a peer can do, and count a peer as a receiver only while it is connected."""

from __future__ import annotations

import socket as sockets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq
from helpers import libzmq_only

from zdev_background import (
    DEFAULT_OPTIONS_BY_TYPE,
    DEFAULT_SOCKET_OPTIONS,
    Role,
    SocketSpec,
    ThreadDevice,
    ThreadProxy,
)

ANY_PORT = "tcp://127.0.0.1:*"
Eventually = Callable[[Callable[[], Any]], None]


@pytest.fixture
def context() -> Iterator[zmq.Context[Any]]:
    with zmq.Context() as context:
        yield context


@pytest.fixture
def absent() -> Iterator[str]:
    """An endpoint at which nobody listens, and which nobody else gets."""
    with sockets.socket() as kept:
        kept.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)  # so that a test can bind it, too
        kept.bind(("127.0.0.1", 0))
        yield f"tcp://127.0.0.1:{kept.getsockname()[1]}"


def streamer(*receivers: str) -> ThreadDevice:
    device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(ANY_PORT)
    for receiver in receivers:
        device.connect_out(receiver)
    return device


def test_the_defaults_of_each_type_are_pinned() -> None:
    by_type = {zmq.SocketType(kind).name: dict(options) for kind, options in DEFAULT_OPTIONS_BY_TYPE.items()}
    assert by_type == {
        "ROUTER": {zmq.ROUTER_MANDATORY: 1},
        "PUB": {zmq.MAXMSGSIZE: 65_536},
        "XPUB": {zmq.MAXMSGSIZE: 65_536},
        "SUB": {zmq.LINGER: 0},
        "XSUB": {zmq.LINGER: 0, zmq.SNDHWM: 0},
    }


@pytest.mark.parametrize("kind", [zmq.PUB, zmq.XPUB, zmq.SUB, zmq.XSUB], ids=lambda kind: kind.name)
def test_a_socket_has_the_defaults_of_its_type_unless_the_user_or_the_context_sets_others(
    context: zmq.Context[Any], kind: zmq.SocketType
) -> None:
    own = {option: value for option, value in DEFAULT_OPTIONS_BY_TYPE[kind].items() if option != zmq.ROUTER_MANDATORY}
    with SocketSpec("in", kind).open(context).socket as made:
        assert {option: made.get(option) for option in own} == own
        rest = DEFAULT_SOCKET_OPTIONS.keys() - own.keys()
        assert all(made.get(option) == DEFAULT_SOCKET_OPTIONS[option] for option in rest)
    with SocketSpec("in", kind, [(option, 777) for option in own]).open(context).socket as made:
        assert {made.get(option) for option in own} == {777}
    for option in own:
        context.setsockopt(option, 777)
    with SocketSpec("in", kind).open(context).socket as made:
        assert {made.get(option) for option in own} == {777}


@pytest.mark.parametrize("role", ["out", "mon"])
@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.PUSH, zmq.REQ], ids=lambda kind: kind.name)
def test_immediate_is_set_on_sockets_that_connect_to_receivers(
    context: zmq.Context[Any], absent: str, role: Role, kind: int
) -> None:
    def immediate(spec: SocketSpec) -> Any:
        with spec.open(context).socket as made:
            made.linger = 0
            return made.get(zmq.IMMEDIATE)

    assert immediate(SocketSpec(role, kind, connects=[absent])) == 1
    assert immediate(SocketSpec(role, kind, [(zmq.IMMEDIATE, 0)], connects=[absent])) == 0
    assert immediate(SocketSpec(role, kind, binds=[ANY_PORT])) == 0
    assert immediate(SocketSpec("in", kind, connects=[absent])) == (kind == zmq.PUSH)  # which has no other peers
    assert immediate(SocketSpec(role, zmq.PAIR, connects=[absent])) == 0


def test_nothing_is_sent_to_a_receiver_that_is_not_connected(connect: Callable[..., Any], absent: str) -> None:
    with zmq.Context() as context, context.socket(zmq.PULL) as present:
        present.rcvtimeo = 10_000
        present.bind(ANY_PORT)
        with streamer(absent, present.last_endpoint.decode()) as device:
            source = connect(zmq.PUSH, *device.endpoints["in"])
            for number in range(200):
                source.send(b"%d" % number)
            assert [present.recv() for _ in range(200)] == [b"%d" % number for number in range(200)]
    assert device.lost == 0


def test_messages_wait_at_their_sender_until_a_receiver_is_connected(connect: Callable[..., Any], absent: str) -> None:
    device = streamer(absent)
    with device, zmq.Context() as context, context.socket(zmq.PULL) as late:
        late.rcvtimeo = 10_000
        source = connect(zmq.PUSH, *device.endpoints["in"])
        for number in range(200):
            source.send(b"%d" % number)
        assert device.statistics().in_.messages_sent == 0
        late.bind(absent)
        assert [late.recv() for _ in range(200)] == [b"%d" % number for number in range(200)]
    assert device.lost == 0


def test_a_reversed_device_sends_nothing_to_a_receiver_that_is_not_connected(connect: Callable[..., Any], absent: str) -> None:
    device = ThreadDevice(zmq.STREAMER, zmq.PUSH, zmq.PULL)
    device.connect_in(absent)
    device.bind_out(ANY_PORT)
    with device, zmq.Context() as context, context.socket(zmq.PULL) as late:
        late.rcvtimeo = 10_000
        source = connect(zmq.PUSH, *device.endpoints["out"])
        for number in range(200):
            source.send(b"%d" % number)
        assert device.statistics().out.messages_sent == 0
        late.bind(absent)
        assert [late.recv() for _ in range(200)] == [b"%d" % number for number in range(200)]
    assert device.lost == 0


@libzmq_only
def test_with_immediate_0_a_receiver_that_is_away_gets_its_messages_later(
    connect: Callable[..., Any], eventually: Eventually, absent: str
) -> None:
    device = streamer(absent)
    device.setsockopt_out(zmq.IMMEDIATE, 0)
    with device, zmq.Context() as context, context.socket(zmq.PULL) as late:
        late.rcvtimeo = 10_000
        source = connect(zmq.PUSH, *device.endpoints["in"])
        for number in range(200):
            source.send(b"%d" % number)
        eventually(lambda: device.statistics().in_.messages_sent == 200)
        late.bind(absent)
        assert [late.recv() for _ in range(200)] == [b"%d" % number for number in range(200)]


def test_a_monitor_that_connects_holds_the_data_until_its_reader_is_there(connect: Callable[..., Any], absent: str) -> None:
    device = ThreadProxy(zmq.PULL, zmq.PUSH, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    device.connect_mon(absent)
    with device, zmq.Context() as context, context.socket(zmq.PULL) as late:
        late.rcvtimeo = 10_000
        source, sink = connect(zmq.PUSH, *device.endpoints["in"]), connect(zmq.PULL, *device.endpoints["out"])
        for message in (b"1", b"2"):
            source.send(message)
        sent = []
        if device.engine == "libzmq":  # whose copy is pending; wire forwards none before
            sent.append(sink.recv())
        assert not sink.poll(100)
        late.bind(absent)
        sent += [sink.recv() for _ in range(2 - len(sent))]
        assert sent == [b"1", b"2"]
        assert [late.recv(), late.recv()] == [b"1", b"2"]


@pytest.mark.parametrize(("in_type", "out_type"), [(zmq.XSUB, zmq.XPUB), (zmq.SUB, zmq.PUB)])
def test_a_subscriber_whose_publisher_is_away_stops_at_once(
    connect: Callable[..., Any], absent: str, in_type: int, out_type: int
) -> None:
    device = ThreadDevice(zmq.FORWARDER, in_type, out_type)
    if in_type == zmq.SUB:
        device.setsockopt_in(zmq.SUBSCRIBE, b"topic")
    device.connect_in(absent)
    device.bind_out(ANY_PORT)
    device.context_factory = zmq.Context  # which waits for LINGER when it is terminated
    with device:
        connect(zmq.SUB, *device.endpoints["out"])
        begin = time.monotonic()
    assert time.monotonic() - begin < 0.9  # with a LINGER of 1000 ms it takes 1.0 s
