"""`zdev validate` warns of what is allowed but does not work, and with --probe of endpoints that cannot be reached."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from exchange import queue

from zdev_background import create_key

Validate = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def validate(zdev_path: str, folder: Path) -> Validate:
    """Writes zdev.toml, and validates it with these arguments."""

    def run(toml: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        (folder / "zdev.toml").write_text(toml)
        command = [zdev_path, "validate", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=folder)

    return run


def guarded(folder: Path) -> str:
    """Return a device that authenticates clients by a directory without keys."""
    create_key(folder / "keys", "server")
    (folder / "keys/clients").mkdir(mode=0o700)
    return queue("a", "in.curve = { secret_key = 'keys/server.key_secret', clients = 'keys/clients' }")


EMPTY = "no usable key (*.key) in keys/clients: no client can connect (add their public keys)"
AT = "zdev.toml:7:63  warning: device.in.curve.clients: "


def test_a_directory_of_clients_without_a_usable_key_is_a_warning(validate: Validate, folder: Path) -> None:
    text = guarded(folder)
    done = validate(text)
    assert (done.stderr, done.returncode) == (f"{AT}{EMPTY}\n", 0)
    (folder / "keys/clients/bad.key").write_text("not a key")
    said = validate(text).stderr.splitlines()
    assert [line.startswith(AT) for line in said] == [True, True]
    assert "ignoring a client key: " in said[0]
    assert "bad.key" in said[0]
    create_key(folder / "keys/clients", "anna")
    (folder / "keys/clients/bad.key").unlink()
    assert validate(text).stderr == ""


def test_strict_makes_warnings_errors(validate: Validate, folder: Path) -> None:
    text = guarded(folder)
    done = validate(text, "--strict")
    assert (done.stdout, done.stderr, done.returncode) == ("", f"{AT.replace('warning: ', '')}{EMPTY}\n", 78)
    assert validate(queue("a"), "--strict").returncode == 0


@pytest.mark.parametrize(("arguments", "severity", "status"), [((), "warning", 0), (("--strict",), "error", 78)])
def test_json_lists_warnings_with_their_severity(
    validate: Validate, folder: Path, arguments: tuple[str, ...], severity: str, status: int
) -> None:
    done = validate(guarded(folder), "--json", *arguments)
    found = {"file": "zdev.toml", "line": 7, "column": 63, "key": "device.in.curve.clients", "message": EMPTY}
    assert (json.loads(done.stdout), done.stderr, done.returncode) == ([{**found, "severity": severity}], "", status)


def test_a_default_for_monitors_that_no_device_has_is_a_warning(validate: Validate) -> None:
    defaults = "[defaults]\nmon_on_full = 'drop'\n"
    done = validate(defaults + queue("a"))
    assert done.stderr == "zdev.toml:2:1  warning: defaults.mon_on_full: not used: no device has a mon socket\n"
    assert validate(defaults + queue("a") + "mon.bind = 'tcp://127.0.0.1:*'\n").stderr == ""


def test_a_warning_is_in_the_included_file_that_has_the_setting(validate: Validate, folder: Path) -> None:
    (folder / "a.toml").write_text(guarded(folder))
    done = validate("include = ['a.toml']\n" + queue("main"))
    assert done.stderr == f"{AT.replace('zdev', 'a')}{EMPTY}\n"


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that accepts connections and sends nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def connecting(*endpoints: str) -> str:
    return queue("a").replace('out.bind = "tcp://127.0.0.1:*"', f"out.connect = {list(endpoints)}")


def port_of(server: socket.socket) -> int:
    port: int = server.getsockname()[1]
    return port


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_an_endpoint_where_a_zeromq_socket_listens_is_reachable(
    validate: Validate, bound: Callable[..., Any], folder: Path, transport: str
) -> None:
    _, endpoint = bound(zmq.REP, f"ipc://{folder}/rep" if transport == "ipc" else "tcp://127.0.0.1:*")
    assert validate(connecting(endpoint, endpoint.replace("127.0.0.1", "localhost")), "--probe").stderr == ""


@pytest.mark.parametrize("engine", ["wire", "libzmq"])
@pytest.mark.usefixtures("engine")
def test_a_running_device_is_reachable(validate: Validate, service: Callable[..., Any], folder: Path) -> None:
    program = service(queue("orders"), file=folder / "other.toml")
    assert validate(connecting(program.until_ready()["orders in"]), "--probe").stderr == ""


def test_endpoints_where_no_zeromq_socket_listens_are_warnings_at_their_places(validate: Validate, folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = port_of(free)
    done = validate(connecting(f"tcp://127.0.0.1:{port}", f"ipc://{folder}/none"), "--probe")
    place = "zdev.toml:6:{}  warning: device.out.connect: {} is not reachable: {}"
    assert done.stderr.splitlines() == [
        place.format(16, f"tcp://127.0.0.1:{port}", "connection refused"),
        place.format(16 + len(f"'tcp://127.0.0.1:{port}', "), f"ipc://{folder}/none", "no such file or directory"),
    ]
    assert done.returncode == 0
    assert validate(connecting(f"tcp://127.0.0.1:{port}")).stderr == "", "without --probe nothing is tried"
    assert validate(connecting(f"tcp://127.0.0.1:{port}"), "--probe", "--strict").returncode == 78


def test_servers_that_do_not_greet_are_tried_in_parallel_and_are_sent_nothing(
    validate: Validate, silent: socket.socket
) -> None:
    received: list[bytes] = []

    def serve() -> None:
        with silent.accept()[0] as one, silent.accept()[0] as other:
            other.sendall(b"SSH-2.0-x\r\n")
            received.extend([one.recv(100), other.recv(100)])

    server = threading.Thread(target=serve)
    server.start()
    port = port_of(silent)
    done = validate(connecting(f"tcp://127.0.0.1:{port}", f"tcp://localhost:{port}"), "--probe")
    server.join(10)
    assert received == [b"", b""]
    reasons = sorted(line.partition(f":{port} ")[2] for line in done.stderr.splitlines())
    assert reasons == ["does not answer within 2 s", "is not a ZeroMQ socket: it sent something other than a ZMTP greeting"]


def test_an_endpoint_that_the_file_itself_binds_is_not_tried(validate: Validate, silent: socket.socket) -> None:
    port = port_of(silent)
    text = connecting(f"tcp://127.0.0.1:{port}") + queue("b", front=f"tcp://127.0.0.1:{port}")
    assert validate(text, "--probe").stderr == ""
