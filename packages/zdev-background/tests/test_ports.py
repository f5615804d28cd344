"""A random port is the device's from the moment that it was reported."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest
import zmq

from zdev_background import ThreadDevice

HOST = "tcp://127.0.0.1"


@pytest.fixture
def device() -> ThreadDevice:
    return ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)


def test_a_promised_port_cannot_be_bound_by_others(device: ThreadDevice, is_free: Callable[[str], bool], connect: Any) -> None:
    port = device.bind_in_to_random_port(HOST)
    assert not is_free(f"{HOST}:{port}")
    other = connect(zmq.ROUTER)
    with pytest.raises(zmq.ZMQError) as caught:
        other.bind(f"{HOST}:{port}")
    assert caught.value.errno == zmq.EADDRINUSE
    device.bind_out(f"{HOST}:*")
    with device:
        assert device.endpoints["in"] == (f"{HOST}:{port}",)


def test_a_promised_port_is_given_back_when_the_device_never_starts(is_free: Callable[[str], bool]) -> None:
    device = ThreadDevice(zmq.QUEUE, zmq.ROUTER, zmq.DEALER)
    port = device.bind_out_to_random_port(HOST)
    del device
    gc.collect()
    assert is_free(f"{HOST}:{port}")


def test_a_peer_that_connects_early_is_served(device: ThreadDevice, connect: Callable[..., Any]) -> None:
    front, back = device.bind_in_to_random_port(HOST), device.bind_out_to_random_port(HOST)
    client, worker = connect(zmq.REQ, f"{HOST}:{front}"), connect(zmq.REP, f"{HOST}:{back}")
    client.send(b"question")
    with device:
        assert worker.recv() == b"question"


def test_ports_are_from_the_range_and_each_is_given_once(device: ThreadDevice) -> None:
    ports = [device.bind_in_to_random_port(HOST, min_port=21000, max_port=21500) for _ in range(20)]
    assert len(set(ports)) == len(ports)
    assert all(21000 <= port < 21500 for port in ports)


def test_a_range_without_a_free_port_is_a_bind_error(device: ThreadDevice) -> None:
    port = device.bind_in_to_random_port(HOST)
    with pytest.raises(zmq.ZMQBindError, match=f"no free port found from {port} to {port}"):
        device.bind_out_to_random_port(HOST, min_port=port, max_port=port + 1, max_tries=5)


@pytest.mark.parametrize("address", ["tcp://192.0.2.1", "tcp://nointerface0", "inproc://name", "nonsense"])
def test_an_address_that_cannot_be_bound_is_an_error_at_once(device: ThreadDevice, address: str) -> None:
    with pytest.raises(zmq.ZMQError):
        device.bind_in_to_random_port(address)


def test_a_wildcard_host_is_kept_on_all_addresses(device: ThreadDevice, is_free: Callable[[str], bool]) -> None:
    port = device.bind_in_to_random_port("tcp://*")
    assert not is_free(f"{HOST}:{port}")
    device.bind_out(f"{HOST}:*")
    with device:
        assert device.endpoints["in"] == (f"tcp://0.0.0.0:{port}",)
