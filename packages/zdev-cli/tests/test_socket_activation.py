"""Listening sockets that systemd passes to `zdev run` (sd_listen_fds(3)) serve the binds with their addresses."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import zmq
from devices_text import device
from patience import PATIENCE

if TYPE_CHECKING:
    from conftest import Program, Service

Start = Callable[..., "Service"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Listen = Callable[..., socket.socket]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Makes a socket that listens at a path, or at a free port."""
    made = []

    def make(path: Path | None = None, host: str = "127.0.0.1") -> socket.socket:
        family = socket.AF_UNIX if path else socket.AF_INET6 if ":" in host else socket.AF_INET
        made.append(socket.socket(family))
        made[-1].bind(str(path) if path else (host, 0))
        made[-1].listen()
        return made[-1]

    yield make
    for each in made:
        each.close()


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def at(listener: socket.socket) -> str:
    return f"tcp://127.0.0.1:{port_of(listener)}"


def stream(in_: str, out: str, name: str = "s", **more: str) -> str:
    text = device(name, "streamer", in_=f'bind = "{in_}"', out=f'bind = "{out}"')
    return text + "".join(f'{key} = "{value}"\n' for key, value in more.items())


def assert_relays(connected: Connected, in_: str, out: str) -> None:
    connected(zmq.PUSH, in_).send(b"hello")
    assert connected(zmq.PULL, out).recv() == b"hello"


@pytest.mark.parametrize("isolation", ["thread", "process"])
@pytest.mark.parametrize("on", ["wire", "libzmq"])
def test_a_socket_serves_the_bind_with_its_address_from_before_the_start_to_the_next_zdev(
    service: Start, folder: Path, connected: Connected, listen: Listen, isolation: str, on: str
) -> None:
    first, second = listen(), listen(folder / "out")
    in_, out = at(first), f"ipc://{folder}/out"
    sockets = {"zdev.socket": first, "other.socket": second}
    early = connected(zmq.PUSH, in_)
    early.send(b"early")
    receiver = connected(zmq.PULL, out)
    running = service(stream(in_, out, isolation=isolation, engine=on), sockets=sockets)
    assert running.until_ready() == {"s in": in_, "s out": out}
    assert receiver.recv() == b"early"
    assert running.do("restart", "s")[0].startswith("s: drained")
    connected(zmq.PUSH, in_).send(b"restarted")
    assert receiver.recv() == b"restarted"
    running.send(signal.SIGTERM)
    assert running.status() == 0
    assert (folder / "out").is_socket()
    waiting = connected(zmq.PUSH, in_)
    waiting.send(b"between")
    again = service(stream(in_, out, isolation=isolation, engine=on), sockets=sockets)
    again.until_ready()
    assert receiver.recv() == b"between"


def test_a_device_that_is_killed_is_restarted_on_the_same_socket(
    service: Start, folder: Path, connected: Connected, listen: Listen
) -> None:
    listener = listen()
    running = service(stream(at(listener), f"ipc://{folder}/out", isolation="process"), sockets={"zdev.socket": listener})
    running.until_ready()
    os.kill(running.device_processes()[0], signal.SIGKILL)
    running.until("s", lambda device: device["restarts"] == 1)
    assert_relays(connected, at(listener), f"ipc://{folder}/out")


def test_a_name_gives_a_socket_to_a_bind_without_a_fixed_port(service: Start, connected: Connected, listen: Listen) -> None:
    first, second = listen(), listen()
    running = service(stream("tcp://127.0.0.1:*", "tcp://127.0.0.1:*"), sockets={"s.out": first, "s.in": second})
    assert running.until_ready() == {"s in": at(second), "s out": at(first)}
    assert_relays(connected, at(second), at(first))


def test_a_socket_on_all_addresses_of_both_families_serves_a_wildcard(
    service: Start, folder: Path, connected: Connected, listen: Listen
) -> None:
    listener = listen(host="::")
    toml = stream(f"tcp://*:{port_of(listener)}", f"ipc://{folder}/out") + "[defaults]\ninsecure = true\n"
    running = service(toml, sockets={"zdev.socket": listener})
    running.until_ready()
    assert_relays(connected, at(listener), f"ipc://{folder}/out")


