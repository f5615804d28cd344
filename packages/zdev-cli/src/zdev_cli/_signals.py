"""Signals as something to wait for, next to sockets."""

from __future__ import annotations

import select
import signal
import socket
from types import FrameType
from typing import Self


class StopSignals:
    """While entered, SIGINT, SIGTERM and those in `more` interrupt nothing; they make `fileno()` readable until they are taken.

    Only for the main thread. A signal before the wait is not lost, since it is kept in a pipe.
    """

    def __init__(self, *more: int) -> None:
        self._numbers = (signal.SIGINT, signal.SIGTERM, *more)

    def __enter__(self) -> Self:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._wakeup_fd = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._handlers = {number: signal.signal(number, _ignore) for number in self._numbers}
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
        """Readable once a signal has come."""
        return self._reader.fileno()

    def wait(self, timeout: float) -> bool:
        """Whether a signal has come, or comes within `timeout` seconds."""
        return bool(self._poll.poll(timeout * 1000))

    def take(self, timeout: float) -> int | None:
        """The number of the next signal; None if none comes within `timeout` seconds."""
        return self._reader.recv(1)[0] if self.wait(timeout) else None


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Python writes to the wake-up descriptor only for signals that have a handler."""
