"""The relay runs without the GIL: Python and the device don't hold each other up."""

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
    """A device at full load in a thread: out sends to in, so messages go round for ever."""
    (ins, front), outs = net.bound(zmq.PULL), net.socket(zmq.PUSH)
    outs.connect(front)
    for _ in range(100):
        outs.send(b"round and round")
    device, _ = net.run(ins, outs)
    eventually(lambda: device.statistics().in_.messages_sent > 10_000)
    return device


@pytest.fixture
def one_thread_of_python() -> Iterator[None]:
    """From here on no Python thread gives the GIL up, unless it waits for something."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)


def waits() -> int:
    """How often this thread has waited for anything. Being put aside for another program is not counted."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


def test_the_device_goes_on_while_python_keeps_the_gil(loaded: Device, one_thread_of_python: None) -> None:  # noqa: ARG001
    before = loaded.statistics().in_.messages_sent
    end = time.monotonic() + 10
    while loaded.statistics().in_.messages_sent < before + 100_000:
        assert time.monotonic() < end, "the device stands still"


@pytest.mark.skipif(not hasattr(resource, "RUSAGE_THREAD"), reason="this system doesn't count the waits of a thread")
def test_python_makes_full_progress_beside_a_loaded_device(loaded: Device) -> None:
    moved, waited, rounds, end = loaded.statistics().in_.messages_sent, waits(), 0, time.monotonic() + 0.2
    while time.monotonic() < end or loaded.statistics().in_.messages_sent < moved + 100_000:
        rounds += 1
    # A thread that wants the GIL makes this one wait for it every 5 ms.
    assert waits() - waited < 5
    assert rounds > 10_000
