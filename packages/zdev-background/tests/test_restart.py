"""restart="on-failure": a process that fails is started anew, and its peers go on by themselves."""

from __future__ import annotations

import itertools
import logging
import os
import re
import signal
import socket as sockets
from typing import Any

import pytest
import zmq
from helpers import Eventually, pid_of

from zdev_background import ProcessDevice


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


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_peers_that_stay_connected_go_on_after_each_kill(
    device: ProcessDevice, method: str, connect: Any, eventually: Eventually, caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    monkeypatch.setattr("zdev_background._restart.HEALTHY", 600.0)
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
    delays = re.findall(r"was killed by SIGKILL; it is started anew in ([\d.]+) s", caplog.text)
    assert delays == ["0.1", "0.2", "0.4"]
    assert caplog.text.count("started anew, for the") == 3


def test_after_a_run_that_lasted_the_delays_begin_anew(
    device: ProcessDevice, monkeypatch: pytest.MonkeyPatch, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("zdev_background._restart.HEALTHY", 0.0)
    with caplog.at_level(logging.INFO, "zdev"), device:
        for count in (1, 2, 3):
            kill(device)
            eventually(lambda count=count: device.restarts == count)
    assert re.findall(r"it is started anew in ([\d.]+) s", caplog.text) == ["0.1"] * 3


def test_a_stop_while_it_waits_to_start_anew_ends_it(
    device: ProcessDevice, monkeypatch: pytest.MonkeyPatch, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("zdev_background._restart.FIRST_DELAY", 600.0)
    device.start()
    with caplog.at_level(logging.WARNING, "zdev"):
        kill(device)
        eventually(lambda: "it is started anew in 600 s" in caplog.text)
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
        eventually(lambda: "Address already in use" in caplog.text)
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


def test_a_stop_or_a_drain_is_no_failure(device: ProcessDevice) -> None:
    for end in (device.stop, device.drain, lambda: kill(device) or device.stop(0.2)):
        device.start()
        end()
        assert not device.is_alive()
        assert device.restarts == 0


def test_an_unknown_policy_is_refused(device: ProcessDevice) -> None:
    device.restart = "always"  # type: ignore[assignment]
    with pytest.raises(ValueError, match='it can be "no" or "on-failure"'):
        device.start()


def test_what_is_set_meanwhile_takes_effect_at_the_next_start_only(device: ProcessDevice, eventually: Eventually) -> None:
    device.start_method = "fork"
    device.start()
    device.setsockopt_in(4711, 1)
    device.bind_out("tcp://127.0.0.1:*")
    port = device.bind_out_to_random_port("tcp://127.0.0.1")
    kill(device)
    eventually(lambda: device.restarts == 1)
    assert len(device.endpoints["out"]) == 1
    with pytest.raises(OSError, match="in use"):  # it is promised still
        sockets.create_server(("127.0.0.1", port))
    device.stop()
    with pytest.raises(zmq.ZMQError, match="4711"):
        device.start()
