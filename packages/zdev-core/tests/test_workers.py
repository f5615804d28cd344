"""`WireDevice` with `WireWorkers`: a queue that knows its workers."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import zmq

if sys.platform == "linux":
    from zdev_core import Outcome, WireDevice, WireSocket, WireWorkers

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Call, Net

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux")

ANY_PORT = "tcp://127.0.0.1:*"


class Queue:
    """A queue that knows its workers, in a thread, with the peers that a test connects to it."""

    def __init__(self, net: Net, eventually: Callable[..., None], **settings: Any) -> None:
        self.net, self.eventually = net, eventually
        ins, outs = (WireSocket(kind, binds=[ANY_PORT]) for kind in (zmq.ROUTER, zmq.DEALER))
        self.device = WireDevice(ins, outs, workers=WireWorkers(**settings))
        self.done: Call = net.call(self.device.run)

    def client(self) -> zmq.Socket[bytes]:
        return self.net.connected(zmq.DEALER, *self.device.endpoints("in"))

    def worker(self) -> zmq.Socket[bytes]:
        before = len(self.workers())
        made = self.net.connected(zmq.REP, *self.device.endpoints("out"))
        self.eventually(lambda: len(self.workers()) == before + 1)
        return made

    def requests(self) -> dict[str, Any]:
        found: Any = self.device.workers()["requests"]
        ended = ("answered", "waiting", "at_work", "expired", "abandoned", "rejected", "dead")
        assert found["received"] == sum(found[name] for name in ended)
        return dict(found)

    def workers(self) -> list[dict[str, Any]]:
        found: Any = self.device.workers()["workers"]
        return list(found)

    def stop(self) -> None:
        self.device.stop(0)
        assert self.done.result() is Outcome.STOPPED


@pytest.fixture
def queue(net: Net, eventually: Callable[..., None]) -> Any:
    made: list[Queue] = []

    def make(**settings: Any) -> Queue:
        made.append(Queue(net, eventually, **settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def test_requests_wait_for_a_free_worker_and_are_counted(queue: Callable[..., Queue], eventually: Callable[..., None]) -> None:
    began, device = time.time(), queue()
    client = device.client()
    for i in range(3):
        client.send_multipart([b"", b"%d" % i])
    eventually(lambda: device.requests()["waiting"] == 3)
    assert device.requests()["waiting_bytes"] > 0
    worker = device.worker()
    assert worker.recv() == b"0"
    (busy,) = device.workers()
    assert (busy["state"], busy["at_work"], busy["done"]) == ("busy", 1, 0)
    assert busy["address"].startswith("tcp://127.0.0.1:")
    assert began <= busy["since"] <= time.time()
    for i in range(3):
        worker.send(b"done")
        assert client.recv_multipart() == [b"", b"done"]
        if i < 2:
            worker.recv()
    requests, (idle,) = device.requests(), device.workers()
    assert (requests["answered"], requests["waiting"], requests["at_work"]) == (3, 0, 0)
    assert (idle["state"], idle["done"], idle["failed"], idle["set_aside_for"]) == ("idle", 3, 0, None)
    for name in "waited", "served", "latency":
        durations = requests[name]
        assert durations["count"] == 3
        assert durations["below"] == sorted(durations["below"])
        assert all(each <= 3 for each in durations["below"])
        assert 0 <= durations["p50"] <= durations["p99"] <= 2 * durations["sum"] + 1e-5


def test_a_drained_worker_gets_no_request_until_it_is_resumed(queue: Callable[..., Queue]) -> None:
    device = queue()
    client, worker = device.client(), device.worker()
    (number,) = [each["number"] for each in device.workers()]
    assert device.device.drain_worker(number)
    assert device.workers()[0]["state"] == "drained"
    client.send_multipart([b"", b"question"])
    assert not worker.poll(50)
    assert device.device.drain_worker(number, on=False)
    assert worker.recv() == b"question"
    assert not device.device.drain_worker(number + 1000)


def test_the_report_of_the_end_has_the_requests_and_no_workers(queue: Callable[..., Queue]) -> None:
    device = queue()
    client, worker = device.client(), device.worker()
    client.send_multipart([b"", b"question"])
    worker.send(worker.recv())
    assert client.recv_multipart() == [b"", b"question"]
    device.stop()
    assert device.requests()["answered"] == 1
    assert device.workers() == []


def test_a_failed_request_is_answered_with_the_frames_given_and_is_a_dead_letter(net: Net, queue: Callable[..., Queue]) -> None:
    dead = WireSocket(zmq.PUSH, binds=[ANY_PORT])
    device = queue(queue_timeout=0.01, reply_on_failure=[b"failed", b"503"], dead_letter=dead)
    letters = net.connected(zmq.PULL, *device.device.endpoints("dead_letter"))
    client = device.client()
    client.send_multipart([b"", b"question"])
    assert client.recv_multipart() == [b"", b"failed", b"503"]
    reason, _, *message = letters.recv_multipart()
    assert reason == b"it waited longer than queue_timeout"
    assert message == [b"", b"question"]
    assert device.requests()["expired"] == 1


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"balance": "random"}, 'balance must be "least-requests" or "round-robin", not \'random\''),
        ({"protocol": "http"}, 'protocol must be "plain" or "ppp" or "mdp", not \'http\''),
        ({"on_full": "drop"}, 'on_full must be "block" or "reject", not \'drop\''),
        ({"queue_timeout": -1}, "queue_timeout must be 0 or more seconds"),
        ({"heartbeat": float("nan")}, "heartbeat must be 0 or more seconds"),
    ],
)
def test_a_setting_that_is_unknown_is_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        WireWorkers(**settings)


def test_sockets_that_cannot_be_such_a_queue_are_refused() -> None:
    ins, outs = (WireSocket(kind, binds=[ANY_PORT]) for kind in (zmq.PULL, zmq.PUSH))
    with pytest.raises(zmq.ZMQError, match="workers: in must be ROUTER, and out DEALER") as raised:
        WireDevice(ins, outs, workers=WireWorkers())
    assert raised.value.errno == zmq.EINVAL
