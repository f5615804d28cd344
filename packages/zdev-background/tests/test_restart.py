"""restart="on-failure": a device that fails is started again, and its peers go on by themselves."""

from __future__ import annotations

import itertools
import logging
import os
import re
import signal
import socket as sockets
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import zmq
from helpers import Eventually, pid_of

from zdev_background import Device, Ending, ProcessDevice, RestartHooks, RestartPolicy, State, ThreadDevice
from zdev_background._engine import LibzmqRelay, WireRelay
from zdev_background._relay import Relay


@pytest.fixture
def device() -> ProcessDevice:
    device = ProcessDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.restart = "on-failure"
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_in("ipc://*")
    device.bind_out("tcp://127.0.0.1:*")
    return device


def kill(device: ProcessDevice) -> None:
    os.kill(pid_of(device), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_peers_that_stay_connected_go_on_after_each_kill(
    device: ProcessDevice, method: str, connect: Any, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    device.restart_policy = RestartPolicy(healthy_after=600.0)
    device.start_method = method
    with caplog.at_level(logging.INFO, "zdev"), device:
        endpoints = device.endpoints
        clients = [connect(zmq.DEALER, endpoint) for endpoint in endpoints["in"]]
        worker = connect(zmq.REP, *endpoints["out"])
        numbers = itertools.count()

        def answered(client: Any) -> bool:
            question = b"%d" % next(numbers)
            client.send_multipart([b"", question])  # a client whose request was in the killed process asks again
            while worker.poll(100):
                worker.send(worker.recv())
            answers = []
            while client.poll(0 if answers else 100):
                answers.append(client.recv_multipart()[1])
            return question in answers

        for count in (1, 2, 3):
            for client in clients:
                eventually(lambda client=client: answered(client))
            kill(device)
            eventually(lambda count=count: device.restarts == count)
            assert device.endpoints == endpoints
            assert device.is_alive()
            assert device.exception is None
        for client in clients:
            eventually(lambda client=client: answered(client))
    assert not device.is_alive()
    assert device.exception is None
    assert device.restarts == 3
    delays = re.findall(r"was killed by SIGKILL; retrying in ([\d.]+) s", caplog.text)
    assert delays == ["0.1", "0.2", "0.4"]
    assert caplog.text.count(": restarted (") == 3


def test_after_a_run_that_lasted_the_delays_begin_again(
    device: ProcessDevice, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    device.restart_policy = RestartPolicy(healthy_after=0.0)
    with caplog.at_level(logging.INFO, "zdev"), device:
        for count in (1, 2, 3):
            kill(device)
            eventually(lambda count=count: device.restarts == count)
    assert re.findall(r"retrying in ([\d.]+) s", caplog.text) == ["0.1"] * 3


def test_a_stop_while_it_waits_to_start_again_ends_it(
    device: ProcessDevice, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    device.restart_policy = RestartPolicy(first_delay=600.0)
    device.start()
    with caplog.at_level(logging.WARNING, "zdev"):
        kill(device)
        eventually(lambda: "retrying in 600 s" in caplog.text)
    assert device.is_alive()
    device.stop()
    assert not device.is_alive()
    assert device.restarts == 0
    assert isinstance(device.exception, ChildProcessError)
    with device:
        assert device.exception is None


def test_a_new_start_that_fails_is_tried_again(device: ProcessDevice, eventually: Eventually, caplog: Any) -> None:
    device.start()
    address = device.endpoints["out"][0].removeprefix("tcp://").split(":")

    def taken() -> bool:
        try:
            thief.bind((address[0], int(address[1])))
        except OSError:
            return False
        thief.listen()
        return True

    with sockets.socket() as thief, caplog.at_level(logging.WARNING, "zdev"):
        thief.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        kill(device)
        eventually(taken)
        eventually(lambda: "address already in use" in caplog.text)
        assert device.restarts == 0
    eventually(lambda: device.restarts == 1)
    device.stop()
    assert device.exception is None


def test_a_first_start_that_fails_is_not_repeated(device: ProcessDevice, taken: Any) -> None:
    device.bind_out(taken.endpoint)
    with pytest.raises(zmq.ZMQError, match="cannot bind out"):
        device.start()
    assert not device.is_alive()
    assert device.restarts == 0


def test_a_stop_or_a_drain_is_not_a_failure(device: ProcessDevice) -> None:
    for end in (device.stop, device.drain, lambda: kill(device) or device.stop(0.2)):
        device.start()
        end()
        assert not device.is_alive()
        assert device.restarts == 0


def test_an_unknown_policy_is_refused(device: ProcessDevice) -> None:
    device.restart = "always"  # type: ignore[assignment]
    with pytest.raises(ValueError, match='it must be "never" or "on-failure"'):
        device.start()


def test_what_is_set_meanwhile_takes_effect_at_the_next_start_only(device: ProcessDevice, eventually: Eventually) -> None:
    device.start_method = "fork"
    device.start()

    def set_meanwhile() -> int:
        device.setsockopt_in(4711, 1)
        device.bind_out("tcp://127.0.0.1:*")
        return device.bind_out_to_random_port("tcp://127.0.0.1")

    with pytest.warns(RuntimeWarning, match="takes effect at the next start"):
        port = set_meanwhile()
    kill(device)
    eventually(lambda: device.restarts == 1)
    assert len(device.endpoints["out"]) == 1
    with pytest.raises(OSError, match="in use"):  # it is promised still
        sockets.create_server(("127.0.0.1", port))
    device.stop()
    with pytest.raises(zmq.ZMQError, match="4711"):
        device.start()


def waits(device: ProcessDevice, eventually: Eventually) -> None:
    """Have it fail, and wait to be restarted."""
    kill(device)
    eventually(lambda: device.state in (State.IDLE, State.PAUSED) and device.launcher and not device.launcher.is_alive())


def relays(device: Device, connect: Any) -> bool:
    client, worker = connect(zmq.REQ, device.endpoints["in"][0]), connect(zmq.REP, *device.endpoints["out"])
    client.send(b"question")
    return bool(worker.recv() == b"question")


def test_a_paused_device_comes_back_paused_and_goes_on_when_resumed(
    device: ProcessDevice, connect: Any, eventually: Eventually
) -> None:
    with device:
        device.pause()
        for count in (1, 2):
            kill(device)
            eventually(lambda count=count: device.restarts == count)
            assert device.state is State.PAUSED
        client = connect(zmq.DEALER, device.endpoints["in"][0])
        worker = connect(zmq.DEALER, *device.endpoints["out"])
        client.send(b"question")
        assert not worker.poll(100)
        assert device.statistics().in_.messages_received == 0
        device.resume()
        assert worker.poll(10_000)
        assert device.state is State.ACTIVE


@pytest.mark.parametrize("paused_before", [True, False])
def test_what_is_asked_while_it_waits_holds_for_the_next_run(
    device: ProcessDevice, paused_before: bool, connect: Any, eventually: Eventually
) -> None:
    device.restart_policy = RestartPolicy(first_delay=600.0)
    device.start_paused = paused_before
    with device:
        waits(device, eventually)
        assert device.state is (State.PAUSED if paused_before else State.IDLE)
        if paused_before:
            device.resume()
        else:
            device.pause()
        eventually(lambda: device.restart_now() or device.restarts == 1)
        assert device.state is (State.ACTIVE if paused_before else State.PAUSED)
        device.resume()
        assert relays(device, connect)


def test_a_drain_while_it_waits_ends_it_and_the_next_start_restarts_again(
    device: ProcessDevice, eventually: Eventually
) -> None:
    device.restart_policy = RestartPolicy(first_delay=600.0)
    with device:
        waits(device, eventually)
        assert not device.drain(10)
        assert not device.is_alive()
        assert isinstance(device.exception, ChildProcessError)
    device.restart_policy = RestartPolicy()
    with device:
        kill(device)
        eventually(lambda: device.restarts == 1)


@pytest.mark.parametrize("asked", ["pause", "drain", "stop"])
def test_what_is_asked_at_any_moment_of_a_restart_is_not_lost(
    device: ProcessDevice, asked: str, eventually: Eventually
) -> None:
    device.start_method = "fork"
    device.restart_policy = RestartPolicy(first_delay=0.001, healthy_after=0.0)
    for step in range(12):
        device.start()
        kill(device)
        threading.Event().wait(step * 0.002)
        getattr(device, asked)()
        if asked == "pause":
            eventually(lambda: device.restarts == 1)
            state = device.state
            device.stop()
            assert state is State.PAUSED
        assert not device.is_alive()


def test_a_first_start_is_repeated_in_a_thread_too_if_the_policy_says_so(taken: Any) -> None:
    happened: list[Any] = []

    class Hooks(RestartHooks):
        def on_start(self, is_restart: bool) -> None:
            happened.append(("start", is_restart))

        def on_end(self, ending: Ending) -> None:
            happened.append(("end", ending.error))

        def on_failure(self, error: BaseException, delay: float | None) -> None:
            happened.append((str(error)[:28], delay))
            taken.release()

    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.restart, device.restart_hooks = "on-failure", Hooks()
    device.restart_policy = RestartPolicy(first_delay=0.2, retry_first_start=True)
    device.bind_in(taken.endpoint)
    device.bind_out("tcp://127.0.0.1:*")
    with device:
        assert device.restarts == 1
    assert happened == [("ThreadDevice: cannot bind in", 0.2), ("start", True), ("end", None)]


def test_a_device_that_is_never_restarted_reports_that_to_its_hooks(device: ProcessDevice, eventually: Eventually) -> None:
    failures: list[Any] = []

    class Hooks(RestartHooks):
        def on_failure(self, error: BaseException, delay: float | None) -> None:
            failures.append((type(error), delay))

    device.restart, device.restart_hooks = "never", Hooks()
    device.start()
    kill(device)
    eventually(lambda: not device.is_alive())
    assert failures == [(ChildProcessError, None)]
    assert isinstance(device.exception, ChildProcessError)


def test_a_hook_that_exits_ends_neither_the_supervision_nor_the_device(device: ProcessDevice, eventually: Eventually) -> None:
    class Hooks(RestartHooks):
        def on_start(self, *_: Any) -> None:
            raise SystemExit

        def on_end(self, *_: Any) -> None:
            raise KeyboardInterrupt

        def on_failure(self, *_: Any) -> None:
            raise SystemExit

    device.restart_hooks = Hooks()
    device.start()
    kill(device)
    eventually(lambda: device.restarts == 1)
    device.stop()
    assert not device.is_alive()


def test_a_thread_device_that_fails_comes_back_on_the_same_ports_and_paused(
    connect: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    device.restart = "on-failure"
    device.bind_in("tcp://127.0.0.1:*")
    device.bind_out("tcp://127.0.0.1:*")
    runs: dict[type[Relay], Callable[[Any], Ending]] = {engine: engine.run for engine in (LibzmqRelay, WireRelay)}

    def fails_once(relay: Relay) -> Ending:
        monkeypatch.setattr(type(relay), "run", runs[type(relay)])
        return replace(relay.run(), error=OSError("something broke"))

    for engine in runs:
        monkeypatch.setattr(engine, "run", fails_once)
    with device:
        endpoints = device.endpoints
        device.pause()
        device._launcher.relay.stop()
        eventually(lambda: device.restarts == 1)
        assert device.endpoints == endpoints
        assert device.state is State.PAUSED
        device.resume()
        assert relays(device, connect)
    assert device.exception is None
