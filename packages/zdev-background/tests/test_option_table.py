"""Each option of zmq_setsockopt(3) has one verdict, and what would harm a device silently is refused with the reason."""

from __future__ import annotations

import errno
import logging
import socket as sockets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from zdev_background import CurveServer, ProcessDevice, SocketSpec, ThreadDevice, create_key
from zdev_background._option_table import OPTIONS, Option, option_refusal

ANY_PORT = "tcp://127.0.0.1:*"
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "options.md"
REFUSED = [name for name, row in OPTIONS.items() if row.libzmq.kind == "refused"]


def number(name: str) -> int:
    return int(zmq.SocketOption[name])


def streamer(kind: Any = ThreadDevice) -> Any:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.bind_out(ANY_PORT)
    return device


def refused(device: Any) -> str:
    with pytest.raises(zmq.ZMQError) as caught:
        device.start()
    assert caught.value.errno == errno.EINVAL
    assert not device.is_alive()
    return str(caught.value)


def test_every_option_of_pyzmq_has_a_verdict() -> None:
    assert {each.name for each in zmq.SocketOption} - OPTIONS.keys() == set()
    assert all(name == row.name for name, row in OPTIONS.items())
    assert all(row.libzmq.note for row in OPTIONS.values() if row.libzmq.kind in ("limited", "no effect", "refused"))


def wire_cell(row: Option) -> str:
    """Return what the page says about the wire engine: nothing about an option that cannot be set at all."""
    if row.libzmq.kind in ("refused", "read-only"):
        return ""
    return row.wire.kind + ", live" * row.wire.live + (f" ({row.wire.note})" if row.wire.note else "")


def test_the_page_has_the_table() -> None:
    lines = [f"| {name} | {row.libzmq.kind} | {row.libzmq.note} | {wire_cell(row)} |" for name, row in sorted(OPTIONS.items())]
    assert [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:] == lines


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_option_is_refused_with_its_reason_unless_it_is_left_off(name: str) -> None:
    kind: Any = zmq.SocketOption[name]._opt_type.name
    on, off = (b"x", b"") if kind == "bytes" else (1, 0)
    assert option_refusal(number(name), on) == OPTIONS[name].libzmq.note
    assert option_refusal(number(name), off) is None


@pytest.mark.parametrize("kind", [ThreadDevice, ProcessDevice])
def test_the_start_of_a_device_refuses_it_by_name(kind: Any) -> None:
    device = streamer(kind)
    device.setsockopt_in(zmq.CONFLATE, 1)
    text = "cannot set option CONFLATE of in (PULL) to 1: not supported: libzmq keeps one frame, which breaks messages"
    assert refused(device).startswith(f"{kind.__name__}: {text}")


def test_an_option_of_the_context_is_refused_too() -> None:
    device = streamer()
    with zmq.Context() as context:
        context.setsockopt(zmq.CONFLATE, 1)
        device.context_factory = lambda: context
        assert "cannot set option CONFLATE of in (PULL) to 1: not supported" in refused(device)


@pytest.mark.parametrize("option", ["TYPE", "EVENTS", "LAST_ENDPOINT", "FD"])
def test_an_option_that_can_only_be_read_is_refused(option: str) -> None:
    assert option_refusal(number(option), 1) == option_refusal(number(option), 0) == "can only be read"


BOUNDS = [
    (
        "TCP_KEEPALIVE_IDLE",
        (0, 32_768, 60_000, -2),
        (-1, 1, 32_767),
        "seconds, or -1 for the system's value .*not milliseconds",
    ),
    (
        "TCP_KEEPALIVE_INTVL",
        (0, 32_768, 60_000, -2),
        (-1, 1, 32_767),
        "seconds, or -1 for the system's value .*not milliseconds",
    ),
    ("TCP_KEEPALIVE_CNT", (0, 128, -2), (-1, 1, 127), "must be 1 to 127 probes"),
    ("MAXMSGSIZE", (0, 1, 63, -2), (-1, 64, 2**40), "must be at least 64 bytes, or -1 for no limit"),
    ("RECONNECT_IVL", (0,), (-1, 1), "must be 1 ms or more, or -1 to disable reconnecting"),
    ("TOS", (256, -1), (0, 255), "must be 0 to 255"),
]


