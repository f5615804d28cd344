"""When a device ends, every message has been delivered, waits with its sender, or is counted as lost: none vanishes silently."""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from helpers import DEADLINE, Kinds, both, libzmq_only, queue

from zdev_background import ProcessDevice, ThreadDevice

COUNT = 6000


def streamer(kind: Kinds, sink: str) -> tuple[ThreadDevice | ProcessDevice, str]:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    endpoint = f"tcp://127.0.0.1:{device.bind_in_to_random_port('tcp://127.0.0.1')}"
    device.connect_out(sink)
    return device, endpoint


@pytest.fixture
def sink(connect: Callable[..., Any]) -> Any:
    sink = connect(zmq.PULL)
    sink.bind("tcp://127.0.0.1:*")
    return sink


@pytest.fixture
def send(connect: Callable[..., Any]) -> Iterator[Callable[..., None]]:
    """Sends COUNT numbers to an endpoint, from a thread, by a sender that stays connected; `options` are its own."""
    threads: list[threading.Thread] = []

    def start(endpoint: str, **options: int) -> None:
        def work() -> None:
            for number in range(COUNT):
                source.send_multipart([b"%d" % number, b"x" * 50])
                pace.wait(0.0002)

        pace = threading.Event()  # never set
        source = connect(zmq.PUSH, endpoint, sndhwm=0, **options)
        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(DEADLINE)


def read(sink: Any, until: Callable[[list[int]], bool]) -> list[int]:
    got: list[int] = []
    while not until(got):
        got.append(int(sink.recv_multipart()[0]))
    return got


def stop_and_read(device: ThreadDevice | ProcessDevice, sink: Any) -> list[int]:
    got: list[int] = []
    stopping = threading.Thread(target=device.stop)
    stopping.start()
    while stopping.is_alive() or sink.poll(300):
        if sink.poll(20):
            got.append(int(sink.recv_multipart()[0]))
    return got


@pytest.mark.slow
@both
def test_what_has_come_from_a_sender_that_connects_again_at_once_is_relayed(kind: Kinds, sink: Any, send: Any) -> None:
    """Messages still on their way on the new connection are not covered: nobody sees them. Those that arrived by it may overtake
    the rest of the connection before."""
    device, endpoint = streamer(kind, sink.last_endpoint.decode())
    device.start()
    send(endpoint, reconnect_ivl=1)
    got = read(sink, lambda got: len(got) == 500)
    for _ in range(3):
        got += stop_and_read(device, sink)
        assert device.lost == 0
        device.start()
    assert len(got) == len(set(got))
    device.stop()


@pytest.mark.slow
@both
def test_a_stop_amid_a_stream_loses_nothing_and_the_rest_comes_after_a_new_start(kind: Kinds, sink: Any, send: Any) -> None:
    device, endpoint = streamer(kind, sink.last_endpoint.decode())
    device.start()
    send(endpoint)
    got = read(sink, lambda got: len(got) == 500)
    for _ in range(3):
        got += stop_and_read(device, sink)
        assert device.lost == 0
        assert got == list(range(len(got)))
        device.start()
    got += read(sink, lambda more: len(got) + len(more) == COUNT)
    assert got == list(range(COUNT))
    device.stop()


@both
def test_a_drain_of_a_one_way_device_sends_on_what_has_arrived(kind: Kinds, sink: Any, connect: Any) -> None:
    device, endpoint = streamer(kind, sink.last_endpoint.decode())
    device.start()
    device.pause()
    source = connect(zmq.PUSH, endpoint, sndhwm=0)
    for number in range(500):
        source.send_multipart([b"%d" % number])
    assert device.drain(10) is True
    assert device.lost == 0
    device.start()
    assert read(sink, lambda got: len(got) == 500) == list(range(500))
    device.stop()


@both
def test_what_nobody_takes_is_counted_and_logged(kind: Kinds, connect: Any, caplog: pytest.LogCaptureFixture) -> None:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")  # to which nobody connects
    device.start()
    source = connect(zmq.PUSH, *device.endpoints["in"], immediate=1)
    for _ in range(10):
        source.send(b"to nobody")
    other = connect(zmq.PUSH, *device.endpoints["in"], immediate=1, linger=10_000)
    other.send(b"to nobody")
    other.close()
    with caplog.at_level(logging.WARNING, "zdev"):
        device.stop()
    assert device.lost == 11
    assert "lost 11 message(s)" in caplog.text


@both
def test_a_stop_of_a_queue_sends_on_requests_and_replies_that_have_arrived(kind: Kinds, connect: Any) -> None:
    device = queue(kind)
    device.start()
    client, worker = connect(zmq.DEALER, *device.endpoints["in"]), connect(zmq.DEALER, *device.endpoints["out"])
    client.send(b"first")
    envelope, _ = worker.recv_multipart()
    device.pause()
    for number in range(100):
        client.send(b"%d" % number)
        worker.send_multipart([envelope, b"%d" % number])
    device.stop()
    numbers = [b"%d" % number for number in range(100)]
    assert [client.recv() for _ in numbers] == numbers
    assert [worker.recv_multipart() for _ in numbers] == [[envelope, number] for number in numbers]
    assert device.lost == 0


@libzmq_only
def test_where_no_descriptor_is_left_what_has_arrived_is_sent_on_all_the_same(
    sink: Any, connect: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_descriptor(_: Path) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    device, endpoint = streamer(ThreadDevice, sink.getsockopt_string(zmq.LAST_ENDPOINT))
    device.start()
    device.pause()
    source = connect(zmq.PUSH, endpoint)
    for number in range(10):
        source.send(b"%d" % number)
    monkeypatch.setattr(Path, "iterdir", no_descriptor)
    assert stop_and_read(device, sink) == list(range(10))
    assert device.lost == 0
    assert device.exception is None
    assert f"cannot half-close the connections of senders to {endpoint}: [Errno 24] Too many open files" in caplog.text
