"""Peers that may connect to a device, and others that try to."""

from __future__ import annotations

import errno
import logging
import pickle
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, Connect, both, bound
from zmq.auth import load_certificate

from zdev_background import (
    CurveClient,
    CurveServer,
    Device,
    PlainClient,
    PlainServer,
    ProcessDevice,
    SocketSpec,
    ThreadDevice,
    create_key,
)

REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """Keys of a server, of client anna, who is in clients/, and of mallory, who is not."""
    create_key(tmp_path, "server")
    create_key(tmp_path / "clients", "anna")
    create_key(tmp_path / "others", "mallory")
    return tmp_path


def curve(keys: Path, **kwargs: Any) -> CurveServer:
    return CurveServer(keys / "server.key_secret", **{"clients": keys / "clients", **kwargs})


def echo(kind: type[Device], security: CurveServer | PlainServer | None) -> Device:
    """A device that gives every request back."""
    device = kind(in_type=zmq.ROUTER, out_type=-1)
    device.bind_in(ANY_PORT)
    device.secure_in(security)
    return device


def as_client(keys: Path, name: str) -> dict[str, bytes]:
    public, secret = load_certificate(next(keys.rglob(f"{name}.key_secret")))
    server, _ = load_certificate(keys / "server.key")
    assert secret
    return {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": server}


def verdict(client: zmq.Socket[bytes], act: Callable[[], object]) -> str:
    """Call `act`, wait for the client's next handshake, and return its result: in or refused."""
    with client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | REFUSED) as events:
        act()
        assert events.poll(10_000), "neither let in nor refused"
        event = int.from_bytes(events.recv_multipart()[0][:2], "little")
        client.disable_monitor()
    return "in" if event == zmq.EVENT_HANDSHAKE_SUCCEEDED else "refused"


def outcome(connect: Connect, endpoint: str, **options: Any) -> str:
    client = connect(zmq.DEALER, **options)
    said = verdict(client, lambda: client.connect(endpoint))
    client.close()
    return said


def asks(client: zmq.Socket[bytes]) -> list[bytes]:
    client.send_multipart([b"", b"hello"])
    return client.recv_multipart()


@both
def test_a_client_whose_key_is_known_is_served(
    keys: Path, kind: type[Device], running: Callable[[Device], Device], connect: Connect
) -> None:
    endpoint = running(echo(kind, curve(keys))).endpoints["in"][0]
    assert asks(connect(zmq.DEALER, endpoint, **as_client(keys, "anna"))) == [b"", b"hello"]


def test_nobody_else_gets_in(keys: Path, running: Callable[[Device], Device], connect: Connect) -> None:
    endpoint = running(echo(ThreadDevice, curve(keys))).endpoints["in"][0]
    anna, mallory = as_client(keys, "anna"), as_client(keys, "mallory")
    assert outcome(connect, endpoint, **anna) == "in"
    assert outcome(connect, endpoint) == "refused", "NULL"
    assert outcome(connect, endpoint, **mallory) == "refused", "a key that is not in the directory"
    assert outcome(connect, endpoint, plain_username=b"anna", plain_password=b"x") == "refused", "another mechanism"
    stolen = {**mallory, "curve_publickey": anna["curve_publickey"]}
    assert outcome(connect, endpoint, **stolen) == "refused", "a public key without its secret"
    wrong_server = {**anna, "curve_serverkey": mallory["curve_publickey"]}
    assert outcome(connect, endpoint, **wrong_server) == "refused", "made for another server"
    assert asks(connect(zmq.DEALER, endpoint, **anna)) == [b"", b"hello"], "and the device goes on"


def test_any_client_that_knows_the_server_gets_in_if_configured_so(
    keys: Path, running: Callable[[Device], Device], connect: Connect
) -> None:
    endpoint = running(echo(ThreadDevice, curve(keys, clients="any"))).endpoints["in"][0]
    assert outcome(connect, endpoint, **as_client(keys, "mallory")) == "in"
    assert outcome(connect, endpoint) == "refused"


def test_keys_that_are_added_or_revoked_count_from_the_next_connection_on(
    keys: Path, running: Callable[[Device], Device], connect: Connect
) -> None:
    device = running(echo(ThreadDevice, curve(keys)))
    endpoint = device.endpoints["in"][0]
    mallory, anna = as_client(keys, "mallory"), as_client(keys, "anna")
    connected = connect(zmq.DEALER, endpoint, **anna)
    assert asks(connected) == [b"", b"hello"]

    (keys / "others/mallory.key").rename(keys / "clients/mallory.key")
    (keys / "clients/anna.key").unlink()
    assert outcome(connect, endpoint, **mallory) == "in"
    assert outcome(connect, endpoint, **anna) == "refused"
    if device.engine == "libzmq":
        assert asks(connected) == [b"", b"hello"], "libzmq asks at the handshake only"