@pytest.mark.parametrize(("name", "bad", "good", "said"), BOUNDS, ids=[each[0] for each in BOUNDS])
def test_a_limited_option_takes_what_the_system_takes(
    name: str, bad: tuple[int, ...], good: tuple[int, ...], said: str
) -> None:
    for value in bad:
        device = streamer()
        device.setsockopt_in(number(name), value)
        with pytest.raises(zmq.ZMQError, match=rf"cannot set option {name} of in \(PULL\) to {value}: .*{said}"):
            device.start()
    for value in good:
        device = streamer()
        device.setsockopt_in(number(name), value)
        with device:
            assert device.is_alive()


@pytest.mark.skipif(not hasattr(sockets, "TCP_KEEPIDLE"), reason="the system has no such option")
@pytest.mark.parametrize("name", ["IDLE", "INTVL", "CNT"])
def test_the_largest_keepalive_value_is_the_systems(name: str) -> None:
    highest = 127 if name == "CNT" else 32_767
    option = getattr(sockets, f"TCP_KEEP{name}")
    with sockets.socket() as probe:
        probe.setsockopt(sockets.IPPROTO_TCP, option, highest)
        with pytest.raises(OSError, match="Invalid argument"):
            probe.setsockopt(sockets.IPPROTO_TCP, option, highest + 1)


def test_messages_arrive_with_the_smallest_maxmsgsize(connect: Callable[..., Any]) -> None:
    device = streamer()
    device.setsockopt_in(zmq.MAXMSGSIZE, 64)
    with device:
        source = connect(zmq.PUSH, identity=b"x" * 255)
        source.connect(device.endpoints["in"][0])
        sink = connect(zmq.PULL, *device.endpoints["out"])
        source.send_multipart([b"header", b"body"])
        assert sink.recv_multipart() == [b"header", b"body"]


def test_an_unsubscribed_prefix_is_not_asked_for(connect: Callable[..., Any]) -> None:
    device = ThreadDevice(zmq.FORWARDER, zmq.SUB, zmq.PUB)
    publisher = connect(zmq.XPUB)
    port = publisher.bind_to_random_port("tcp://127.0.0.1")
    device.connect_in(f"tcp://127.0.0.1:{port}")
    device.bind_out("tcp://127.0.0.1:*")
    for option, prefix in ((zmq.SUBSCRIBE, b"a"), (zmq.SUBSCRIBE, b"b"), (zmq.UNSUBSCRIBE, b"a")):
        device.setsockopt_in(option, prefix)
    with device:
        assert publisher.recv() == b"\x01b"
        subscriber = connect(zmq.SUB)
        subscriber.subscribe(b"")
        subscriber.connect(device.endpoints["out"][0])
        assert not publisher.poll(50)


@pytest.fixture
def listener() -> Iterator[sockets.socket]:
    with sockets.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("kind", [ThreadDevice, ProcessDevice])
def test_a_descriptor_that_is_not_open_is_refused(kind: Any) -> None:
    device = streamer(kind)
    device.setsockopt_in(zmq.USE_FD, 100_000)
    assert "descriptor 100000 is not open in the device's process" in refused(device)


def test_a_descriptor_that_is_not_a_listening_socket_is_refused(listener: sockets.socket) -> None:
    with tempfile.TemporaryFile() as file, sockets.create_connection(listener.getsockname()) as connected:
        for each in (file, connected):
            device = streamer()
            device.setsockopt_in(zmq.USE_FD, each.fileno())
            assert f"descriptor {each.fileno()} is not a listening socket" in refused(device)


def test_a_descriptor_is_for_one_bind(listener: sockets.socket) -> None:
    device = streamer()
    device.bind_in(ANY_PORT)
    device.setsockopt_in(zmq.USE_FD, listener.fileno())
    assert "USE_FD needs one bind, and there are 2" in refused(device)


def test_a_listening_descriptor_is_used(connect: Callable[..., Any], listener: sockets.socket) -> None:
    port = listener.getsockname()[1]
    device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.setsockopt_in(zmq.USE_FD, listener.detach())
    device.bind_in(f"tcp://127.0.0.1:{port}")
    device.bind_out(ANY_PORT)
    with device:
        connect(zmq.PUSH, f"tcp://127.0.0.1:{port}").send(b"task")
        assert connect(zmq.PULL, *device.endpoints["out"]).recv() == b"task"
    assert "cannot set option USE_FD of in (PULL)" in refused(device)  # libzmq has closed it, and its number may be another's


