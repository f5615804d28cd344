"""The device under attack. Every test here must leave it serving, with no more descriptors than before."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from helpers import Connect, Eventually, queue

from zdev_background import ProcessDevice

from .victim import Victim


@pytest.fixture
def device() -> Iterator[ProcessDevice]:
    if sys.platform != "linux":
        pytest.skip("descriptors and memory are read from /proc")
    device = queue(ProcessDevice)
    yield device
    device.stop()


@pytest.fixture
def victim(connect: Connect, device: ProcessDevice, eventually: Eventually) -> Iterator[Victim]:
    """The test may do what it likes to it: afterwards it still serves, and holds no more descriptors than before."""
    device.start()
    victim = Victim(connect, device)
    victim.serves(10)
    before = victim.descriptors()
    yield victim
    victim.serves(10)
    eventually(lambda: victim.descriptors() <= before)
