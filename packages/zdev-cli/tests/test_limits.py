"""The limits of the sockets of a device that is run: zdev's own, unless the configuration or the command line has others."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
import zmq
from faults.strangers import closed, silent
from patience import PATIENCE

from zdev_background import DEFAULT_SOCKET_OPTIONS
from zdev_cli.traffic.sender import Sender
from zdev_cli.traffic.subscriber import Subscriber

if TYPE_CHECKING:
    from conftest import Program, Service

ANY = "tcp://127.0.0.1:*"
DEVICE = """
[[device]]
name = "a"
type = "queue"
in = {{ bind = "tcp://127.0.0.1:*"{} }}
out.bind = "tcp://127.0.0.1:*"
"""
FRAME = b"\2"  # a long one; ZMTP, rfc.zeromq.org/spec/23


def is_refused(endpoint: str, length: int) -> bool:
    """Whether who declares a frame of this length is cut off, where one of ten bytes is not."""
    small, large = silent(endpoint, 2)
    with small, large:
        for each, size in ((small, 10), (large, length)):
            each.sendall(FRAME + struct.pack(">Q", size))
        refused = bool(closed([large], PATIENCE))
        return refused and not closed([small], 0.1)


@pytest.mark.parametrize("isolation", ["thread", "process"])
def test_a_configured_device_has_those_of_zdev(service: Callable[..., Service], isolation: str) -> None:
    at = service(f'[defaults]\nisolation = "{isolation}"\n{DEVICE.format("")}').until_ready()
    assert is_refused(at["a in"], 2**30 + 1)
    assert is_refused(at["a out"], 2**30 + 1)


@pytest.mark.parametrize(
    "toml",
    [DEVICE.format(", options = { MAXMSGSIZE = 1000 }"), f"[defaults]\noptions = {{ MAXMSGSIZE = 1000 }}\n{DEVICE.format('')}"],
    ids=["of the socket", "of the defaults"],
)
def test_the_configuration_goes_first(service: Callable[..., Service], toml: str) -> None:
    assert is_refused(service(toml).until_ready()["a in"], 1001)


def test_who_does_not_shake_hands_is_cut_off_in_the_time_configured(service: Callable[..., Service]) -> None:
    at = service(DEVICE.format(", options = { HANDSHAKE_IVL = 200 }")).until_ready()
    host, _, port = at["a in"].removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as stranger:
        assert closed([stranger], PATIENCE)


def test_the_command_line_goes_first_too(zdev: Callable[..., Program]) -> None:
    options = ("--setsockopt-in", "MAXMSGSIZE=1000")
    at = zdev("run", "queue", "--bind-in", ANY, "--bind-out", ANY, *options).endpoints(2)
    assert is_refused(at["in"], 1001)
    assert is_refused(at["out"], 2**30 + 1)


def test_tap_record_and_replay_have_them_too() -> None:
    with Subscriber("tcp://127.0.0.1:1", (), 1000) as watch, Sender([ANY], "PUSH", bind=True, timeout=1) as sender:
        for made in (watch._socket, sender._socket):
            assert {option: made.get(option) for option in DEFAULT_SOCKET_OPTIONS} == DEFAULT_SOCKET_OPTIONS


def test_replay_bounds_what_subscribers_say() -> None:
    with Sender([ANY], "PUB", bind=True, timeout=1) as sender:
        assert sender._socket.get(zmq.MAXMSGSIZE) == 65_536
