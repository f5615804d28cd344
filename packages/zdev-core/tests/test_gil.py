"""The relay runs without the GIL, so Python code and a device do not slow each other down."""

from __future__ import annotations

import resource
import sys
import time
from typing import TYPE_CHECKING

import pytest
import zmq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Net

    from zdev_core import Device


@pytest.fixture
def loaded(net: Net, eventually: Callable[..., None]) -> Device:
    """Run a device at full load in a thread: out is connected to in, so messages circulate for ever."""
    (ins, front), outs = net.bound(zmq.PULL), net.socket(zmq.PUSH)
    outs.connect(front)
    for _ in range(100):
        outs.send(b"round and round")
    device, _ = net.run(ins, outs)
    eventually(lambda: device.statistics().in_.messages_sent > 10_000)
    return device


@pytest.fixture
def one_thread_of_python() -> Iterator[None]:
    """Make Python threads keep the GIL until they wait for something."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def waits() -> int:
    """Count how often this thread has waited (voluntary context switches)."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def test_the_device_relays_while_python_keeps_the_gil(loaded: Device, one_thread_of_python: None) -> None:  # noqa: ARG001
    before = loaded.statistics().in_.messages_sent
    end = time.monotonic() + 10
    while loaded.statistics().in_.messages_sent < before + 100_000:
        assert time.monotonic() < end, "the device does not relay"


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_THREAD"), reason="this system does not count a thread's context switches")
def test_python_is_not_slowed_down_by_a_loaded_device(loaded: Device) -> None:
    moved, waited, rounds, end = loaded.statistics().in_.messages_sent, waits(), 0, time.monotonic() + 0.2
    while time.monotonic() < end or loaded.statistics().in_.messages_sent < moved + 100_000:
        rounds += 1
    # Another thread that needed the GIL would make this one wait every 5 ms.
    assert waits() - waited < 5
    assert rounds > 10_000
