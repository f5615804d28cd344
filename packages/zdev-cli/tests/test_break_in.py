"""`zdev run -c` with keys: peers that try to get in without one, and what the log says about them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patience import PATIENCE
from raw_control import say
from zmq.auth import load_certificate

from zdev_background import create_key
from zdev_cli._failure import Failure
from zdev_cli.control.client import ask
from zdev_cli.control.protocol import Request
from zdev_cli.traffic.recording import FileWriter

if TYPE_CHECKING:
    from conftest import Program, Service

pytestmark = pytest.mark.engine("libzmq")  # for CURVE
ANY = "tcp://127.0.0.1:*"
REFUSED = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
NOBODY = 65534
Start = Callable[..., "Service"]
NewSocket = Callable[[int], "zmq.Socket[bytes]"]
CURVE = 'curve = { secret_key = "keys/orders.key_secret", clients = "keys/clients" }'


def device(name: str, front: str, isolation: str = "thread", engine: str = "auto") -> str:
    return f"""
[[device]]
name = "{name}"
type = "monitored-queue"
isolation = "{isolation}"
engine = "{engine}"
in = {{ bind = "{front}", {CURVE} }}
out = {{ bind = "{ANY}", {CURVE} }}
mon = {{ bind = "{ANY}", {CURVE} }}
"""


@pytest.fixture
def keys(folder: Path) -> Path:
    create_key(folder / "keys", "orders")
    create_key(folder / "keys/clients", "anna")
    create_key(folder / "others", "mallory")
    return folder


def curve(keys: Path, name: str) -> dict[str, bytes]:
    public, secret = load_certificate(next(keys.rglob(f"{name}.key_secret")))
    assert secret
    server, _ = load_certificate(keys / "keys/orders.key")
    return {"curve_publickey": public, "curve_secretkey": secret, "curve_serverkey": server}


def verdict(client: zmq.Socket[bytes], act: Callable[[], object]) -> str:
    """Call `act` and return the result of the client's next handshake."""
    with client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | REFUSED) as events:
        act()
        assert events.poll(int(PATIENCE * 1000)), "neither let in nor refused"
        event = int.from_bytes(events.recv_multipart()[0][:2], "little")
        client.disable_monitor()
    return "in" if event == zmq.EVENT_HANDSHAKE_SUCCEEDED else "refused"


def knock(new_socket: NewSocket, endpoint: str, options: dict[str, bytes]) -> str:
    client = new_socket(zmq.REQ)
    for name, value in options.items():
        setattr(client, name, value)
    return verdict(client, lambda: client.connect(endpoint))


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_only_a_peer_that_has_a_known_key_gets_in_whatever_becomes_of_the_keys(
    service: Start, new_socket: NewSocket, keys: Path, isolation: str
) -> None:
    program = service(device("orders", ANY, isolation))
    at = program.until_ready()
    anna, mallory = curve(keys, "anna"), curve(keys, "mallory")
    for role in ("in", "out", "mon"):
        endpoint = at[f"orders {role}"]
        assert knock(new_socket, endpoint, {}) == "refused", "NULL"
        assert knock(new_socket, endpoint, {"plain_username": b"anna", "plain_password": b"x"}) == "refused", "PLAIN"
        assert knock(new_socket, endpoint, mallory) == "refused", "an unknown key"
        wrong = {**anna, "curve_serverkey": mallory["curve_publickey"]}
        assert knock(new_socket, endpoint, wrong) == "refused", "the key of another server"
    endpoint = at["orders in"]
    assert knock(new_socket, endpoint, anna) == "in"
    (keys / "others/mallory.key").rename(keys / "keys/clients/mallory.key")
    (keys / "keys/clients/anna.key").unlink()
    assert knock(new_socket, endpoint, mallory) == "in", "added, without a reload"
    assert knock(new_socket, endpoint, anna) == "refused", "revoked, without a reload"
    printed = program.ask("status", "--json").stdout + program.ask("status", "orders").stdout
    program.process.terminate()
    printed += "".join(program.err.rest())
    assert re.search(r"orders: refused a peer at in from 127.0.0.1 with key .{40}: Unknown key", printed)
    for name in ("orders", "anna", "mallory"):
        _, secret = load_certificate(next(keys.rglob(f"{name}.key_secret")))
        assert secret
        assert secret.decode() not in printed


@pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux only")
def test_a_revoked_client_is_disconnected_within_a_second_without_a_restart(
    service: Start, new_socket: NewSocket, keys: Path
) -> None:
    at = service(device("orders", ANY, engine="wire")).until_ready()
    client = new_socket(zmq.REQ)
    for name, value in curve(keys, "anna").items():
        setattr(client, name, value)
    with client.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED) as events:
        client.connect(at["orders in"])
        assert int.from_bytes(events.recv_multipart()[0][:2], "little") == zmq.EVENT_HANDSHAKE_SUCCEEDED
        (keys / "keys/clients/anna.key").unlink()
        assert events.poll(1000)
        assert int.from_bytes(events.recv_multipart()[0][:2], "little") == zmq.EVENT_DISCONNECTED


def test_a_restart_drops_a_revoked_client_and_a_reload_touches_nobody(
    service: Start, new_socket: NewSocket, keys: Path
) -> None:
    front = f"ipc://{keys}/front"  # the same after a restart, and nobody else's in between
    program = service(device("orders", front, engine="libzmq"))
    at = program.until_ready()
    client, worker = new_socket(zmq.REQ), new_socket(zmq.REP)
    for socket, where in ((client, front), (worker, at["orders out"])):
        for name, value in curve(keys, "anna").items():
            setattr(socket, name, value)
        socket.connect(where)

    def exchange() -> bool:
        client.send(b"hello")
        worker.send(worker.recv())
        return client.recv() == b"hello"

    assert exchange()
    (keys / "keys/clients/anna.key").unlink()
    assert program.do("reload") == ["orders: unchanged"]
    assert exchange(), "libzmq asks for keys at the handshake only"
    assert verdict(client, lambda: program.do("restart", "orders")) == "refused"


@pytest.mark.slow
def test_a_protected_monitor_is_reached_with_keys_and_asks_for_them(
    service: Start, zdev: Callable[..., Program], refused: Callable[..., tuple[int, str]], keys: Path
) -> None:
    at = (program := service(device("orders", ANY))).until_ready()
    control = ("--control", str(program.control))
    anna = ("--secret-key", str(keys / "keys/clients/anna.key_secret"))
    mallory = ("--secret-key", str(keys / "others/mallory.key_secret"))
    server, wrong = (("--server-key", str(keys / each)) for each in ("keys/orders.key", "others/mallory.key"))

    def says(*arguments: str) -> str:
        status, said = refused(*arguments, *control)
        assert status in (64, 69)
        return said

    need = "if it requires a key, add --secret-key FILE (yours) and --server-key FILE (its public key)"
    for line in (says("tap", "orders"), says("record", "orders", "-o", str(keys / "t.mcap"))):
        assert line.startswith(f"zdev: {at['orders mon']} is not a mon endpoint")
        assert line.endswith(need)
    assert "rejected this key" in says("tap", "orders", *mallory, *server)
    assert "--server-key may belong to another socket" in says("tap", "orders", *anna, *wrong)
    assert "must be given together" in says("tap", "orders", *anna)
    (keys / "keys/clients/anna.key_secret").chmod(0o644)
    assert "chmod 0600" in says("tap", "orders", *anna, *server)
    (keys / "keys/clients/anna.key_secret").chmod(0o600)
    for command in (("tap",), ("record", "-o", str(keys / "t.mcap"))):
        watcher = zdev(*command, "orders", *control, *anna, *server)
        assert watcher.err.next() == f"connected to {at['orders mon']}"