def closed_within(client: zmq.Socket[bytes], seconds: float, act: Callable[[], object]) -> bool:
    """Whether the other side closes the connection of a client in that time."""
    with client.get_monitor_socket(zmq.EVENT_DISCONNECTED) as events:
        act()
        return bool(events.poll(seconds * 1000))


@pytest.mark.engine("wire")
@pytest.mark.parametrize("kind", [ThreadDevice, ProcessDevice])
def test_a_key_that_is_withdrawn_loses_its_connections_within_a_second_and_no_other(
    keys: Path, running: Callable[[Device], Device], connect: Connect, kind: type[Device]
) -> None:
    (keys / "others/mallory.key").rename(keys / "clients/mallory.key")
    device = running(echo(kind, curve(keys)))
    clients = [connect(zmq.DEALER, device.endpoints["in"][0], **as_client(keys, name)) for name in ("anna", "mallory")]
    assert [asks(client) for client in clients] == [[b"", b"hello"]] * 2
    assert closed_within(clients[1], 1.0, (keys / "clients/mallory.key").unlink)
    assert asks(clients[0]) == [b"", b"hello"]
    counters = device.connections()["in"].counters
    assert (counters.credentials_withdrawn, counters.connections) == (1, 1)


@pytest.mark.engine("wire")
def test_a_password_that_changes_loses_its_connections_within_a_second(
    passwords: Path, running: Callable[[Device], Device], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    device = running(echo(ThreadDevice, PlainServer(passwords)))
    client = connect(zmq.DEALER, device.endpoints["in"][0], plain_username=b"anna", plain_password=b"open:sesame")
    assert asks(client) == [b"", b"hello"]
    assert closed_within(client, 1.0, lambda: passwords.write_text("anna:another\n"))
    device.stop()
    assert "refused a peer at in from 127.0.0.1" in caplog.text
    assert "open:sesame" not in caplog.text


class Obstructed(logging.Handler):
    """A handler that blocks until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.entered, self.released = threading.Event(), threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.entered.set()
        self.released.wait(10)
        self.lines.append(record.getMessage())


@pytest.mark.engine("wire")
def test_a_stop_ends_after_the_last_refusal_was_logged(
    passwords: Path, running: Callable[[Device], Device], connect: Connect
) -> None:
    log = Obstructed()
    logging.getLogger("zdev.security").addHandler(log)
    try:
        device = running(echo(ThreadDevice, PlainServer(passwords)))
        connect(zmq.DEALER, device.endpoints["in"][0], plain_username=b"anna", plain_password=b"wrong")
        assert log.entered.wait(10)
        at_stop: list[str] = []
        stop = threading.Thread(target=lambda: (device.stop(), at_stop.extend(log.lines)))
        stop.start()
        stop.join(0.3)  # a stop that does not wait for the line ends here
        log.released.set()
        stop.join(10)
        assert at_stop
        assert "refused a peer at in from 127.0.0.1" in at_stop[0]
    finally:
        log.released.set()
        logging.getLogger("zdev.security").removeHandler(log)


def test_a_revoked_client_is_dropped_when_the_device_starts_again(
    keys: Path, running: Callable[[Device], Device], connect: Connect
) -> None:
    device = echo(ThreadDevice, curve(keys))
    port = device.bind_in_to_random_port("tcp://127.0.0.1")
    running(device)
    client = connect(zmq.DEALER, f"tcp://127.0.0.1:{port}", **as_client(keys, "anna"))
    assert asks(client) == [b"", b"hello"]
    (keys / "clients/anna.key").unlink()

    def start_anew() -> None:
        device.stop()
        device.start()

    assert verdict(client, start_anew) == "refused"


def test_every_socket_of_a_device_can_have_a_mechanism_of_its_own(
    keys: Path, running: Callable[[Device], Device], connect: Connect
) -> None:
    device = bound(ThreadDevice(in_type=zmq.ROUTER, out_type=zmq.DEALER))
    device.secure_in(curve(keys))
    create_key(keys / "workers", "worker")
    device.secure_out(curve(keys, clients=keys / "workers"))
    running(device)
    asked, answers = device.endpoints["in"][0], device.endpoints["out"][0]
    assert outcome(connect, answers, **as_client(keys, "anna")) == "refused", "a client must not act as a worker"
    worker = connect(zmq.REP, answers, **as_client(keys, "worker"))
    client = connect(zmq.REQ, asked, **as_client(keys, "anna"))
    client.send(b"ping")
    worker.send(worker.recv() + b" pong")
    assert client.recv() == b"ping pong"


def test_a_device_proves_itself_to_what_it_connects_to(
    keys: Path, running: Callable[[Device], Device], connect: Connect
) -> None:
    behind = running(echo(ThreadDevice, curve(keys))).endpoints["in"][0]
    front = ThreadDevice(in_type=zmq.ROUTER, out_type=zmq.DEALER)
    front.bind_in(ANY_PORT)
    front.connect_out(behind)
    front.secure_out(CurveClient(keys / "clients/anna.key_secret", keys / "server.key"))
    assert asks(connect(zmq.DEALER, running(front).endpoints["in"][0])) == [b"", b"hello"]


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    path = tmp_path / "passwords"
    path.touch(0o600)
    path.write_text("# users\n\nanna:open:sesame\n")
    return path


def test_plain_lets_in_a_user_that_has_the_password(
    passwords: Path, running: Callable[[Device], Device], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = running(echo(ThreadDevice, PlainServer(passwords))).endpoints["in"][0]
    client = connect(zmq.DEALER, endpoint, plain_username=b"anna", plain_password=b"open:sesame")
    assert asks(client) == [b"", b"hello"]
    for name, password in ((b"anna", b"wrong-1"), (b"bob", b"open:sesame"), (b"\xff", b"\xff")):
        assert outcome(connect, endpoint, plain_username=name, plain_password=password) == "refused"
    assert outcome(connect, endpoint) == "refused", "NULL"
    passwords.write_text("anna:another\n")
    assert outcome(connect, endpoint, plain_username=b"anna", plain_password=b"open:sesame") == "refused"
    assert outcome(connect, endpoint, plain_username=b"anna", plain_password=b"another") == "in"
    assert "sesame" not in caplog.text
    assert "wrong-1" not in caplog.text


def test_a_file_that_breaks_later_lets_nobody_in_and_is_logged(
    passwords: Path, running: Callable[[Device], Device], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = running(echo(ThreadDevice, PlainServer(passwords))).endpoints["in"][0]
    good = {"plain_username": b"anna", "plain_password": b"open:sesame"}
    passwords.chmod(0o644)
    assert outcome(connect, endpoint, **good) == "refused"
    assert "chmod 0600" in caplog.text
    passwords.chmod(0o600)
    assert outcome(connect, endpoint, **good) == "in"


def test_a_device_with_plain_can_be_a_client(passwords: Path, running: Callable[[Device], Device], connect: Connect) -> None:
    behind = running(echo(ThreadDevice, PlainServer(passwords))).endpoints["in"][0]
    front = ThreadDevice(in_type=zmq.ROUTER, out_type=zmq.DEALER)
    front.bind_in(ANY_PORT)
    front.connect_out(behind)
    front.secure_out(PlainClient(passwords))
    assert asks(connect(zmq.DEALER, running(front).endpoints["in"][0])) == [b"", b"hello"]


def test_refused_peers_are_logged_and_a_flood_of_them_is_one_line(
    keys: Path, running: Callable[[Device], Device], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = running(echo(ThreadDevice, curve(keys))).endpoints["in"][0]
    for _ in range(5):
        assert outcome(connect, endpoint, **as_client(keys, "mallory")) == "refused"
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    key = as_client(keys, "mallory")["curve_publickey"].decode()
    assert lines == [f"ThreadDevice: refused a peer at in from 127.0.0.1 with key {key}: Unknown key"]


def test_refused_peers_of_a_device_in_a_process_are_logged_in_the_process_that_started_it(
    keys: Path, running: Callable[[Device], Device], connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    device = echo(ProcessDevice, curve(keys))
    device.start_method = "forkserver"
    endpoint = running(device).endpoints["in"][0]
    assert outcome(connect, endpoint, **as_client(keys, "mallory")) == "refused"
    device.stop()
    (record,) = [each for each in caplog.records if "refused" in each.getMessage()]
    assert record.getMessage().startswith("ProcessDevice: refused a peer at in from 127.0.0.1 with key ")
    assert (record.name, record.levelname) == ("zdev.security", "WARNING")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_secret_that_others_can_reach_is_refused(keys: Path, mode: int) -> None:
    (keys / "server.key_secret").chmod(mode)
    with pytest.raises(
        zmq.ZMQError, match=r"ThreadDevice: cannot protect in \(ROUTER\): .*chmod 0600 .*server.key_secret"
    ) as caught:
        echo(ThreadDevice, curve(keys)).start()
    assert caught.value.errno == errno.EACCES


def test_what_cannot_be_read_as_a_key_is_named(keys: Path, passwords: Path) -> None:
    (keys / "short.key_secret").touch(0o600)
    (keys / "short.key_secret").write_text('public-key = "abc"\nsecret-key = "def"\n')
    passwords.write_text("no colon\n")
    wrong: list[tuple[Any, str]] = [
        (CurveServer(keys / "gone", "any"), "No such file.*gone"),
        (CurveServer(keys / "short.key_secret", "any"), "short.key_secret: invalid key: it must be 40 characters"),
        (curve(keys, clients=keys / "gone"), "no directory of public keys.*gone"),
        (CurveServer(keys / "server.key", "any"), "chmod 0600|no secret-key"),
        (PlainServer(passwords), "passwords:1: a line must be NAME:PASSWORD"),
        (CurveClient(keys / "server.key_secret", keys / "server.key"), "CurveClient is for a socket that only connects"),
    ]
    for security, words in wrong:
        with pytest.raises(zmq.ZMQError, match=words):
            echo(ThreadDevice, security).start()


def test_a_server_is_for_a_socket_that_binds(keys: Path) -> None:
    device = ThreadDevice(in_type=zmq.ROUTER, out_type=-1)
    device.connect_in("tcp://127.0.0.1:9")
    device.secure_in(curve(keys))
    with pytest.raises(zmq.ZMQError, match="CurveServer is for a socket that only binds"):
        device.start()


def test_no_secret_is_in_a_repr_or_a_pickle(keys: Path) -> None:
    device = echo(ThreadDevice, curve(keys))
    spec = device.specs["in"]
    _, secret = load_certificate(keys / "server.key_secret")
    assert secret
    assert secret.decode() not in repr(spec) + repr(device)
    assert secret not in pickle.dumps(spec)
    assert pickle.loads(pickle.dumps(spec)) == spec


def test_a_new_key_is_for_its_owner_alone_and_never_replaces_one(tmp_path: Path) -> None:
    public, secret = create_key(tmp_path / "keys", "orders")
    assert (public.name, secret.name) == ("orders.key", "orders.key_secret")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert load_certificate(public) == (load_certificate(secret)[0], None)
    before = secret.read_bytes()
    with pytest.raises(FileExistsError, match="orders.key"):
        create_key(tmp_path / "keys", "orders")
    assert secret.read_bytes() == before
    assert sorted(path.name for path in secret.parent.iterdir()) == ["orders.key", "orders.key_secret"]


@pytest.mark.parametrize(
    ("endpoint", "exposed"),
    [
        ("tcp://127.0.0.1:5559", False),
        ("tcp://127.9.9.9:5559", False),
        ("tcp://[::1]:5559", False),
        ("tcp://localhost:5559", False),
        ("tcp://lo:5559", False),
        ("ipc:///tmp/x", False),
        ("inproc://x", False),
        ("tcp://*:5559", True),
        ("tcp://0.0.0.0:5559", True),
        ("tcp://[::]:5559", True),
        ("tcp://eth0:5559", True),
        ("tcp://127.example.org:5559", True),
        ("tcp://10.0.0.1:5559", True),
    ],
)
def test_what_other_hosts_can_reach_is_known(keys: Path, endpoint: str, exposed: bool) -> None:
    assert SocketSpec("in", zmq.ROUTER, binds=[endpoint]).exposed() == [endpoint] * exposed
    assert SocketSpec("in", zmq.ROUTER, binds=[endpoint], security=curve(keys)).exposed() == []
    assert SocketSpec("in", zmq.ROUTER, binds=[endpoint], options=[(zmq.PLAIN_SERVER, 1)]).exposed() == []
    assert SocketSpec("in", zmq.ROUTER, connects=[endpoint]).exposed() == []


def test_a_bind_for_other_hosts_without_a_mechanism_is_warned_of(
    running: Callable[[Device], Device], caplog: pytest.LogCaptureFixture
) -> None:
    device = ThreadDevice(in_type=zmq.ROUTER, out_type=-1)
    device.bind_in("tcp://*:*")
    running(device)
    assert "ThreadDevice: in (ROUTER) at tcp://*:* lets in anybody who reaches it: see CurveServer" in caplog.text


@pytest.mark.parametrize("end", [lambda device: device.stop(30), lambda device: device.join(30)], ids=["stop", "join"])
def test_a_handler_of_security_log_records_does_not_wait_for_its_device(
    keys: Path, connect: Connect, end: Callable[[Device], None]
) -> None:
    device = echo(ThreadDevice, curve(keys))
    handled = threading.Event()

    class Ends(logging.Handler):
        def emit(self, _record: logging.LogRecord) -> None:
            end(device)
            device.stop()
            handled.set()

    handler, log = Ends(), logging.getLogger("zdev.security")
    log.addHandler(handler)
    try:
        device.start()
        connect(zmq.DEALER, device.endpoints["in"][0], **as_client(keys, "mallory"))
        assert handled.wait(10), "the handler waits for the device, which waits for the handler"
        device.join(10)
        assert not device.is_alive()
        assert device.exception is None
    finally:
        log.removeHandler(handler)
        device.stop()
