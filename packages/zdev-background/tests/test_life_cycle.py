"""Start, steer, look at, stop, start again: the same for a device in a thread and for one in a process."""

from __future__ import annotations

import errno
import gc
import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import zmq
from helpers import ANY_PORT, DEADLINE, Eventually, both, libzmq_only, pid_of

from zdev_background import (
    Device,
    MonitoredQueue,
    ProcessDevice,
    ProcessMonitoredQueue,
    State,
    ThreadMonitoredQueue,
)

D = TypeVar("D", bound=Device)


def bound(device: D) -> D:
    """The device, with an endpoint for each role."""
    for role in device.specs:
        device.bind(role, ANY_PORT)
    return device


@pytest.fixture(params=[ThreadMonitoredQueue, ProcessMonitoredQueue])
def device(request: pytest.FixtureRequest) -> MonitoredQueue:
    device: MonitoredQueue = request.param(zmq.ROUTER, zmq.DEALER, zmq.PUB)
    for bind in (device.bind_in, device.bind_out, device.bind_mon):
        bind(ANY_PORT)
    return device


@pytest.fixture
def ask(device: Device, connect: Callable[..., Any]) -> Callable[[], None]:
    """One request and its reply through the device, by peers that stay connected."""
    peers: list[Any] = []

    def round_trip() -> None:
        if not peers:
            peers.extend([connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])])
        client, worker = peers
        client.send(b"question")
        assert worker.recv() == b"question"
        worker.send(b"answer")
        assert client.recv() == b"answer"

    return round_trip


def test_start_returns_when_the_sockets_are_bound(device: Device, is_free: Callable[[str], bool]) -> None:
    device.start()
    assert device.is_alive()
    assert device.state is State.ACTIVE
    assert not device.done
    assert set(device.endpoints) == {"in", "out", "mon"}
    for (endpoint,) in device.endpoints.values():
        assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", endpoint)
        assert not is_free(endpoint)
    device.stop()


def test_after_stop_nothing_is_left_and_ports_can_be_bound_again(device: Device, is_free: Callable[[str], bool]) -> None:
    device.start()
    endpoints = [endpoint for (endpoint,) in device.endpoints.values()]
    device.stop()
    assert device.endpoints == {}
    assert device.state is State.IDLE
    assert device.done
    assert not device.is_alive()
    assert device.exception is None
    assert all(is_free(endpoint) for endpoint in endpoints)


def test_start_raises_an_address_in_use_with_role_and_endpoint(device: Device, taken: Any) -> None:
    device.bind_out(taken.endpoint)
    text = rf"MonitoredQueue: cannot bind out \(DEALER\) to {taken.endpoint}: address already in use \(end the program"
    with pytest.raises(zmq.ZMQError, match=text) as caught:
        device.start()
    assert caught.value.errno == errno.EADDRINUSE
    assert device.exception is caught.value
    assert device.done
    assert not device.is_alive()


def test_start_raises_an_unknown_socket_option(device: Device) -> None:
    device.setsockopt_out(4711, 1)
    with pytest.raises(zmq.ZMQError, match=r"cannot set option 4711 of out \(DEALER\) to 1") as caught:
        device.start()
    assert caught.value.errno == errno.EINVAL


def test_start_raises_types_that_cannot_work_together() -> None:
    device = bound(ThreadMonitoredQueue(zmq.PUSH, zmq.PUB))
    with pytest.raises(zmq.ZMQError, match="ThreadMonitoredQueue: PUSH as in and PUB as out") as caught:
        device.start()
    assert caught.value.errno == errno.EINVAL


def test_a_failed_start_can_be_tried_again(
    device: MonitoredQueue, taken: Any, is_free: Callable[[str], bool], ask: Callable[[], None]
) -> None:
    port = device.bind_in_to_random_port("tcp://127.0.0.1")
    device.bind_mon(taken.endpoint)
    with pytest.raises(zmq.ZMQError):
        device.start()
    assert not is_free(f"tcp://127.0.0.1:{port}")  # it was promised
    taken.release()
    with device:
        ask()
        assert f"tcp://127.0.0.1:{port}" in device.endpoints["in"]
    assert device.exception is None


def test_start_and_stop_are_idempotent(device: Device) -> None:
    device.stop()
    device.join(0)
    device.start()
    worker = device.launcher
    device.start()
    assert device.launcher is worker
    device.stop()
    device.stop()
    device.join(DEADLINE)


def test_a_stopped_device_starts_again(device: Device, ask: Callable[[], None], is_free: Callable[[str], bool]) -> None:
    port = device.bind_in_to_random_port("tcp://127.0.0.1")
    for _ in range(3):
        device.start()
        assert device.statistics().in_.messages_received == 0
        assert not is_free(f"tcp://127.0.0.1:{port}")
        device.stop()
        assert is_free(f"tcp://127.0.0.1:{port}")
    with device:
        ask()


