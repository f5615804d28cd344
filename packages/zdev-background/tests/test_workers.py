"""A queue that knows its workers: its settings, what it shows, and how a worker is drained."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import zmq
from helpers import ANY_PORT, Connect, Eventually, Kinds, both, bound, pid_of, queue, streamer

from zdev_background import (
    Device,
    Outcome,
    ProcessDevice,
    ProcessMonitoredQueue,
    Requests,
    ThreadDevice,
    ThreadMonitoredQueue,
    ThreadProxySteerable,
    Worker,
    Workers,
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the wire engine is for Linux"),
    pytest.mark.engine("auto"),
]

Answer = Callable[[], Requests]


def with_workers(kind: Kinds, **settings: Any) -> ThreadDevice | ProcessDevice:
    """Create a bound queue with these settings of its workers."""
    device = queue(kind)
    device.workers = Workers(**settings)
    return device


def requests(device: Device) -> Requests:
    """Return the report, of which each request must be counted once."""
    found = device.requests()
    ended = found.answered + found.expired + found.abandoned + found.rejected + found.dead
    assert found.received == ended + found.waiting + found.at_work
    return found


def only_worker(device: Device) -> Worker:
    (found,) = requests(device).workers
    return found


@both
def test_requests_wait_until_a_worker_is_free_and_each_is_counted_once(
    kind: Kinds, connect: Connect, eventually: Eventually
) -> None:
    began = time.time()
    with with_workers(kind) as device:
        assert device.engine == "wire"
        client = connect(zmq.DEALER, *device.endpoints["in"])
        for i in range(3):
            client.send_multipart([b"", b"%d" % i])
        eventually(lambda: requests(device).waiting == 3)
        assert requests(device).waiting_bytes > 0
        worker = connect(zmq.REP, *device.endpoints["out"])
        assert worker.recv() == b"0"
        busy = only_worker(device)
        assert (busy.state, busy.at_work, busy.done) == ("busy", 1, 0)
        assert busy.address.startswith("tcp://127.0.0.1:")
        assert began <= busy.since <= time.time()
        worker.send(b"done")
        assert client.recv_multipart() == [b"", b"done"]
        assert worker.recv() == b"1"
        found = requests(device)
        assert (found.answered, found.at_work, found.waiting) == (1, 1, 1)
        assert (found.waited.count, found.served.count) == (2, 1)
        assert found.served.mean > 0
        assert only_worker(device).done == 1
    assert (device.requests().answered, device.requests().dead, device.requests().workers) == (1, 2, ())


@both
def test_a_drained_worker_gets_no_request_until_it_gets_some_again(
    kind: Kinds, connect: Connect, eventually: Eventually
) -> None:
    with with_workers(kind) as device:
        client, worker = connect(zmq.DEALER, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
        eventually(lambda: requests(device).workers)
        status = only_worker(device)
        assert device.drain_worker(status)
        assert only_worker(device).state == "drained"
        client.send_multipart([b"", b"question"])
        eventually(lambda: requests(device).waiting == 1)
        assert device.drain_worker(status.number, on=False)
        assert worker.recv() == b"question"
        assert not device.drain_worker(status.number + 1000)
    with pytest.raises(RuntimeError, match="not running"):
        device.drain_worker(status)


@both
def test_a_request_whose_worker_left_is_given_to_another(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    with with_workers(kind, retries=1) as device:
        client, gone = connect(zmq.DEALER, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
        client.send_multipart([b"", b"question"])
        assert gone.recv() == b"question"
        gone.close()
        eventually(lambda: requests(device).waiting == 1)
        worker = connect(zmq.REP, *device.endpoints["out"])
        worker.send(worker.recv())
        assert client.recv_multipart() == [b"", b"question"]
        assert (requests(device).retried, requests(device).answered, requests(device).dead) == (1, 1, 0)


@both
@pytest.mark.parametrize("binds", [True, False], ids=["binds", "connects"])
def test_a_request_that_expires_is_answered_and_goes_to_the_dead_letters(
    kind: Kinds, binds: bool, connect: Connect, tmp_path: Path
) -> None:
    endpoint = f"ipc://{tmp_path}/dead"
    given = endpoint if binds else f">{endpoint}"
    letters = connect(zmq.PULL)
    if not binds:
        letters.bind(endpoint)
    with with_workers(kind, queue_timeout=0.02, reply_on_failure=["error", b"busy"], dead_letter=given) as device:
        if binds:
            letters.connect(endpoint)
        client = connect(zmq.DEALER, *device.endpoints["in"], routing_id=b"anna")
        client.send_multipart([b"", b"question"])
        assert client.recv_multipart() == [b"", b"error", b"busy"]
        assert letters.recv_multipart() == [b"it waited longer than queue_timeout", b"anna", b"", b"question"]
        assert (requests(device).expired, requests(device).dead_letters) == (1, 1)


@both
def test_a_full_waiting_room_rejects(kind: Kinds, connect: Connect) -> None:
    with with_workers(kind, queue_limit=0, on_full="reject", reply_on_failure=["busy"]) as device:
        client = connect(zmq.REQ, *device.endpoints["in"])
        client.send(b"question")
        assert client.recv() == b"busy"
        assert requests(device).rejected == 1


@pytest.mark.parametrize("kind", [ThreadMonitoredQueue, ProcessMonitoredQueue])
def test_a_monitored_queue_knows_its_workers_too(kind: Any, connect: Connect) -> None:
    device = bound(kind(zmq.ROUTER, zmq.DEALER, zmq.PUB, workers=Workers(max_requests=2)))
    device.bind_mon(ANY_PORT)
    with device:
        client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
        client.send(b"question")
        worker.send(worker.recv())
        assert client.recv() == b"question"
        assert requests(device).answered == 1


def test_the_workers_can_be_given_to_the_constructor() -> None:
    workers = Workers(retries=2)
    assert ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER, workers=workers).workers is workers
    assert ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER).workers is None


@both
@pytest.mark.filterwarnings("ignore:.*takes effect at the next start, or with update:RuntimeWarning")
def test_a_running_queue_takes_over_other_settings(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    with with_workers(kind) as device:
        client, worker = (connect(zmq.DEALER, *device.endpoints[role]) for role in ("in", "out"))
        for each in (b"first", b"second"):
            client.send_multipart([b"", each])
        worker.recv_multipart()
        eventually(lambda: requests(device).waiting == 1)
        device.workers = Workers(max_requests=2, on_full="reject")
        assert device.update() == ["workers: max_requests 1 -> 2", "workers: on_full block -> reject"]
        assert worker.recv_multipart()[-1] == b"second"
        wanted = ThreadDevice.from_specs([spec.snapshot() for spec in device.specs.values()])
        wanted.workers = Workers(request_timeout=0.01)
        assert "workers: request_timeout 0 -> 10 ms" in device.update(wanted)
        assert device.workers == wanted.workers
        eventually(lambda: requests(device).expired == 2)
        device.workers = Workers(request_timeout=0.01, protocol="ppp")
        with pytest.raises(zmq.ZMQError, match="cannot be changed while it runs: workers: protocol plain -> ppp"):
            device.update()


def test_a_restarted_queue_knows_its_workers(connect: Connect, eventually: Eventually) -> None:
    device = with_workers(ProcessDevice)
    assert isinstance(device, ProcessDevice)
    device.restart = "on-failure"
    with device:
        connect(zmq.REP, *device.endpoints["out"], reconnect_ivl=10)
        eventually(lambda: requests(device).workers)
        assert device._launcher
        device._launcher._run.kill()  # type: ignore[attr-defined]
        eventually(lambda: device.restarts == 1)
        eventually(lambda: requests(device).workers)


def test_a_killed_process_leaves_no_file_of_its_dead_letters(tmp_path: Path, eventually: Eventually) -> None:
    path = tmp_path / "dead"
    device = with_workers(ProcessDevice, dead_letter=f"ipc://{path}")
    device.start()
    assert path.is_socket()
    os.kill(pid_of(device), signal.SIGKILL)
    eventually(lambda: device.done)
    assert not path.exists()


@both
def test_a_paused_queue_shows_its_workers(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    with with_workers(kind) as device:
        connect(zmq.REP, *device.endpoints["out"])
        eventually(lambda: requests(device).workers)
        device.pause()
        assert only_worker(device).state == "idle"


@both
def test_a_drain_answers_what_waits(kind: Kinds, connect: Connect, eventually: Eventually) -> None:
    with with_workers(kind) as device:
        client = connect(zmq.DEALER, *device.endpoints["in"])
        for i in range(2):
            client.send_multipart([b"", b"%d" % i])
        eventually(lambda: requests(device).waiting == 2)
        worker = connect(zmq.REP, *device.endpoints["out"])
        drained: list[bool] = []
        draining = Thread(target=lambda: drained.append(device.drain()))
        draining.start()
        for _ in range(2):
            worker.send(worker.recv())
            client.recv_multipart()
        draining.join()
        assert drained == [True]
    assert device.outcome is Outcome.DRAINED
    assert (device.requests().answered, device.requests().dead) == (2, 0)


@both
def test_a_device_without_workers_does_not_show_requests(kind: Kinds) -> None:
    device = queue(kind)
    with pytest.raises(zmq.ZMQError, match=r"does not know its workers \(set workers = Workers\(\) before the start\)"):
        device.requests()
    with device:
        for question in (device.requests, lambda: device.drain_worker(1)):
            with pytest.raises(zmq.ZMQError, match="does not know its workers") as raised:
                question()
            assert raised.value.errno == zmq.ENOTSUP


def test_before_the_first_start_nothing_was_received() -> None:
    assert with_workers(ThreadDevice).requests() == Requests()


OBSTACLES: dict[str, Callable[[Device], object]] = {
    "inproc://here": lambda device: device.bind_in("inproc://here"),
    "as set": lambda device: setattr(device, "engine", "libzmq"),
    "io_threads": lambda device: setattr(device, "io_threads", 2),
}


@pytest.mark.parametrize("named", OBSTACLES)
def test_without_the_wire_engine_the_start_says_why(named: str) -> None:
    device = with_workers(ThreadDevice)
    OBSTACLES[named](device)
    text = f"only the wire engine knows its workers, and libzmq is the engine: .*{named}.*remove workers"
    with pytest.raises(zmq.ZMQError, match=text) as raised:
        device.start()
    assert raised.value.errno == zmq.ENOTSUP


@both
def test_sockets_of_other_types_are_refused(kind: Kinds) -> None:
    device = streamer(kind)
    device.workers = Workers()
    text = r"cannot have in \(PULL\), out \(PUSH\): in must be ROUTER, and out DEALER"
    with pytest.raises(zmq.ZMQError, match=text) as raised:
        device.start()
    assert raised.value.errno == zmq.EINVAL


def test_a_ctrl_socket_keeps_wire_from_it() -> None:
    device = bound(ThreadProxySteerable(zmq.ROUTER, zmq.DEALER, zmq.PUB, zmq.REP))
    device.workers = Workers()
    with pytest.raises(zmq.ZMQError, match="it has a ctrl socket"):
        device.start()


def test_an_address_in_use_names_the_dead_letters(taken: Any) -> None:
    device = with_workers(ThreadDevice, dead_letter=taken.endpoint)
    with pytest.raises(zmq.ZMQError, match=rf"cannot bind dead_letter \(PUSH\) to {taken.endpoint}") as raised:
        device.start()
    assert raised.value.errno == zmq.EADDRINUSE


def test_something_else_than_workers_is_refused() -> None:
    device = queue(ThreadDevice)
    device.workers = {"retries": 2}  # type: ignore[assignment]
    with pytest.raises(
        TypeError, match=r"workers must be a value like Workers\(max_requests=4\), or None, not \{'retries': 2\}"
    ):
        device.start()


def test_settings_are_values_that_compare_and_pickle() -> None:
    frames = ["error", b"busy"]
    workers = Workers(reply_on_failure=frames, heartbeat=1.5)
    frames.clear()
    assert workers.reply_on_failure == ("error", b"busy")
    assert pickle.loads(pickle.dumps(workers)) == workers != Workers()


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"balance": "random"}, ValueError, 'balance must be "least-requests" or "round-robin", not \'random\''),
        ({"on_full": "drop"}, ValueError, 'on_full must be "block" or "reject", not \'drop\''),
        ({"protocol": "http"}, ValueError, 'protocol must be "plain" or "ppp" or "mdp", not \'http\''),
        ({"max_requests": 0}, ValueError, "max_requests must be 1 to 10000, not 0"),
        ({"max_requests": 1.5}, TypeError, "max_requests must be a whole number, not 1.5"),
        ({"max_requests": 2, "protocol": "ppp"}, ValueError, 'max_requests must be 1 with "ppp", whose workers handle one'),
        ({"retries": True}, TypeError, "retries must be a whole number, not True"),
        ({"retries": 101}, ValueError, "retries must be 0 to 100, not 101"),
        ({"queue_limit": -1}, ValueError, "queue_limit must be 0 to 4294967296, not -1"),
        ({"queue_timeout": 0}, ValueError, "queue_timeout must be above 0 and at most 86400 seconds, or None, not 0"),
        ({"request_timeout": "5"}, TypeError, "request_timeout must be a number of seconds, or None, not '5'"),
        ({"heartbeat": float("nan")}, ValueError, "heartbeat must be above 0"),
        ({"set_aside": None}, TypeError, "set_aside must be a number of seconds, not None"),
        ({"allow_request_options": 1}, TypeError, "allow_request_options must be True or False, not 1"),
        ({"reply_on_failure": "error"}, TypeError, "reply_on_failure must be a sequence of frames"),
        ({"reply_on_failure": []}, ValueError, "reply_on_failure must have a frame"),
        ({"dead_letter": 5562}, TypeError, "dead_letter must be an endpoint like tcp://127.0.0.1:5562, or None, not 5562"),
        ({"dead_letter": "inproc://x"}, ValueError, "dead_letter must be a tcp or ipc endpoint, after > if it connects"),
        ({"dead_letter": "tcp://127.0.0.1:*"}, ValueError, "invalid dead_letter 'tcp://127.0.0.1:\\*': give a port or path"),
        ({"dead_letter": ">tcp://*:5562"}, ValueError, "invalid dead_letter '>tcp://\\*:5562': cannot connect to a wildcard"),
        ({"dead_letter": "tcp://127.0.0.1:99999"}, ValueError, "invalid dead_letter .*: invalid port"),
    ],
)
def test_an_invalid_setting_is_refused_where_it_is_written(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Workers(**settings)