def test_a_recording_is_replayed_to_a_peer_that_asks_for_keys(
    service: Start, zdev: Callable[..., Program], refused: Callable[..., tuple[int, str]], new_socket: NewSocket, keys: Path
) -> None:
    at = service(device("orders", ANY)).until_ready()
    writer = FileWriter(keys / "t.mcap", "ipc://mon", 10**6)
    writer.add([b"in", b"client", b"", b"ask"], 10**18)
    writer.finish()
    worker = new_socket(zmq.REP)
    for name, value in curve(keys, "anna").items():
        setattr(worker, name, value)
    worker.connect(at["orders out"])
    replay = ("replay", str(keys / "t.mcap"), "--to", at["orders in"], "--type", "DEALER", "--strip", "1")
    anna = ("--secret-key", str(keys / "keys/clients/anna.key_secret"), "--server-key", str(keys / "keys/orders.key"))
    assert "add --secret-key FILE" in refused(*replay)[1]
    assert "cannot be used with --bind" in refused(*replay, *anna, "--bind")[1]
    replays = zdev(*replay, *anna)
    assert worker.recv() == b"ask"
    worker.send(b"answer")
    assert replays.status() == 0


def test_keys_where_none_are_asked_for_are_reported(
    service: Start, refused: Callable[..., tuple[int, str]], keys: Path
) -> None:
    at = service(
        f'[[device]]\nname = "a"\ntype = "streamer"\nin.bind = "{ANY}"\nout.bind = "{ANY}"\nmon.bind = "{ANY}"'
    ).until_ready()
    anna = ("--secret-key", str(keys / "keys/clients/anna.key_secret"), "--server-key", str(keys / "keys/orders.key"))
    status, said = refused("tap", at["a mon"], *anna)
    assert status == 69
    assert "it may not use CURVE" in said


@AS_ROOT
def test_another_user_does_not_reach_the_control_socket(service: Start, keys: Path) -> None:
    program = service(device("orders", ANY))
    program.until_ready()
    assert program.control.stat().st_mode & 0o777 == 0o600
    assert program.control.parent.stat().st_mode & 0o777 == 0o700
    reach = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    for mode, why in ((0o700, "Permission denied"), (0o755, "Permission denied")):  # the socket's own mode holds too
        keys.chmod(mode)
        command = ["/usr/bin/python3", "-c", reach, str(program.control)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, user=NOBODY, cwd="/")
        assert why in done.stderr
    keys.chmod(0o700)


@AS_ROOT
def test_who_is_not_root_asks_no_zdev_of_another_user(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o777)
    listen = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); print(flush=True); sys.stdin.read()"
    command = ["/usr/bin/python3", "-c", listen, str(folder / "c.sock")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, user=NOBODY, cwd="/") as impostor:
        assert impostor.stdin
        assert impostor.stdout
        impostor.stdout.readline()
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        with pytest.raises(Failure, match=rf"another user \(uid {NOBODY}\) answers there"):
            ask(Request(verb="status"), str(folder / "c.sock"))
        impostor.stdin.close()


@pytest.mark.usefixtures("keys")
def test_every_command_is_logged_on_one_line_with_its_sender_and_outcome(service: Start) -> None:
    program = service(device("orders", ANY))
    program.until_ready()
    program.do("pause", "orders")
    program.ask("stop", "nobody")
    say(program.control, b'{"verb": "stop", "device": "a\\n2026 forged"}\n')
    program.process.terminate()
    said = [line.partition("control: ")[2] for line in program.err.rest() if "control: uid" in line]
    who = rf"uid {os.geteuid()}, gid {os.getegid()}, pid \d+: "
    expected = [
        "pause orders: done: orders: paused",
        r'stop nobody: refused: unknown device "nobody" \(available: orders\)',
        r"stop a\\n2026 forged: refused: unknown device .*",
    ]
    assert len(said) == len(expected), said
    for line, pattern in zip(said, expected, strict=True):
        assert re.fullmatch(who + pattern, line), line


@pytest.mark.usefixtures("keys")
def test_whatever_comes_to_the_control_socket_it_answers_on(service: Start) -> None:
    program = service(device("orders", ANY))
    program.until_ready()
    words = st.sampled_from(
        [b"", b"\n", b"{", b"}", b'"verb"', b":", b'"status"', b'"pause"', b'"device"', b",", b'"orders"', b"\xff"]
    )
    text = st.binary(max_size=64) | st.lists(words, max_size=8).map(b"".join)

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(text, min_size=1, max_size=5).map(b"\n".join))
    def send(request: bytes) -> None:
        if b"pause" not in request:
            say(program.control, request)

    send()
    assert program.snapshot()["ready"] is True
    assert program.do("pause", "orders") == ["orders: paused"]
