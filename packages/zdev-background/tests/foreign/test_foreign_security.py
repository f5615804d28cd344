"""Peers of other implementations with PLAIN and CURVE, as clients of a device of each engine and as servers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers import Eventually, wire_only

from zdev_background import CurveClient, CurveServer, PlainClient, PlainServer, ThreadDevice, create_key
from zdev_background._keys import read_public_key, read_secret_key

from .flows import ENGINES, MESSAGES, RECEIVER, Security, assert_flow, each_sender, ends, free_endpoint, on_linux, start_device
from .implementations import Implementation
from .program import Peer, Unsupported

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LARGE = {"1 MiB and another frame": [bytes(range(256)) * 4096, b"end"]}

MakePeer = Callable[..., Peer]
MakeDevice = Callable[..., ThreadDevice]


class Credentials:
    """The keys or passwords of one mechanism: those of a server, of a client that it admits, and of a stranger."""

    def __init__(self, mechanism: str, folder: Path) -> None:
        self.mechanism = mechanism
        self._folder = folder
        for name in ("clients/anna", "strangers/mallory", "server"):
            create_key(folder / Path(name).parent, Path(name).name)
        for name, text in (("passwords", "anna:secret"), ("wrong", "anna:guess")):
            (folder / name).touch(0o600)
            (folder / name).write_text(text + "\n")

    def server(self) -> Security:
        """Return the security of a device that admits the client."""
        if self.mechanism == "PLAIN":
            return PlainServer(self._folder / "passwords")
        return CurveServer(self._folder / "server.key_secret", self._folder / "clients")

    def client(self) -> Security:
        """Return the security of a device that is the client."""
        if self.mechanism == "PLAIN":
            return PlainClient(self._folder / "passwords")
        return CurveClient(self._folder / "clients/anna.key_secret", self._folder / "server.key")

    def _words(self, kind: str, key: str) -> tuple[str, ...]:
        public, secret = read_secret_key(self._folder / f"{key}.key_secret")
        return kind, public.decode(), secret.decode()

    def of_client(self, *, stranger: bool = False) -> tuple[str, ...]:
        """The arguments of a foreign peer that is a client."""
        if self.mechanism == "PLAIN":
            return "plain-client", "anna", "guess" if stranger else "secret"
        server = read_public_key(self._folder / "server.key").decode()
        return *self._words("curve-client", "strangers/mallory" if stranger else "clients/anna"), server

    def of_server(self, *, stranger: bool = False) -> tuple[str, ...]:
        """The arguments of a foreign peer that is a server: of the key that the device expects, or for another password."""
        if self.mechanism == "PLAIN":
            return "plain-server", "anna", "another" if stranger else "secret"
        return self._words("curve-server", "strangers/mallory" if stranger else "server")


@pytest.fixture(params=["PLAIN", "CURVE"])
def credentials(request: pytest.FixtureRequest, implementation: Implementation, tmp_path: Path) -> Credentials:
    if not implementation.keys:
        pytest.skip(f"{implementation.name}: Peer.java has neither PLAIN nor CURVE")
    return Credentials(request.param, tmp_path)


@pytest.fixture
def peer(command: list[str]) -> Iterator[MakePeer]:
    """Starts peers: `peer("REQ", endpoint, security=words)`."""

    def start(*words: str, **options: object) -> Peer:
        try:
            return peers.enter_context(Peer(command, *words, **options))  # type: ignore[arg-type]
        except Unsupported as missing:
            pytest.skip(f"this peer was built {missing}")

    with ExitStack() as peers:
        yield start


@pytest.fixture(params=ENGINES)
def device(engine: str) -> Iterator[MakeDevice]:
    """Starts devices whose sockets have the same security: `device("PUSH", security)`."""
    with ExitStack() as devices:

        def start(sender: str, security: Security, *endpoints: str, how: str = "bind") -> ThreadDevice:
            return start_device(devices, engine, sender, *endpoints, how=how, security=security)

        yield start


def test_requests_and_replies_of_any_size_pass(device: MakeDevice, peer: MakePeer, credentials: Credentials) -> None:
    into, out = ends(device("DEALER", credentials.server()))
    client = peer("REQ", into, security=credentials.of_client())
    worker = peer("REP", out, security=credentials.of_client())
    for name, message in (MESSAGES | LARGE).items():
        client.send(*message)
        assert worker.receive() == message, name
        worker.send(b"", *message, b"done")
        assert client.receive() == [b"", *message, b"done"], name


@each_sender
def test_peers_with_keys_reconnect_to_a_device_that_was_restarted(
    device: MakeDevice, peer: MakePeer, credentials: Credentials, sender: str
) -> None:
    first = device(sender, credentials.server())
    into, out = ends(first)
    one = peer(sender, into, security=credentials.of_client())
    other = peer(RECEIVER[sender], out, security=credentials.of_client())
    if sender == "PUB":
        other.subscribe(b"topic")
    assert_flow(one, other)
    first.stop()
    device(sender, credentials.server(), into, out)
    assert_flow(one, other)


@each_sender
def test_a_device_is_a_client_of_peers_that_bind_and_connects_again_when_they_restart(
    device: MakeDevice, peer: MakePeer, credentials: Credentials, sender: str
) -> None:
    into, out = free_endpoint(), free_endpoint()
    device(sender, credentials.client(), into, out, how="connect")
    for _ in range(2):
        one = peer(sender, into, how="bind", security=credentials.of_server())
        other = peer(RECEIVER[sender], out, how="bind", security=credentials.of_server())
        if sender == "PUB":
            other.subscribe(b"topic")
        assert_flow(one, other)
        one.kill()
        other.kill()


def test_a_peer_with_another_key_or_password_is_refused_and_logged(
    device: MakeDevice,
    peer: MakePeer,
    credentials: Credentials,
    caplog: pytest.LogCaptureFixture,
    eventually: Eventually,
) -> None:
    caplog.set_level(logging.INFO, "zdev.security")
    started = device("PUSH", credentials.server())
    into, out = ends(started)
    with_nothing = peer("PUSH", into)
    stranger = peer("PUSH", into, security=credentials.of_client(stranger=True))
    eventually(lambda: "refused a peer at in from 127.0.0.1" in caplog.text)
    one, other = peer("PUSH", into, security=credentials.of_client()), peer("PULL", out, security=credentials.of_client())
    assert_flow(one, other)
    assert started.statistics().in_.messages_received > 0
    if started.engine == "wire":
        assert started.connections()["in"].counters.connections == 1
    stranger.kill()
    with_nothing.kill()


@wire_only
@on_linux
@pytest.mark.parametrize("device", ["wire"], indirect=True)
def test_a_device_does_not_join_a_server_of_another_key_or_password(
    device: MakeDevice, peer: MakePeer, credentials: Credentials, eventually: Eventually
) -> None:
    into, out = free_endpoint(), free_endpoint()
    peer("PUSH", into, how="bind", security=credentials.of_server(stranger=True))
    peer("PULL", out, how="bind", security=credentials.of_server())
    started = device("PUSH", credentials.client(), into, out, how="connect")
    eventually(lambda: started.connections()["out"].counters.connections == 1)
    eventually(lambda: started.connections()["in"].counters.connect_failures >= 2)
    assert started.connections()["in"].counters.connected == 0
