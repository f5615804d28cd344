"""The unit of docs/deploy/systemd, as systemd itself reads it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from zdev_cli.config import Config
from zdev_cli.config.given_sockets import GivenSocket, GivenSockets

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Service

UNITS = Path(__file__).parents[4] / "docs" / "deploy" / "systemd"
EXPOSURE = 15  # tenths of 0 (sandboxed) to 10 (anything goes)
LISTED = re.compile(r"^    ([@a-z0-9_-]+)$", re.MULTILINE)

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is missing (Debian: systemd)")


def analyze(*arguments: str) -> str:
    done = subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def version() -> int:
    return int(analyze("--version").split()[1])


def unit(folder: Path, zdev: str) -> str:
    """The unit, with the zdev that is tested, and on an old systemd with the drop-in that is for it."""
    lines = (UNITS / "zdev.service").read_text().replace("/opt/zdev/bin/zdev", zdev).splitlines()
    if version() < 253:
        lines.remove("Type=notify-reload")
        more = (UNITS / "before-253.conf").read_text().replace("/opt/zdev/bin/zdev", zdev).splitlines()
        lines += ["[Service]", *more[more.index("[Service]") + 1 :]]
    path = folder / "zdev.service"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_unit(folder: Path, zdev_path: str) -> None:
    said = analyze("verify", "--man=no", "--recursive-errors=no", unit(folder, zdev_path))
    assert [line for line in said.splitlines() if "zdev" in line] == []  # others are of this machine's units


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_socket_unit(folder: Path, zdev_path: str) -> None:
    shutil.copy(UNITS / "zdev.socket", folder)
    unit(folder, zdev_path)
    said = analyze("verify", "--man=no", "--recursive-errors=no", str(folder / "zdev.socket"), str(folder / "zdev.service"))
    assert [line for line in said.splitlines() if "zdev" in line] == []


def test_the_sockets_of_the_unit_serve_every_bind_of_the_configuration() -> None:
    addresses = re.findall(r"^ListenStream=(.*)$", (UNITS / "zdev.socket").read_text(), re.MULTILINE)
    endpoints = [f"tcp://{each}" if ":" in each else f"tcp://[::]:{each}" for each in addresses]
    with socket.socket() as any_socket:
        given = GivenSockets([GivenSocket("zdev.socket", each, any_socket) for each in endpoints])
    config = msgspec.toml.decode((UNITS / "zdev.toml").read_text(), type=Config)
    assert config.http
    assert given.unused(config.devices(), config.http.listen) == []
    for name, device in config.devices().items():
        for role, each in device.sockets.items():
            assert all(given.serving(name, role, each.binds))


@needs_systemd
def test_the_unit_is_exposed_to_little(folder: Path, zdev_path: str) -> None:
    analyze("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}", unit(folder, zdev_path))


@pytest.mark.slow
@needs_systemd
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing (Debian: strace)")
@pytest.mark.timeout(180)
def test_zdev_makes_no_system_call_that_the_unit_forbids(service: Callable[..., Service], folder: Path) -> None:
    device = '[[device]]\nname = "{0}"\ntype = "queue"\nisolation = "{0}"\nin.bind = "{1}"\nout.bind = "{1}"\n'
    devices = [device.format(isolation, "tcp://127.0.0.1:*") for isolation in ("thread", "process")]
    running = service('[http]\nlisten = "127.0.0.1:0"\n' + "".join(devices))
    running.until_ready()
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-e", "trace=all", "-o", str(folder / "calls"), "-p", str(running.process.pid)]
    )
    try:
        deadline = time.monotonic() + 20
        while not ((folder / "calls").exists() and (folder / "calls").stat().st_size):
            if tracer.poll() is not None:
                pytest.skip("strace may not attach to a process here")
            assert time.monotonic() < deadline, "strace does not begin"
            time.sleep(0.02)
        running.do("restart", "thread")  # makes its sockets and threads again
        running.do("restart", "process")
        running.do("reload")
    finally:
        tracer.terminate()
        tracer.wait(20)
    made = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", (folder / "calls").read_text(), re.MULTILINE))
    assert {"sendto", "epoll_wait", "poll"} & made
    assert made - allowed() == set()


def allowed() -> set[str]:
    """Of the system calls, those of the filters in the unit."""
    calls: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", (UNITS / "zdev.service").read_text(), re.MULTILINE):
        named = set().union(*(expanded(word) for word in words.removeprefix("~").split()))
        calls = calls - named if words.startswith("~") else calls | named
    return calls


def expanded(group: str) -> set[str]:
    members = set(LISTED.findall(analyze("syscall-filter", group)))
    return set().union(*(expanded(each) if each.startswith("@") else {each} for each in members))


def test_the_stop_of_the_unit_is_longer_than_every_drain() -> None:
    stop = int(re.findall(r"^TimeoutStopSec=(\d+)$", (UNITS / "zdev.service").read_text(), re.MULTILINE)[0])
    drains = [int(each) for each in re.findall(r"^drain_timeout = (\d+)", (UNITS / "zdev.toml").read_text(), re.MULTILINE)]
    assert drains
    assert stop > max(drains)