def test_statistics_are_live_and_stay_after_the_end(device: Device, ask: Callable[[], None], eventually: Any) -> None:
    assert device.statistics().in_.messages_received == 0
    with device:
        for count in (1, 2, 3):
            ask()
            eventually(lambda count=count: device.statistics().out.messages_sent == count)  # counted once sent
            assert device.statistics().in_.messages_sent == count
            assert device.statistics().in_.bytes_sent == count * (5 + len(b"question"))  # routing id, empty frame, content
    assert device.statistics().out.messages_sent == 3
    assert device.statistics().state is State.IDLE


def test_pause_holds_messages_and_resume_sends_them_on(device: Device, connect: Any) -> None:
    with device:
        device.pause()
        assert device.state is State.PAUSED
        client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
        client.send(b"held")
        assert not worker.poll(200)
        assert device.statistics().in_.messages_received == 0
        device.resume()
        assert worker.recv() == b"held"
        device.resume()


def test_drain_brings_the_owed_reply_back_and_ends_the_device(device: Device, connect: Any, eventually: Eventually) -> None:
    device.start()
    client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
    client.send(b"question")
    assert worker.recv() == b"question"
    drained: list[bool] = []
    thread = threading.Thread(target=lambda: drained.append(device.drain(10)), daemon=True)
    thread.start()
    eventually(lambda: device.state is State.DRAINING)
    worker.send(b"answer")
    assert client.recv() == b"answer"
    thread.join(DEADLINE)
    assert drained == [True]
    assert not device.is_alive()
    device.join(DEADLINE)


def test_drain_reports_when_a_reply_did_not_come_in_time(device: Device, connect: Any) -> None:
    device.start()
    client, worker = connect(zmq.REQ, *device.endpoints["in"]), connect(zmq.REP, *device.endpoints["out"])
    client.send(b"question")
    assert worker.recv() == b"question"
    assert device.drain(0.05) is False
    device.join(DEADLINE)
    assert not device.is_alive()
    assert device.drain() is True  # nothing is owed by a device that doesn't run


def test_what_does_not_run_cannot_be_steered(device: Device) -> None:
    for steer in (device.pause, device.resume):
        with pytest.raises(RuntimeError, match="is not running"):
            steer()


def test_join_gives_up_after_its_timeout(device: Device) -> None:
    with device:
        device.join(0.01)
        assert device.is_alive()


def test_a_device_runs_on_when_nobody_refers_to_it(connect: Callable[..., Any]) -> None:
    device = ThreadMonitoredQueue(zmq.REP, -1)
    port = device.bind_in_to_random_port("tcp://127.0.0.1")
    context: zmq.Context[Any] = zmq.Context()
    device.context_factory = lambda: context
    device.start()
    thread = device.launcher
    del device
    echo = connect(zmq.REQ, f"tcp://127.0.0.1:{port}")
    echo.send(b"still there?")
    assert echo.recv() == b"still there?"
    context.term()  # which ends it
    assert isinstance(thread, threading.Thread)
    thread.join(DEADLINE)
    assert not thread.is_alive()


def test_a_terminated_context_is_a_clean_stop() -> None:
    context: zmq.Context[Any] = zmq.Context()
    device = bound(ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER))
    device.context_factory = lambda: context
    device.start()
    context.destroy()  # would close the sockets under the relay, if it could
    device.join(DEADLINE)
    assert not device.is_alive()
    assert device.done
    assert device.exception is None


def test_a_start_that_takes_too_long_is_given_up() -> None:
    go_on = threading.Event()

    def factory() -> zmq.Context[Any]:
        assert go_on.wait(DEADLINE)
        return zmq.Context.instance()

    device = bound(ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER))
    device.context_factory = factory
    begin = time.monotonic()
    with pytest.raises(TimeoutError, match=r"ThreadMonitoredQueue: not started within 0\.05 s"):
        device.start(timeout=0.05)
    assert time.monotonic() - begin < 5
    go_on.set()
    device.join(DEADLINE)
    assert not device.is_alive()


def test_the_representation_shows_condition_and_sockets(device: Device, taken: Any) -> None:
    name = type(device).__name__
    assert repr(device) == f"<{name} not started: in (ROUTER) {ANY_PORT}, out (DEALER) {ANY_PORT}, mon (PUB) {ANY_PORT}>"
    device.start()
    assert repr(device).startswith(f"<{name} running on {device.engine}: in (ROUTER) {device.endpoints['in'][0]}, out ")
    device.stop()
    assert repr(device).startswith(f"<{name} ended: ")
    device.bind_in(taken.endpoint)
    with pytest.raises(zmq.ZMQError):
        device.start()
    assert repr(device).startswith(f"<{name} failed: ")


