"""However much is said to a device's TCP port, the device goes on, and what it took is given back."""

from __future__ import annotations

import resource
from contextlib import ExitStack

import pytest
import zmq
from helpers import Eventually, libzmq_only, wire_only

from zdev_background import ProcessDevice

from .victim import Victim
from .zmtp import LONG, MORE, connection, frame, is_closed, say_after_handshake

MB = 1_000_000


@pytest.mark.parametrize("length", [2**29, 2**30, 2**31, 2**33, 2**40, 2**63, 2**64 - 1])
def test_a_huge_declared_length_takes_no_memory(victim: Victim, length: int) -> None:
    before = victim.memory()
    with ExitStack() as connections:
        for _ in range(20):
            connections.enter_context(say_after_handshake(victim.endpoint, frame(b"little", LONG, length)))
        victim.serves(10)
        assert victim.memory() - before < 20 * MB


@pytest.mark.slow
def test_a_thousand_silent_connections_take_a_descriptor_each_and_little_memory(victim: Victim) -> None:
    for pid in (0, victim.pid):  # 0: this process. Users usually have 1024 and may have more
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    before = victim.memory()
    with ExitStack() as connections:
        for _ in range(1000):
            connections.enter_context(connection(victim.endpoint))
        victim.serves(10)
        assert victim.memory() - before < 50 * MB


def test_where_no_descriptor_is_left_those_who_are_connected_go_on(victim: Victim, eventually: Eventually) -> None:
    _, hard = resource.prlimit(victim.pid, resource.RLIMIT_NOFILE)
    limit = victim.descriptors() + 50
    resource.prlimit(victim.pid, resource.RLIMIT_NOFILE, (limit, hard))
    with ExitStack() as connections:
        for _ in range(100):  # some wait in the queue of the listening socket
            connections.enter_context(connection(victim.endpoint))
        eventually(lambda: victim.descriptors() >= limit)
        victim.serves(100)


@libzmq_only
def test_endless_frames_are_gathered_by_libzmq_until_the_peer_leaves(
    device: ProcessDevice, request: pytest.FixtureRequest, eventually: Eventually
) -> None:
    """Neither MAXMSGSIZE, which is of a frame, nor RCVHWM, which counts messages, bounds a message of many frames."""
    device.setsockopt_in(zmq.MAXMSGSIZE, 1000)
    device.setsockopt_in(zmq.RCVHWM, 1)
    victim: Victim = request.getfixturevalue("victim")
    before = victim.memory()
    for size, count in [(1000, 30_000), (1, 600_000)] * 4:
        frames = frame(bytes(size), MORE) * count
        received = device.statistics().in_.frames_received
        with say_after_handshake(victim.endpoint, frames):
            eventually(lambda: victim.memory() - before > 25 * MB)
            assert device.statistics().in_.frames_received == received
            victim.serves()
            grown = victim.memory() - before
        print(f"{len(frames) / MB:.1f} MB in frames of {size} bytes: {grown / MB:.0f} MB more memory")
        assert grown < 200 * MB  # not more each time: what a peer left behind is used again


@wire_only
def test_endless_frames_end_their_connection_before_they_fill_memory(victim: Victim) -> None:
    before = victim.memory()
    with say_after_handshake(victim.endpoint, frame(b"", MORE) * 200_000) as stranger:
        assert is_closed(stranger)
    victim.serves()
    assert victim.memory() - before < 20 * MB
