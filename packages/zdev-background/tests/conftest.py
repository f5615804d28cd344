"""Fixtures that the tests share. Every socket made here has timeouts, and every test must leave nothing behind."""

from __future__ import annotations

import multiprocessing
import socket as sockets
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, Connect

from zdev_background import Device, create_key
from zdev_background._keys import read_public_key, read_secret_key


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No thread and no process outlives the device that it was for."""
    before = set(threading.enumerate())
    yield
    children = multiprocessing.active_children()
    for child in children:
        child.kill()
        child.join(DEADLINE)
    assert not children
    for thread in set(threading.enumerate()) - before:
        thread.join(5)  # one that has just reported its result may be about to end
    assert set(threading.enumerate()) <= before


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes peers: `connect(zmq.REQ, endpoint, ...)`, with options by name: `rcvhwm=1`."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    peers = []

    def make(kind: int, *endpoints: str, **options: Any) -> zmq.Socket[bytes]:
        peer = context.socket(kind)
        peers.append(peer)
        for name, value in {"linger": 0, "rcvtimeo": 10_000, "sndtimeo": 10_000, **options}.items():
            setattr(peer, name, value)
        if kind == zmq.SUB:
            peer.subscribe(b"")
        for endpoint in endpoints:
            peer.connect(endpoint)
        return peer

    yield make
    for peer in peers:
        peer.close(linger=0)
    context.term()


@pytest.fixture
def running() -> Iterator[Callable[[Device], Device]]:
    """Starts devices, which stop at the end."""
    devices: list[Device] = []

    def start(device: Device) -> Device:
        device.start()
        devices.append(device)
        return device

    yield start
    for device in devices:
        device.stop()


@pytest.fixture
def anna(tmp_path: Path) -> dict[str, bytes]:
    """Options of a client whose key is in tmp_path/clients, for the server whose key is tmp_path/server.key_secret."""
    public, secret = read_secret_key(create_key(tmp_path / "clients", "anna")[1])
    server = read_public_key(create_key(tmp_path, "server")[0])
    return {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": server}


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], None]:
    """Waits until a condition holds, and fails when it doesn't within the deadline."""

    def wait(condition: Callable[[], Any]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, "it did not come true in time"
            time.sleep(0.002)

    return wait


class Taken:
    """A port that somebody else has bound."""

    def __init__(self) -> None:
        self._server = sockets.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self._server.getsockname()[1]}"
        self.release = self._server.close


@pytest.fixture
def taken() -> Iterator[Taken]:
    taken = Taken()
    yield taken
    taken.release()


@pytest.fixture
def is_free() -> Callable[[str], bool]:
    """Whether an endpoint can be bound, and is not just left alone by those who bound it before."""

    def check(endpoint: str) -> bool:
        host, port = endpoint.removeprefix("tcp://").split(":")
        try:
            sockets.create_server((host, int(port))).close()  # with SO_REUSEADDR
        except OSError:
            return False
        return True

    return check
