"""Signals as a file descriptor that can be polled together with sockets."""

from __future__ import annotations

import select
import signal
import socket
from collections.abc import Collection
from contextlib import suppress
from types import FrameType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM)
REQUESTED = -1
"""No signal: another thread asks for what the first of ENDING does."""


class StopSignals:
    """While entered, SIGINT, SIGTERM and those in `more` interrupt nothing; they make `fileno()` readable until they are taken.

    Only for the main thread. A signal before the wait is not lost, however many come; of those in `more`, one of each is kept.
    """

    def __init__(self, *more: int) -> None:
        self._numbers = (*ENDING, *more)
        self._pending: list[int] = []

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._wakeup_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, self._note) for number in self._numbers}
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_fd)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """Return a descriptor that is readable once a signal has arrived."""
        return self._reader.fileno()

    def wait(self, timeout: float) -> bool:
        """Return whether a signal has arrived, or arrives within `timeout` seconds."""
        return bool(self._poll.poll(timeout * 1000))

    def take(self, timeout: float, numbers: Collection[int] = ()) -> int | None:
        """Return the next signal, only of `numbers` if given; others stay pending. None if none arrives within `timeout` seconds."""
        wanted = numbers or (*self._numbers, REQUESTED)
        if not any(number in wanted for number in self._pending) and self.wait(timeout):
            self._reader.recv(4096)
        found = next((number for number in self._pending if number in wanted), None)
        if found is not None:
            self._pending.remove(found)
        return found

    def post(self, number: int) -> None:
        """Note a number as if a signal had arrived. For any thread."""
        self._pending.append(number)
        with suppress(OSError):  # full: it wakes up all the same; or closed
            self._writer.send(b"\0")

    def _note(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal. The pipe to which Python writes only wakes the poll: it may be full."""
        if number in ENDING or number not in self._pending:
            self._pending.append(number)
