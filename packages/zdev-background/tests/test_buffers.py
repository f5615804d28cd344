"""A message that waits in a device takes as much memory as its size, however it arrived."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import zmq
from helpers import Connect, Eventually, libzmq_only, pid_of, queue, streamer

from zdev_background import ProcessDevice, ThreadDevice
from zdev_background._buffers import ZERO_COPY_RECV

MB = 1_000_000


def peak(pid: int) -> int:
    """The most memory that was resident, in bytes."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("\nVmHWM:")[2].split()[0]) * 1024


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_waiting_messages_take_their_own_size(connect: Connect, eventually: Eventually) -> None:
    clients, each, size = 50, 100, 3000  # a buffer has room for two of them
    device = queue(ProcessDevice)
    device.start()
    pid = pid_of(device)
    worker = connect(zmq.REP, device.endpoints["out"][0])
    peers = [connect(zmq.DEALER, device.endpoints["in"][0]) for _ in range(clients)]
    for peer in peers:  # all are connected when they have had an answer
        peer.send_multipart([b"", b"hello"])
        worker.send(worker.recv())
        peer.recv_multipart()
    worker.close()  # from now on requests wait
    before = peak(pid)
    for _ in range(each):
        for peer in peers:
            peer.send_multipart([b"", bytes(size)])
    eventually(lambda: device.statistics().in_.blocked_nanoseconds > 0)
    last = connect(zmq.REP, device.endpoints["out"][0])
    while device.statistics().in_.messages_sent < clients + clients * each:  # the first may have gone to the worker that was
        last.send(last.recv())
    grown = peak(pid) - before
    device.stop()
    assert grown < 1.4 * clients * each * size, f"{clients * each} messages of {size} bytes took {grown / MB:.0f} MB"


@libzmq_only
def test_the_sockets_of_others_in_the_context_stay_as_they_are() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    before = context.get(ZERO_COPY_RECV)
    device = streamer(ThreadDevice)
    device.start()
    assert device._context is not None
    assert device._context.get(ZERO_COPY_RECV) == before == 1
    device.stop()
