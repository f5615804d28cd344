"""Clients and workers of other implementations of Majordomo exchange requests through a queue that knows its workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import zmq
from helpers import Eventually, queue

from zdev_background import ThreadDevice, Workers

from .implementations import HERE, get
from .program import LONG

# What to install, and with which older tools, by the module of the implementation. pyzmq-mdp is code for Python 2, which the
# setuptools of its time translates.
PACKAGES = {
    "majortomo": (["majortomo==0.2.0", "six"], ""),  # six: it needs it, and does not say so
    "mdp": (["pyzmq-mdp==0.2", "tornado"], "setuptools<58"),
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.engine("auto"),
    pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux"),
]

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def folder(module: str, pytestconfig: pytest.Config) -> Path:
    """The folder in which the implementation is installed."""
    assert pytestconfig.cache is not None
    made = pytestconfig.cache.mkdir(f"foreign-workers-{module}")
    if not (made / module).exists():
        packages, older = PACKAGES[module]
        (made / "constraints.txt").write_text(older)
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", made]
        get("env", f"PIP_CONSTRAINT={made / 'constraints.txt'}", *install, *packages)
    return made


@pytest.fixture
def start(module: str, folder: Path) -> Iterator[Start]:
    """Starts a peer: `start("worker", "tea", endpoint)`."""
    with ExitStack() as running:

        def run(*words: str) -> subprocess.Popen[str]:
            command = [sys.executable, str(HERE / "mdp_peer.py"), module, *words]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            environment = os.environ | {"PYTHONPATH": str(folder)}
            peer = running.enter_context(subprocess.Popen(command, text=True, env=environment, **pipes))
            running.callback(peer.kill)
            return peer

        yield run


@pytest.fixture
def device() -> Iterator[ThreadDevice]:
    made = queue(ThreadDevice)
    made.workers = Workers(protocol="mdp", heartbeat=0.3, retries=1, reply_on_failure=["failed"])
    with made:
        yield made


def ask(device: ThreadDevice, *frames: bytes, version: bytes = b"MDPC01") -> list[bytes]:
    """Ask the service "tea" as a client of a version."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.rcvtimeo = LONG
        socket.connect(device.endpoints["in"][0])
        head = [b"", b"MDPC01"] if version == b"MDPC01" else [b"MDPC02", b"\1"]
        socket.send_multipart([*head, b"tea", *frames])
        received = []
        while True:
            reply = socket.recv_multipart()
            received += reply[3:]
            if reply[:2] != [b"MDPC02", b"\2"]:
                return received


@pytest.mark.parametrize("module", PACKAGES)
def test_a_worker_answers_clients_of_both_versions_and_heartbeats_keep_it(
    device: ThreadDevice, start: Start, eventually: Eventually
) -> None:
    start("worker", "tea", device.endpoints["out"][0])
    for version in (b"MDPC01", b"MDPC02"):
        assert ask(device, b"green", b"with", b"milk", version=version) == [b"GREEN", b"WITH", b"MILK"]
    beats = device.peers()[-1].messages_received
    eventually(lambda: device.peers()[-1].messages_received > beats + 5)
    counters = device.connections()["out"].counters
    assert counters.heartbeat_timeouts == counters.worker_protocol_errors == 0


@pytest.mark.parametrize("module", PACKAGES)
def test_the_request_of_a_frozen_worker_is_answered_by_another(
    device: ThreadDevice, start: Start, eventually: Eventually
) -> None:
    first = start("worker", "tea", device.endpoints["out"][0])
    eventually(lambda: any(each.service == "tea" for each in device.requests().workers))
    first.send_signal(signal.SIGSTOP)  # it is silent, and its connection stays
    start("worker", "tea", device.endpoints["out"][0])
    for _ in range(2):  # one of them goes to the frozen worker
        assert ask(device, b"green") == [b"GREEN"]
    eventually(lambda: device.connections()["out"].counters.heartbeat_timeouts == 1)


@pytest.mark.parametrize("module", ["mdp"])
def test_a_client_gets_the_reply_to_its_request(device: ThreadDevice, start: Start) -> None:
    start("worker", "tea", device.endpoints["out"][0])
    client = start("client", "tea", device.endpoints["in"][0])
    assert client.communicate("green\nwith\nmilk", timeout=LONG / 1000)[0].split() == ["GREEN", "WITH", "MILK"]


@pytest.mark.parametrize("module", ["majortomo"])
def test_a_client_whose_commands_are_not_those_of_the_rfc_is_refused(
    device: ThreadDevice, start: Start, eventually: Eventually
) -> None:
    start("client", "tea", device.endpoints["in"][0]).communicate("green", timeout=LONG / 1000)
    eventually(lambda: device.connections()["in"].counters.worker_protocol_errors == 1)