def test_a_plain_device_runs_where_it_is_started(connect: Callable[..., Any], eventually: Eventually) -> None:
    device = Device(zmq.QUEUE, zmq.REP, -1)
    device.bind_in(ANY_PORT)

    def use_and_stop() -> None:
        eventually(lambda: device.endpoints)
        echo = connect(zmq.REQ, *device.endpoints["out"])
        echo.send(b"hello")
        heard.append(echo.recv())
        device.stop()

    heard: list[bytes] = []
    user = threading.Thread(target=use_and_stop, daemon=True)
    user.start()
    device.start()
    user.join(DEADLINE)
    assert heard == [b"hello"]
    assert device.done
    assert device.launcher is None


def test_ctrl_c_during_a_start_gives_it_up() -> None:
    go_on = threading.Event()

    def factory() -> zmq.Context[Any]:
        os.kill(os.getpid(), signal.SIGINT)
        assert go_on.wait(DEADLINE)
        return zmq.Context.instance()

    device = bound(ThreadMonitoredQueue(zmq.ROUTER, zmq.DEALER))
    device.context_factory = factory
    with pytest.raises(KeyboardInterrupt):
        device.start()
    go_on.set()
    device.join(DEADLINE)
    assert not device.is_alive()


def test_ctrl_c_ends_a_device_that_runs_here(eventually: Eventually, is_free: Callable[[str], bool]) -> None:
    device = bound(Device(zmq.QUEUE, zmq.ROUTER, zmq.DEALER))
    port = device.bind_in_to_random_port("tcp://127.0.0.1")

    def interrupt() -> None:
        eventually(lambda: device.state is State.ACTIVE)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        device.start()
    thread.join(DEADLINE)
    assert device.done
    assert is_free(f"tcp://127.0.0.1:{port}")


def test_a_signal_handler_may_stop_a_device_that_runs_here(eventually: Eventually) -> None:
    device = bound(Device(zmq.QUEUE, zmq.ROUTER, zmq.DEALER))

    def end() -> None:
        eventually(lambda: device.state is State.ACTIVE)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, lambda *_: device.stop())
    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    device.start()
    thread.join(DEADLINE)
    signal.signal(signal.SIGUSR1, before)
    assert device.exception is None


def test_descriptors_are_given_back_without_garbage_collection(device: Device, eventually: Eventually) -> None:
    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    device.start()  # what is made once, like the shared context, is made now
    device.stop()
    device.start()
    device.stop()
    before = descriptors()
    gc.disable()
    try:
        for _ in range(10):
            device.start()
            device.stop()
        eventually(lambda: descriptors() <= before)  # libzmq closes some a little later
    finally:
        gc.enable()


def test_a_context_that_was_terminated_before_the_start_is_refused() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.term()
    device = ThreadMonitoredQueue(zmq.PULL, zmq.PUSH)
    device.context_factory = lambda: context
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    with pytest.raises(zmq.ZMQError, match="before the start"):
        device.start()


@pytest.fixture
def on_log() -> Iterator[list[Callable[[], object]]]:
    """Functions to call at each record that a device logs, in the thread that logs it."""
    calls: list[Callable[[], object]] = []

    class Caller(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            for call in calls:
                call()

    handler = Caller()
    logging.getLogger("zdev").addHandler(handler)
    yield calls
    logging.getLogger("zdev").removeHandler(handler)


@libzmq_only
@both
def test_a_handler_of_log_records_may_stop_and_join_the_device_that_logs(
    kind: Any, connect: Any, eventually: Eventually, on_log: list[Callable[[], object]]
) -> None:
    device = kind(zmq.STREAMER, zmq.PULL, zmq.PUSH)
    device.bind_in(ANY_PORT)
    device.connect_out("tcp://127.0.0.1:1")
    device.setsockopt_out(zmq.LINGER, 0)
    device.setsockopt_out(zmq.SNDHWM, 1)
    device.setsockopt_out(zmq.IMMEDIATE, 0)
    device.start()
    push = connect(zmq.PUSH, *device.endpoints["in"])
    for _ in range(3):
        push.send(b"")
    eventually(lambda: device.statistics().in_.pending)
    began = time.monotonic()
    called: list[str] = []
    on_log.extend([device.stop, lambda: called.append("stop"), device.join, lambda: called.append("join")])
    device.stop()
    assert called[:2] == ["stop", "join"]
    assert time.monotonic() - began < 5
    assert device.lost
    assert device.exception is None


def test_a_handler_of_log_records_may_end_a_process_that_would_be_started_again(
    eventually: Eventually, on_log: list[Callable[[], object]]
) -> None:
    device = ProcessDevice(zmq.QUEUE, zmq.REP, -1)
    device.bind_in(ANY_PORT)
    device.restart = "on-failure"
    device.start()
    on_log.extend([device.stop, device.join])
    os.kill(pid_of(device), signal.SIGKILL)
    eventually(lambda: not device.is_alive())
    device.join(DEADLINE)
    assert device.restarts == 0
