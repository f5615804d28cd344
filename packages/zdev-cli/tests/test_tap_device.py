"""`zdev tap` and `zdev record` find a device of a running zdev by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import zmq
from devices_text import BIND, device
from patience import PATIENCE

from zdev_cli.traffic.reader import Reader

if TYPE_CHECKING:
    from conftest import Program

Start = Callable[..., "Program"]
Connected = Callable[..., "zmq.Socket[bytes]"]
Refused = Callable[..., tuple[int, str]]
CONFIG = device("orders", "streamer", in_=BIND, out=BIND, mon=BIND) + device("silent", "streamer", in_=BIND, out=BIND)


@pytest.fixture
def running(zdev: Start, tmp_path: Path) -> tuple[str, dict[str, str]]:
    """The control socket of a zdev with two devices, and the endpoints of orders."""
    tmp_path.chmod(0o700)
    config, control = tmp_path / "zdev.toml", tmp_path / "ctl"
    config.write_text(CONFIG)
    program = zdev("run", "-c", str(config), "--control", str(control))
    endpoints = {}
    while not (line := program.out.next()).startswith("started:"):
        words = line.split()
        if words[0] == "orders":
            endpoints[words[1]] = words[-1]
    return str(control), endpoints


def test_a_name_is_as_good_as_its_endpoint(
    zdev: Start, connected: Connected, running: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    control, at = running
    path = tmp_path / "t.mcap"
    tap = zdev("tap", "orders", "--control", control, "--limit", "1")
    recorder = zdev("record", "orders", "--control", control, "-o", str(path), "--limit", "1")
    assert tap.err.next() == recorder.err.next() == f"connected to {at['mon']}"
    push, pull = connected(zmq.PUSH, at["in"]), connected(zmq.PULL, at["out"])
    deadline = monotonic() + PATIENCE
    while tap.process.poll() is None or recorder.process.poll() is None:  # a subscription takes a moment to arrive
        assert monotonic() < deadline
        push.send(b"pen")
        assert pull.recv() == b"pen"
    assert tap.out.next().endswith('in   1 frame   3 B  "pen"')
    assert [each.message for each in Reader(path)] == [[b"in", b"pen"]]


def test_a_device_without_a_monitor_says_how_to_add_one(refused: Refused, running: tuple[str, dict[str, str]]) -> None:
    status, line = refused("tap", "silent", "--control", running[0])
    assert status == 69
    assert 'device "silent" has no mon socket: add ' in line


def test_an_unknown_device_is_refused_with_those_there_are(refused: Refused, running: tuple[str, dict[str, str]]) -> None:
    status, line = refused("record", "order", "--control", running[0], "-o", "t.mcap")
    assert status == 64
    assert "available: orders, silent" in line
