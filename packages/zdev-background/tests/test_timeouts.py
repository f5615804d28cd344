"""Timeouts are refused before anything happens, or kept; the longest mean no timeout."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from helpers import Kinds, both, streamer

from zdev_background import Outcome, ProcessDevice


def idle(kind: Kinds) -> Any:
    return streamer(kind)


@both
@pytest.mark.parametrize("timeout", [-0.001, float("nan")])
def test_an_invalid_time_is_refused_before_anything_happens(kind: Kinds, timeout: float) -> None:
    device = idle(kind)
    with pytest.raises(ValueError, match="invalid timeout"):
        device.start(timeout)
    assert device.launcher is None
    with device:
        for call in (device.stop, device.drain, device.join):
            with pytest.raises(ValueError, match="invalid timeout"):
                call(timeout)
        device.pause()
        assert device.statistics()
        device.resume()
    assert device.outcome is Outcome.STOPPED


@both
@pytest.mark.parametrize("timeout", [float("inf"), 10**400, threading.TIMEOUT_MAX])
def test_a_time_beyond_what_the_system_counts_means_no_limit(kind: Kinds, timeout: float) -> None:
    device = idle(kind)
    device.start(timeout)
    device.stop(timeout)
    assert not device.is_alive()
    with device:
        assert device.drain(timeout) is True
    with device:
        end = threading.Timer(0.05, device.stop)
        end.start()
        device.join(timeout)
        assert not device.is_alive()
        end.join()


def test_an_order_that_fails_in_the_process_is_raised_and_others_are_obeyed() -> None:
    with idle(ProcessDevice) as device:
        with pytest.raises(ValueError, match="0 or more"):
            device._launcher.drain(-1)
        device.pause()
        device.resume()
    assert device.outcome is Outcome.STOPPED


def test_a_process_that_understands_its_parent_no_longer_ends(eventually: Callable[[Callable[[], Any]], None]) -> None:
    with idle(ProcessDevice) as device:
        device._launcher._pipe.send_bytes(b"no order")
        eventually(lambda: not device.is_alive())
