"""Attacks by somebody that knows more than a client should, or that speaks another protocol."""

from __future__ import annotations

import socket as sockets
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, Connect, libzmq_only

from zdev_background import CurveServer, ThreadDevice, _credentials, _threads, _zap
from zdev_background._zap import ZapHandler


@pytest.fixture
def device(tmp_path: Path, anna: dict[str, bytes]) -> Iterator[ThreadDevice]:  # noqa: ARG001
    """One that gives every request back, not started."""
    device = ThreadDevice(in_type=zmq.ROUTER, out_type=-1)
    device.bind_in("tcp://127.0.0.1:*")
    device.secure_in(CurveServer(tmp_path / "server.key_secret", tmp_path / "clients"))
    yield device
    device.stop()


def address_of(device: ThreadDevice) -> tuple[str, int]:
    host, _, port = device.endpoints["in"][0].removeprefix("tcp://").rpartition(":")
    return host, int(port)


class Eavesdropper:
    """Passes on what one client and the server say, and keeps what the client said."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._listener = sockets.create_server(("127.0.0.1", 0))
        self._server = server
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard = b""
        self._thread = threading.Thread(target=self._pass_on)
        self._thread.start()

    def _pass_on(self) -> None:
        client, _ = self._listener.accept()
        server = sockets.create_connection(self._server)
        back = threading.Thread(target=self._copy, args=(server, client, False))
        back.start()
        self._copy(client, server, True)
        back.join()
        client.close()
        server.close()

    def _copy(self, source: sockets.socket, sink: sockets.socket, keep: bool) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                self.heard += part if keep else b""
                sink.sendall(part)
        with suppress(OSError):
            sink.shutdown(sockets.SHUT_WR)

    def close(self) -> None:
        self._thread.join(DEADLINE)
        self._listener.close()


def answer_to(address: tuple[str, int], parts: list[bytes]) -> bytes:
    """Send these parts, each after an answer to the one before; return all answers until the server hangs up."""
    said = b""
    with sockets.create_connection(address, 10) as stranger, suppress(ConnectionResetError, BrokenPipeError):
        for part in parts:
            stranger.sendall(part)
            said += stranger.recv(65536)
        while more := stranger.recv(65536):
            said += more
    return said


def test_who_replays_what_a_client_said_is_cut_off(device: ThreadDevice, connect: Connect, anna: dict[str, bytes]) -> None:
    device.start()
    ear = Eavesdropper(address_of(device))
    client = connect(zmq.DEALER, ear.endpoint, **anna)
    client.send_multipart([b"", b"hello"])
    assert client.recv_multipart() == [b"", b"hello"]
    client.close()
    ear.close()
    greeting, hello = ear.heard[:64], ear.heard[64:]
    assert b"CURVE" in greeting
    before = device.statistics().in_.messages_received
    size = 2 + 200  # of HELLO, RFC 26; then INITIATE and the messages
    assert b"\5HELLO" in hello[:size]
    for parts in ([greeting, hello], [greeting, hello[:size], hello[size:]]):
        said = answer_to(address_of(device), parts)
        assert b"READY" not in said
    assert device.statistics().in_.messages_received == before
    assert client_is_served(connect, device, anna)


def client_is_served(connect: Connect, device: ThreadDevice, keys: dict[str, bytes]) -> bool:
    client = connect(zmq.DEALER, device.endpoints["in"][0], **keys)
    client.send_multipart([b"", b"again"])
    return client.recv_multipart() == [b"", b"again"]


SIGNATURE = b"\xff\0\0\0\0\0\0\0\1\x7f"
MESSAGE = b"\1\0\0\5hello"  # two frames, of which the first is empty
NULL = SIGNATURE + b"\3\0" + b"NULL".ljust(20, b"\0") + bytes(32) + b"\4\x1c\5READY\x0bSocket-Type\0\0\0\6DEALER"
OLD = {  # what to say, what to wait for, what to say then
    "ZMTP 1.0": (b"\1\0", b"\xff", b"\1\1\6\0hello"),
    "ZMTP 2.0": (SIGNATURE + b"\1\5\0\0", b"\xff", MESSAGE),
    "NULL": (NULL, b"Identity", MESSAGE),
}


@pytest.mark.parametrize("version", OLD)
def test_who_speaks_a_version_without_keys_is_cut_off(device: ThreadDevice, version: str) -> None:
    device.start()
    opening, _, message = OLD[version]
    assert b"hello" not in answer_to(address_of(device), [opening, message])
    assert device.statistics().in_.messages_received == 0


@libzmq_only
@pytest.mark.parametrize("version", OLD)
def test_without_keys_it_would_be_served(device: ThreadDevice, version: str) -> None:
    opening, awaited, message = OLD[version]
    device.secure_in(None)
    device.start()
    with sockets.create_connection(address_of(device), 10) as stranger:
        for text, answer in ((opening, awaited), (message, b"hello")):
            stranger.sendall(text)
            said = b""
            while answer not in said:
                more = stranger.recv(65536)
                assert more
                said += more


@pytest.mark.engine("libzmq")
def test_without_a_door_nobody_gets_in(
    device: ThreadDevice, connect: Connect, anna: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ZapHandler, "_answer", lambda self: self.stop())  # as if its thread had died
    device.start()
    client = connect(zmq.DEALER, **anna)
    client.handshake_ivl = 500  # ms; a request that had arrived when it died is never answered
    with client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED) as events:
        client.connect(device.endpoints["in"][0])
        assert events.poll(10_000)
        assert int.from_bytes(events.recv_multipart()[0][:2], "little") == zmq.EVENT_DISCONNECTED
        client.disable_monitor()
    assert device.statistics().in_.messages_received == 0


def test_a_door_that_cannot_be_opened_keeps_the_device_from_starting(
    device: ThreadDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        for module in (_zap, _credentials):
            patch.setattr(module, "start_thread", fail)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            device.start()
    assert _threads.start_thread is not fail
    device.start()


@pytest.mark.parametrize("mechanism", [b"NULL", b"GSSAPI", b"PLAIN", b""])
def test_a_door_for_keys_refuses_all_else(tmp_path: Path, anna: dict[str, bytes], mechanism: bytes) -> None:  # noqa: ARG001
    server = CurveServer(tmp_path / "server.key_secret", "any")
    context: zmq.Context[Any] = zmq.Context()
    ZapHandler(context, "the queue", {"in": server})
    with context.socket(zmq.REQ) as asks:
        asks.rcvtimeo = 10_000
        asks.connect("inproc://zeromq.zap.01")
        for credentials in ([], [b""], [b"a", b"b"], [b"a" * 32]):
            asks.send_multipart([b"1.0", b"1", b"in", b"1.2.3.4", b"", mechanism, *credentials])
            assert asks.recv_multipart()[2] == b"400"
        asks.send_multipart([b"1.0", b"1", b"in", b"1.2.3.4", b"", b"CURVE", b"a" * 31])
        assert asks.recv_multipart()[2] in (b"400", b"500")
        asks.send_multipart([b"1.0", b"1", b"out", b"1.2.3.4", b"", b"CURVE", b"a" * 32])
        assert asks.recv_multipart()[2] == b"400", "a domain that it does not know"
    context.term()