def test_a_socket_serves_the_page(service: Start, listen: Listen, folder: Path) -> None:
    listener = listen()
    toml = f'[http]\nlisten = "127.0.0.1:{port_of(listener)}"\n' + stream(f"ipc://{folder}/in", f"ipc://{folder}/out")
    running = service(toml, sockets={"http": listener})
    running.until_ready()
    assert urllib.request.urlopen(f"{running.http}/readyz", timeout=PATIENCE).status == 200
    running.write(stream(f"ipc://{folder}/in", f"ipc://{folder}/out"))
    assert "http: off" in running.do("reload")
    assert re.search(rf'no bind has the address of socket "http" at {at(listener)}: clients', "\n".join(log_of(running)))


def log_of(running: Service) -> list[str]:
    """End it. Returns its log."""
    running.send(signal.SIGTERM)
    return running.err.rest()


@pytest.mark.parametrize("name", ["zdev.socket", "s.in"])
def test_a_socket_that_serves_nothing_is_refused_by_name(service: Start, folder: Path, listen: Listen, name: str) -> None:
    listener = listen()
    running = service(stream("tcp://127.0.0.1:5559", f"ipc://{folder}/out"), sockets={name: listener})
    assert running.status() == 78
    (said,) = running.err.rest()
    assert f'no bind has the address of socket "{name}" at {at(listener)}: add the bind, or remove' in said


def test_a_socket_that_does_not_listen_is_refused(service: Start, folder: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        running = service(stream("tcp://127.0.0.1:5559", f"ipc://{folder}/out"), sockets={"zdev.socket": datagrams})
        assert running.status() == 78
        assert 'cannot use the socket "zdev.socket" of systemd (descriptor 3)' in running.err.rest()[0]


def test_children_do_not_get_the_variables(service: Start, folder: Path, listen: Listen) -> None:
    listener = listen()
    running = service(stream(at(listener), f"ipc://{folder}/out", isolation="process"), sockets={"zdev.socket": listener})
    running.until_ready()
    servers = running.children()
    assert servers
    assert not [each for each in servers if b"LISTEN_" in Path(f"/proc/{each}/environ").read_bytes()]


def test_variables_for_another_process_are_ignored(service: Start, folder: Path) -> None:
    running = service(stream(f"ipc://{folder}/in", f"ipc://{folder}/out"), LISTEN_PID="1", LISTEN_FDS="2")
    running.until_ready()


def test_one_device_of_the_command_line_takes_sockets_too(
    zdev: Callable[..., Program], listen: Listen, connected: Connected, folder: Path
) -> None:
    listener = listen()
    arguments = ("run", "streamer", "--bind-in", at(listener), "--bind-out", f"ipc://{folder}/out")
    running = zdev(*arguments, sockets={"zdev.socket": listener})
    assert running.endpoints(2)["in"] == at(listener)
    assert_relays(connected, at(listener), f"ipc://{folder}/out")
    running.statistics()
    unused = zdev(*arguments, sockets={"a": listener, "b": listen()})
    assert unused.status() == 78
    assert 'zdev run: no bind has the address of socket "b"' in unused.err.rest()[0]


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="systemd-socket-activate is missing (Debian: systemd)")
def test_systemd_itself_passes_its_sockets(zdev_path: str, listen: Listen, connected: Connected, folder: Path) -> None:
    with listen() as free:
        in_ = at(free)
    file = folder / "zdev.toml"
    file.write_text(stream(in_, f"ipc://{folder}/out"))
    command = ["systemd-socket-activate", "--listen", in_.removeprefix("tcp://"), "--fdname=zdev.socket"]
    running = subprocess.Popen([*command, zdev_path, "run", "-c", str(file), "--control", str(folder / "c.sock")])
    try:
        assert_relays(connected, in_, f"ipc://{folder}/out")
    finally:
        running.terminate()
        assert running.wait(PATIENCE) == 0
