"""The peers of a device on the wire engine: who they are, what has passed, and how one is ended."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, Connect, Eventually, Kinds, both, libzmq_only, queue, streamer, wire_only

from zdev_background import Device, Peer, ThreadDevice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")


def peer_of(device: Device, role: str) -> Peer:
    (found,) = [each for each in device.peers() if each.role == role]
    return found


@wire_only
@both
def test_peers_show_who_is_connected_and_what_has_passed(kind: Kinds, connect: Connect) -> None:
    began = time.time()
    with queue(kind) as device:
        client = connect(zmq.REQ, *device.endpoints["in"], routing_id=b"anna")
        worker = connect(zmq.REP, *device.endpoints["out"])
        client.send(b"question")
        assert worker.recv() == b"question"
        anna, rep = peer_of(device, "in"), peer_of(device, "out")
        assert (anna.state, anna.routing_id, anna.socket_type, anna.protocol) == ("up", b"anna", "REQ", "ZMTP 3.1")
        assert (anna.messages_received, anna.messages_sent, anna.in_flight, rep.in_flight) == (1, 0, 1, 1)
        assert anna.address.startswith("tcp://127.0.0.1:")
        assert anna.endpoint == device.endpoints["in"][0]
        assert anna.since is not None
        assert began <= anna.since <= time.time()
        worker.send(b"answer")
        assert client.recv() == b"answer"
        anna, rep = peer_of(device, "in"), peer_of(device, "out")
        assert (anna.messages_sent, anna.in_flight, rep.messages_received, rep.in_flight) == (1, 0, 1, 0)
        device.pause()
        assert len(device.peers()) == 2
    assert device.peers() == []


@wire_only
@both
def test_an_endpoint_that_refuses_is_a_peer_with_its_failure(kind: Kinds, taken: Any, eventually: Eventually) -> None:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.connect_out(taken.endpoint)
    device.setsockopt_out(zmq.RECONNECT_IVL, 60_000)
    taken.release()
    with device:
        eventually(lambda: [each.state for each in device.peers()] == ["retrying"])
        peer = peer_of(device, "out")
        assert (peer.number, peer.address, peer.failure, peer.since) == (0, taken.endpoint, "connection refused", None)
        assert peer.retry_in is not None
        assert 0 < peer.retry_in <= 60


@wire_only
@both
def test_a_kick_ends_one_connection_and_is_counted(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    with streamer(kind) as device:
        connect(zmq.PUSH, *device.endpoints["in"])
        sink = connect(zmq.PULL, *device.endpoints["out"], reconnect_ivl=60_000)
        eventually(lambda: len(device.peers()) == 2)
        peer = peer_of(device, "out")
        assert device.kick(peer)
        eventually(lambda: [each.role for each in device.peers()] == ["in"])
        assert not device.kick(peer.number)
        assert device.connections()["out"].counters.kicked == 1
        sink.close()
    with pytest.raises(RuntimeError, match="not running"):
        device.kick(peer)


@libzmq_only
@both
def test_with_libzmq_an_error_says_that_only_wire_knows_its_peers(kind: Kinds) -> None:
    with streamer(kind) as device:
        for ask in (device.peers, lambda: device.kick(1)):
            with pytest.raises(
                zmq.ZMQError, match="only the wire engine knows its peers, and this device runs on libzmq"
            ) as raised:
                ask()
            assert raised.value.errno == zmq.ENOTSUP


@wire_only
def test_a_device_that_does_not_run_has_no_peers() -> None:
    device = streamer(ThreadDevice)
    assert device.peers() == []
