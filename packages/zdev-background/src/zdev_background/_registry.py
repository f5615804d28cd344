"""The devices that run in this process. A device runs on while it is kept here, even if nothing else refers to it."""

from __future__ import annotations

import atexit
import os
import time
from typing import Protocol

EXIT_TIMEOUT = 1.5  # seconds for all devices together, when the interpreter exits


class Running(Protocol):
    """A device, as the registry sees it."""

    def _end_at_exit(self, timeout: float | None) -> None:
        """Ask for the end; with a timeout in seconds, wait for it, then force it."""

    def _forget_after_fork(self) -> None:
        """Forget the run, which goes on in the parent of this forked process."""


_running: set[Running] = set()


def add(device: Running) -> None:
    _running.add(device)


def discard(device: Running) -> None:
    _running.discard(device)


def _end_all() -> None:
    """End all devices before the interpreter does, which would tear off a thread in native code."""
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
