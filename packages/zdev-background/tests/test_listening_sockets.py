"""Sockets that listen already: devices serve those that they are given, and hand out their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket as sockets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import Connect, Kinds, both, pid_of

from zdev_background import ProcessDevice, ThreadDevice

Listen = Callable[[str], sockets.socket]


@pytest.fixture
def listen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listen]:
    """Makes a socket that listens on "tcp" or "ipc"."""
    made = []

    def make(transport: str) -> sockets.socket:
        listener = sockets.socket(sockets.AF_INET if transport == "tcp" else sockets.AF_UNIX)
        made.append(listener)
        listener.bind(("127.0.0.1", 0) if transport == "tcp" else str(tmp_path_factory.mktemp("l", numbered=True) / "s"))
        listener.listen()
        return listener

    yield make
    for each in made:
        each.close()


def address_of(listener: sockets.socket) -> str:
    name = listener.getsockname()
    return f"ipc://{name}" if isinstance(name, str) else f"tcp://{name[0]}:{name[1]}"


def echo(kind: Kinds, addr: Any, engine: str = "auto") -> Any:
    """A ROUTER that returns messages to their senders."""
    device = kind(zmq.QUEUE, zmq.ROUTER, -1)
    device.engine = engine
    device.bind_in(addr)
    return device


def assert_answers(connect: Connect, endpoint: str) -> None:
    client = connect(zmq.DEALER, endpoint)
    client.send(b"hello")
    assert client.recv() == b"hello"
    client.close()


@both
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
@pytest.mark.parametrize("engine", ["wire", "libzmq"])
def test_a_device_serves_the_socket_that_it_is_given_at_every_start(
    kind: Kinds, transport: str, engine: str, listen: Listen, connect: Connect
) -> None:
    listener = listen(transport)
    endpoint = address_of(listener)
    device = echo(kind, listener, engine)
    listener.close()  # the device has a duplicate
    for _ in range(2):
        early = connect(zmq.DEALER, endpoint)
        early.send(b"early")
        with device:
            assert device.endpoints["in"] == (endpoint,)
            assert device.engine == engine
            assert early.recv() == b"early"
            assert_answers(connect, endpoint)
    if transport == "ipc":
        assert Path(endpoint.removeprefix("ipc://")).is_socket()


@pytest.mark.parametrize("engine", ["wire", "libzmq"])
def test_a_device_that_is_restarted_serves_the_same_socket(
    engine: str, listen: Listen, connect: Connect, eventually: Any
) -> None:
    listener = listen("ipc")
    device = echo(ProcessDevice, listener, engine)
    device.restart = "on-failure"
    with device:
        os.kill(pid_of(device), signal.SIGKILL)
        eventually(lambda: device.restarts == 1)
        assert_answers(connect, address_of(listener))


def test_a_socket_that_is_not_kept_is_for_one_start_only(listen: Listen, connect: Connect) -> None:
    listener = listen("ipc")
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, -1)
    device.bind("in", listener, keep=False)
    listener.close()
    endpoint = device.specs["in"].binds[0]
    path = Path(endpoint.removeprefix("ipc://"))
    for _ in range(2):
        with device:
            assert_answers(connect, endpoint)
        assert not path.exists()


def test_a_socket_that_does_not_listen_is_refused_by_name(listen: Listen) -> None:
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    with (
        sockets.socket() as silent,
        pytest.raises(ValueError, match=r"cannot bind in \(ROUTER\) to the given socket: it does not"),
    ):
        device.bind_in(silent)
    closed = listen("tcp")
    closed.close()
    with pytest.raises(ValueError, match="bad file descriptor"):
        device.bind_in(closed)


@both
@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_the_next_device_takes_over_without_a_refused_connection(
    kind: Kinds, transport: str, listen: Listen, connect: Connect
) -> None:
    place = listen(transport)
    endpoint = address_of(place)
    place.close()
    if transport == "ipc":
        Path(endpoint.removeprefix("ipc://")).unlink()
    first = echo(kind, endpoint)
    first.start()
    known = connect(zmq.DEALER, endpoint)
    known.send(b"hello")
    assert known.recv() == b"hello"
    (listener,) = first.listening_sockets()["in"]
    assert address_of(listener) == endpoint
    first.stop_accepting()
    waiting = connect(zmq.DEALER, endpoint)
    waiting.send(b"who?")
    known.send(b"still there?")
    assert known.recv() == b"still there?"
    second = ThreadDevice(zmq.QUEUE, zmq.ROUTER, -1)
    second.bind("in", listener, keep=False)
    listener.close()
    with second:
        assert waiting.recv() == b"who?"
        first.stop()
        assert_answers(connect, endpoint)
    if transport == "ipc":
        assert not Path(endpoint.removeprefix("ipc://")).exists()


@both
def test_a_device_on_libzmq_hands_out_its_tcp_sockets_and_cannot_stop_accepting(kind: Kinds, tmp_path: Path) -> None:
    device = kind(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.engine = "libzmq"
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out(f"ipc://{tmp_path}/s")
    assert device.listening_sockets() == {}
    with device:
        listening = device.listening_sockets()
        assert [address_of(each) for each in listening["in"]] == [*device.endpoints["in"]]
        assert listening["out"] == ()
        for each in listening["in"]:
            each.close()
        with pytest.raises(zmq.ZMQError, match="only the wire engine can stop accepting"):
            device.stop_accepting()


@both
def test_an_ipc_socket_that_libzmq_was_given_can_be_handed_on(kind: Kinds, listen: Listen) -> None:
    listener = listen("ipc")
    device = kind(zmq.QUEUE, zmq.ROUTER, -1)
    device.engine = "libzmq"
    device.bind("in", "ipc://*", listening=listener)
    with device:
        (handed,) = device.listening_sockets()["in"]
        assert address_of(handed) == address_of(listener)
        handed.close()


@pytest.mark.parametrize("start_method", multiprocessing.get_all_start_methods())
def test_processes_of_all_kinds_get_and_return_sockets(start_method: str, listen: Listen, connect: Connect) -> None:
    listener = listen("tcp")
    device = echo(ProcessDevice, listener)
    device.start_method = start_method
    with device:
        assert_answers(connect, address_of(listener))
        (returned,) = device.listening_sockets()["in"]
        assert returned.getsockname() == listener.getsockname()
        returned.close()


@both
@pytest.mark.parametrize("engine", ["wire", "libzmq"])
def test_a_socket_serves_a_wildcard_also_after_a_restart(
    kind: Kinds, engine: str, listen: Listen, connect: Connect, eventually: Any
) -> None:
    listener, other = listen("tcp"), listen("tcp")
    device = kind(zmq.QUEUE, zmq.ROUTER, -1)
    device.engine, device.restart = engine, "on-failure"
    for each in listener, other:  # one endpoint, two sockets
        device.bind("in", "tcp://127.0.0.1:*", listening=each)
    with device:
        assert device.endpoints["in"] == (address_of(listener), address_of(other))
        if kind is ProcessDevice:
            os.kill(pid_of(device), signal.SIGKILL)
            eventually(lambda: device.restarts == 1)
        assert_answers(connect, address_of(listener))
        assert_answers(connect, address_of(other))
        assert device.endpoints["in"] == (address_of(listener), address_of(other))
