"""A web server over snapshots made by hand, in the process of the tests."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import NamedTuple

import pytest
from msgspec.structs import replace
from patience import PATIENCE

from zdev_cli._failure import Failure, Status
from zdev_cli.config.http_access import OPEN_ACCESS, Access
from zdev_cli.snapshot import DeviceView, DirectionView, Dropped, Snapshot, SocketView
from zdev_cli.snapshot.connections import ConnectionsView, ConnectView, PeerCounts
from zdev_cli.snapshot.peers import PeerView
from zdev_cli.snapshot.requests import DurationsView, RequestsView, WorkerCounts, WorkerView
from zdev_cli.web import WebServer


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    """Names in lower case."""
    text: str


class Served:
    """A web server that runs. Tests may change what it tells."""

    def __init__(self, snapshot: Snapshot, access: Access = OPEN_ACCESS) -> None:
        self.snapshot = snapshot
        self.fails = False
        self.taken = 0
        """How many snapshots it took."""
        self.peers = [
            PeerView(
                device="orders",
                number=7,
                role="in",
                state="blocked",
                address="tcp://10.0.0.7:1",
                endpoint="",
                routing_id="anna",
            ),
            PeerView(device="orders", number=8, role="out", state="up", address="tcp://10.0.0.8:1", endpoint=""),
        ]
        self.workers = [
            WorkerView(device="orders", number=8, state="busy", address="tcp://10.0.0.8:1", done=1234, p99=0.25),
            WorkerView(device="orders", number=9, state="set-aside", address="tcp://10.0.0.9:1", failed=3, set_aside_for=8.0),
        ]
        self.server = WebServer("127.0.0.1:0", self._take, self._peers_of, workers=lambda _: self.workers, access=access)
        self.server.start()

    @property
    def port(self) -> int:
        return int(self.server.address.rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def cuts_off(self, beginning: bytes) -> bool:
        """Return whether a connection is closed on which bytes trickle in after a beginning."""
        with self.connect() as client:
            client.sendall(beginning)
            client.settimeout(0.1)
            deadline = time.monotonic() + PATIENCE
            while time.monotonic() < deadline:
                try:
                    client.sendall(b"x")
                    if client.recv(1) == b"":
                        return True
                except TimeoutError:
                    continue
                except (BrokenPipeError, ConnectionResetError):
                    return True
        return False

    def ask(self, path: str, method: str = "GET", **headers: str) -> Response:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        response = Response(answer.status, headers, answer.read().decode())
        connection.close()
        return response

    def _peers_of(self, name: str) -> list[PeerView]:
        if name == "tasks":
            raise Failure("tasks: only the wire engine knows its peers", Status.UNAVAILABLE)
        if name != "orders":
            raise Failure(f'unknown device "{name}"', Status.USAGE)
        return self.peers

    def _take(self) -> Snapshot:
        self.taken += 1
        if self.fails:
            raise RuntimeError("no snapshot, for a test")
        return self.snapshot


def requests(first: int) -> RequestsView:
    """Return requests with a different number in each counter."""
    counts = {name: first + number for number, name in enumerate(RequestsView.__struct_fields__[:-4])}
    times = DurationsView(count=10, sum=4.5, p50=0.0001, p99=2.0, below=[0, 0, 0, 0, 0, 0, 6, 9])
    return RequestsView(**counts, waited=times, served=times, latency=times, workers=WorkerCounts(busy=1, set_aside=1))


def connections(first: int) -> ConnectionsView:
    """Return connections with a different number in each field."""
    return ConnectionsView(**{name: first + number for number, name in enumerate(ConnectionsView.__struct_fields__)})


@pytest.fixture
def snapshot() -> Snapshot:
    """A queue that relays, with a different number in each field, and a streamer that waits for its endpoint."""
    queue = DeviceView(
        name="orders",
        type="queue",
        isolation="thread",
        state="active",
        sockets=[
            SocketView(
                role="in",
                type="ROUTER",
                binds=["tcp://127.0.0.1:5559"],
                connects=[],
                connections=connections(100),
                peers=PeerCounts(handshake=1, up=2, blocked=3, held=4),
            ),
            SocketView(
                role="out",
                type="DEALER",
                binds=[],
                connects=["tcp://127.0.0.1:5560", "tcp://127.0.0.1:5562"],
                connections=connections(200),
                peers=PeerCounts(up=1, retrying=1),
                connect_states=[
                    ConnectView(endpoint="tcp://127.0.0.1:5560", connected=True),
                    ConnectView(endpoint="tcp://127.0.0.1:5562", connected=False, failure="connection refused", retry_in=1.2),
                ],
            ),
        ],
        engine="wire",
        engine_reason="it supports all that the device asks for",
        in_=DirectionView(
            messages_received=11,
            messages_sent=12,
            bytes_received=13,
            bytes_sent=14,
            dropped=Dropped(malformed=15, unroutable=16, overflowed=17),
            monitor_sent=18,
            monitor_dropped=19,
            backpressure_seconds=20.5,
        ),
        out=DirectionView(messages_received=21, messages_sent=22, dropped=Dropped(unroutable=26)),
        in_flight=5,
        requests=requests(300),
        lost=6,
        restarts=7,
        uptime=60.0,
    )
    streamer = DeviceView(
        name="tasks",
        type="streamer",
        isolation="process",
        state="waiting",
        sockets=[
            SocketView(role="in", type="PULL", binds=["tcp://127.0.0.1:5559"], connects=[]),
            SocketView(role="out", type="PUSH", binds=["tcp://127.0.0.1:5561"], connects=[]),
        ],
        two_ways=False,
        error="in: bind tcp://127.0.0.1:5559: Address already in use",
        retry_in=1.5,
    )
    return Snapshot(
        version="1.2.3",
        pid=4711,
        time=1_800_000_000.0,
        started=1_799_999_000.0,
        config="/etc/zdev/zdev.toml",
        ready=False,
        devices=[queue, streamer],
    )


@pytest.fixture
def well(snapshot: Snapshot) -> Snapshot:
    """The queue alone, ready."""
    return replace(snapshot, ready=True, devices=snapshot.devices[:1])


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serves a snapshot until the test ends, to clients with this access."""
    running: list[Served] = []

    def start(snapshot: Snapshot, access: Access = OPEN_ACCESS) -> Served:
        running.append(Served(snapshot, access))
        return running[-1]

    yield start
    for served in running:
        served.server.stop()
