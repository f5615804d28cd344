"""The devices that run in this process. They are kept here, so that one that nobody refers to any longer runs on."""

from __future__ import annotations

import atexit
import os
import time
from typing import Protocol

EXIT_TIMEOUT = 1.5  # seconds that all devices together get to end when the interpreter exits


class Running(Protocol):
    """A device, as the registry sees it."""

    def _end_at_exit(self, timeout: float | None) -> None:
        """None: only ask for the end. Else wait for it so many seconds, then force it."""

    def _forget_after_fork(self) -> None:
        """In a forked process: the device runs in the parent, not here."""


_running: set[Running] = set()


def add(device: Running) -> None:
    _running.add(device)


def discard(device: Running) -> None:
    _running.discard(device)


def _end_all() -> None:
    """A thread that is in native code when the interpreter goes would be torn off: end all devices before."""
    deadline = time.monotonic() + EXIT_TIMEOUT
    devices = list(_running)
    for device in devices:
        device._end_at_exit(None)
    for device in devices:
        device._end_at_exit(max(0.0, deadline - time.monotonic()))


def _forget_all() -> None:
    for device in _running:
        device._forget_after_fork()
    _running.clear()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_all)