@pytest.mark.skipif(not hasattr(sockets, "SO_BINDTODEVICE"), reason="Linux only")
def test_an_interface_that_does_not_exist_is_refused_where_the_socket_connects() -> None:
    device = ThreadDevice(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.connect_out("tcp://127.0.0.1:1")
    device.setsockopt_out(zmq.BINDTODEVICE, "nointerface0")
    said = refused(device)
    assert "cannot set option BINDTODEVICE of out (PUSH) to 'nointerface0': " in said
    assert "this machine has lo" in said or "CAP_NET_RAW" in said


def curve_pair() -> tuple[bytes, bytes]:
    return zmq.curve_keypair()


CURVE: dict[str, tuple[list[tuple[int, Any]], str]] = {
    "a server without a key": ([(zmq.CURVE_SERVER, 1)], "CURVE_SERVER needs CURVE_SECRETKEY: .*use CurveServer"),
    "a client without a key": ([(zmq.CURVE_SERVERKEY, b"x" * 40)], "CURVE_SERVERKEY needs CURVE_PUBLICKEY and CURVE_SECRETKEY"),
    "keys of two pairs": (
        [(zmq.CURVE_PUBLICKEY, curve_pair()[0]), (zmq.CURVE_SECRETKEY, curve_pair()[1])],
        "CURVE_PUBLICKEY does not belong to CURVE_SECRETKEY",
    ),
    "no room for the handshake": (
        [(zmq.CURVE_SERVER, 1), (zmq.CURVE_SECRETKEY, curve_pair()[1]), (zmq.MAXMSGSIZE, 511)],
        "MAXMSGSIZE must be at least 512 with CURVE",
    ),
}


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq has no CURVE")
@pytest.mark.parametrize("name", CURVE)
def test_options_that_do_not_fit_together_are_refused(name: str) -> None:
    options, said = CURVE[name]
    device = streamer()
    for option, value in options:
        device.setsockopt_in(option, value)
    with pytest.raises(zmq.ZMQError, match=rf"ThreadDevice: cannot set the options of in \(PULL\): {said}") as caught:
        device.start()
    assert not any(isinstance(value, bytes) and value.decode() in str(caught.value) for _, value in options)


@pytest.mark.skipif(not zmq.has("curve"), reason="this libzmq has no CURVE")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAXMSGSIZE", "1000"),
        ("CURVE_SECRETKEY", " " * 40),
        ("CURVE_SECRETKEY", "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 40),
        ("CURVE_SECRETKEY", 5),
        ("CURVE_PUBLICKEY", 5),
        ("USE_FD", "3"),
    ],
)
def test_a_value_of_a_wrong_kind_is_refused_by_the_name_of_its_option(name: str, value: Any) -> None:
    public, secret = zmq.curve_keypair()
    device = streamer()
    for option, key in ((zmq.CURVE_PUBLICKEY, public), (zmq.CURVE_SECRETKEY, secret), (zmq.CURVE_SERVER, 1)):
        device.setsockopt_in(option, key)
    device.setsockopt_in(number(name), value)
    assert f"ThreadDevice: cannot set option {name} of in (PULL)" in refused(device)


def test_curve_works_with_the_smallest_maxmsgsize(connect: Callable[..., Any], tmp_path: Path) -> None:
    public, secret = create_key(tmp_path, "device")
    device = streamer()
    device.secure_in(CurveServer(secret, "any"))
    device.setsockopt_in(zmq.MAXMSGSIZE, 512)
    server_key = zmq.auth.load_certificate(public)[0]
    mine = zmq.curve_keypair()
    with device:
        source = connect(zmq.PUSH, curve_serverkey=server_key, curve_publickey=mine[0], curve_secretkey=mine[1])
        source.connect(device.endpoints["in"][0])
        source.send(b"task")
        assert connect(zmq.PULL, *device.endpoints["out"]).recv() == b"task"


def test_an_option_without_effect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    device = streamer()
    device.setsockopt_in(zmq.RCVTIMEO, 5)
    with caplog.at_level(logging.WARNING, "zdev"), device:
        pass
    assert "ThreadDevice: option RCVTIMEO of in (PULL) has no effect: a device never waits in a socket" in caplog.text


def test_hwm_sets_both_high_water_marks() -> None:
    with zmq.Context() as context, SocketSpec("in", zmq.PULL, [(zmq.HWM, 7)]).open(context).socket as made:
        assert (made.sndhwm, made.rcvhwm) == (7, 7)
